"""One file for tensors and all else: safetensors, with JSON and a digest in its metadata. No pickle.

The digest is the SHA-256 of the whole file in which 64 zeros stand in its own place, so that no byte can change unseen;
whoever reads the file with safetensors alone need not know of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from asng_core import CheckpointError, checkpoint, checks

# so that `torch.load(weights_only=True)` reads the arrays in an optimizer's state: how NumPy has them made anew, and of
# which types; all that is in them goes through PyTorch's own reader
_KINDS = {type(np.dtype(code)) for code in "?bhilqBHILQefd"}
_MADE_ANEW: Any = np.ones(1).__reduce__()[0]
torch.serialization.add_safe_globals([_MADE_ANEW, np.ndarray, np.dtype, bytes, *_KINDS])
_ZEROS = "0" * 64
_PLACE = re.compile(rb'"asng_sha256":"([0-9a-f]{64})"')


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write nested dicts and lists of JSON scalars, tensors and arrays to `path`, atomically.

    Tensors of the same memory are written each; arrays travel as tensors and come back as arrays.
    """
    tree, arrays = checkpoint.split(state, (torch.Tensor, np.ndarray))
    numpy = [name for name, array in arrays.items() if isinstance(array, np.ndarray)]
    tensors = {name: torch.as_tensor(array) for name, array in arrays.items()}
    write_tensors(path, tensors, {"tree": json.dumps(tree), "numpy": json.dumps(numpy)})


def write_tensors(path: str | os.PathLike[str], tensors: Mapping[str, torch.Tensor],
                  metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file with a digest, atomically."""
    # safetensors refuses tensors that overlap, and those that are not contiguous: each becomes a copy
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    data = save(copies, metadata={**(metadata or {}), "asng_sha256": _ZEROS})
    place = _PLACE.search(data)
    if place is None:  # a metadata text could hold the like, but not this very one; safetensors writes no spaces
        raise RuntimeError("this release of safetensors writes its metadata in another way. Install safetensors<1.")
    sealed = data[: place.start(1)] + hashlib.sha256(data).hexdigest().encode() + data[place.end(1) :]
    checkpoint.atomically(path, lambda file: file.write(sealed))


def read(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """The state written to `path`, on the CPU, whose entry "format" must be `kind`.

    Raises OSError if there is no such file to read, or CheckpointError for whatever is wrong with its content.
    """
    name = os.fspath(path)
    try:
        arrays, metadata = read_tensors(path)
        for each in set(json.loads(metadata["numpy"])):
            arrays[each] = arrays[each].numpy()
        state = checkpoint.join(json.loads(metadata["tree"]), arrays)
        if not isinstance(state, dict):  # the whole could be a tensor
            raise CheckpointError("its tree is no state")
        found = state["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{name!r} is not a readable {kind} checkpoint ({error}). "
                              "Was it written by save(), and completely?") from error
    if not isinstance(found, str) or found != kind:
        raise CheckpointError(f"{name!r} is a checkpoint of {checks.shown(found)}, not of {kind!r}.")
    return state


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors and metadata of a file that `write_tensors` wrote. Raises CheckpointError if it is damaged."""
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")  # the format: 8 bytes of length, a JSON header, the tensors
    places = list(_PLACE.finditer(data, 8, min(8 + length, len(data))))
    if not places and b"asng_torch." in data[8 : 8 + length]:
        raise CheckpointError("it is of a release before files had a digest, which are read no more: go on with the "
                              "release that wrote it, or begin anew")
    if len(places) != 1:
        raise CheckpointError("it has no digest of ours: it is of another kind")
    start, end = places[0].span(1)
    digest = hashlib.sha256(data[:start])
    digest.update(_ZEROS.encode())
    digest.update(memoryview(data)[end:])
    if digest.hexdigest().encode() != places[0][1]:
        raise CheckpointError("its content does not have the digest that it was written with")
    # from here on whatever is wrong was written on purpose
    try:
        return dict(load(data)), dict(json.loads(data[8 : 8 + length])["__metadata__"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"it is no safetensors file ({error!r})") from error
