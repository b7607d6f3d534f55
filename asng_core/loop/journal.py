"""A redo log beside a checkpoint: what has happened since it was written, one line each.

    line     content
    first    the state that it continues: the checkpoint's digest, n_asked, n_told
    others   {"ask": how many, "got": how many}, {"tell": ids, "codes": ..., "losses": ..., "why": ..., "seconds": ...,
             "violations": ..., "attributes": ...}, the last three of which may be missing; with fidelities what an ask
             might cost ("max_cost"), at which the told are ("fidelities"), and {"lose": runs}

A line is the CRC-32, in hexadecimal, of all JSON texts up to its own, a space, and its JSON text. It is handed to the
operating system at once, so that it survives the death of this process by whatever signal. That takes no fsync; the
computer's own sudden end may cost the lines since the last checkpoint. A line that was being written has no end yet
and is ignored; whatever else does not fit is damage.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

from ..checkpoint import CheckpointError

_MOST = 100_000  # points asked at once, and more than any run has workers
_LARGEST = 2**53  # integers that are codes; losses are floats


class Journal:
    """The file at `path`. `of`: the digest of the checkpoint that it continues, None if it has no first line.

    A note that cannot be written raises OSError, and is written before the next one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.of: str | None = None
        self._file: FileIO | None = None
        self._first: dict[str, Any] = {}
        self._pending = b""
        self._end = self._crc = 0
        self._torn = False

    def read(self) -> list[dict[str, Any]]:
        """All lines, none if there is no file. Raises CheckpointError for damage."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        events: list[Any] = []
        crc = 0
        for line in content.split(b"\n")[:-1]:
            text = line[9:]
            crc = zlib.crc32(text, crc)
            try:
                event = json.loads(text) if line[:9] == b"%08x " % crc else None
                fits = _heads(event) if not events else _tells_or_asks(event)
            except (ValueError, RecursionError):  # the checksum is right: written on purpose
                fits = False
            if not fits:
                raise CheckpointError(f"{str(self.path)!r} is damaged in line {len(events) + 1}. Delete it to go on "
                                      "from the checkpoint alone, without what was evaluated since.")
            events.append(event)
        self.of = events[0]["of"] if events else None
        return events

    def start(self, first: dict[str, Any]) -> None:
        """Begin anew, with this first line. What was noted before is in the checkpoint."""
        self.close()
        self._pending, self._crc, self._first = b"", 0, first
        self.note(first)

    def note(self, event: dict[str, Any]) -> None:
        """One more line."""
        text = json.dumps(event).encode()
        self._crc = zlib.crc32(text, self._crc)
        self._pending += b"%08x %s\n" % (self._crc, text)
        if self._file is None:
            self._file, self._end, self.of = FileIO(self.path, "w"), 0, None
        if self._torn:
            self._file.seek(self._end)
            self._file.truncate()
        self._torn, rest = True, memoryview(self._pending)
        while rest:
            rest = rest[self._file.write(rest):]
        self._end, self._pending, self._torn = self._end + len(self._pending), b"", False
        self.of = self._first["of"]

    def remove(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)
        self.of = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._torn = None, False


def _heads(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("of"), str)


def _tells_or_asks(event: Any) -> bool:
    """Whether a line says something of the shape that runs write."""
    if not isinstance(event, dict):
        return False
    if "ask" in event:
        asked, got = event["ask"], event.get("got")
        return (type(asked) is int and type(got) is int and 0 <= got <= asked <= _MOST
                and _number(event.get("max_cost", 0)))
    if "lose" in event:
        return isinstance(event["lose"], list) and all(type(each) is int and each >= 0 for each in event["lose"])
    try:
        ids, codes, losses, why = (event[key] for key in ("tell", "codes", "losses", "why"))
    except KeyError:
        return False
    if not isinstance(ids, list):
        return False
    levels = event.get("fidelities", [0] * len(ids))
    if not isinstance(levels, list) or len(levels) != len(ids) or not all(
            type(each) is int and each >= 0 for each in levels):
        return False
    return (isinstance(codes, list) and isinstance(losses, list) and isinstance(why, dict)
            and len(ids) == len(codes) == len(losses) and all(type(each) is int for each in ids)
            and all(isinstance(row, list) and all(map(_number, row)) for row in codes)
            and all(each is None or _number(each) or (isinstance(each, list) and each and all(map(_number, each)))
                    for each in losses)
            and all(key.isdecimal() and isinstance(text, str) for key, text in why.items())
            and (event.get("seconds") is None or _number(event["seconds"]))
            and _listed(event.get("violations", [0.0] * len(ids)), len(ids), _number)
            and _listed(event.get("attributes", [{}] * len(ids)), len(ids), lambda each: isinstance(each, dict)))


def _listed(value: object, n: int, rule: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and len(value) == n and all(map(rule, value))


def _number(value: object) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= _LARGEST)
