"""What runs in the processes of an executor of ours, beside the objective."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

_LOOK = 0.5  # seconds between two looks at the parent
_watching = False


def watch() -> None:
    """End this process once its parent is gone, which does not tell it so when it was killed."""
    global _watching
    if not _watching:
        _watching = True
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(begetter: int) -> None:
    import multiprocessing  # is there in a worker, and would take its time at `import asng_core`

    parent = multiprocessing.parent_process()
    # the pipe to the parent may be open in another of its children; of a fork server's child it is the only sign
    while os.getppid() == begetter and (parent is None or parent.is_alive()):
        time.sleep(_LOOK)
    os._exit(1)


def watched(objective: Callable[[Any], Any], order: Any) -> Any:
    """The objective, in a process that watches its parent."""
    watch()
    return objective(order)


def ready(objective: Callable[[Any], Any]) -> None:
    """That the process is up, and the objective there with all that it imports."""
    watch()
