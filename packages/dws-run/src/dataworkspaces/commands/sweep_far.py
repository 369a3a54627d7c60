"""Runs of a sweep on other machines, by an executor that a plug-in brings (``dask:tcp://HOST:8786``).

Another machine needs the same distributions, the origin, and what resources keep their content at. It has a clone of
its own, in the user's cache, in which it makes runs; each run goes to the origin as an experiment, and comes here from
there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.commands.clone import clone_command
from dataworkspaces.commands.kept_experiments import (
    experiments_of,
    find_experiment,
    pull_experiments_command,
    push_experiments_command,
)
from dataworkspaces.commands.run_beside import relative_argument
from dataworkspaces.commands.run_guard import guarding
from dataworkspaces.commands.sweep_plan import SweepPlan
from dataworkspaces.commands.sweep_runs import SWEEP
from dataworkspaces.commands.sweep_worker import answering, open_workspace, patiently, run_one
from dataworkspaces.errors import ConfigurationError, ConflictError, NotFoundError
from dataworkspaces.operations.executors import named_executor
from dataworkspaces.toolbox.lock import acquire
from dataworkspaces.workspace import BatchInteraction, Workspace
from dataworkspaces.workspace.kept_experiments import KeptExperiment
from dataworkspaces.workspace.trust import agreeing

AT_A_TIME = 64
"""How many runs an executor is given at a time, if the user does not say."""
_PATIENCE = 3600.0


@contextmanager
def far_runs(workspace: Workspace, plan: SweepPlan, executor: str) -> Iterator[FarRuns]:
    """Send what the runs start from to the origin, and open the executor ``NAME`` or ``NAME:ADDRESS``.

    Raises ConfigurationError without an origin, PluginError if there is no such executor, and what a push raises."""
    experiments = experiments_of(workspace)
    origin = experiments.origin_to_clone()
    if origin is None:
        raise ConfigurationError(
            "Other machines get the workspace from its origin, and it has none", hint="Send it to one: dws publish URL"
        )
    if plan.request.prune:
        raise ConfigurationError("--prune reads epochs while they are trained, which other machines have")
    open_it = named_executor(executor)
    push_experiments_command(workspace, [plan.base])
    base = find_experiment(workspace, plan.base)
    with open_it() as opened:
        far = FarRuns(workspace, opened, origin, plan.base, base.snapshot.hashval)
        yield far
    with suppress(NotFoundError):  # whoever goes on sends it again
        if far.is_complete:
            experiments.remove_experiments_at_origin([plan.base])


@dataclass
class FarRuns:
    """As :class:`dataworkspaces.commands.sweep.Worker`, for any number of threads.

    :ivar base_hash: of the snapshot that the runs start from: an experiment at the origin that started from another is
        none of ours. :ivar is_complete: whether all runs that were asked for have come back."""

    workspace: Workspace
    executor: Executor
    origin: str
    base: str
    base_hash: str
    is_complete: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Have a task run elsewhere, and bring its experiment here."""
        root = Path(task["workspace"])
        there = {
            **{key: task[key] for key in ("sweep", "number", "experiment", "base", "point", "options", "directory")},
            "command": [relative_argument(argument, root, root / task["directory"]) for argument in task["command"]],
            "origin": self.origin,
            "base_hash": self.base_hash,
        }
        try:
            answer: dict[str, Any] = json.loads(self.executor.submit(run_here, json.dumps(there)).result())
        except BaseException:
            self.is_complete = False
            raise
        if answer.get("ok"):
            with self._lock:  # the thread's own object: those of several would hold the lock against each other
                self._bring(task["experiment"])
        else:
            self.is_complete = False
        return answer

    def end(self) -> None:
        """There is nothing to end: the executor is not ours."""

    def _bring(self, experiment: str) -> None:
        workspace = open_workspace(str(self.workspace.get_workspace_local_path_if_any()))
        patiently(lambda: pull_experiments_command(workspace, [experiment]))
        with suppress(NotFoundError):
            experiments_of(workspace).remove_experiments_at_origin([experiment])


# -- on the other machine ----------------------------------------------------------------------------------------------


