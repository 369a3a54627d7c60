"""Runs `dws` again and again in forked children of one process that has everything imported, and kills it.

A request and its answer are a line of JSON each, on stdin and stdout:

    {"args": [...], "cwd": ..., "env": {...}, "input": text, "kill_at": N or null, "wait": true}
    {"status": exit status or minus the signal, "points": how many, "killed_at": text, "stdout": ..., "stderr": ...}

With `count`, a list of kinds of faults, nothing is killed, and `killed_at` is an object of JSON: how many points of the
command each kind has. With `kill_at` the child sends itself SIGKILL at the N-th point at which it changes something outside itself: before
a file is opened for writing and right after (empty as it is then), before each rename, removal, change of mode and so
on, and before each process that it starts. With `wait` the answer comes when the processes that the child started
have ended, too.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from power_model import Recorder
from warmed import warm_up

CHANGING = {
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime", "os.posix_spawn", "os.system", "sqlite3.connect", "subprocess.Popen",
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


READING = {
    "cat-file", "check-attr", "check-ignore", "diff", "diff-index", "diff-tree", "for-each-ref", "fsck", "log", "ls-files",
    "ls-remote", "ls-tree", "merge-base", "rev-list", "rev-parse", "show", "status", "symbolic-ref", "var", "version",
    "--version", "check-ref-format", "merge-tree", "show-ref", "grep", "count-objects",
}  # fmt: skip
"""What git does without writing anything, or nearly."""
MAKING = {"open", "os.mkdir", "os.link", "os.symlink", "sqlite3.connect"}
FAULTS = {
    "no space": (errno.ENOSPC, MAKING),
    "denied": (errno.EACCES, MAKING | {"os.chmod", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.utime"}),
    "git refuses": (0, set[str]()),
    "unreadable": (errno.EIO, {"os.listdir", "os.scandir"}),
    "ignored": (0, MAKING),
    "wrong names": (0, MAKING),
}
"""The number of the error, and the events that fail; in each the processes of git that write fail, too. Of
`unreadable` files in the workspace (but git's own) each opening fails. The last two are no errors: at the point
everything is ignored by git, or files appear whose names are no text and that git cannot add."""


def let_git_ignore_all() -> None:
    with open(".git/info/exclude", "a") as exclude:
        exclude.write("*\n")


def make_wrong_names() -> None:
    """A name that is not a string, and a repository without a commit, which git cannot add."""
    for directory in ("code", "files", "results", "intermediate-data"):
        nested = os.path.join(directory, "nested", ".git")
        for part in ("objects", "refs"):
            os.makedirs(os.path.join(nested, part), exist_ok=True)
        with open(os.path.join(nested, "HEAD"), "w") as head:
            head.write("ref: refs/heads/main\n")
        for name in (os.path.join(directory, "nested", "file"), os.path.join(os.fsencode(directory), b"\xff\n")):
            with open(name, "w") as file:
                file.write("of a wrong name")


ACTS = {"ignored": let_git_ignore_all, "wrong names": make_wrong_names}


class Fault:
    """An audit hook that lets everything of a kind fail, from the N-th point on."""

    def __init__(self, fault: str, fail_from: int, report: int) -> None:
        self.errno, self.events = FAULTS[fault]
        self.act = ACTS.get(fault)
        self.is_reading = fault == "unreadable"
        self.fail_from = fail_from
        self.report = report
        self.points = 0
        self.busy = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.busy:
            return
        if event == "subprocess.Popen":
            command = arguments[1]
            writes = not READING.intersection(map(os.fsdecode, command))
            is_git = Path(os.fsdecode(command[0])).name == "git"
            if is_git and writes and not self.is_reading and self.is_now(f"git {command[1:]!r}"):
                command[1:] = ["--git-dir=/nonexistent", "rev-parse", "HEAD"]
        elif self.is_reading and (event == "open" or event in self.events):
            path = arguments[0]
            if event == "open" and (isinstance(path, int) or path is None or arguments[2] & WRITING):
                return
            if not isinstance(path, (str, bytes)) or not is_readable_part(os.fsdecode(path)):
                return
            if self.is_now(f"{event} {path!r}"):
                raise OSError(self.errno, os.strerror(self.errno), path)
        elif event in self.events:
            path = arguments[0]
            if event == "open" and (isinstance(path, int) or path is None or not arguments[2] & WRITING):
                return
            if isinstance(path, int) or os.fsdecode(path).startswith(("/dev/", "/tmp/dws-")):
                return
            if event == "os.mkdir" and os.path.isdir(path):
                return
            if self.is_now(f"{event} {path!r}"):
                raise OSError(self.errno, os.strerror(self.errno), path)

    def is_now(self, what: str) -> bool:
        self.points += 1
        if self.points == self.fail_from:
            os.write(self.report, f"{self.points} {what}".encode("utf-8", "replace"))
            if self.act is not None:
                self.busy = True
                self.act()
        return self.points >= self.fail_from and self.act is None


class Count:
    """An audit hook that lets nothing fail, and counts the points at which each kind of fault could begin."""

    def __init__(self, faults: list[str], report: int) -> None:
        self.faults = {name: Fault(name, sys.maxsize, report) for name in faults}
        self.busy = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.busy:
            for fault in self.faults.values():
                fault(event, arguments)

    def points(self) -> dict[str, int]:
        return {name: fault.points for name, fault in self.faults.items()}


def is_readable_part(path: str) -> bool:
    """Whether it is of the workspace, and not git's own."""
    here = os.getcwd() + os.sep
    return os.path.abspath(path).startswith(here) and f"{os.sep}.git{os.sep}" not in path


class Killer:
    """An audit hook that counts the points and ends the process at one of them."""

    def __init__(self, kill_at: int | None, report: int) -> None:
        self.kill_at = kill_at
        self.report = report
        self.points = 0
        self.busy = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.busy:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not flags & WRITING or os.fsdecode(path).startswith("/dev/"):
                return
            self.point(f"before opening {path!r}")
            if "/" not in os.fsdecode(path):
                return  # relative to a directory that is open, of which the event says nothing
            if os.path.isdir(path):
                return  # where tempfile makes a file, of whose name the event says nothing
            self.points += 1
            if self.points == self.kill_at:
                self.busy = True
                os.close(os.open(path, flags, 0o600))
                self.die(f"after opening {path!r}")
        elif event in CHANGING and not (event == "os.mkdir" and os.path.isdir(arguments[0])):
            self.point(f"before {event} {arguments[:2]!r}")

    def point(self, what: str) -> None:
        self.points += 1
        if self.points == self.kill_at:
            self.die(what)

    def die(self, what: str) -> None:
        os.write(self.report, f"{self.points} {what}".encode("utf-8", "replace"))
        os.kill(os.getpid(), signal.SIGKILL)


def child(request: dict[str, Any], report: int, stdin: int, stdout: int, stderr: int) -> None:
    """Be `dws` for one command; never returns."""
    killer: Killer | Fault | Count = Killer(request.get("kill_at"), report)
    if "fault" in request:
        killer = Fault(request["fault"], request["fail_from"], report)
    if "count" in request:
        killer = Count(request["count"], report)
    status = 70
    try:
        os.setsid()
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        for number, fd in enumerate((stdin, stdout, stderr)):
            os.dup2(fd, number)
        sys.argv = ["dws", *request["args"]]
        from dataworkspaces.cli.main import main

        if "record" in request:
            root, told = map(Path, request["record"])
            recorder = Recorder(root)
            os.fsync = recorder.fsync
            sys.addaudithook(recorder)
            try:
                main()
            finally:
                recorder.write(told)
        sys.addaudithook(killer)
        main()
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1 if e.code else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        killer.busy = True
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if isinstance(killer, Count):
            os.write(report, f"0 {json.dumps(killer.points())}".encode())
        elif isinstance(killer, Killer) or killer.points < killer.fail_from or killer.fail_from == 0:
            os.write(report, f"{killer.points}".encode())
        os._exit(status)


def serve(request: dict[str, Any]) -> dict[str, Any]:
    with ExitStack() as stack:
        files = report, given, out, err = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(4)]
        given.write(request.get("input", "").encode())
        given.seek(0)
        pid = os.fork()
        if pid == 0:
            child(request, *(file.fileno() for file in files))
        _, wait_status = os.waitpid(pid, 0)
        if request.get("wait", True):
            reap_orphans()
        texts = []
        for file in (report, out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    points, _, killed_at = texts[0].partition(" ")
    return {
        "status": os.waitstatus_to_exitcode(wait_status),
        "points": int(points or 0),
        "killed_at": killed_at,
        "stdout": texts[1],
        "stderr": texts[2],
    }


def reap_orphans() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def adopt_orphans() -> None:
    """The children of our children become ours when their parent dies, so that we can wait for them."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def import_everything() -> None:
    """So that a forked child has nothing to import, and its only points are its work."""
    import sqlite3  # noqa: F401

    import git  # noqa: F401
    import psutil  # noqa: F401
    import rich.console
    import rich.table  # noqa: F401

    import dataworkspaces

    for place in dataworkspaces.__path__:
        for name in (
            "cli",
            "commands",
            "workspace",
            "lineage",
            "filetree",
            "files",
            "gitrepo",
            "resources",
            "backends",
        ):
            for module in pkgutil.walk_packages([str(Path(place, name))], f"dataworkspaces.{name}."):
                if not module.name.startswith("dataworkspaces.backends.sql"):  # large, and nobody's here
                    importlib.import_module(module.name)


def main() -> None:
    sys.dont_write_bytecode = True
    adopt_orphans()
    import_everything()
    warm_up()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the program `dws` does
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
