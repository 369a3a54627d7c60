"""Users whose `dws` and Python are forked from a process that has imported all of it.

A call of `dws` spends most of its time on imports. Here one process, of the program that is installed, imports what
commands need, and forks for each call: a process of its own with the directory, the environment and the streams that
it was given, which runs the same function that the program runs. What is left out is the start: tests that are about
it, or about what a process has loaded, or that run several calls at a time, are marked `real_starts`, or take
:class:`endtoend.User`.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from endtoend import User, isolated_environment, program

IMPORTED = (
    "api", "backends", "cli", "commands", "filetree", "gitfat", "gitrepo", "lineage", "operations", "resources", "run",
    "workspace",
)  # fmt: skip
"""Below `dataworkspaces`."""
IMPORTED_LATE = ("email.parser", "filelock", "tomli_w")
"""What commands import when they first need it, and nearly all do."""
READ_AT_THE_START = (
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "PYTHONPATH",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "PYTHONCOERCECLOCALE",
)
"""What Python takes from the environment once: who sets these otherwise has a start of their own. So has who sets
`FSSPEC_…`, which fsspec reads when it is imported."""


class Forked(User):
    """A user like others, whose calls of `dws` and of Python begin with all modules imported."""

    def at(self, cwd: Path, **env: str) -> Forked:
        return Forked(cwd, {**self.env, **env}, self.trusts)

    def run(
        self, *command: str | Path, input: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        name, *arguments = map(str, command)
        options = name == sys.executable and arguments[0].startswith("-") and arguments[0] != "-c"
        if options or name not in (program("dws"), sys.executable) or not self._starts_as_the_server():
            return super().run(*command, input=input, check=check, timeout=timeout)
        done = call(["dws" if name == program("dws") else "python", *arguments], self, input or "", timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{done.args}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def _starts_as_the_server(self) -> bool:
        if any(name.startswith("FSSPEC_") for name in self.env):
            return False
        return all(self.env.get(name) == ("C.UTF-8" if name == "LC_ALL" else None) for name in READ_AT_THE_START)

    def in_new_processes(self) -> User:
        """The same user, whose programs start as anybody's."""
        return User(self.cwd, self.env, self.trusts)


def call(command: list[str], user: User, input: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """What a command does in a fork of the server."""
    with tempfile.TemporaryDirectory(prefix="dws-forked-") as directory:
        streams = [Path(directory, name) for name in ("stdin", "stdout", "stderr")]
        streams[0].write_bytes(input.encode("utf-8", "surrogateescape"))
        umask = os.umask(0)
        os.umask(umask)
        request = {
            "command": command, "cwd": str(user.cwd), "env": user.env, "umask": umask, "streams": [str(s) for s in streams],
        }  # fmt: skip
        status = _ask(json.dumps(request), command, timeout)
        said = [stream.read_bytes().decode("utf-8", "surrogateescape") for stream in streams[1:]]
        # As those who read text from a program see it.
        out, err = (text.replace("\r\n", "\n").replace("\r", "\n") for text in said)
        return subprocess.CompletedProcess(command, status, out, err)


_server: subprocess.Popen[bytes] | None = None
_one_at_a_time = threading.Lock()


def _ask(request: str, command: list[str], timeout: float) -> int:
    """The exit status of what the server forks for a request."""
    with _one_at_a_time:
        server = _running()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{request}\n".encode())
        pid = _number(server.stdout.fileno())
        if select.select([server.stdout], [], [], timeout)[0]:
            return _number(server.stdout.fileno())
        os.kill(pid, signal.SIGKILL)
        _number(server.stdout.fileno())
        raise subprocess.TimeoutExpired(command, timeout)


def _number(fd: int) -> int:
    """One line of an answer, and nothing of the next."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:
            raise RuntimeError("the server of forked processes has gone")
        line += byte
    return int(line)


def _running() -> subprocess.Popen[bytes]:
    global _server
    if _server is None:
        home = tempfile.TemporaryDirectory(prefix="dws-forked-home-")
        _server = subprocess.Popen(
            [sys.executable, __file__], env=isolated_environment(Path(home.name)), cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        atexit.register(home.cleanup)
        atexit.register(_server.communicate)  # which lets it end
    return _server


# -- in the server -----------------------------------------------------------------------------------------------------


def serve() -> None:
    """Fork for each line of the input, and say which process it is and how it ended."""
    import_all()
    requests, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    while line := requests.readline():
        pid = os.fork()
        if pid == 0:
            os.close(requests.fileno())
            os.close(answers.fileno())
            run_in_child(**json.loads(line))
        answers.write(f"{pid}\n")
        answers.flush()
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        answers.flush()


def import_all() -> None:
    from importlib import import_module

    import dataworkspaces

    for portion in dataworkspaces.__path__:
        for path in sorted(Path(portion).rglob("*.py")):
            parts = path.relative_to(portion).with_suffix("").parts
            if parts[0] in IMPORTED and path.stem != "__main__":
                try:
                    import_module(".".join(("dataworkspaces", *parts)).removesuffix(".__init__"))
                except ImportError:
                    continue  # it needs something that is not here
    for name in IMPORTED_LATE:
        import_module(name)
    from dataworkspaces.lineage.environment import this_environment

    with tempfile.TemporaryDirectory(prefix="dws-forked-") as directory:
        this_environment(Path(directory))  # each workspace asks once, and what is installed takes long to read
    gc.collect()
    gc.freeze()  # else each child would copy what it looks at to collect garbage


def run_in_child(command: list[str], cwd: str, env: dict[str, str], umask: int, streams: list[str]) -> None:
    """Become the command."""
    import traceback

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.umask(umask)
    for number, (path, flags) in enumerate(zip(streams, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        opened = os.open(path, flags | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    status: object = 0
    try:
        run_dws(command[1:]) if command[0] == "dws" else run_python(command[1:])
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except SystemExit as e:
        status = e.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def run_dws(arguments: list[str]) -> None:
    from dataworkspaces.cli.main import main

    sys.argv = [program("dws"), *arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    main()


def run_python(arguments: list[str]) -> None:
    """A script, or the code after `-c`, as the module `__main__`."""
    import types

    sys.orig_argv = [sys.executable, *arguments]
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if arguments[0] == "-c":
        source, name, sys.argv, place = arguments[1], "<string>", ["-c", *arguments[2:]], ""
    else:
        source, name, sys.argv = Path(arguments[0]).read_text(), arguments[0], arguments
        module.__file__ = os.path.abspath(name)
        place = os.path.dirname(module.__file__)
    sys.path[0] = place
    sys.modules["__main__"] = module
    exec(compile(source, name, "exec"), module.__dict__)


if __name__ == "__main__":
    serve()
