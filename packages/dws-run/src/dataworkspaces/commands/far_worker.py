"""What an executor runs at a worker. It needs the distributions, the origin, and where resources keep their content.

A process of its own does the work, since work changes its directory and its variables. It is kept for the next piece:
to start Python and to import everything again takes longer than many a run."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from dataworkspaces.commands.far_clone import clones
from dataworkspaces.commands.run_guard import guarding
from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.trust import agreeing

Work = Callable[[dict[str, Any], Path], dict[str, Any]]
"""Does a piece of work, given what was asked for and an empty directory, and returns what came of it, for JSON."""
_WORKS = {"sweep": "sweep_far", "rerun": "rerun_far", "reproduce": "reproduce_far"}
"""By kind the module whose ``do_work`` does it."""


def work_here(request: str) -> str:
    """Do a piece of work, in a process beside. JSON in, and out."""
    with _helpers().one() as helper:
        return helper.ask(request)


class _Helper:
    """A process that works. It is killed when this process ends, whatever ends it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._place = clones() / f"work-{uuid.uuid4().hex}"
        self._place.mkdir(parents=True)
        self._guard = self._stack.enter_context(guarding(self._place))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dataworkspaces.commands.far_worker", str(self._place)], cwd=self._place,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._guard.take(self._process.pid)

    @property
    def _log(self) -> Path:
        return self._place / "log"

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if answer.endswith(b"\n"):
            return answer.decode()
        status = self._process.wait()
        said = self._log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
        return json.dumps(_failure(f"The process that worked ended with status {status}: {said}"))

    def end(self) -> None:
        self._guard.close()
        self._process.wait()
        self._stack.close()
        shutil.rmtree(self._place, ignore_errors=True)


class _Helpers:
    """Those of this process, each for one thing at a time."""

    def __init__(self) -> None:
        self._idle: list[_Helper] = []
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[_Helper]:
        with self._lock:
            helper = self._idle.pop() if self._idle else None
        if helper is None or not helper.is_alive:
            helper = _Helper()
        try:
            yield helper
        finally:
            if helper.is_alive:
                with self._lock:
                    self._idle.append(helper)
            else:
                helper.end()


@cache
def _helpers() -> _Helpers:
    return _Helpers()


# -- the process beside ------------------------------------------------------------------------------------------------


def main() -> None:
    scratch = Path(sys.argv[1])
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - what runs must not read what is asked, or answer
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    for line in requests:
        answers.write(json.dumps(_answer(json.loads(line), scratch)) + "\n")
        answers.flush()


def _answer(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """What came of a piece of work, or why nothing did."""
    place = scratch / uuid.uuid4().hex
    place.mkdir()
    try:
        work: Work = import_module(f"dataworkspaces.commands.{_WORKS[request['kind']]}").do_work
        with agreeing():  # whoever asks has agreed to what the workspace names
            return {"ok": True, **work(request, place)}
    except DwsError as e:
        return {**_failure(e.message), "hint": e.hint, "kind": e.kind}
    except Exception as e:
        return _failure(f"{type(e).__name__}: {e}")
    finally:
        os.chdir(scratch)
        shutil.rmtree(place, ignore_errors=True)


def _failure(message: str) -> dict[str, Any]:
    return {"ok": False, "message": message, "hint": None, "kind": "program", "host": platform.node()}


if __name__ == "__main__":
    main()
