"""Files of every format there ever was: each goes on, or is refused by what it is and what to do.

`tests/formats` has one of each, written by the releases of then: KIND-VERSION. A new format comes with a new file; none
is ever removed.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from asng_core import ASNG, Boolean, Categorical, CheckpointError, Integer, Minimizer, Real, Space, minimize

FORMATS = Path(__file__).parents[1] / "formats"
SPACE = Space({"op": Categorical(["a", "b"]), "n": Integer(1, 9), "flag": Boolean(), "x": Real(0, 1)})
KINDS = {"ASNG": ASNG, "Minimizer": Minimizer, "noisy": Minimizer}


def loss(point):
    return float(point["n"] + (point["op"] == "a") + point["x"])


@pytest.mark.parametrize("name", ["ASNG-npz-0", "ASNG-npz-1", "ASNG-npz-2", "ASNG-npz-3", "Minimizer-npz-2",
                                  "Minimizer-npz-3"])
def test_npz_is_refused_by_its_layout(name):
    with pytest.raises(CheckpointError, match=r"npz\), which is read no more. Go on with the release that wrote it, or "
                                              r"begin anew.$"):
        KINDS[name.partition("-")[0]].load(FORMATS / name)


@pytest.mark.parametrize("name", ["ASNG-3", "Minimizer-3", "noisy-3"])
def test_version_3_goes_on(name, tmp_path):
    optimizer = KINDS[name.partition("-")[0]].load(FORMATS / name)
    assert optimizer.space == SPACE
    pending = optimizer.pending
    fixed = pending[-1]  # n=4, x=0.3 were, in the first of these files
    assert len(pending) == (4 if name == "ASNG-3" else 2)
    assert name != "ASNG-3" or (fixed["n"], fixed["x"]) == (4, pytest.approx(0.3, rel=1e-15))
    optimizer.tell(pending, [loss(point) for point in pending])
    for _ in range(5):
        points = optimizer.ask(2)
        optimizer.tell(points, [loss(point) for point in points])
    optimizer.save(tmp_path / "a")
    assert KINDS[name.partition("-")[0]].load(tmp_path / "a").n_told == optimizer.n_told


@pytest.mark.filterwarnings("ignore:the points asked anew:RuntimeWarning")  # `Minimizer` has changed since
def test_a_run_and_its_journal_go_on(tmp_path):
    shutil.copy(FORMATS / "minimize-3", tmp_path / "a")
    assert Minimizer.load(tmp_path / "a").n_told == 6
    shutil.copy(FORMATS / "minimize-3.journal", tmp_path / "a.journal")
    calls = []
    result = minimize(lambda point: calls.append(point) or loss(point), SPACE, budget=12, checkpoint=tmp_path / "a")
    assert result.n_evaluations == 12
    assert len(calls) == 12 - 9  # six in the file, three in the journal
    np.testing.assert_array_equal(result.history.losses, [loss(values) for values in result.history.values])


# asng_torch


def search():
    torch = pytest.importorskip("torch")
    from asng_torch import LayerChoice, Search, Supernet
    from asng_torch.data import TensorLoader
    torch.manual_seed(0)
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    choice = LayerChoice({"a": linear(4, 2), "b": torch.nn.Sequential(linear(4, 3), relu(), linear(3, 2))}, label="op")
    network = torch.nn.Module()
    network.c = choice
    network.forward = choice.forward
    supernet = Supernet(network)
    weights = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9)
    loaders = [TensorLoader(torch.randn(8, 4), torch.randint(2, (8,)), 4, seed=0) for _ in range(2)]
    return Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights, torch.nn.functional.cross_entropy,
                  *loaders, steps=4)


def training():
    torch = pytest.importorskip("torch")
    from asng_torch.data import TensorLoader
    from asng_torch.train.settings import TrainSettings
    from asng_torch.train.training import Training
    torch.manual_seed(0)
    network = torch.nn.Linear(4, 2)
    loader = TensorLoader(torch.randn(8, 4), torch.randint(2, (8,)), 4, seed=0)
    return Training(network, loader, TrainSettings(epochs=2, batch_size=4, learning_rate=0.1))


@pytest.mark.parametrize(("name", "make"), [("Search-1", search), ("Search-2-no-digest", search),
                                            ("Training-1-no-digest", training)])
def test_files_without_a_digest_are_refused_by_that(name, make):
    with pytest.raises(CheckpointError, match=r"before files had a digest.*go on with the release that wrote it, or "
                                              r"begin anew"):
        make().resume(FORMATS / name)


def test_a_search_whose_candidates_go_by_their_positions_is_refused():
    with pytest.raises(ValueError, match=r"its version is 2, but this release reads 3. Go on with the release"):
        search().resume(FORMATS / "Search-2")


@pytest.mark.filterwarnings("ignore:this search was saved with")
def test_a_search_of_version_3_goes_on():
    resumed = search()
    resumed.resume(FORMATS / "Search-3")
    assert resumed.step > 0
    list(resumed)
    assert resumed.step == 4


def test_a_training_of_version_1_goes_on():
    resumed = training()
    resumed.resume(FORMATS / "Training-1")
    assert len(resumed.losses) == 1
    list(resumed)
    assert len(resumed.losses) == 2


def test_the_first_architecture_file_is_read():
    pytest.importorskip("torch")
    from asng_torch import load_architecture
    space = Space({"op": Categorical(["a", "b"]), "n": Integer(0, 9)})
    assert load_architecture(FORMATS / "architecture.json", space, space_name="small") == {"op": "a", "n": 3}


def test_another_version_is_named(tmp_path):
    state = ASNG.load(FORMATS / "ASNG-3").state_dict()
    with pytest.raises(ValueError, match=r"its version is 4, but this release reads 3. Go on with the release that"):
        ASNG(SPACE).load_state_dict({**state, "version": 4})


def test_every_file_is_of_a_test():
    text = Path(__file__).read_text()
    assert all(f'"{each.name}"' in text for each in FORMATS.iterdir())
