"""Ask and tell from a shell, or from any language that can start a process and read JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..ask_tell.candidate import Batch, Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..loop.lock import Lock
from . import documents, results

_ABOUT = """\
Optimize by ask and tell, the state being kept in a file:

  echo '{"variables": {"n": {"kind": "Integer", "low": 0, "high": 99}}}' > space.json
  python -m asng_core init space.json run.asng --seed 0
  python -m asng_core ask run.asng                              {"id": 0, "values": {"n": 42}}
  echo '{"id": 0, "loss": 1.5}' | python -m asng_core tell run.asng
  python -m asng_core best run.asng                             {"id": 0, "values": {"n": 42}, "loss": 1.5}
  python -m asng_core report run.asng                           run.html, to look at
  python -m asng_core report sqlite:///runs.db                  of a shared study (--name, if it has one)

Every line of JSON is as `python -m asng_core schema` describes it. Several processes may use one state: they wait for
each other."""
_PATIENCE = 60.0  # seconds that another process may hold the state
_MOST = 10_000  # points at once: each takes its milliseconds


def main(arguments: list[str] | None = None) -> None:
    """Run a command; exits with 2, and an error on stderr, if it cannot be carried out, and with 3 if the space has no
    more points to ask."""
    parser = argparse.ArgumentParser(prog="python -m asng_core", description=_ABOUT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for run, words in ((init, "begin a search of a space, which is a file of JSON"),
                       (ask, "write points to evaluate, a line each"),
                       (tell, "read their losses, a line each"), (pending, "write the points asked and not told"),
                       (best, "write the evaluation to use; under noise the point, with its loss left out"),
                       (front, "write the evaluations that no other one dominates"),
                       (history, "write every evaluation, a line each"),
                       (summary, "write what is believed about each variable"),
                       (report, "write one HTML file to look at (asng[report])"),
                       (schema, "write the JSON schema of all that is read and written")):
        command = commands.add_parser(run.__name__, help=words, description=f"{words[0].upper()}{words[1:]}.")
        command.set_defaults(run=run)
        if run is init:
            command.add_argument("space", type=Path, help="a file; - reads from standard input")
            command.add_argument("--seed", type=int, help="of the search")
            command.add_argument("--noisy", action="store_true", help="the same point may have another loss next time")
        if run is report:
            command.add_argument("state", help="the file that keeps the state, or the URL of a shared study's database")
            command.add_argument("out", type=Path, nargs="?", help="the file (default: beside the state, .html)")
            command.add_argument("--title", help="of the page (default: the state's name)")
            command.add_argument("--name", default="study", help="of the shared study (default: study)")
        elif run is not schema:
            command.add_argument("state", type=Path, help="the file that keeps the state")
        if run is ask:
            command.add_argument("-n", type=int, default=1, help=f"how many points (default 1, at most {_MOST})")
        if run is tell:
            command.add_argument("results", nargs="?", default="-", help="a file; by default standard input")
    options = parser.parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()  # while a full disk, or a reader that is gone, can still be told of
    except SpaceExhausted as error:
        parser.exit(3, f"{error}\n")
    except (ImportError, OSError, TypeError, ValueError, RuntimeError) as error:
        parser.exit(2, f"python -m asng_core {options.command}: {error}\n")


def init(options: argparse.Namespace) -> None:
    document = documents.loaded(f"{str(options.space)!r}", _read(str(options.space)))
    space = documents.space_from(document)
    documents.space_document(space)  # raises for values that the state could not give back
    optimizer = Minimizer(space, seed=options.seed, noisy=options.noisy)
    with _locked(options.state):
        if options.state.exists():
            raise ValueError(f"{str(options.state)!r} exists. Remove it to begin anew.")
        optimizer.save(options.state)


def ask(options: argparse.Namespace) -> None:
    if options.n > _MOST:
        raise ValueError(f"-n must be at most {_MOST}, got {options.n}. Ask again for more.")
    with _changing(options.state) as optimizer:
        batch = optimizer.ask(options.n)
    _show(batch)


def tell(options: argparse.Namespace) -> None:
    told = documents.results_from(_read(options.results))
    with _changing(options.state) as optimizer:
        open_ = {candidate.id: candidate for candidate in optimizer.pending}
        for each in told:
            candidate = _meant(optimizer, open_, each)
            if candidate is None:
                optimizer.inject(each["values"], each["loss"], violation=each.get("violation", 0.0))
            else:
                optimizer.tell(candidate, each["loss"], each.get("violation"))


def _meant(optimizer: Minimizer, open_: dict[int | None, Candidate], result: dict[str, Any]) -> Candidate | None:
    """The open candidate that a result is of, taken out; None if nobody asked for its point."""
    if "id" in result:
        number = result["id"]
        if not isinstance(number, int) or number not in open_:
            state = "told before" if isinstance(number, int) and 0 <= number < optimizer.n_asked else "never asked"
            raise ValueError(f"candidate {number} was {state}; open are {sorted(map(str, open_)) or 'none'}.")
        candidate = open_.pop(number)
        if "values" in result and _point(optimizer, result) != dict(candidate):
            raise ValueError(f"candidate {number} is {dict(candidate)}, but its result is of {result['values']}.")
        return candidate
    point = _point(optimizer, result)
    number = next((number for number, each in open_.items() if dict(each) == point), None)
    return None if number is None else open_.pop(number)


def _point(optimizer: Minimizer, result: dict[str, Any]) -> dict[str, Any]:
    """Its values, as the space has them: 1.0 for 1 where they are real."""
    point: dict[str, Any] = optimizer.space.decode(optimizer.space.encode(result["values"]))
    return point


def pending(options: argparse.Namespace) -> None:
    _show(results.loaded(options.state).pending)


def best(options: argparse.Namespace) -> None:
    optimizer = results.loaded(options.state)
    found = optimizer.best
    if found is None:
        raise ValueError("nothing was evaluated yet that is feasible and did not fail.")
    if optimizer.noisy:
        print(json.dumps({"values": optimizer.recommend()}))
    else:
        print(documents.evaluation(found.id, found.values, found.loss))


def front(options: argparse.Namespace) -> None:
    for each in results.loaded(options.state).front:
        print(documents.evaluation(each.id, each.values, each.loss))


def history(options: argparse.Namespace) -> None:
    past = results.loaded(options.state).history
    for number, values, loss, violation in zip(past.ids.tolist(), past.values, past.losses.tolist(),
                                               past.violations.tolist(), strict=True):
        print(documents.evaluation(number, values, loss, violation))


def summary(options: argparse.Namespace) -> None:
    print(results.loaded(options.state).summary())


def report(options: argparse.Namespace) -> None:
    shared = "://" in options.state
    state = Path(options.name if shared else options.state)
    out = options.out or state.with_suffix(".html")
    if not shared and out == state:
        raise ValueError(f"the state {str(state)!r} would be overwritten. Name the file to write.")
    result = results.of_study(options.state, options.name) if shared else results.of_state(state, out)
    result.report(out, title=options.title or state.stem)
    print(out)


def schema(options: argparse.Namespace) -> None:
    print(files(__package__).joinpath("schema.json").read_text("utf-8"), end="")


def _show(candidates: Batch) -> None:
    for each in candidates:
        print(json.dumps({"id": each.id, "values": dict(each)}))


def _read(path: str) -> str:
    """A file's text, or that of standard input; of Windows' editors and pipes too, which begin it with a mark."""
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{'the input' if path == '-' else repr(path)} must be UTF-8: {error}") from error


@contextmanager
def _changing(state: Path) -> Iterator[Minimizer]:
    """The optimizer of a state, saved in the end unless there is an error."""
    with _locked(state):
        optimizer = results.loaded(state)
        yield optimizer
        optimizer.save(state)


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Inside the `with` no other process changes the state."""
    if not state.parent.is_dir():
        raise ValueError(f"there is no folder {str(state.parent)!r} to keep the state in. Make it, or name another.")
    lock, until = Lock(f"{str(state)!r}", state.with_name(f".{state.name}.lock")), time.monotonic() + _PATIENCE
    while True:
        try:
            lock.__enter__()
            break
        except RuntimeError:  # held by another
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.__exit__()
