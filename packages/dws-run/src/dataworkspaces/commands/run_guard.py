"""Processes that must not outlive us, whatever ends us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dataworkspaces.commands.run_process import NotStartedError, exit_status, not_started

_WATCH = """
import os, shutil, signal, sys
groups = set()
for line in sys.stdin.buffer:
    (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
if groups:
    shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
"""The other end of a pipe, which the system closes when we end, in whatever way. Of a process that ended in good order
nothing is left to do."""


class Guard:
    """Groups of processes, which are killed when this process ends. Threads may share it."""

    def __init__(self, watcher: subprocess.Popen[bytes]) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._is_closed = False

    def run(self, command: Sequence[str], directory: str | None, variables: Mapping[str, str], log: Path,
            started: Callable[[int], None] | None = None) -> int:  # fmt: skip
        """Run a command in a group of its own, without input and with its output appended to a file, and return its
        exit status. What it leaves running is killed.

        Raises NotStartedError if it cannot be started."""
        try:
            with log.open("ab") as output, self._lock:
                if self._is_closed:
                    raise NotStartedError("The command was not run: dws was interrupted")
                process = subprocess.Popen(
                    list(command), cwd=directory, env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip
                self._groups.add(process.pid)
                self._tell(b"+", process.pid)
        except (OSError, ValueError) as e:
            raise not_started(command, e) from e
        try:
            if started is not None:
                started(process.pid)
            if hasattr(os, "waitid"):  # macOS has it from Python 3.13 on
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its number stays taken until wait()
            else:
                process.wait()
        finally:
            with self._lock:
                _kill(process.pid)
                self._groups.discard(process.pid)
            status = process.wait()
            with self._lock:
                self._tell(b"-", process.pid)
        return exit_status(status)

    def take(self, group: int) -> None:
        """Guard a group of processes that somebody else has started."""
        with self._lock:
            self._groups.add(group)
            self._tell(b"+", group)

    def forget(self, group: int) -> None:
        """Such a group has ended."""
        with self._lock:
            self._groups.discard(group)
            self._tell(b"-", group)

    def interrupt(self) -> None:
        """Tell what still runs to end, as Ctrl-C does, and start nothing more."""
        with self._lock:
            self._is_closed = True
            for group in self._groups:
                _signal(group, signal.SIGINT)

    def close(self) -> None:
        """Kill what still runs, and start nothing more."""
        with self._lock:
            self._is_closed = True
            for group in self._groups:
                _kill(group)

    def _tell(self, sign: bytes, group: int) -> None:
        assert self._watcher.stdin is not None
        with suppress(OSError):  # somebody has killed the watcher; what it is for may never happen
            self._watcher.stdin.write(b"%s%d\n" % (sign, group))
            self._watcher.stdin.flush()


@contextmanager
def guarding(scratch: Path) -> Iterator[Guard]:
    """:param scratch: a directory that is removed with the processes that are killed because we were."""
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCH, str(scratch)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
    )  # fmt: skip
    guard = Guard(watcher)
    try:
        yield guard
    finally:
        guard.close()
        with suppress(OSError):
            watcher.communicate()


def _kill(group: int) -> None:
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of one that has ended
        os.killpg(group, number)


@dataclass(frozen=True)
class Apart:
    """Runs the command of a step under a guard. :ivar log: where its output goes. :ivar variables: for its process,
    beside ours. :ivar ended: the exit status, once the command has ended."""

    guard: Guard
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)

    def call(
        self,
        command: Sequence[str],
        directory: str | None,
        variables: Mapping[str, str],
        started: Callable[[int], None] | None = None,
    ) -> int:
        """As :func:`dataworkspaces.commands.run_process.call`."""
        status = self.guard.run(command, directory, {**self.variables, **variables}, self.log, started)
        self.ended.append(status)
        return status
