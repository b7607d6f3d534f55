"""Pictures, of every kind of variable."""

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Integer, Ordinal, Space
from asng_torch.cli import pictures

SPACE = Space({"op": Categorical(["a", "b", None]), "skip": Boolean(), "kernel": Ordinal([3, 5, 7]),
               "width": Integer(64, 256), "one": Categorical(["only"])})


@pytest.mark.parametrize("n", [1, 7])
def test_a_distribution_is_drawn(tmp_path, n):
    history = {"op": np.full((n, 3), 1 / 3), "skip": np.full((n, 2), 0.5), "kernel": np.tile([1.0, 0.5], (n, 1)),
               "width": np.tile([160.0, 90.0], (n, 1)), "one": np.ones((n, 1))}
    pictures.draw_distribution(np.arange(1.0, n + 1), history, SPACE, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
