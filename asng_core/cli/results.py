"""What a state, or a shared study, has found."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from .. import checkpoint
from ..blackbox.minimizer import Minimizer
from ..loop.books import Books
from ..loop.result import Result
from . import documents


def loaded(state: Path) -> Minimizer:
    """Raises ValueError, also if there is none."""
    if not state.exists():
        raise ValueError(f"there is no state {str(state)!r}. Begin one: python -m asng_core init space.json "
                         f"{shlex.quote(str(state))}")
    return Minimizer.load(state)


def of_state(state: Path, out: Path) -> Result:
    """out: the file that a report is written to, for the call that repeats it."""
    optimizer = loaded(state)
    kept = checkpoint.read(state, Minimizer.FORMAT).get("minimize")  # what minimize or maximize adds
    books = Books(optimizer, -1.0 if kept and kept["maximize"] else 1.0)
    where = shlex.quote(str(state))
    if kept is None:
        document = json.dumps(documents.space_document(optimizer.space))
        books.call = (f"echo {shlex.quote(document)} > space.json\npython -m asng_core init space.json {where}"
                      f"{' --noisy' * optimizer.noisy}\n")
    books.call += f"python -m asng_core report {where} {shlex.quote(str(out))}"
    return books.result("as the state has it")


def of_study(url: str, name: str) -> Result:
    """Raises ImportError without the extra `study`, ValueError if there is no such study."""
    from ..study import Study  # before SQLAlchemy itself: it says which extra that is

    from sqlalchemy import make_url  # isort: skip
    from sqlalchemy.exc import SQLAlchemyError  # isort: skip
    try:
        where = make_url(url)
        if where.get_backend_name() == "sqlite" and not Path(where.database or "").exists():  # it would be made
            raise ValueError(f"there is no database {where.database!r}. Name the file that the workers were given.")
        with Study(url, name=name) as study:
            return study.result()
    except SQLAlchemyError as error:
        raise ValueError(f"the study {name!r} cannot be read from its database: {error}") from error
