"""Users whose `dws` and Python are forked from a process that has imported all of it.

A call of `dws` spends most of its time on imports. Here one process, of the program that is installed, imports what
commands need, and forks for each call: a process of its own with the directory, the environment and the streams that
it was given, which runs the same function that the program runs. What is left out is the start: tests that are about
it, or about what a process has loaded, are marked `real_starts`, or take :class:`endtoend.User`. What does not call
through a user (a shell, or a test that goes on meanwhile) finds in :func:`programs` a `dws` that asks for a fork.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from endtoend import User, isolated_environment, program

READ_AT_THE_START = (
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "PYTHONPATH",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "PYTHONCOERCECLOCALE",
)
"""What Python takes from the environment once: who sets these otherwise has a start of their own."""
FILE_SYSTEMS = {"FSSPEC_S3_": ("boto3", "s3fs"), "FSSPEC_SFTP_": ("fsspec.implementations.sftp",)}
"""Modules that the processes of those have imported, too, who have set variables that begin with these."""
DATABASES = ("dataworkspaces.backends.sql.workspace", "dataworkspaces.backends.sql.local_copy")
"""What those have imported, too, whose workspaces are in a database."""


@dataclass
class Forked(User):
    """A user like others, whose calls of `dws` and of Python begin with all modules imported."""

    imported: tuple[str, ...] = ()
    """Modules besides those that all commands need."""

    def at(self, cwd: Path, **env: str) -> Forked:
        return Forked(cwd, {**self.env, **env}, self.trusts, self.imported)

    def run(
        self, *command: str | Path, input: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        name, *arguments = map(str, command)
        options = name == sys.executable and arguments[0].startswith("-") and arguments[0] != "-c"
        if options or name not in (program("dws"), sys.executable) or not self._starts_as_the_server():
            return super().run(*command, input=input, check=check, timeout=timeout)
        done = call(
            ["dws" if name == program("dws") else "python", *arguments], self, input or "", timeout, self.imported
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{done.args}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def _starts_as_the_server(self) -> bool:
        return all(self.env.get(name) == ("C.UTF-8" if name == "LC_ALL" else None) for name in READ_AT_THE_START)

    def in_new_processes(self) -> User:
        """The same user, whose programs start as anybody's."""
        return User(self.cwd, self.env, self.trusts)


def call(
    command: list[str], user: User, input: str, timeout: float, also: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """What a command does in a fork of the server."""
    umask = os.umask(0)
    os.umask(umask)
    imported = (names for prefix, names in FILE_SYSTEMS.items() if any(name.startswith(prefix) for name in user.env))
    server = _server((*also, *(name for names in imported for name in names)))
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(input.encode("utf-8", "surrogateescape"))
        given.seek(0)
        for stream in (out, err):  # as at the end of a pipe, whoever opens it anew
            fcntl.fcntl(stream, fcntl.F_SETFL, os.O_RDWR | os.O_APPEND)
        request = {"command": command, "cwd": str(user.cwd), "env": user.env, "umask": umask}
        status = _ask(server, request, [given.fileno(), out.fileno(), err.fileno()], timeout)
        said = []
        for stream in (out, err):
            stream.seek(0)
            text = stream.read().decode("utf-8", "surrogateescape")
            said.append(text.replace("\r\n", "\n").replace("\r", "\n"))  # as those who read text from a program see it
    return subprocess.CompletedProcess(command, status, *said)


def _ask(server: Path, request: dict[str, object], streams: list[int], timeout: float) -> int:
    """The exit status of what the server forks for a request."""
    with socket.socket(socket.AF_UNIX) as connection:
        _send(connection, server, request, streams)
        answers = connection.makefile("rb")
        pid = int(answers.readline() or _gone())
        if select.select([connection], [], [], timeout)[0]:
            return int(answers.readline() or _gone())
        os.kill(pid, signal.SIGKILL)
        answers.readline()
        raise subprocess.TimeoutExpired(str(request["command"]), timeout)


def _send(connection: socket.socket, server: Path, request: dict[str, object], streams: list[int]) -> None:
    connection.connect(os.fspath(server))
    message = json.dumps(request).encode()
    socket.send_fds(connection, [b"%20d" % len(message)], streams)
    connection.sendall(message)


def _gone() -> int:
    raise RuntimeError("the server of forked processes has gone")


@cache
def _server(imported: tuple[str, ...] = ()) -> Path:
    """The socket of a server that has imported some modules besides ours. It ends with this process."""
    directory = Path(tempfile.mkdtemp(prefix="dws-forked-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    env = isolated_environment(directory / "home")
    given, ends = os.pipe()
    said, told = os.pipe()
    if imported:
        _fork_server(directory / "socket", imported, env, [given, told, 2])
    else:
        program = Path(__file__).with_name("fork_server.py")
        process = subprocess.Popen(
            [sys.executable, program, directory / "socket"], env=env, cwd="/", stdin=given, stdout=told
        )
        atexit.register(process.wait)
    atexit.register(os.close, ends)  # which lets it end
    for stream in (given, told):
        os.close(stream)
    with open(said, "rb") as answer:
        answer.readline() or _gone()
    return directory / "socket"


def _fork_server(place: Path, imported: tuple[str, ...], env: dict[str, str], streams: list[int]) -> None:
    """One that has imported more is a fork of the one that has imported what all need, and takes a fourth as long to
    start."""
    connection = socket.socket(socket.AF_UNIX)
    atexit.register(connection.close)
    request = {"command": ["serve", str(place), *imported], "cwd": "/", "env": env, "umask": 0o022}
    _send(connection, _server(), request, streams)


@cache
def programs() -> Path:
    """A directory with a `dws` for the `PATH`. It starts in a tenth of the time, and is a fork of the server in all
    else: its streams, its directory and its environment are its caller's, signals go on to it, and its exit status
    comes back."""
    server = _server()
    client = server.with_name("dws")
    source = Path(__file__).with_name("fork_client.py").read_text(encoding="utf-8")
    client.write_text(f"#!{sys.executable} -IS\n{source}\nbecome_fork({os.fspath(server)!r})\n", encoding="utf-8")
    client.chmod(0o755)
    return client.parent
