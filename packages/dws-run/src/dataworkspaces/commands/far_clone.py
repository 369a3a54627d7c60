"""The clone of a workspace that a worker has: in the cache of its user, made once, brought up to date when it must be.

What begins a piece of work comes as an experiment of the origin, and what came of it goes there as one."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataworkspaces.commands.clone import clone_command
from dataworkspaces.commands.kept_experiments import (
    experiments_of,
    pull_experiments_command,
    push_experiments_command,
)
from dataworkspaces.commands.named_versions import versions_in
from dataworkspaces.commands.sweep_worker import open_workspace, patiently
from dataworkspaces.commands.sync import Selection, pull_command
from dataworkspaces.errors import DwsError, NotFoundError
from dataworkspaces.toolbox.lock import acquire
from dataworkspaces.workspace import BatchInteraction, SnapshotMetadata, Workspace
from dataworkspaces.workspace.kept_experiments import KeptExperiment

_PATIENCE = 3600.0
"""Seconds to wait for others on this machine."""


def clones() -> Path:
    """Where the clones of this user are."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return Path(base if base.startswith("/") else Path.home() / ".cache", "dws", "workers")


def own_clone(origin: str) -> str:
    """The directory of a clone of the workspace at that origin. Raises what a clone raises, also for one resource; then
    there is none, and the next piece of work tries again."""
    place = clones() / hashlib.sha256(origin.encode()).hexdigest()[:32]
    if place.exists():
        return str(place)
    with _alone(place.with_suffix(".lock")):
        if not place.exists():
            made = place.with_name(f"{place.name}-{uuid.uuid4().hex}")
            hostname = f"worker-{uuid.uuid4().hex[:12]}"
            outcome = clone_command(origin, str(made), hostname, BatchInteraction(), batch=True, trust=True)
            for error in outcome.missing.values():
                raise error
            made.rename(place)
    return str(place)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = acquire(lock, _PATIENCE)
    try:
        yield
    finally:
        held.release()


def brought_up_to_date(root: str) -> Workspace:
    """The clone as the origin has the workspace by now."""
    outcome = patiently(lambda: pull_command(open_workspace(root), Selection(), trust=True))
    for error in outcome.failed.values():
        raise error
    return open_workspace(root)


def kept(root: str, name: str) -> KeptExperiment | None:
    return next((each for each in experiments_of(open_workspace(root)).list_experiments() if each.name == name), None)


def fetched(root: str, name: str, hashval: str | None = None) -> KeptExperiment:
    """An experiment of the origin, here, with the resources that it has; in place of another of its name that somebody
    has left here. Raises NotFoundError if the origin does not know one of its resources."""
    here = kept(root, name)
    if here is not None and here.snapshot.hashval == hashval:
        return here
    if here is not None:
        forget(root, name)
    found = patiently(lambda: pull_experiments_command(open_workspace(root), [name], trust=True)[0])
    try:
        _check_resources(root, found)
    except DwsError:
        forget(root, name)
        raise
    return found


def _check_resources(root: str, experiment: KeptExperiment) -> None:
    if _unknown(open_workspace(root), experiment):
        unknown = _unknown(brought_up_to_date(root), experiment)
        if unknown:
            raise NotFoundError(
                f"The workspace at the origin has no resource '{unknown[0]}', which is new here",
                hint="Take a snapshot and send it: dws push",
            )


def _unknown(workspace: Workspace, experiment: KeptExperiment) -> list[str]:
    experiments_of(workspace).include_experiments([experiment])
    own = workspace.own_files_resource()
    known = {*workspace.get_resource_names(), *([] if own is None else [own.name])}
    removed = set(workspace.get_removed_resource_names())
    return [n for n in versions_in(workspace.as_snapshot_ws(), experiment.snapshot) if n not in known | removed]


def known_snapshot(root: str, hashval: str) -> SnapshotMetadata:
    """A snapshot of the workspace. Raises NotFoundError if the origin does not have it."""
    snapshots = open_workspace(root).as_snapshot_ws()
    if snapshots.has_snapshot(hashval):
        return snapshots.get_snapshot_metadata(hashval)
    return brought_up_to_date(root).as_snapshot_ws().get_snapshot_metadata(hashval)


def sent(root: str, name: str) -> None:
    """Send an experiment of the clone to the origin."""
    patiently(lambda: push_experiments_command(open_workspace(root), [name]))


def forget(root: str, name: str) -> None:
    def attempt() -> None:
        workspace = open_workspace(root)
        with workspace.transaction("remove-experiment"):
            experiments_of(workspace).remove_experiment(name)

    patiently(attempt)
