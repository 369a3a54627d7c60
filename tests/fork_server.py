"""The server that :mod:`forked` asks: one process that has imported all that commands need, and forks for each call.

Whoever connects to its socket sends what to run, and the three streams; the answer is a line with the number of the
process, and one with its exit status, as :mod:`subprocess` has it. A process whose caller goes away is killed, as the
caller was. The server ends when its own input does.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from endtoend import program
from warmed import warm_up

IMPORTED = (
    "api", "backends", "cli", "commands", "filetree", "gitfat", "gitrepo", "lineage", "operations", "resources", "run",
    "workspace",
)  # fmt: skip
"""Below `dataworkspaces`."""
LEFT_OUT = ("backends", "sql")
"""SQLAlchemy is two fifths of the memory of a server that has it, and a process takes longer to fork the more there is:
those who work with databases have servers of their own."""
IMPORTED_LATE = ("email.parser", "filelock", "tomli_w")
"""What commands import when they first need it, and nearly all do."""


def serve(path: str) -> None:
    """Fork for each connection, and tell its other end when the process has ended."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("listens", flush=True)
        running: dict[int, tuple[int, socket.socket]] = {}
        """By descriptor, of the process and of its caller's connection: the process, and the connection."""
        while True:
            ready = select.select([0, listener, *running], [], [])[0]
            if 0 in ready:
                return
            if listener in ready:
                connection, _ = listener.accept()
                if (pid := start(connection, [listener, *{c for _, c in running.values()}])) is not None:
                    for fd in (os.pidfd_open(pid), connection.fileno()):
                        running[fd] = (pid, connection)
            for fd in ready:
                if fd in running:
                    pid, connection = running[fd]
                    if fd == connection.fileno():  # nobody says anything more, so the caller has gone
                        os.kill(pid, signal.SIGKILL)
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    for of_process in [fd for fd, (each, _) in running.items() if each == pid]:
                        del running[of_process]
                        if of_process != connection.fileno():
                            os.close(of_process)
                    answer(connection, status)
                    connection.close()


def start(connection: socket.socket, others: list[socket.socket]) -> int | None:
    """Fork for a request; None if nobody waits for it any more."""
    try:
        head, streams, _, _ = socket.recv_fds(connection, 20, 3)
        request = connection.recv(int(head), socket.MSG_WAITALL)
    except (OSError, ValueError):
        connection.close()
        return None
    pid = os.fork()
    if pid == 0:
        for opened in (connection, *others):
            opened.close()
        run_in_child(streams, **json.loads(request))
    for stream in streams:
        os.close(stream)
    answer(connection, pid)
    return pid


def answer(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # the caller has gone
        connection.sendall(b"%d\n" % number)


def import_all() -> None:
    """What commands need."""
    import dataworkspaces

    for portion in dataworkspaces.__path__:
        for path in sorted(Path(portion).rglob("*.py")):
            parts = path.relative_to(portion).with_suffix("").parts
            if parts[0] in IMPORTED and parts[: len(LEFT_OUT)] != LEFT_OUT and path.stem != "__main__":
                try:
                    import_module(".".join(("dataworkspaces", *parts)).removesuffix(".__init__"))
                except ImportError:
                    continue  # it needs something that is not here
    for name in IMPORTED_LATE:
        import_module(name)
    from dataworkspaces.lineage.environment import this_environment

    with tempfile.TemporaryDirectory(prefix="dws-forked-") as directory:
        this_environment(Path(directory))  # each workspace asks once, and what is installed takes long to read
    warm_up()
    gc.collect()
    gc.freeze()  # else each child would copy what it looks at to collect garbage


def run_in_child(streams: list[int], command: list[str], cwd: str, env: dict[str, str], umask: int) -> None:
    """Become the command."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.umask(umask)
    configure_file_systems()
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    status: object = 0
    try:
        {"dws": run_dws, "python": run_python, "serve": serve_with}[command[0]](command[1:])
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


def configure_file_systems() -> None:
    """As fsspec does when it is imported: from the environment, and from the files of the user."""
    if (config := sys.modules.get("fsspec.config")) is not None:
        config.conf.clear()
        directory = os.environ.get("FSSPEC_CONFIG_DIR", os.path.expanduser("~/.config/fsspec"))
        config.set_conf_files(directory, config.conf)
        config.set_conf_env(config.conf)


def serve_with(arguments: list[str]) -> None:
    """Be a server oneself, at another socket, that has imported some modules more."""
    path, *others = arguments
    for name in others:
        import_module(name)
    gc.collect()
    gc.freeze()
    serve(path)


def run_dws(arguments: list[str]) -> None:
    from dataworkspaces.cli.program import program as run

    sys.argv = [program("dws"), *arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    run()


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
    import_all()
    serve(sys.argv[1])
