"""Running something at workers: other machines, on which an executor of a plug-in runs functions (``dask:HOST:PORT``).

A worker needs the same distributions, the origin, and what resources keep their content at; no file system is
shared. What work begins with goes to the origin as an experiment, a snapshot beside the working line; the worker
fetches that to a clone of its own, works in a checkout of it, and sends what came of it as an experiment in its turn,
which comes here. ``sweep``, ``rerun`` and ``reproduce`` differ in what they ask for, and in what they do with what
came."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from dataworkspaces.commands.far_worker import work_here
from dataworkspaces.commands.kept_experiments import (
    experiments_of,
    pull_experiments_command,
    push_experiments_command,
)
from dataworkspaces.commands.sweep_worker import open_workspace, patiently
from dataworkspaces.errors import (
    ConfigurationError,
    ConflictError,
    DwsError,
    LockedError,
    NotFoundError,
    NotSupportedError,
    StorageError,
    ToolError,
    UnavailableError,
)
from dataworkspaces.operations.executors import named_executor
from dataworkspaces.workspace import Workspace

AT_A_TIME = 64
"""How many pieces of work an executor is given at a time, if the user does not say."""
_KINDS = {
    kind.kind: kind for kind in (ConfigurationError, ConflictError, LockedError, NotFoundError, NotSupportedError,
                                 StorageError, ToolError, UnavailableError)
}  # fmt: skip


class LostExecutorError(UnavailableError):
    """Nothing that is asked of the executor will be done any more."""


@contextmanager
def far_work(workspace: Workspace, executor: str) -> Iterator[FarWork]:
    """Open the executor ``NAME`` or ``NAME:ADDRESS``. What was sent to the origin, or came from there, does not stay
    there.

    Raises ConfigurationError without an origin, or if its plug-in cannot reach it, PluginError if there is no such
    executor."""
    origin = experiments_of(workspace).origin_to_clone()
    if origin is None:
        raise ConfigurationError(
            "Other machines get the workspace from its origin, and it has none", hint="Send it to one: dws publish URL"
        )
    with named_executor(executor)() as opened:
        far = FarWork(workspace, opened, executor, origin)
        try:
            yield far
        finally:
            far.stop()
            far.tidy()


@dataclass
class FarWork:
    """For any number of threads.

    :ivar named: the executor, as the user named it."""

    workspace: Workspace
    executor: Executor
    named: str
    origin: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _waiting: set[str] = field(default_factory=set)
    _failed: dict[str, DwsError] = field(default_factory=dict)
    _running: set[Future[str]] = field(default_factory=set)
    _at_origin: set[str] = field(default_factory=set)
    _is_over: bool = False

    def own(self) -> Workspace:
        """The workspace, for one thread: those that shared an object would hold the lock against each other."""
        return open_workspace(str(self.workspace.get_workspace_local_path_if_any()))

    def ask(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """Have a worker do something, wait for it, and return what it says.

        Raises the error that the worker had, ToolError if none could do it, and LostExecutorError if there is none."""
        asked = json.dumps({**request, "kind": kind, "origin": self.origin})
        with self._lock:
            if self._is_over:
                raise LostExecutorError(f"The executor {self.named} is given nothing more")
            future = self.executor.submit(work_here, asked)
            self._running.add(future)
        try:
            answer: dict[str, Any] = json.loads(future.result())
        except CancelledError as e:
            self.stop()
            raise LostExecutorError(
                f"The executor {self.named} was stopped, or cannot be reached any more",
                hint="Start it again, and give the same command: what is done stays done",
            ) from e
        except Exception as e:
            raise ToolError(f"No worker of {self.named} could do it: {_in_words(e)}", hint=_hint(e)) from e
        finally:
            with self._lock:
                self._running.discard(future)
        if not answer.get("ok"):
            raise _error(answer)
        return answer

    def send(self, name: str, *, stays: bool = False) -> None:
        """Send an experiment of the workspace to the origin, for workers to begin with.

        :param stays: it was sent before, or is to be there afterwards."""
        if not stays:
            self.leave_nothing_of(name)
        with self._turn:
            patiently(lambda: push_experiments_command(self.own(), [name]))

    def leave_nothing_of(self, name: str) -> None:
        """Remove an experiment at the origin in the end, if it is there."""
        with self._lock:
            self._at_origin.add(name)

    def bring(self, name: str) -> None:
        """Fetch an experiment that a worker has sent. Those that come while others are being fetched are fetched
        together, by one of the threads that wait."""
        with self._lock:
            self._waiting.add(name)
        with self._turn:
            with self._lock:
                names = sorted(self._waiting)
                self._waiting.clear()
            if name in names:  # else somebody has brought it
                self._fetch(names)
        with self._lock:
            error = self._failed.pop(name, None)
        if error is not None:
            raise error

    def there_already(self) -> list[str]:
        """The names of the experiments at the origin."""
        return list(experiments_of(self.own()).list_experiments_at_origin())

    def stop(self) -> None:
        """Wait for nothing any more."""
        with self._lock:
            self._is_over = True
            running = list(self._running)
        for future in running:
            future.cancel()

    def keep_at_origin(self, name: str) -> None:
        """Do not remove it in the end."""
        with self._lock:
            self._at_origin.discard(name)

    def tidy(self) -> None:
        """What need not be at the origin any more goes. It may be gone, or the origin away: then it stays."""
        with suppress(DwsError):
            experiments = experiments_of(self.own())
            there = self._at_origin & set(experiments.list_experiments_at_origin()) if self._at_origin else set()
            if there:
                experiments.remove_experiments_at_origin(sorted(there))

    # -- inside --------------------------------------------------------------------------------------------------

    def _fetch(self, names: list[str]) -> None:
        try:
            patiently(lambda: pull_experiments_command(self.own(), names))
        except DwsError as e:
            if len(names) > 1:  # it may be one of them
                for name in names:
                    self._fetch([name])
                return
            with self._lock:
                self._failed[names[0]] = e
        else:
            with self._lock:
                self._at_origin.update(names)


def _error(answer: dict[str, Any]) -> DwsError:
    """What went wrong at a worker, as the error that it was there."""
    host = f" (at {answer['host']})" if answer.get("host") else ""
    kind = _KINDS.get(str(answer.get("kind")), ToolError)
    return kind(f"{str(answer.get('message')).rstrip('.')}{host}", hint=answer.get("hint"))


def _in_words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _hint(error: BaseException) -> str | None:
    if type(error).__name__ == "KilledWorker":
        return "The workers that tried it died: look at their logs, it may need more memory than they have"
    if isinstance(error, ImportError):
        return "Install the same distributions for the workers as here"
    return None
