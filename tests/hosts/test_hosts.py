"""The examples of docs/HOSTS.md, each in at most 40 lines, as they stand there."""

import copy
import inspect

import pytest
import torch
from hosted import EXAMPLES, process, run
from torch import multiprocessing, nn

from asng_core import ASNG
from asng_torch import LayerChoice, Supernet, derive

pytestmark = pytest.mark.hosts

@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short(name):
    assert len(EXAMPLES[name].splitlines()) < 40


def test_your_own_loop_saves_and_derives():
    made = run("own")
    assert made["optimizer"].generation == 16
    assert not any(isinstance(each, LayerChoice) for each in made["plain"].modules())


def _processes(name, folder):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    started = [context.Process(target=process, args=(rank, name, str(folder), queue)) for rank in range(2)]
    for each in started:
        each.start()
    results = [queue.get(timeout=120) for _ in started]
    for each in started:
        each.join(timeout=60)
        assert each.exitcode == 0
    return results


@pytest.mark.parametrize("name", ["processes", "fsdp"])
def test_several_processes_search_as_one(name, tmp_path):
    (mode, weights), (other_mode, other_weights) = _processes(name, tmp_path)
    assert mode == other_mode
    assert weights.keys() == other_weights.keys()
    assert all((value == other_weights[key]).all() for key, value in weights.items())


@pytest.mark.filterwarnings("ignore")  # of Lightning, about its own surroundings
@pytest.mark.parametrize("kind", ["Searched", "Manual"])
def test_lightning_trains_and_its_checkpoints_carry_the_search(kind, tmp_path):
    made = run("lightning", "lightning_manual")
    import lightning

    def trainer():
        return lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False,
                                 enable_model_summary=False, default_root_dir=tmp_path,
                                 accumulate_grad_batches=2 if kind == "Searched" else 1)

    rows = [pair for batch in made["batches"](0) for pair in zip(*batch, strict=True)]
    loader = torch.utils.data.DataLoader(rows, 16)
    module, one = made[kind](), trainer()
    one.fit(module, loader)
    assert module.search.generation == 16
    one.save_checkpoint("a.ckpt")
    again = made[kind]()
    again.on_load_checkpoint(torch.load("a.ckpt", weights_only=True))
    assert str(again.search.distribution()) == str(module.search.distribution())


def test_accelerate_saves_and_loads_the_search():
    made = run("accelerate")
    assert made["search"].generation == 16


@pytest.mark.filterwarnings("ignore")
def test_the_trainer_of_transformers_finds_its_columns_and_searches(tmp_path):
    from transformers import BertConfig, BertForSequenceClassification, TrainingArguments

    made = run("trainer")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                        max_position_embeddings=8)
    model = BertForSequenceClassification(config)
    layer = model.bert.encoder.layer[0]
    layer.intermediate = LayerChoice({"gelu": layer.intermediate, "other": copy.deepcopy(layer.intermediate)})
    supernet = Supernet(model)
    search = ASNG(supernet.space, population_size=2, seed=0)
    rows = [{"input_ids": [i % 20, (i + 1) % 20], "attention_mask": [1, 1], "labels": i % 2, "comment": 3.0}
            for i in range(32)]
    arguments = TrainingArguments("out", per_device_train_batch_size=8, max_steps=4, use_cpu=True, report_to=[],
                                  gradient_accumulation_steps=2, disable_tqdm=True, save_strategy="no",
                                  label_names=["labels"], remove_unused_columns=True)
    trainer = made["trainer"](supernet, search, arguments, rows, rows)
    trainer.train()
    assert search.generation == 4
    assert supernet.choices[supernet.space.names[0]][0].active is None
    with supernet.active(search.mode()):
        assert "eval_loss" in trainer.evaluate()
    assert "comment" not in inspect.signature(supernet.forward).parameters


def test_gradients_of_torch_func_are_those_of_backward():
    made = run("func")
    supernet, gradients = made["supernet"], made["gradients"]
    with supernet.active({"1": "tanh"}):
        made["criterion"](supernet(made["x"]), made["y"]).backward()
    for name, parameter in supernet.named_parameters():
        assert torch.allclose(gradients[name], parameter.grad)


@pytest.mark.filterwarnings("ignore")  # Dynamo looks at what warns
def test_compiled_candidates_are_compiled_once_whatever_the_architecture():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    made = run("compile", backend=backend)
    supernet, x = made["supernet"], torch.randn(16, 4)
    for _ in range(3):
        for value in ("tanh", "relu"):
            with supernet.active({"1": value}):
                supernet(x)
    assert len(graphs) == 4
    torch._dynamo.reset()


def test_the_search_loads_as_weights_only_in_a_process_of_its_own(tmp_path):
    optimizer = ASNG(run()["Supernet"](nn.Sequential(LayerChoice({"a": nn.ReLU(), "b": nn.Tanh()}))).space, seed=0)
    optimizer.tell(optimizer.ask(8), range(8))
    torch.save(optimizer.state_dict(), "a.pt")
    twin = ASNG(optimizer.space)
    twin.load_state_dict(torch.load("a.pt", weights_only=True))
    assert twin.ask(3).codes.tolist() == optimizer.ask(3).codes.tolist()


def test_copies_keep_the_signature_and_run_themselves():
    supernet = run()["Supernet"](run()["network"]())
    twin = copy.deepcopy(supernet)
    own, wrapped = (list(inspect.signature(each.forward).parameters) for each in (twin, supernet.module))
    assert own == wrapped
    with twin.active({"1": "tanh"}):
        twin(torch.ones(1, 4)).sum().backward()
    assert all(each.grad is None for each in supernet.parameters())
    assert derive(twin, {"1": "tanh"}) is not None
