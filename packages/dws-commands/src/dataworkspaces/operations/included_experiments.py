"""Experiments that a command reads as snapshots, since somebody named them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dataworkspaces.errors import NotFoundError
from dataworkspaces.params import HASH_RE
from dataworkspaces.workspace.kept_experiments import ExperimentsMixin, KeptExperiment, is_experiment_name

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace


def include_named(workspace: Workspace, *names: str | None) -> None:
    """Where no snapshot has one of the names, and an experiment does, its snapshot is read from now on. A hash, or the
    beginning of one, names an experiment too."""
    if not isinstance(workspace, ExperimentsMixin):
        return
    snapshots = workspace.as_snapshot_ws()
    for name in filter(None, names):
        if not is_experiment_name(name) and not HASH_RE.match(name):
            continue
        try:
            snapshots.get_snapshot_by_tag_or_hash(name)
        except NotFoundError:
            _include(workspace, lambda each, name=name: _is_named(each, name))  # type: ignore[misc]


def include_hash(workspace: Workspace, hashval: str) -> None:
    """The same for the snapshot of a hash, if it is not among those of the workspace."""
    if isinstance(workspace, ExperimentsMixin) and not workspace.as_snapshot_ws().has_snapshot(hashval):
        _include(workspace, lambda each: each.snapshot.hashval == hashval)


def _is_named(experiment: KeptExperiment, name: str) -> bool:
    is_hash = HASH_RE.match(name) is not None and experiment.snapshot.hashval.startswith(name.lower())
    return experiment.name == name or is_hash


def _include(workspace: ExperimentsMixin, is_wanted: Callable[[KeptExperiment], bool]) -> None:
    found = [each for each in workspace.list_experiments() if is_wanted(each)]
    if found:
        workspace.include_experiments(found[:1])
