"""The loop that the README spells out is the one that `Search` packages."""

import re
from pathlib import Path

import numpy as np
import torch

from asng_torch import Search


def test_the_readmes_own_loop_ends_where_search_does():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "supernet.active" in block]
    setup, rest = block.split("for (x, y), (xv, yv) in zip(")
    loop = "for (x, y), (xv, yv) in zip(" + rest.split("\nnetwork = derive(")[0]
    own, packaged = {}, {}
    exec(setup + loop, own)
    exec(setup, packaged)
    search = Search(packaged["supernet"], packaged["optimizer"], packaged["weights"], packaged["criterion"],
                    packaged["train_loader"], packaged["valid_loader"], steps=len(packaged["train_loader"]))
    for _ in search:
        pass
    theta = own["optimizer"].state_dict()["theta"]
    assert search.step == len(own["train_loader"]) > 40
    assert np.array_equal(theta, packaged["optimizer"].state_dict()["theta"])
    assert not np.array_equal(theta, np.full(len(theta), theta[0]))
    other = packaged["supernet"].state_dict()
    assert all(torch.equal(value, other[name]) for name, value in own["supernet"].state_dict().items())
