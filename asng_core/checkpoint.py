"""One safe file format: an npz archive of arrays plus a JSON header for everything else.

No pickle, neither written nor read. Writes are atomic: a reader sees the old file or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_ARRAY = "__array__"  # {"__array__": name} stands in the header where the array of that name was taken out
_PAIRS = "__pairs__"  # {"__pairs__": [[key, value], ...]}: a dict with keys that are no text, or one of these two


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write nested dicts and lists of JSON scalars and arrays to `path`, atomically."""
    header, arrays = split(state)
    # an npz holds arrays only, so the JSON goes in as its bytes; numpy would store text four times as long
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    atomically(path, lambda file: np.savez(file, header=text, **arrays))


def read(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """The state written to `path`, whose entry "format" must be `kind`.

    Raises FileNotFoundError, or ValueError if the file is damaged or of another kind.
    """
    try:
        # opened here, as np.load leaves a damaged file open
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop("header").tobytes())
        state: dict[str, Any] = join(header, arrays)
        found = state["format"]
    except (FileNotFoundError, PermissionError, IsADirectoryError):  # they say themselves what is wrong
        raise
    except Exception as error:  # a damaged archive raises almost anything
        raise ValueError(f"{os.fspath(path)!r} is not a readable {kind} checkpoint ({type(error).__name__}). "
                         "Was it written by save(), and completely?") from error
    if found != kind:
        raise ValueError(f"{os.fspath(path)!r} is a checkpoint of {found!r}, not of {kind!r}.")
    return state


def atomically(path: str | os.PathLike[str], fill: Callable[[BinaryIO], object]) -> None:
    """Let `fill` write a temporary file beside `path`, then put it in its place.

    What a process that was killed in here left beside `path` is removed. Two processes must not write to one
    path at once: the file would be whole, but one of them may fail.
    """
    target = Path(path)
    # the cleaning may fail (a folder that cannot be listed, another user's file): it is no reason not to write
    with contextlib.suppress(OSError):
        for each in target.parent.iterdir():
            if re.fullmatch(rf"\.{re.escape(target.name)}\.\d+\.tmp", each.name):
                each.unlink()
    # in the same folder, since a rename is atomic only within a file system
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            fill(file)
            # on the disk before the rename: else a power cut could leave the new name with an empty file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)  # is there still if writing failed


def split(tree: Any, kind: type | tuple[type, ...] = np.ndarray) -> tuple[Any, dict[str, Any]]:
    """Take the arrays (all of type `kind`) out of nested dicts and lists: a JSON tree that names them, and them."""
    arrays: dict[str, Any] = {}

    def visit(node: Any) -> Any:
        if isinstance(node, dict):
            if all(isinstance(key, str) and key not in (_ARRAY, _PAIRS) for key in node):
                return {key: visit(value) for key, value in node.items()}
            return {_PAIRS: [[key, visit(value)] for key, value in node.items()]}
        if isinstance(node, (list, tuple)):
            return [visit(value) for value in node]
        if isinstance(node, kind):
            name = f"array{len(arrays)}"
            arrays[name] = node
            return {_ARRAY: name}
        return node

    return visit(tree), arrays


def join(tree: Any, arrays: dict[str, Any]) -> Any:
    """Put the arrays back: the inverse of `split`."""
    if isinstance(tree, dict):
        if _ARRAY in tree:
            return arrays[tree[_ARRAY]]
        if _PAIRS in tree:
            return {key: join(value, arrays) for key, value in tree[_PAIRS]}
        return {key: join(value, arrays) for key, value in tree.items()}
    if isinstance(tree, list):
        return [join(value, arrays) for value in tree]
    return tree