def run_here(request: str) -> str:
    """What an executor runs: a process of its own makes the run, since it changes its directory. JSON in, and out."""
    with _beside_the_clones() as scratch, guarding(scratch) as guard:
        log = scratch / "log"
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "dataworkspaces.commands.sweep_far", str(scratch)], cwd=scratch,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
            )  # fmt: skip
        guard.take(process.pid)
        answer, _ = process.communicate(request.encode())
        guard.forget(process.pid)
        if process.returncode == 0:
            return answer.decode()
        said = log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
        message = f"The process of a sweep's run ended with status {process.returncode}: {said}"
        return json.dumps({"ok": False, "message": message, "hint": None})


@contextmanager
def _beside_the_clones() -> Iterator[Path]:
    """A directory beside the clones of this user, which file systems let share files."""
    place = _clones() / f"run-{uuid.uuid4().hex}"
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main() -> None:
    request = json.loads(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with agreeing():  # whoever has begun the sweep has agreed to what the workspace names
        answers.write(json.dumps(answering(lambda: _run(request, Path(sys.argv[1])))))
    answers.flush()


def _run(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    root, name = _own_clone(request["origin"]), request["experiment"]
    if name in experiments_of(open_workspace(root)).list_experiments_at_origin():
        return _told(_fetched(root, name), request)  # one before us was killed when it had sent it
    _fetched(root, request["base"], request["base_hash"])
    known = _kept(root, name)
    if known is not None and not _is_ours(known, request):
        _forget(root, name)
        known = None
    if known is not None:
        answer = _told(known, request)
    else:
        answer = run_one({**request, "workspace": root, "place": str(scratch / "run")})
    patiently(lambda: push_experiments_command(open_workspace(root), [name]))
    return answer


def _own_clone(origin: str) -> str:
    """A clone of the workspace of that origin in the cache, made once."""
    place = _clones() / hashlib.sha256(origin.encode()).hexdigest()[:32]
    with _alone(place.with_suffix(".lock")):
        if not place.exists():
            made = place.with_name(f"{place.name}-{uuid.uuid4().hex}")
            hostname = f"sweep-{uuid.uuid4().hex[:12]}"
            clone_command(origin, str(made), hostname, BatchInteraction(), batch=True, trust=True)
            made.rename(place)
    return str(place)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    held = acquire(lock, _PATIENCE)
    try:
        yield
    finally:
        held.release()


def _kept(root: str, name: str) -> KeptExperiment | None:
    return next((each for each in experiments_of(open_workspace(root)).list_experiments() if each.name == name), None)


def _fetched(root: str, name: str, hashval: str | None = None) -> KeptExperiment:
    """An experiment of the origin, here; in place of another of its name that another sweep has left here."""
    here = _kept(root, name)
    if here is not None and here.snapshot.hashval == hashval:
        return here
    if here is not None:
        _forget(root, name)
    return patiently(lambda: pull_experiments_command(open_workspace(root), [name], trust=True)[0])


def _forget(root: str, name: str) -> None:
    def attempt() -> None:
        workspace = open_workspace(root)
        with workspace.transaction("remove-experiment"):
            experiments_of(workspace).remove_experiment(name)

    patiently(attempt)


def _told(experiment: KeptExperiment, request: dict[str, Any]) -> dict[str, Any]:
    """What the run said that made an experiment."""
    if not _is_ours(experiment, request):
        raise ConflictError(
            f"The origin has another experiment '{experiment.name}'",
            hint=f"Choose another --name, or: dws remove-experiment --remote '{request['sweep']}/*'",
        )
    told = experiment.snapshot.other[SWEEP]
    return {**told, "hash": experiment.snapshot.hashval, "metrics": experiment.snapshot.metrics, "log": ""}


def _is_ours(experiment: KeptExperiment, request: dict[str, Any]) -> bool:
    told = experiment.snapshot.other.get(SWEEP)
    return isinstance(told, dict) and told.get("base") == request["base_hash"]


def _clones() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return Path(base if base.startswith("/") else Path.home() / ".cache", "dws", "sweeps")


if __name__ == "__main__":
    main()
