"""A disk that fails: every operation of a save is seen, recorded, and one of them made to raise."""

import builtins
import io
import os
from contextlib import contextmanager
from pathlib import Path

# of the module os, and which of its arguments are paths
OPERATIONS = {"fsync": 0, "replace": 2, "rename": 2, "chmod": 1, "fchmod": 0, "unlink": 1, "remove": 1, "open": 1,
              "write": 0, "link": 2, "truncate": 0, "ftruncate": 0, "scandir": 1, "listdir": 1}


class Disk:
    """Counts operations beneath `folder`; the one numbered `failing` raises `error`."""

    def __init__(self, folder, failing=None, error=None):
        self.folder, self.failing, self.error = str(Path(folder).resolve()), failing, error
        self.log, self.names = [], {}  # [operation, arguments]; descriptor -> name
        self.count = 0

    def step(self, name, *arguments):
        number, self.count = self.count, self.count + 1
        if number == self.failing:
            raise self.error
        self.log.append((name, *arguments))

    def within(self, path):
        return isinstance(path, (str, os.PathLike)) and os.path.abspath(os.fspath(path)).startswith(self.folder)


class File:
    """A file whose writes are seen."""

    def __init__(self, file, disk, name):
        self._file, self._disk, self._name = file, disk, name

    def write(self, content):
        self._disk.step("write", self._name, bytes(content))
        return self._file.write(content)

    def flush(self):
        self._disk.step("flush", self._name)
        return self._file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


@contextmanager
def watched(disk, monkeypatch):
    """Everything within goes through `disk`."""
    opened = io.open

    def open_(path, mode="r", *arguments, **options):
        if not disk.within(path):
            return opened(path, mode, *arguments, **options)
        disk.step("open", os.fspath(path), mode)
        file = opened(path, mode, *arguments, **options)
        disk.names[file.fileno()] = os.fspath(path)
        return File(file, disk, os.fspath(path)) if any(kind in mode for kind in "wax+") else file

    def patched(name, n_paths):
        real = getattr(os, name)

        def call(*arguments, **options):
            paths = arguments[:n_paths]
            if n_paths and not any(map(disk.within, paths)):
                return real(*arguments, **options)
            if not n_paths and not (arguments and arguments[0] in disk.names):
                return real(*arguments, **options)
            shown = list(map(os.fspath, paths)) if n_paths else [disk.names[arguments[0]]]
            disk.step(name, *shown)
            result = real(*arguments, **options)
            if name == "open":
                disk.names[result] = shown[0]
            return result

        return call

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", open_)
        patch.setattr(builtins, "open", open_)
        for name, n_paths in OPERATIONS.items():
            if hasattr(os, name):
                patch.setattr(os, name, patched(name, n_paths))
        yield disk


def after_power_loss(log, before):
    """Every content of each file that a loss of power may leave, at any point of `log`: {name: set of contents}.

    What was not synchronized may be there in part or not at all; a new name may or may not have arrived.
    """
    volatile, durable = dict(before), {name: {content} for name, content in before.items()}
    found = {name: set(contents) for name, contents in durable.items()}
    for name, *arguments in log:
        if name == "open" and "w" in arguments[1]:
            volatile[arguments[0]], durable[arguments[0]] = b"", {None, b""}
        elif name == "write" and len(arguments) == 2:
            whole = volatile.get(arguments[0], b"") + arguments[1]
            volatile[arguments[0]] = whole
            durable[arguments[0]] = durable.get(arguments[0], set()) | {whole[:half] for half in (
                0, 1, len(whole) // 2, len(whole) - 1, len(whole))}
        elif name == "fsync" and arguments[0] in volatile:
            durable[arguments[0]] = {volatile[arguments[0]]}
        elif name in ("replace", "rename"):
            source, target = arguments
            volatile[target] = volatile.pop(source)
            durable[target] = durable.get(target, {None}) | durable.pop(source)
        elif name in ("unlink", "remove") and arguments[0] in volatile:
            volatile.pop(arguments[0])
        for file, contents in durable.items():
            found.setdefault(file, set()).update(contents)
    return found
