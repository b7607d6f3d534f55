"""The tables of shared studies, by SQLAlchemy: SQLite for the processes of a machine, PostgreSQL for several.

    studies    a study's name, its space and its settings, as JSON
    events     what was asked, told and injected, numbered in the order in which it happened, as JSON
    leases     the candidates that are open: who evaluates each, and until when that is believed
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

_PATIENCE = 60.0  # seconds that SQLite waits for another process
_NAME = 200  # characters of a name; MySQL's keys have no room for many more

_tables = MetaData()
_studies = Table("asng_studies", _tables, Column("name", String(_NAME), primary_key=True), Column("space", Text),
                 Column("settings", Text))
_events = Table("asng_events", _tables, Column("study", String(_NAME), primary_key=True),
                Column("number", Integer, primary_key=True, autoincrement=False), Column("content", Text))
_leases = Table("asng_leases", _tables, Column("study", String(_NAME), primary_key=True),
                Column("id", Integer, primary_key=True, autoincrement=False), Column("worker", String(_NAME)),
                Column("until", Float(53)))


class Lease(NamedTuple):
    """Of the open candidate `id`, which `worker` evaluates, as is believed until `until`, in the database's seconds."""

    id: int
    worker: str
    until: float


class Database:
    """That at an SQLAlchemy URL; `shown` is the URL without its password.

    Raises ValueError for a URL that is none, or of no shared database.
    """

    def __init__(self, url: str) -> None:
        self.shown = make_url(url).render_as_string(hide_password=True)
        self._sqlite = make_url(url).get_backend_name() == "sqlite"
        if self._sqlite and make_url(url).database in (None, "", ":memory:"):
            raise ValueError(f"Study(url) must be of a file that processes can share, got {url!r}. Write "
                             "'sqlite:///runs.db'.")
        self._engine = create_engine(url, connect_args={"timeout": _PATIENCE} if self._sqlite else {})
        if self._sqlite:  # Python's driver would begin transactions late, when two may have read the same
            event.listen(self._engine, "connect", _prepared)

    def create(self, name: str, space: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> None:
        """The tables and the study, where they are not there. Without a space nothing but the tables."""
        try:
            with self._engine.begin() as connection:
                _tables.create_all(connection)
        except Exception:  # two that create the same table at once; if it is something else, it comes again
            with self._engine.begin() as connection:
                _tables.create_all(connection)
        if space is not None and self.study(name) is None:
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(_studies).values(name=name, space=json.dumps(space),
                                                               settings=json.dumps(settings)))
            except IntegrityError:  # another process was faster
                pass

    def study(self, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """A study's space and settings; None if there is no such study."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_studies.c.space, _studies.c.settings).where(
                _studies.c.name == name)).one_or_none()
        return None if row is None else (json.loads(row.space), json.loads(row.settings))

    def since(self, name: str, number: int) -> list[dict[str, Any]]:
        """A study's events from that number on, in their order."""
        with self._engine.connect() as connection:
            return _since(connection, name, number)

    def renew(self, name: str, worker: str, ids: list[int], seconds: float) -> None:
        """Believe for so many seconds more that a worker evaluates these candidates."""
        with self.changing(name) as study:
            for number in ids:
                study.lease(number, worker, seconds)

    @contextmanager
    def changing(self, name: str) -> Iterator[Changing]:
        """A transaction during which no other process changes the study; all of it happens, or nothing."""
        with self._engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.execute(select(_studies.c.name).where(_studies.c.name == name).with_for_update())
            try:
                yield Changing(connection, name, self._sqlite)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        self._engine.dispose()


class Changing:
    """A study inside a transaction."""

    def __init__(self, connection: Connection, name: str, sqlite: bool) -> None:
        self._connection, self._name, self._sqlite = connection, name, sqlite

    def now(self) -> float:
        """Seconds by a clock that all workers share."""
        if self._sqlite:  # on one machine
            return time.time()
        return float(self._connection.scalar(select(func.extract("epoch", func.clock_timestamp()))) or math.nan)

    def since(self, number: int) -> list[dict[str, Any]]:
        return _since(self._connection, self._name, number)

    def append(self, number: int, content: Mapping[str, Any]) -> None:
        """The event of that number."""
        self._connection.execute(insert(_events).values(study=self._name, number=number, content=json.dumps(content)))

    def leases(self) -> list[Lease]:
        """Of all open candidates, in the order asked."""
        rows = self._connection.execute(select(_leases.c.id, _leases.c.worker, _leases.c.until).where(
            _leases.c.study == self._name).order_by(_leases.c.id))
        return [Lease(*row) for row in rows]

    def open(self, number: int, worker: str, seconds: float) -> None:
        """A new candidate, leased for so many seconds."""
        self._connection.execute(insert(_leases).values(study=self._name, id=number, worker=worker,
                                                        until=self.now() + seconds))

    def lease(self, number: int, worker: str, seconds: float, *, of: str | None = None) -> None:
        """Lease an open candidate, which is with `of`, or with this worker already, to this worker from now on."""
        self._connection.execute(update(_leases).where(
            _leases.c.study == self._name, _leases.c.id == number, _leases.c.worker == (of or worker)).values(
                worker=worker, until=self.now() + seconds))

    def end(self, number: int) -> bool:
        """Close a candidate; False if it was not open."""
        ended = self._connection.execute(delete(_leases).where(_leases.c.study == self._name, _leases.c.id == number))
        return ended.rowcount > 0


def _since(connection: Connection, name: str, number: int) -> list[dict[str, Any]]:
    rows = connection.execute(select(_events.c.content).where(
        _events.c.study == name, _events.c.number >= number).order_by(_events.c.number))
    return [json.loads(content) for content, in rows]


def _prepared(connection: Any, record: object) -> None:
    """Transactions are ours. Written is to a log that outlives the death of any process, and is not forced to the disk
    each time: others wait for every write."""
    connection.isolation_level = None
    with contextlib.suppress(sqlite3.OperationalError):  # another process is about to switch it over
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
