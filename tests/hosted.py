"""The examples of docs/HOSTS.md, to be run: here, and in processes of their own."""

import re
from pathlib import Path

import torch
from torch import distributed as dist

PAGE = Path(__file__).parents[1] / "docs" / "HOSTS.md"
EXAMPLES = dict(re.findall(r"```python (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def run(*names, **given):
    """What examples define, after the page's setup."""
    torch.manual_seed(0)
    defined = dict(given)
    for name in ("setup", *names):
        exec(compile(EXAMPLES[name], f"{PAGE}: {name}", "exec"), defined)
    return defined


def process(rank, name, folder, queue):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    made = run(name)["process"](rank)
    queue.put([list(map(str, made[1].mode().items())) if name == "processes" else [],
               {key: value.detach().numpy().copy() for key, value in made[0].state_dict().items()}])
    dist.barrier()
    dist.destroy_process_group()


