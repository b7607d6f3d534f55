"""One safe file format for states: JSON for what JSON can hold, the bytes of the arrays, and a digest over both.

    bytes      content
    0 .. 8     MAGIC, whose last characters a transfer as text would change
    8 .. 40    SHA-256 of all that follows
    40 .. 48   length of the header, little endian
    48 ..      header: JSON of the state, in which arrays are named, and their types and shapes
    ..         the arrays, one after the other, in C order

No pickle, neither written nor read. What is read is believed only when the digest is right, and nothing is allocated
that the file's size does not warrant. Writes are atomic: a reader sees the old file or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .checks import shown

MAGIC = b"asng\x03\r\n\x1a"
_ZIP = b"PK"  # how an npz begins
_HEADER = 48
TYPES = ("<f8", "<f4", "<i8", "<i4", "|u1", "|b1")  # of arrays
_SPARE = 64 * 2**20  # bytes that reading may take beyond the file's size
_ARRAY = "__array__"  # {"__array__": name} stands in the header where the array of that name was taken out
_PAIRS = "__pairs__"  # {"__pairs__": [[key, value], ...]}: a dict with keys that are no text, or one of these two


class CheckpointError(ValueError):
    """Whatever can be wrong with the content of a file: damaged, cut short, of another kind, space or release."""


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> str:
    """Write nested dicts and lists of JSON scalars and arrays to `path`, atomically; the file's `digest`."""
    content = packed(state)
    atomically(path, lambda file: file.write(content))
    return content[8:40].hex()


def digest(path: str | os.PathLike[str]) -> str:
    """The digest that a file was written with, by which one state is told from another."""
    with Path(path).open("rb") as file:
        return file.read(40)[8:].hex()


def packed(state: dict[str, Any]) -> bytes:
    """The content of a file."""
    tree, arrays = split(state)
    listed = [np.ascontiguousarray(array) for array in arrays.values()]
    listed = [array.astype(array.dtype.newbyteorder("<"), copy=False) for array in listed]
    named = [{"dtype": array.dtype.str, "shape": array.shape} for array in listed]
    header = json.dumps({"state": tree, "arrays": named}).encode()
    content = b"".join([len(header).to_bytes(8, "little"), header, *(array.tobytes() for array in listed)])
    return MAGIC + hashlib.sha256(content).digest() + content


def read(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """The state written to `path`, whose entry "format" must be `kind`.

    Raises OSError if there is no such file to read, or CheckpointError for whatever is wrong with its content.
    """
    _no_device(Path(path))
    name, content = os.fspath(path), Path(path).read_bytes()
    try:
        state = unpacked(content)
        found = state["format"]
    except (KeyError, TypeError, ValueError) as error:
        hint = "" if content[:2] == _ZIP else " Was it written by save(), and completely?"
        raise CheckpointError(f"{name!r} is not a readable {kind} checkpoint: {error}{hint}") from error
    if not isinstance(found, str) or found != kind:
        raise CheckpointError(f"{name!r} is a checkpoint of {shown(found)}, not of {kind!r}.")
    return state


def unpacked(content: bytes) -> dict[str, Any]:
    """The state in a file's content. Raises CheckpointError if it is damaged."""
    if content[:2] == _ZIP:
        raise CheckpointError("it has the layout of asng's first releases (npz), which is read no more. Go on with the "
                              "release that wrote it, or begin anew.")
    if len(content) < _HEADER or content[:8] != MAGIC:
        raise CheckpointError("it does not begin as one.")
    body = memoryview(content)[40:]
    if hashlib.sha256(body).digest() != content[8:40]:
        raise CheckpointError("its content does not have the digest that it was written with.")
    # from here on whatever is wrong was written on purpose
    length = int.from_bytes(body[:8], "little")
    if length > len(body) - 8:
        raise CheckpointError("its header is longer than the file.")
    header = _parsed(bytes(body[8 : 8 + length]), len(content))
    if not isinstance(header, dict) or not isinstance(header.get("arrays"), list):
        raise CheckpointError("its header names no arrays.")
    arrays = _arrays(header["arrays"], body[8 + length :])
    try:
        state = join(header["state"], arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"its header does not fit its arrays ({type(error).__name__}).") from error
    if not isinstance(state, dict):  # the whole could be an array
        raise CheckpointError("its header names no state.")
    return state


def _parsed(text: bytes, size: int) -> Any:
    """JSON, unless its objects would take far more memory than its text."""
    # bytes of an empty list, of a small dict, of an entry with its number or text
    if 72 * text.count(b"[") + 240 * text.count(b"{") + 64 * text.count(b",") > size + _SPARE:
        raise CheckpointError("its header would take much more memory than the file has.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"its header cannot be parsed ({type(error).__name__}).") from error


def _arrays(named: list[Any], body: memoryview) -> dict[str, Any]:
    """The arrays, in the order named, copied. Their sizes are checked against what there is before that."""
    arrays: dict[str, Any] = {}
    start = 0
    for entry in named:
        try:
            dtype, shape = entry["dtype"], tuple(entry["shape"])
        except (TypeError, KeyError) as error:
            raise CheckpointError("an array has no type or no shape.") from error
        if dtype not in TYPES or not all(type(length) is int and length >= 0 for length in shape):
            raise CheckpointError(f"an array has the type {shown(dtype)} and the shape {shown(shape)}.")
        size = math.prod(shape) * int(dtype[-1])
        if size > len(body) - start or len(shape) > 8:
            raise CheckpointError("an array is longer than the file.")
        array = np.frombuffer(body[start : start + size], dtype).reshape(shape)
        arrays[f"array{len(arrays)}"] = array.astype(array.dtype.newbyteorder("="))
        start += size
    if start != len(body):
        raise CheckpointError("it is longer than its arrays.")
    return arrays


def atomically(path: str | os.PathLike[str], fill: Callable[[BinaryIO], object]) -> None:
    """Let `fill` write a temporary file beside `path`, then put it in its place; of a link, in that of its target.

    The file keeps its mode. What a process that was killed in here left beside `path` is removed. Where two processes
    write to one path, the file is that of one of them, and whole.
    """
    target = Path(path).resolve()
    _no_device(target)
    _sweep(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(temporary, target.stat().st_mode & 0o777)
            fill(file)
            # on the disk before the rename: else a power cut could leave the new name with an empty file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)  # is there still if writing failed


def _sweep(target: Path) -> None:
    """Remove the temporary files of processes that are no more; those of others may be being written."""
    if os.name != "posix":  # elsewhere asking whether a process lives may end it
        return
    with contextlib.suppress(OSError):  # a folder that cannot be listed, another user's file
        for each in target.parent.iterdir():
            match = re.fullmatch(rf"\.{re.escape(target.name)}\.(\d+)\.tmp", each.name)
            if match and not _lives(int(match[1])):
                each.unlink()


def _no_device(path: Path) -> None:
    """Raises OSError for what is there and no file: a device would be replaced, or never end."""
    if path.exists() and not path.is_file():
        code = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(code, "A checkpoint must be a file, and this is a folder, a device or a pipe", str(path))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


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
