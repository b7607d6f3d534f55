"""One file for tensors and all else: safetensors, with a JSON header in its metadata. No pickle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from asng_core import checkpoint


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write nested dicts and lists of JSON scalars, tensors and arrays to `path`, atomically.

    Tensors of the same memory are written each; arrays travel as tensors and come back as arrays.
    """
    header, arrays = checkpoint.split(state, (torch.Tensor, np.ndarray))
    # safetensors refuses tensors that overlap, and those that are not contiguous: each becomes a copy
    tensors = {name: torch.as_tensor(array).detach().cpu().contiguous().clone() for name, array in arrays.items()}
    numpy = [name for name, array in arrays.items() if isinstance(array, np.ndarray)]
    data = save(tensors, metadata={"tree": json.dumps(header), "numpy": json.dumps(numpy)})
    checkpoint.atomically(path, lambda file: file.write(data))


def read(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """The state written to `path`, on the CPU, whose entry "format" must be `kind`.

    Raises FileNotFoundError, or ValueError if the file is damaged or of another kind.
    """
    data = Path(path).read_bytes()
    try:
        arrays: dict[str, Any] = dict(load(data))
        length = int.from_bytes(data[:8], "little")  # the format: 8 bytes of length, a JSON header, the tensors
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        for name in json.loads(metadata["numpy"]):
            arrays[name] = arrays[name].numpy()
        state: dict[str, Any] = checkpoint.join(json.loads(metadata["tree"]), arrays)
        found = state["format"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a readable {kind} checkpoint ({error!r}). "
                         "Was it written by save(), and completely?") from error
    if found != kind:
        raise ValueError(f"{os.fspath(path)!r} is a checkpoint of {found!r}, not of {kind!r}.")
    return state
