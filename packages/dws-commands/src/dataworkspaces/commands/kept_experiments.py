"""Experiments: snapshots beside the working line. Taking them, removing them, sending and fetching them by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.errors import NotFoundError
from dataworkspaces.lineage.runs.check import check_runs
from dataworkspaces.operations.questions import ask_unlocked
from dataworkspaces.toolbox.names import check_text, some
from dataworkspaces.workspace import LocalStateResourceMixin, Workspace
from dataworkspaces.workspace.absent import is_absent
from dataworkspaces.workspace.kept_experiments import ExperimentsMixin, KeptExperiment, check_experiment_name

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata


class ExperimentsWorkspace(ExperimentsMixin, Workspace):
    """What a workspace with the capability is, for type checkers only."""


class TakenExperiment(NamedTuple):
    """:ivar is_new: False if nothing had changed since an experiment of that name was taken."""

    name: str
    snapshot: SnapshotMetadata
    is_new: bool

    def to_json(self) -> dict[str, Any]:
        return {
            **snapshot_json(self.snapshot),
            "experiment": self.name,
            "is_new": self.is_new,
            "labels": dict(self.snapshot.labels),
            "metrics": self.snapshot.metrics,
        }


def experiments_of(workspace: Workspace) -> ExperimentsWorkspace:
    """The workspace, as one that keeps experiments; raises NotSupportedError for another."""
    if not isinstance(workspace, ExperimentsMixin):
        raise workspace.not_supported("experiments")
    return workspace  # type: ignore[return-value]


def find_experiment(workspace: Workspace, name: str) -> KeptExperiment:
    """Raises NotFoundError if there is none of that name."""
    known = experiments_of(workspace).list_experiments()
    found = next((each for each in known if each.name == name), None)
    if found is None:
        hint = f"There are: {some(e.name for e in known)}" if known else "'dws snapshot --experiment NAME' takes one"
        raise NotFoundError(
            f"There is no experiment '{name}' here", hint=f"{hint}; 'dws pull --experiment' fetches one"
        )
    return found


def include_experiments(workspace: Workspace, sweep: str | None = None) -> list[SnapshotMetadata]:
    """The snapshots of all experiments, by their names; this object reads them from now on.

    :param sweep: those that are its runs; raises NotFoundError if there are none."""
    experiments = experiments_of(workspace)
    found = experiments.list_experiments()
    if sweep is not None:
        from dataworkspaces.commands.sweep_runs import run_of

        known = list(dict.fromkeys(run.name for each in found if (run := run_of(each.snapshot)) is not None))
        found = [each for each in found if (run := run_of(each.snapshot)) is not None and run.name == sweep]
        if not found:
            raise NotFoundError(f"There are no runs of a sweep '{sweep}'", hint=f"Sweeps: {some(known) or 'none'}")
    experiments.include_experiments(found)
    return [each.snapshot for each in found]


def take_experiment_command(
    workspace: Workspace,
    name: str,
    message: str = "",
    labels: Mapping[str, str] | None = None,
    other: Mapping[str, Any] | None = None,
) -> TakenExperiment:
    """Keep the present state as an experiment: no branch and no file changes. Raises ConflictError if there is another
    of that name.

    :param other: further keys of its metadata."""
    check_experiment_name(name)
    check_text(message, "The message")
    experiments = experiments_of(workspace)

    def attempt() -> TakenExperiment:
        with workspace.transaction("snapshot"):
            is_new = not experiments.has_experiment(name)
            checked = check_runs(workspace)
            taken = experiments.take_experiment(name, message, labels or {}, other)
        for problem in (problem for each in checked for problem in each.problems()):
            workspace.interaction.warn(problem)
        return TakenExperiment(name, taken.snapshot, is_new)

    return ask_unlocked(workspace, attempt)


def plan_removal(workspace: Workspace, names: Sequence[str], *, remote: bool = False) -> list[str]:
    """The experiments that names and patterns mean, here or at the origin."""
    experiments = experiments_of(workspace)
    if remote:
        return matching(names, experiments.list_experiments_at_origin(), "The origin has")
    return matching(names, [each.name for each in experiments.list_experiments()], "There is")


def remove_experiments_command(workspace: Workspace, names: Sequence[str], *, remote: bool = False) -> None:
    """Forget experiments, here or at the origin. Each is removed in one step."""
    experiments = experiments_of(workspace)
    with workspace.transaction("remove-experiment"):
        if remote:
            experiments.remove_experiments_at_origin(names)
        for name in () if remote else names:
            experiments.remove_experiment(name)


def matching(patterns: Iterable[str], names: Iterable[str], where: str) -> list[str]:
    """The names that are given, or fit patterns (``svc/*``); raises NotFoundError for one that nothing fits."""
    known = list(names)
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in known if name == pattern or fnmatchcase(name, pattern)]
        if not fitting:
            raise NotFoundError(
                f"{where} no experiment '{pattern}'", hint=f"Known: {some(known)}" if known else "There is none at all"
            )
        found.update(dict.fromkeys(fitting))
    return list(found)


def push_experiments_command(workspace: Workspace, names: Sequence[str]) -> list[str]:
    """Send experiments to the origin; before them what resources keep of their content, to where they send it."""
    from dataworkspaces.commands.sync import pushing

    experiments = experiments_of(workspace)
    known = {each.name: each for each in experiments.list_experiments()}
    wanted = [known[name] for name in matching(names, known, "There is")]

    def attempt() -> None:
        with workspace.transaction("push"):
            experiments.include_experiments(wanted)
            keeping = [resource for resource in _keeping(workspace) if not resource.is_kept_here_only()]
            with pushing(keeping):
                for resource in keeping:
                    resource.push_precheck()
                for resource in keeping:
                    resource.push()
                experiments.push_experiments(wanted)

    ask_unlocked(workspace, attempt)
    return [each.name for each in wanted]


def pull_experiments_command(
    workspace: Workspace, names: Sequence[str], *, trust: bool = False
) -> list[KeptExperiment]:
    """Fetch experiments from the origin. No file and no branch changes; contents come when they are needed."""
    from dataworkspaces.toolbox.trust import agreeing

    experiments = experiments_of(workspace)

    def attempt() -> list[KeptExperiment]:
        with agreeing(trust), workspace.transaction("pull"):
            wanted = matching(names, experiments.list_experiments_at_origin(), "The origin has")
            return experiments.fetch_experiments(wanted)

    return ask_unlocked(workspace, attempt)


def _keeping(workspace: Workspace) -> list[Any]:
    """The resources on this machine that keep content of versions."""
    from dataworkspaces.workspace.kept_versions import KeptVersionsMixin

    return [
        resource
        for resource in workspace.get_resources()
        if isinstance(resource, KeptVersionsMixin)
        and isinstance(resource, LocalStateResourceMixin)
        and not is_absent(workspace, resource)
    ]
