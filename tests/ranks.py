"""One of several processes that search together, to which something may happen: `ranks.py FOLDER FAULT RANK`.

It saves after every step and resumes what is there. Its end, the weights or an error, goes into FOLDER/NUMBER.json. The
process whose number is RANK has the FAULT in step 5: of training, or of validating if it begins with "v ". Ctrl-C,
"interrupts", comes from outside, and only then is the search saved.
"""

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
from processes import criterion, final, sharded
from torch import distributed

STEPS, AT, TIMEOUT = 30, 5, 8


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def raising(error):
    def fail():
        raise error
    return fail


FAULTS = {"kill": kill, "hang": lambda: time.sleep(1000), "exit": lambda: sys.exit(3),
          "cuda memory": raising(torch.OutOfMemoryError("tried to allocate 2 GiB")),
          "memory": raising(MemoryError("no more"))}


def main(folder, fault="none", where=1, **joined):
    """`joined`: how, if not as torchrun says in the environment."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", timeout=timedelta(seconds=2 * TIMEOUT), **joined)
    number, world = distributed.get_rank(), distributed.get_world_size()
    search = sharded(number, world, steps=STEPS, timeout=TIMEOUT)
    path = folder / "search"
    validating = fault.startswith("v ")

    def loss(outputs, targets):
        computed = criterion(outputs, targets)
        if number != where or search.step < AT - 1:
            return computed
        if fault == "nan":
            return computed * float("nan")
        if torch.is_grad_enabled() != validating and fault.removeprefix("v ") in FAULTS:
            FAULTS[fault.removeprefix("v ")]()
        return computed

    search.objective.criterion = loss
    if path.exists():
        search.resume(path)
    end = {"began": search.step}
    try:
        for record in search:
            if fault == "interrupts":
                (folder / f"{number}.step").write_text(str(record.step))
                time.sleep(0.01)  # so that there is a moment to press in
            elif fault == "save" and number == where and record.step == AT:
                kill()  # while the other is on its way into `save`
            else:
                search.save(folder / "good" if fault == "nan" and record.step < AT else path)
        end |= final(search)
    except KeyboardInterrupt:
        search.save(path)
        end |= {"error": "KeyboardInterrupt", "step": search.step}
    except BaseException as error:
        end |= {"error": f"{type(error).__name__}: {error}", "step": search.step}
        raise
    finally:
        (folder / f"{number}.json").write_text(json.dumps(end))
    os._exit(0)  # a thread of PyTorch that wants the interpreter while it ends aborts the process, now and then


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
