"""How far a run is, as a bar by tqdm."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .run import Progress


class Bar:
    """Called with every evaluation, it shows how many there are and the best loss. Needs tqdm."""

    def __init__(self, name: str, budget: float) -> None:
        try:  # here, so that `import asng_core` needs NumPy alone, and before the first evaluation
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError(f"{name}(progress=True) needs tqdm. Run: pip install 'asng[progress]', "
                              "or leave it out.") from error
        self._tqdm, self._name, self._budget = tqdm, name, budget
        self._bar: Any = None

    @contextmanager
    def shown(self, n_evaluations: float) -> Iterator[None]:
        """Within, there is a bar, which begins at `n_evaluations`, or at their cost."""
        self._bar = self._tqdm(total=self._budget, initial=n_evaluations, desc=self._name, unit="evaluation")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # a terminal that is gone costs no result
                self._bar.close()

    def __call__(self, progress: Progress) -> None:
        if progress.best is not None:
            self._bar.set_postfix(best=f"{progress.best.loss:.6g}", refresh=False)  # `update` decides when to redraw
        self._bar.update(1 if progress.cost is None else progress.cost - self._bar.n)
