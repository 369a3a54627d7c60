"""Runs of a sweep at workers. Each goes to the origin as an experiment, and comes here from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataworkspaces.commands.far import FarWork, far_work
from dataworkspaces.commands.far_clone import begin_with, fetched, forget, kept, sent, why_it_may_have_failed
from dataworkspaces.commands.kept_experiments import find_experiment
from dataworkspaces.commands.run_beside import relative_argument
from dataworkspaces.commands.sweep_plan import SweepPlan
from dataworkspaces.commands.sweep_runs import SWEEP
from dataworkspaces.commands.sweep_worker import run_one
from dataworkspaces.errors import ConfigurationError, ConflictError
from dataworkspaces.workspace import Workspace
from dataworkspaces.workspace.kept_experiments import KeptExperiment

_ASKED = ("sweep", "number", "experiment", "base", "point", "options", "directory")


@contextmanager
def far_runs(workspace: Workspace, plan: SweepPlan, executor: str) -> Iterator[FarRuns]:
    """Open the executor, and send what the runs start from to the origin. Raises what
    :func:`dataworkspaces.commands.far.far_work` does."""
    if plan.request.prune:
        raise ConfigurationError("--prune reads epochs while they are trained, which other machines have")
    base = find_experiment(workspace, plan.base).snapshot.hashval
    with far_work(workspace, executor) as far:
        there = far.there_already()
        far.send(plan.base)
        runs = FarRuns(far, base, frozenset(there))
        yield runs
        if not runs.is_complete:
            far.keep_at_origin(plan.base)  # whoever goes on need not send it again


@dataclass
class FarRuns:
    """As :class:`dataworkspaces.commands.sweep.Worker`, for any number of threads.

    :ivar base_hash: of the snapshot that the runs start from: an experiment at the origin that started from another is
        none of ours. :ivar there: the experiments that the origin had before: some may be runs that have not come here.
    :ivar is_complete: whether all runs that were asked for have come back."""

    far: FarWork
    base_hash: str
    there: frozenset[str]
    is_complete: bool = True

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Have a task run elsewhere, and bring its experiment here."""
        root, name = Path(task["workspace"]), task["experiment"]
        command = [relative_argument(argument, root, root / task["directory"]) for argument in task["command"]]
        asked = {**{key: task[key] for key in _ASKED}, "command": command, "base_hash": self.base_hash}
        try:
            if name in self.there:
                return self._brought(name, asked)
            answer = self.far.ask("sweep", asked)
            self.far.bring(name)
        except BaseException:
            self.is_complete = False
            raise
        return answer

    def stop(self) -> None:
        self.far.stop()

    def _brought(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        """A run that was made for a sweep that was killed before it came here."""
        self.far.bring(name)
        workspace = self.far.own()
        try:
            return _told(find_experiment(workspace, name), asked)
        except ConflictError:
            self.far.keep_at_origin(name)
            forget(str(workspace.get_workspace_local_path_if_any()), name)
            raise

    def end(self) -> None:
        """There is nothing to end: the executor is not ours."""


# -- at the worker -----------------------------------------------------------------------------------------------------


def do_work(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Make a run. Of one that a worker had made and was killed, what is left is taken."""
    name = request["experiment"]
    root, base = begin_with(request["origin"], request["base"], request["base_hash"])
    known = kept(root, name)
    if known is not None and not _is_ours(known, request):
        forget(root, name)
        known = None
    if known is not None:
        answer = _told(known, request)
    else:
        answer = run_one({**request, "workspace": root, "place": str(scratch / "run")})
        if answer["status"] != "completed":
            answer["log"] = str(answer["log"]) + why_it_may_have_failed(root, base)
    try:
        sent(root, name)
    except ConflictError:  # one before us was killed when it had sent it
        forget(root, name)
        answer = _told(fetched(root, name), request)
    forget(root, name)
    return answer


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
