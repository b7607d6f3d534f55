"""The packed states from which runs can go on: in memory, or each in a file of a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .. import checkpoint
from . import continued


class States:
    """By a run's number and the level that it has reached. Files that are there already are taken over."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[tuple[int, int], bytes | None] = {}  # None: in a file
        if folder is not None and folder.is_dir():
            for match in (re.fullmatch(r"(\d+)-(\d+)\.state", file.name) for file in sorted(folder.iterdir())):
                if match:
                    self._held[int(match[1]), int(match[2])] = None

    def put(self, run: int, level: int, state: bytes) -> None:
        """Keep one, and those below for now. Raises OSError."""
        if self._folder is None:
            self._held[run, level] = state
        else:
            self._folder.mkdir(exist_ok=True)
            checkpoint.atomically(self._file(run, level), lambda file: file.write(state))
            self._held[run, level] = None

    def __contains__(self, key: tuple[int, int]) -> bool:
        return key in self._held

    def get(self, run: int, level: int) -> bytes | None:
        """None if it is not there, or damaged."""
        content = self._held.get((run, level))
        if content is None and (run, level) in self._held:
            try:
                content = self._file(run, level).read_bytes()
                continued.unpacked(content)
            except (OSError, checkpoint.CheckpointError):
                return None
        return content

    def keep(self, levels: Mapping[int, int]) -> list[bytes]:
        """Drop all but those of some runs, at a level each: the last ones of runs of which none is left."""
        gone = sorted((run, level) for run, level in self._held if levels.get(run) != level)
        last = {run: self.get(run, level) for run, level in gone if run not in levels}
        for run, level in gone:
            del self._held[run, level]
            if self._folder is not None:
                self._file(run, level).unlink(missing_ok=True)
        return [state for state in last.values() if state is not None]

    def close(self) -> None:
        """Remove the folder, if it is empty."""
        if self._folder is not None and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _file(self, run: int, level: int) -> Path:
        return (self._folder or Path()) / f"{run}-{level}.state"
