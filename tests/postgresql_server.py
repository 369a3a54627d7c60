"""A real PostgreSQL, with a cluster of its own in a temporary directory, that listens on a Unix socket only.

A ``conftest.py`` imports the fixtures: ``postgresql`` and ``postgresql_url``.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

USER = "dws"
_SETTINGS = """
listen_addresses = ''
fsync = off
max_connections = 50
"""


def program(name: str) -> str | None:
    """Where Debian keeps PostgreSQL's programs, which are not on the PATH there."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@dataclass
class PostgreSql:
    """A running server. ``directory`` holds its socket."""

    directory: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_database(self) -> str:
        """The URL of an empty database, as the sql backend takes it."""
        import psycopg

        name = f"test{next(self.numbers)}"
        with psycopg.connect(host=str(self.directory), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"sql+postgresql://{USER}@/{name}?host={self.directory}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A server for the whole run. It refuses to be root's, so that it is the user's ``nobody`` then."""
    initdb, server = program("initdb"), program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed")
    directory = Path(tempfile.mkdtemp(prefix="dws-pg-"))  # short, as the name of a socket must be
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    data = directory / "data"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(
            [initdb, "--pgdata", data, "--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync"],
            check=True, capture_output=True, env=environment, cwd=directory, **as_user,
        )  # fmt: skip
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(f"{_SETTINGS}unix_socket_directories = '{directory}'\n")
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [server, "-D", data], env=environment, cwd=directory, stdout=log, stderr=log, **as_user
            )
        try:
            _wait_for(process, directory)
            yield PostgreSql(directory)
        finally:
            process.send_signal(signal.SIGINT)  # its way to say: do not wait until everybody has left
            process.wait(timeout=120)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(process: subprocess.Popen[bytes], directory: Path) -> None:
    import psycopg

    end = time.monotonic() + 120
    while True:
        try:
            psycopg.connect(host=str(directory), user=USER, dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError((directory / "log").read_text()) from None
            time.sleep(0.1)


@pytest.fixture
def postgresql_url(postgresql: PostgreSql) -> str:
    """The URL of an empty database."""
    return postgresql.new_database()
