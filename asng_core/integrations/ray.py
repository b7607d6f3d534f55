"""The workers of a Ray cluster as an executor, for `minimize(executor=...)`.

    from asng_core.integrations.ray import RayExecutor
    ray.init()
    result = minimize(objective, space, budget=500, executor=RayExecutor(num_cpus=2))
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

try:
    import ray
except ImportError as error:
    raise ImportError("asng_core.integrations.ray needs Ray. Run: pip install 'asng[ray]'") from error


class RayExecutor(Executor):
    """Runs functions as tasks of the Ray cluster that this process is connected to.

    options: of each task, as `ray.remote` takes them, such as num_cpus=2, num_gpus=1, max_retries=0. A task whose
        worker dies is begun again by Ray, as often as its `max_retries` says.
    """

    def __init__(self, **options: Any) -> None:
        self._call = ray.remote(**options)(_call) if options else ray.remote(_call)
        cpus = float(options.get("num_cpus", 1)) or 1.0
        # how many tasks run at once: `minimize` keeps as many in flight
        self._max_workers = max(1, int(ray.cluster_resources().get("CPU", 1) // cpus))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = self._call.remote(fn, args, kwargs).future()
        return future


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)
