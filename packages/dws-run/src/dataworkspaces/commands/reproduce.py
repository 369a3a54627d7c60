"""``dws reproduce``: run the steps behind a snapshot's results again, in a checkout, and compare what they write.

The checkout lies beside the workspace, in a directory that is removed in the end; what a killed reproduction leaves,
the next one removes. Of the workspace nothing changes but that the verdict is kept with the snapshot.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dataworkspaces.commands.attest import keep_verdict
from dataworkspaces.commands.named_versions import find_snapshot
from dataworkspaces.commands.reproduce_compare import Rules
from dataworkspaces.commands.reproduce_environments import PlannedEnvironments, make_environments, plan_environments
from dataworkspaces.commands.reproduce_outputs import Outputs
from dataworkspaces.commands.reproduce_places import same_places
from dataworkspaces.commands.reproduce_reasons import environment_now, with_reasons
from dataworkspaces.commands.reproduce_steps import Begin, Steps
from dataworkspaces.commands.reproduce_verdict import OutputVerdict, RecordedEnvironment, Reproduction
from dataworkspaces.commands.rerun_graph import Execution, ExecutionGraph
from dataworkspaces.commands.run_beside import checked_out, place_beside
from dataworkspaces.commands.run_guard import guarding
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.attestations import Attestation
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.toolbox.build_directory import directory_to_build_in
from dataworkspaces.workspace import SnapshotMetadata, Workspace

BUILDING = "reproduce"


@dataclass(frozen=True)
class ReproductionPlan:
    """:ivar executions: the steps, in the order of the graph.
    :ivar foreign: those whose command line, or notebook, has never been run on this machine.
    :ivar complete: whether these are all steps of the snapshot.
    :ivar environments: to be made; None to run the steps in what is there.
    :ivar asked: the steps that the user named. :ivar without: packages that are left out of environments."""

    snapshot: SnapshotMetadata
    executions: tuple[Execution, ...]
    foreign: tuple[Execution, ...]
    complete: bool
    environments: PlannedEnvironments | None = None
    asked: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class HowToRun:
    """:ivar rules: what counts as equal. :ivar runs: how often; of several, it is said which outputs are not the same
    each time. :ivar jobs: how many steps may run at a time. :ivar begin: is told each step before it runs."""

    rules: Rules
    runs: int = 1
    jobs: int = 1
    begin: Begin = lambda _execution, _command: None


def plan_reproduction(
    workspace: Workspace,
    tag_or_hash: str,
    steps: Sequence[str] = (),
    *,
    recorded: bool = False,
    without: Collection[str] = (),
) -> ReproductionPlan:
    """The steps behind the results of a snapshot, or behind some steps. Changes nothing.

    :param recorded: run them in the environments that are recorded of them.
    :param without: packages to leave out of these.

    Raises ConfigurationError for an unknown snapshot or step, and if no step is recorded, NotFoundError if an
    environment is not."""
    snapshots = workspace.as_lineage_ws()
    snapshot = find_snapshot(workspace, tag_or_hash)
    store = snapshots.get_lineage_store()
    names = list(snapshots.get_snapshot_versions(snapshot.hashval))
    graph = ExecutionGraph({name: store.entries(name, snapshot.hashval) for name in names})
    everything = graph.ordered(graph.find(None))
    wanted = [number for step in steps for number in graph.find(step)]
    numbers = graph.ordered(wanted) if steps else everything
    executions = tuple(graph.executions[number] for number in numbers)
    if not executions:
        raise ConfigurationError(
            f"Snapshot {', '.join(snapshot.tags) or snapshot.hashval[:7]} has no recorded steps, so nothing can be "
            "reproduced",
            hint="A step is recorded by 'dws run', by a kit, or by the lineage API",
        )
    if without and not recorded:
        raise ConfigurationError("--without is for --env recorded", hint="Add --env recorded")
    own = OwnCommands(workspace.get_machine_directory())
    foreign = tuple(e for e in executions if e.line is not None and not own.has(e.line))
    environments = plan_environments(workspace, executions, without) if recorded else None
    complete = len(numbers) == len(everything)
    return ReproductionPlan(snapshot, executions, foreign, complete, environments, tuple(steps), tuple(without))


def reproduce_command(workspace: Workspace, plan: ReproductionPlan, how: HowToRun) -> Reproduction:
    """Run what was planned, to which the user has agreed, and compare."""
    started = _now()
    with (
        directory_to_build_in(place_beside(workspace), BUILDING) as temporary,
        guarding(temporary) as guard,
        checked_out(workspace, plan.snapshot.hashval, temporary / "workspace") as there,
    ):
        copy = there.copy
        places = same_places(workspace, copy)
        outputs = Outputs(copy, plan.executions, replace(how.rules, places=places), temporary)
        outputs.set_aside("then")
        planned = plan.environments or PlannedEnvironments()
        environments, made = make_environments(copy, planned, plan.executions, temporary)
        steps = Steps(
            copy,
            plan.snapshot.hashval,
            plan.executions,
            places,
            environments,
            guard,
            how.begin,
            temporary,
            how.jobs,
        )
        ran = steps.run()
        compared = outputs.compare("then", steps.verdicts)
        told = with_reasons(copy, plan.executions, ran, compared)
        pythons = _pythons(copy, plan.executions, made)
        if how.runs > 1:
            compared = _again(steps, outputs, compared, how.runs)
    versions = {name: version.restore_hash or version.compare_hash for name, version in there.plan.versions.items()}
    return Reproduction(
        workspace.name, plan.snapshot.hashval, tuple(plan.snapshot.tags), plan.complete,
        "current" if plan.environments is None else "recorded", tuple(made), pythons, platform.platform(),
        started, _now(), workspace.get_user_name(), platform.node(), how.rules.rtol, how.rules.atol, how.runs,
        versions, told, tuple(compared),
    )  # fmt: skip


def keep_reproduction(workspace: Workspace, found: Reproduction) -> Attestation | None:
    """Keep a verdict with its snapshot, as what this user found; None if no step has run, so that there is none."""
    if all(step.exit_status is None for step in found.steps):
        return None
    return keep_verdict(workspace, found.snapshot, found.to_keep())


def _again(steps: Steps, outputs: Outputs, compared: Sequence[OutputVerdict], runs: int) -> list[OutputVerdict]:
    """Run all steps some more times, and say of each output whether it is another each time."""
    varies: set[str] = set()
    outputs.set_aside("run-1")
    for number in range(2, runs + 1):
        steps.run()
        varies |= outputs.changed_since("run-1")
        outputs.set_aside(f"run-{number}")
    return [replace(output, varies=output.output in varies) for output in compared]


def _pythons(copy: Workspace, executions: Sequence[Execution], made: Sequence[RecordedEnvironment]) -> str:
    """The versions in which the steps ran, as they recorded it; else those that they were given."""
    environments = [environment_now(copy, execution) for execution in executions]
    ran_in = [each.python.split()[0] for each in environments if each is not None and each.python]
    return ", ".join(dict.fromkeys(ran_in or [each.python for each in made])) or platform.python_version()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


__all__ = ["HowToRun", "ReproductionPlan", "keep_reproduction", "plan_reproduction", "reproduce_command"]
