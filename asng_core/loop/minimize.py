"""`minimize` and `maximize`: a Minimizer run to the end by one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .. import checks
from ..blackbox.minimizer import Minimizer
from ..space.space import Space
from . import rules
from .arguments import explained
from .books import Books
from .call import call, seeded
from .continued import Continued
from .interrupts import Interrupts, words
from .parallel import Parallel
from .pools import Pools
from .progress_bar import Bar
from .result import Result
from .run import Progress, Run
from .states import States
from .stopping import Target, Timeout, given, limited
from .store import Store
from .vectorized import at_once
from .workers import InProcess, Workers, one_by_one

Objective = Callable[[dict[str, Any]], Any]
FidelityObjective = Callable[[dict[str, Any], Any, Any], Any]
Callback = Callable[[Progress], Any]
Exceptions = type[Exception] | tuple[type[Exception], ...]


@explained
def minimize(objective: Objective | FidelityObjective, space: Space, *, budget: float,
             seed: int | np.random.SeedSequence | None = None, noisy: bool = False,
             executor: Executor | Callable[[], Executor] | None = None, n_workers: int | None = None,
             vectorized: bool = False, target: float | None = None, timeout: float | None = None,
             evaluation_timeout: float | None = None, callback: Callback | Sequence[Callback] | None = None,
             progress: bool = False,
             checkpoint: str | os.PathLike[str] | None = None, catch: Exceptions = (),
             initial_points: Sequence[Mapping[str, Any]] = (), init: Mapping[str, Any] | None = None,
             known: Any = None, fidelities: Sequence[float] | Mapping[Any, float] | None = None,
             continues: bool = True) -> Result:
    """Search a space for the point of the lowest loss.

    >>> from asng_core import Categorical, Integer, Space, minimize
    >>> space = Space({"op": Categorical(["add", "multiply"]), "n": Integer(0, 100)})
    >>> result = minimize(lambda v: abs(v["n"] - 42) + 10 * (v["op"] == "add"), space, budget=100, seed=0)
    >>> result.values, result.loss
    ({'op': 'multiply', 'n': 42}, 0.0)
    >>> result.stop_reason
    'budget of 100 evaluations used'

    objective: gets one dict of values and returns a number, or a sequence of numbers for several objectives,
        of which `Result.front` is the outcome. NaN is a failed evaluation.
    budget: evaluations to pay for, at least 1, those of a resumed run included. Without noise no point is
        evaluated twice, and the run ends by itself when every feasible point was.
    seed: of the search: None, a whole number from 0, or a SeedSequence.
    noisy: whether evaluating a point again may give another loss.
    executor: a `concurrent.futures` executor (of a Dask client `client.get_executor(pure=False)`), which is left
        open; or a function without arguments that makes one, such as the class ProcessPoolExecutor, which is
        closed in the end, and its processes with it, also where this one is killed. When a worker dies, an executor
        that was made is made anew, and what was lost is evaluated again at no charge; a point that was lost three
        times, at last alone, is a failed evaluation. Where a given one breaks the run ends.
    n_workers: evaluations in flight; as soon as one is done the next point is asked. The classes ProcessPoolExecutor
        and ThreadPoolExecutor are made of that size. If it is left out: as many as the executor says it has.
    vectorized: the objective gets a population at once, a dict of name -> `(n,)` array of values, and returns
        `(n,)` losses. Arrays hold objects where values are not all of one kind of number, and for
        conditional variables, which are None where inactive.
    target: stop at the first loss as good as this, also under noise.
    timeout: seconds after which to stop. An evaluation in this process or in a thread is not cut short:
        the run then ends with it, or in a thread without it.
    evaluation_timeout: seconds after which an evaluation by an executor has failed. A process of ours is ended, and
        another one takes its place: with the class ProcessPoolExecutor nothing else is lost, in a pool that a
        function makes the others begin again. A thread is abandoned, and Python waits for it when it exits. The time
        that an evaluation waits in the executor counts, unless that is a pool of threads.
    callback: called with a `Progress` after every evaluation; the run stops if it returns True, once it has been
        called with whatever has ended by then. Or several; `asng_core.logs` has some, for CSV, TensorBoard and MLflow.
    progress: show a bar, by tqdm.
    checkpoint: a file to keep the state in, written atomically at the beginning, in the end, whatever it is, and
        after an evaluation if the last time is a second ago (or, if longer, 20 times as long as writing takes).
        Between, every result is in a journal beside it (`NAME.journal`) before the next point is asked, so that a
        killed process loses only what was under way; it is not forced to the disk, so that a power failure may lose
        what came since the last checkpoint. If the file exists the run goes on where it ended, whatever `seed` says,
        to the bit: what was in flight is evaluated again. (A vectorized run, if it ended with a whole population.)
        While it runs no other run can use the file. `Minimizer.load` reads the checkpoint too; that of `maximize`
        holds losses of the other sign. A write that fails is warned of, and tried again.
    catch: exceptions of the objective that are failed evaluations: see `Result.errors`; they are logged too, by the
        logger "asng_core". Any other one ends the run.
    initial_points: dicts of values to evaluate first, in this order; what one leaves out is chosen.
    init: where the search distribution begins, as for `ASNG`.
    fidelities: prices at which a point can be evaluated, and continues: whether a run goes on from one to the next, as
        for `Minimizer`. `budget` is then what all evaluations may cost, and `objective(values, fidelity, state)`
        returns a loss, or a loss and a state: from which it is to go on when it is called again for this run, and which
        it then gets, None where a run begins. A state is made of dicts, lists, text, numbers, truth values, None, NumPy
        arrays and paths. It is copied, never pickled, kept in a file beside the checkpoint (in the folder
        `NAME.states`), and handed to one worker at a time. A run without a state is not continued: if its point is to
        be evaluated further it begins anew, at the whole price, as it does where the objective raises `StateLost`.
    known: results to begin with, which no budget is paid for: a table as `History.to_frame()` gives it, from a CSV
        file too (see `Minimizer.inject_frame`), losses as the objective returned them. A run that goes on from a
        checkpoint has them already.

    Ctrl-C ends the run with the result so far, and so does SIGTERM where nothing else handles it. Whatever is raised
    once something was evaluated has the result so far as its attribute `result`, and all that had ended is told.
    Everything but the objective in an executor is called from the calling thread; nothing here is thread-safe.
    Raises TypeError or ValueError for bad input, RuntimeError if the checkpoint is in use, and OSError if it cannot
    be written, before anything is evaluated.
    """
    return _run(1.0, objective, space, budget=budget, seed=seed, noisy=noisy, executor=executor, n_workers=n_workers,
                vectorized=vectorized, target=target, timeout=timeout,
                evaluation_timeout=evaluation_timeout, callback=callback, progress=progress, checkpoint=checkpoint,
                catch=catch, initial_points=initial_points, init=init, known=known, fidelities=fidelities,
                continues=continues)


@explained
def maximize(objective: Objective | FidelityObjective, space: Space, *, budget: float,
             seed: int | np.random.SeedSequence | None = None, noisy: bool = False,
             executor: Executor | Callable[[], Executor] | None = None, n_workers: int | None = None,
             vectorized: bool = False, target: float | None = None, timeout: float | None = None,
             evaluation_timeout: float | None = None, callback: Callback | Sequence[Callback] | None = None,
             progress: bool = False,
             checkpoint: str | os.PathLike[str] | None = None, catch: Exceptions = (),
             initial_points: Sequence[Mapping[str, Any]] = (), init: Mapping[str, Any] | None = None,
             known: Any = None, fidelities: Sequence[float] | Mapping[Any, float] | None = None,
             continues: bool = True) -> Result:
    """Search a space for the point of the highest value: `minimize` for objectives of which more is better.

    >>> from asng_core import Space, maximize
    >>> maximize(lambda v: sum(v.values()), Space.binary(20), budget=1000, target=20, seed=0).loss
    20.0

    `Result.loss`, its history and front, and what a callback gets are as the objective returned them.
    """
    return _run(-1.0, objective, space, budget=budget, seed=seed, noisy=noisy, executor=executor, n_workers=n_workers,
                vectorized=vectorized, target=target, timeout=timeout,
                evaluation_timeout=evaluation_timeout, callback=callback, progress=progress, checkpoint=checkpoint,
                catch=catch, initial_points=initial_points, init=init, known=known, fidelities=fidelities,
                continues=continues)


def _run(sign: float, objective: Callable[..., Any], space: Space, *, budget: float, seed: Any, noisy: bool,
         executor: Any, n_workers: int | None, vectorized: bool, target: float | None, timeout: float | None,
         evaluation_timeout: float | None,
         callback: Callback | Sequence[Callback] | None, progress: bool, checkpoint: Any, catch: Any,
         initial_points: Any, init: Mapping[str, Any] | None, known: Any, fidelities: Any,
         continues: Any) -> Result:
    name = "minimize" if sign > 0 else "maximize"
    rules.function(f"{name}(objective)", objective)
    rules.space(f"{name}(space)", space)
    limit = limited(name, budget, fidelities, continues, vectorized)
    stopping = [*given(Target, f"{name}(target=...)", target, sign), *given(Timeout, f"{name}(timeout=...)", timeout)]
    seed = seeded(checks.seed(f"{name}(seed=...)", seed))
    noisy = checks.truth(f"{name}(noisy=...)", noisy)
    vectorized = checks.truth(f"{name}(vectorized=...)", vectorized)
    if n_workers is not None:
        n_workers = checks.integer(f"{name}(n_workers=...)", n_workers, minimum=1)
    if evaluation_timeout is not None:
        evaluation_timeout = checks.real(f"{name}(evaluation_timeout=...)", evaluation_timeout, above=0)
    where = f"{name}(executor=...)"
    rules.executor(where, executor, n_workers, evaluation_timeout, vectorized)
    catch = rules.failures(f"{name}(catch=...)", catch)
    listeners = rules.callbacks(f"{name}(callback=...)", callback)
    file = None if checkpoint is None else rules.file(f"{name}(checkpoint=...)", checkpoint)
    initial = rules.initial_points(f"{name}(initial_points=...)", initial_points, space)
    bar = Bar(name, limit.total) if checks.truth(f"{name}(progress=...)", progress) else None

    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        optimizer = Minimizer(space, noisy=noisy, seed=seed, init=init, fidelities=fidelities, continues=continues)
        books = Books(optimizer, sign, initial)
        books.call = call(name, objective, budget=limit.total, seed=seed, noisy=noisy, executor=executor,
                          n_workers=n_workers, vectorized=vectorized, target=target, timeout=timeout,
                          checkpoint=None if file is None else str(file), initial_points=initial, init=init,
                          known=known is not None, fidelities=fidelities)
        if known is not None:
            books.know(known)
        evaluated: Callable[[Any], Any] = objective if limit.cost is None else Continued(objective)
        evaluate = partial(interrupts.call, evaluated)
        workers: Workers = InProcess(one_by_one(evaluate, books.handing.order), catch, 1)
        if vectorized:
            workers = InProcess(at_once(evaluate, space), catch, books.optimizer.population_size)
        elif executor is not None:
            try:
                pools = Pools(where, executor, n_workers, evaluation_timeout, objective, space, interrupts.call)
                workers = Parallel(where, evaluated, books.handing.order, catch, pools, interrupts.call)
                stack.callback(workers.close)
            except KeyboardInterrupt as pressed:  # while an executor was made: there may be a result to go on from
                interrupts.waiting = type(pressed)
        store = None
        if limit.cost is not None and file is None:
            books.begin(States())
        if file is not None:
            store = stack.enter_context(Store(name, file))
            store.resume(books)
        if bar is not None:
            stack.enter_context(bar.shown(books.n_evaluations if limit.cost is None else books.cost))
        run = Run(books, store, objective, limit, stopping, interrupts, vectorized=vectorized,
                  listeners=listeners if bar is None else [bar, *listeners])
        result = run.run(workers)
    if interrupts.waiting is not None and words(interrupts.waiting) != result.stop_reason:
        result = replace(result, stop_reason=f"{result.stop_reason}, then {words(interrupts.waiting)}")
    return result
