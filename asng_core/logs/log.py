"""What the logs have in common."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, TypeVar

from ..html import text_of
from ..loop.run import Progress

_Self = TypeVar("_Self", bound="Log")


class Log(ABC):
    """Called with every `Progress`; used in a `with`, or closed by `close()`."""

    @abstractmethod
    def __call__(self, progress: Progress) -> None:
        """Keep one evaluation."""

    @abstractmethod
    def close(self) -> None:
        """No more of them."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def losses(progress: Progress) -> dict[str, float]:
    """Name -> loss: `loss`, or `loss_0`, `loss_1`, ... of several objectives."""
    loss = progress.loss
    return ({"loss": float(loss)} if not isinstance(loss, (tuple, list)) else
            {f"loss_{k}": float(each) for k, each in enumerate(loss)})


def numbers(progress: Progress) -> dict[str, float]:
    """The curves of a run, without what failed."""
    best = {} if progress.best is None else {"best": float(progress.best.loss)}
    return {name: value for name, value in {**losses(progress), **best}.items() if math.isfinite(value)}


def plain(value: Any) -> bool | int | float | str:
    """A value as TensorBoard and MLflow take it: numbers, truth values and text as they are, else its repr."""
    return value if isinstance(value, (bool, int, float, str)) else text_of(value, 250)
