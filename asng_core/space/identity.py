"""What a value is, in a form that a file can hold and another process compares: its content, not its address.

    value                                        form
    None, truth values, numbers, text, bytes     type and repr
    NumPy scalars and arrays                     dtype, shape, bytes
    tuples, lists, dicts, sets, dataclasses,     type and the forms of what they hold; of sets and dicts sorted
    namedtuples
    enum members                                 type, name, and the form of the value if it has one
    classes, functions, modules                  the name that they can be imported by

Anything else has no form: two objects that look alike may differ in what is not seen.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import importlib
import types
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

import numpy as np

_BY_REPR = (type(None), bool, int, float, complex, str, bytes, range, Decimal, Fraction, time, timedelta, UUID)
_DEEPEST = 50  # nested containers; a value that holds itself has no form either


class NoForm(TypeError):
    """A value has no form. `value` is it, or the part of it that has none."""

    def __init__(self, value: object) -> None:
        super().__init__(f"{type(value).__name__} objects have no form that a file can hold.")
        self.value = value


def form(value: object, depth: int = 0) -> str:
    """The form of a value, equal for equal values only. Raises NoForm if it has none."""
    kind = type(value)
    if depth > _DEEPEST:
        raise NoForm(value)

    def parts(values: Any) -> list[str]:
        return [form(each, depth + 1) for each in values]

    if isinstance(value, enum.Enum):
        try:
            return _of(kind, [str(value.name), form(value.value, depth + 1)])
        except NoForm:
            return _of(kind, [str(value.name)])
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            return _of(kind, [str(value.shape), *parts(np.asarray(value).ravel().tolist())])
        return _of(kind, [str(value.dtype), str(value.shape), hashlib.sha256(value.tobytes()).hexdigest()])
    if kind in _BY_REPR or isinstance(value, (PurePath, date)):
        return _of(kind, [repr(value)])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _of(kind, parts(getattr(value, field.name) for field in dataclasses.fields(value)))
    if isinstance(value, (dict, set, frozenset, list, tuple)):
        held = ([f"{form(key, depth + 1)}={form(each, depth + 1)}" for key, each in value.items()]
                if isinstance(value, dict) else parts(value))
        beside = parts([vars(value)]) if getattr(value, "__dict__", None) else []  # of a class of the user's own
        return _of(kind, (held if isinstance(value, (list, tuple)) else sorted(held)) + beside)
    return _of(kind, [_imported(value)])


def _of(kind: type, parts: list[str]) -> str:
    # each part by its length, so that no text can pass for a separator
    return f"{kind.__module__}.{kind.__qualname__}({','.join(f'{len(part)}:{part}' for part in parts)})"


def _imported(value: object) -> str:
    """The name of what can be imported. Raises NoForm if importing it does not give the very object."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, np.ufunc) and not name:  # before NumPy 2.2 they do not say where they are from
        module, name = "numpy", value.__name__
    if callable(value) and name:
        try:
            found: Any = importlib.import_module(module or "builtins")
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            raise NoForm(value) from None
        if found is value:
            return f"{module}:{name}"
    raise NoForm(value)


def digest(value: object) -> str:
    """SHA-256 of a value's form, in 32 hexadecimal digits. Raises NoForm if it has none."""
    return hashlib.sha256(form(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]
