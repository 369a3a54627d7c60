"""The clone of a workspace that a worker has: in the cache of its user, made once, brought up to date when it must be.

What begins a piece of work comes as an experiment of the origin, and what came of it goes there as one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.lock import acquire
from dataworkspaces.toolbox.user_directories import cache_directory
from dataworkspaces.workspace import BatchInteraction, Resource, SnapshotMetadata, Workspace
from dataworkspaces.workspace.absent import is_absent
from dataworkspaces.workspace.kept_experiments import KeptExperiment
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin

_PATIENCE = 3600.0
"""Seconds to wait for others on this machine."""


def clones() -> Path:
    """Where the clones of this user are."""
    return Path(cache_directory()).expanduser() / "workers"


def own_clone(origin: str) -> str:
    """The directory of a clone of the workspace at that origin. Raises what a clone raises, also for one resource; then
    there is none, and the next piece of work tries again."""
    with _alone(_note_of(origin).with_suffix(".lock")):
        found = _noted(origin)
        return str(_cloned(origin) if found is None else found[0])


def _note_of(origin: str) -> Path:
    """Where the workspace of the clone is, and which resources could not be had when it was made."""
    return clones() / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.json"


def _noted(origin: str) -> tuple[Path, Any] | None:
    note = _note_of(origin)
    if not note.exists():
        return None
    told = read_json_object(note, "directory", "lacks")
    place = clones() / str(told["directory"])
    return (place, told["lacks"]) if place.is_dir() else None


def _cloned(origin: str) -> Path:
    note, before = _note_of(origin), _noted(origin)
    for left in clones().glob(f"{note.stem}-*"):  # half made, or replaced long ago
        if before is None or not before[0].is_relative_to(left):
            shutil.rmtree(left, ignore_errors=True)
    place = note.with_name(f"{note.stem}-{uuid.uuid4().hex[:8]}")
    hostname = f"worker-{uuid.uuid4().hex[:12]}"
    outcome = clone_command(origin, str(place), hostname, BatchInteraction(), batch=True, trust=True)
    for error in outcome.missing.values():
        shutil.rmtree(place, ignore_errors=True)
        raise error
    root = outcome.workspace_dir  # which may lie in a directory of the clone
    directory = root.relative_to(os.path.realpath(clones())).as_posix()
    write_json(note, {"directory": directory, "lacks": _lacks(open_workspace(str(root)))})
    return clones() / directory


def _lacks(clone: Workspace) -> dict[str, Any]:
    """By resource that is not at this worker what is known of it."""
    found = {each.name: each.get_params() for each in clone.get_resources() if is_absent(clone, each)}
    return json.loads(json.dumps(found, default=str))  # type: ignore[no-any-return]


def begin_with(origin: str, name: str, hashval: str) -> tuple[str, KeptExperiment]:
    """The directory of a clone, and in it an experiment of the origin with the resources that it has. Raises
    NotFoundError if the origin does not know one of them."""
    root = own_clone(origin)
    experiment = fetched(root, name, hashval)
    if not absent(open_workspace(root), experiment):
        return root, experiment
    again = renewed(origin, root)
    return again, fetched(again, name, hashval)


def renewed(origin: str, root: str) -> str:
    """The clone, or another one if a resource is not in it that could not be had when it was made, and by now may be.
    Work in the first one goes on."""
    if not _lacks(open_workspace(root)):
        return root
    lacks = _lacks(brought_up_to_date(root))
    with _alone(_note_of(origin).with_suffix(".lock")):
        found = _noted(origin)
        if found is None or (str(found[0]) == root and lacks != found[1]):
            return str(_cloned(origin))
        return str(found[0])


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


def absent(clone: Workspace, experiment: KeptExperiment) -> dict[str, str]:
    """By resource of an experiment that is not at this worker, why. A step may do without."""
    experiments_of(clone).include_experiments([experiment])
    known = set(clone.get_resource_names())
    found = {}
    for name in versions_in(clone.as_snapshot_ws(), experiment.snapshot):
        resource = clone.get_resource(name) if name in known else None
        if resource is not None and is_absent(clone, resource):
            found[name] = "it has no remote from which the worker could fetch it" if _is_here_only(resource) else ""
    return found


def _is_here_only(resource: Resource) -> bool:
    return isinstance(resource, KeptVersionsMixin) and resource.is_kept_here_only()


def why_it_may_have_failed(root: str, experiment: KeptExperiment) -> str:
    """Lines for the end of what a failed command printed; empty if there is nothing to say."""
    missing = absent(open_workspace(root), experiment)
    lines = [f"dws: resource '{name}' is not at the worker{why and ': '}{why}" for name, why in missing.items()]
    return "".join(f"{line}\n" for line in lines)


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
