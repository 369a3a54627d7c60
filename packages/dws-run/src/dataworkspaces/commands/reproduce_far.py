"""A reproduction at a worker: it checks out the snapshot, runs the steps and compares; the verdict comes here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from dataworkspaces.commands.far import far_work
from dataworkspaces.commands.far_clone import begin_with, known_snapshot, own_clone, renewed
from dataworkspaces.commands.kept_experiments import experiments_of
from dataworkspaces.commands.reproduce import HowToRun, ReproductionPlan, plan_reproduction, reproduce_command
from dataworkspaces.commands.reproduce_compare import Rules
from dataworkspaces.commands.reproduce_verdict import Reproduction, reproduction_from_json
from dataworkspaces.commands.sweep_worker import open_workspace
from dataworkspaces.errors import NotFoundError
from dataworkspaces.workspace import Workspace


def reproduce_far(workspace: Workspace, plan: ReproductionPlan, how: HowToRun, executor: str) -> Reproduction:
    """As :func:`dataworkspaces.commands.reproduce.reproduce_command`, at a worker of an executor."""
    asked: dict[str, Any] = {
        "snapshot": plan.snapshot.hashval,
        "tags": list(plan.snapshot.tags),
        "steps": list(plan.asked),
        "recorded": plan.environments is not None,
        "without": list(plan.without),
        "rtol": how.rules.rtol,
        "atol": how.rules.atol,
        "runs": how.runs,
        "jobs": how.jobs,
    }
    with far_work(workspace, executor) as far:
        asked["experiment"] = experiment = _experiment(far.own(), plan.snapshot.hashval)
        if experiment is not None:
            far.send(experiment, stays=experiment in far.there_already())
        answer = far.ask("reproduce", asked)
    found = reproduction_from_json(answer["reproduction"])
    return replace(found, user=workspace.get_user_name(), tags=tuple(plan.snapshot.tags))


def _experiment(workspace: Workspace, hashval: str) -> str | None:
    """The name of the experiment that is meant, if it is none of the snapshots."""
    if workspace.as_snapshot_ws().has_snapshot(hashval):
        return None
    known = experiments_of(workspace).list_experiments()
    return next((each.name for each in known if each.snapshot.hashval == hashval), None)


def do_work(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Reproduce a snapshot. What it needs of disk is beside the clone, for the time of it."""
    root, experiment = own_clone(request["origin"]), request["experiment"]
    try:
        if experiment is None:
            known_snapshot(root, request["snapshot"])
            root = renewed(request["origin"], root)
        else:
            root, _ = begin_with(request["origin"], experiment, request["snapshot"])
    except NotFoundError as e:
        name = (request["tags"] or [request["snapshot"][:7]])[0]
        raise NotFoundError(
            f"The workspace at the origin, on its default branch, does not have snapshot {name}",
            hint="Send it there: dws push; if it is on a branch of its own, merge that first",
        ) from e
    clone = open_workspace(root)
    plan = plan_reproduction(
        clone,
        experiment or request["snapshot"],
        request["steps"],
        recorded=request["recorded"],
        without=request["without"],
    )
    how = HowToRun(Rules(request["rtol"], request["atol"]), request["runs"], request["jobs"])
    return {"reproduction": reproduce_command(clone, plan, how).to_json()}
