"""Architectures, and their files: JSON that people read and edit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asng_core import Categorical, CheckpointError, Ordinal, Space, checkpoint, checks

Architecture = Mapping[str, Any]  # variable name -> value: a Candidate or a plain dict


def save_architecture(path: str | os.PathLike[str], space_name: str, architecture: Architecture,
                      metrics: Mapping[str, Any] | None = None) -> None:
    """Write an architecture and what was measured of it, atomically.

    >>> import tempfile
    >>> from asng_core import Integer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_architecture(f"{folder}/found.json", "mine", {"depth": 3}, {"accuracy": 0.9})
    ...     load_architecture(f"{folder}/found.json", Space({"depth": Integer(1, 4)}), space_name="mine")
    {'depth': 3}

    space_name: of the search space; `load_architecture` can compare it. metrics: anything JSON can hold.
    Raises TypeError, with nothing written, for values that JSON cannot hold.
    """
    for name, value in architecture.items():
        if _text(value) is None:
            raise TypeError(f"save_architecture(architecture) must have values that JSON can hold, got {value!r} of "
                            f"{name!r}. Give the choice's values names: ValueChoice({{name: value, ...}}).")
    content = {"space": space_name, "architecture": dict(architecture), "metrics": dict(metrics or {})}
    text = _text(content, indent=2)
    if text is None:
        raise TypeError("save_architecture(metrics) must hold numbers, finite ones, strings, lists and dicts, "
                        f"as JSON does, got {metrics!r}.")
    checkpoint.atomically(path, lambda file: file.write(f"{text}\n".encode()))


def load_architecture(path: str | os.PathLike[str], space: Space, *, space_name: str | None = None) -> dict[str, Any]:
    """The architecture in a file that `save_architecture` wrote, its values those of `space`, tuples too.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_architecture(f"{folder}/found.json", "mine", {"kernel": (3, 3)})
    ...     load_architecture(f"{folder}/found.json", Space({"kernel": Categorical([(1, 1), (3, 3)])}))
    {'kernel': (3, 3)}

    space_name: if given, the file must be of a space of this name.

    Raises OSError, or CheckpointError if the file is damaged, or its architecture is not in the space.
    """
    content = Path(path).read_bytes()
    try:
        read = json.loads(content.decode())
        found, values = read["space"], dict(read["architecture"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{os.fspath(path)!r} must be an architecture file, in UTF-8, with an entry 'space' and "
                              f"a dict 'architecture', but is not ({error!r}).") from error
    if space_name is not None and found != space_name:
        raise CheckpointError(f"{os.fspath(path)!r} holds an architecture of space {checks.shown(found)}, not of "
                              f"{space_name!r}.")
    try:
        architecture = {name: _value(space, name, value) for name, value in values.items()}
        space.encode(architecture)
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{os.fspath(path)!r} holds no architecture of this space: {error}") from error
    return architecture


def _value(space: Space, name: str, value: Any) -> Any:
    """The very value of the variable that JSON made this of: itself, or a tuple that came back as a list."""
    variable = space.variables.get(name)
    if variable is None:  # which `encode` explains
        return value
    if isinstance(value, (list, dict)) and isinstance(variable, (Categorical, Ordinal)):  # of ranges all are numbers
        # tuples, and values of tuples, which JSON made lists: the one that would be written as this was
        alike = (variable.decode(code) for code in range(variable.size))
        return next((each for each in alike if _text(each) == _text(value)), value)
    return variable.decode(space.encode_one(name, value))


def _text(value: Any, indent: int | None = None) -> str | None:
    """JSON, or None if JSON cannot hold it."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except (TypeError, ValueError):
        return None
