"""The process of a command that ``dws run`` runs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dataworkspaces.errors import ConfigurationError

Caller = Callable[[Sequence[str], "str | None", Mapping[str, str], "Callable[[int], None] | None"], int]
"""What :func:`call` is."""


class NotStartedError(ConfigurationError):
    """The command could not be started."""


def check_program(command: Sequence[str], directory: str | None) -> None:
    """Raise NotStartedError for a program that is not there, or is none."""
    program = command[0]
    hint = "Check its name and the PATH"
    if os.sep not in program:
        if shutil.which(program) is None:
            raise NotStartedError(f"There is no command '{program}' on the PATH", hint=hint)
        return
    place = Path(directory or "", program)
    if not place.exists():
        raise NotStartedError(f"The command '{program}' does not exist", hint="Check its path")
    if place.is_dir():
        raise NotStartedError(f"The command '{program}' is a directory", hint="Name a program in it")
    if not os.access(place, os.X_OK):
        raise NotStartedError(
            f"The command '{program}' is not executable",
            hint="Put its interpreter before it, or make it executable: chmod +x",
        )


_PASSED_ON = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])


def call(
    command: Sequence[str],
    directory: str | None,
    variables: Mapping[str, str],
    started: Callable[[int], None] | None = None,
) -> int:
    """Run a command with our own streams, and return its exit status: 128 and the number of the signal that ended it,
    as shells have it. A signal from the keyboard reaches it too, and we wait for its end.

    :param started: is told the id of its process.

    Raises NotStartedError if it cannot be started."""
    early: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: object) -> None:
        if process is None:
            early.append(number)
        elif number != signal.SIGINT:  # which the keyboard sends to the command, too
            process.send_signal(number)

    # Handlers, and not SIG_IGN, which the command would inherit; what nohup ignores stays ignored.
    handlers = {
        number: signal.signal(number, pass_on)
        for number in _PASSED_ON
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        process = subprocess.Popen(list(command), cwd=directory, env={**os.environ, **variables})
        if started is not None:
            started(process.pid)
        for number in early:
            process.send_signal(number)
        status = process.wait()
    except (OSError, ValueError) as e:
        raise not_started(command, e) from e
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return exit_status(status)


def not_started(command: Sequence[str], error: OSError | ValueError) -> NotStartedError:
    """The error of a command that the system refuses to run."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return NotStartedError(f"The command '{command[0]}' cannot be run: {reason}", hint="Check its name and the PATH")


def exit_status(status: int) -> int:
    """As shells have it: 128 and the number of the signal that ended a process."""
    return 128 - status if status < 0 else status


def python_version(command: Sequence[str], directory: str | None) -> str | None:
    """Which Python a command is, as far as its name says that it is one."""
    if not re.fullmatch(r"python[0-9.]*(\.exe)?", Path(command[0]).name):
        return None
    try:
        done = subprocess.run(
            [command[0], "-V"], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=10
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    found = re.match(rb"Python (\d[0-9A-Za-z.+]*)", done.stdout)
    return None if found is None else found[1].decode("ascii")


def gets_input() -> bool:
    """Whether a file, or a pipe with something in it, is our standard input: a command may read what it never read
    before. (What will come through a pipe later, nobody knows.)"""
    try:
        status = os.fstat(0)
        if stat.S_ISREG(status.st_mode):
            return status.st_size > 0
        if stat.S_ISFIFO(status.st_mode) and sys.platform != "win32":
            import fcntl
            import termios

            waiting = bytearray(4)
            fcntl.ioctl(0, termios.FIONREAD, waiting)
            return any(waiting)
    except OSError:  # it is closed
        return False
    return False
