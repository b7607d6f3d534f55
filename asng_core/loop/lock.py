"""A lock on a file's name that the kernel releases with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
import warnings
from pathlib import Path

_FAR = 2**30  # where Windows locks a byte, which cannot be read meanwhile: beyond the text
_HELD: set[int] = set()  # descriptors; a child that was forked would go on holding the lock by its copies
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class Lock:
    """Of `path`, a file that is there while the lock is held, and names who holds it."""

    def __init__(self, where: str, path: Path) -> None:
        self._where, self._path = where, path
        self._descriptor: int | None = None

    def __enter__(self) -> Lock:
        """Raises RuntimeError, which says who holds it, or OSError where the folder cannot be written."""
        while self._descriptor is None:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if not _taken(descriptor):
                    raise RuntimeError(f"{self._where} is in use by {_holder(descriptor)}. Wait until that run has "
                                       "ended, or give another path.")
                # whoever held it before may have removed the file between our opening and locking it
                if self._path.exists() and os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    self._descriptor = descriptor
            finally:
                if self._descriptor is None:
                    os.close(descriptor)
        _HELD.add(self._descriptor)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        _HELD.discard(descriptor)
        if os.name != "posix":  # an open file cannot be removed there
            os.close(descriptor)
        with contextlib.suppress(OSError):  # a folder that is gone, or another run that has it by now
            self._path.unlink()
        if os.name == "posix":
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Whether the lock could be had."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            warnings.warn(f"this file system has no locks ({error}): see to it that no other run uses the checkpoint.",
                          RuntimeWarning, stacklevel=2)
            return True
        return False
    return True


def _holder(descriptor: int) -> str:
    for _ in range(10):  # it may just be writing its name
        os.lseek(descriptor, 0, os.SEEK_SET)
        text = os.read(descriptor, 200).decode(errors="replace").strip()
        if text:
            return text
        time.sleep(0.02)
    return "another process"


def _forget() -> None:
    while _HELD:
        with contextlib.suppress(OSError):
            os.close(_HELD.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
