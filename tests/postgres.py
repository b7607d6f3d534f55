"""A PostgreSQL server of Debian's package, for as long as a test needs it."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

USER = "postgres"  # the server refuses to run as root


@contextlib.contextmanager
def server():
    """Its URL. The test is skipped where there is no PostgreSQL."""
    pytest.importorskip("psycopg", reason="pip install 'asng[postgresql]'")
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *filter(None, [shutil.which("initdb")])]
    if not found:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    programs = found[-1] if isinstance(found[-1], Path) else Path(found[-1]).parent
    folder = Path(tempfile.mkdtemp(prefix="asng-postgres-"))
    root = os.geteuid() == 0
    if root:
        try:
            shutil.chown(folder, USER)
        except LookupError:
            pytest.skip(f"root cannot run PostgreSQL, and there is no user {USER}")
    user = pwd.getpwnam(USER).pw_name if root else pwd.getpwuid(os.geteuid()).pw_name

    def run(program, *arguments):
        command = [str(programs / program), *map(str, arguments)]
        subprocess.run(["runuser", "-u", USER, "--", *command] if root else command, check=True, cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        run("initdb", "-D", folder / "data", "-A", "trust", "-U", user, "-N")
        run("pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o",
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off", "start")
        yield f"postgresql+psycopg://{user}@127.0.0.1:{port}/postgres"
        run("pg_ctl", "-D", folder / "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
