"""Experiments of a git workspace: commits that only references below ``refs/dws/experiments`` name.

Such a commit comes after that of HEAD when it was taken, and holds what a commit of a snapshot would have held. Its
message says which of the snapshots in it is meant."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_index import SUFFIX, parse_metadata
from dataworkspaces.errors import ConflictError, MetadataError
from dataworkspaces.gitrepo.beside import commit_tree, forget_version, index_beside, keep_version
from dataworkspaces.gitrepo.checks import is_object_name
from dataworkspaces.gitrepo.experiment_refs import (
    ExperimentRef,
    delete_experiment_ref,
    experiment_names,
    has_experiment_ref,
    list_experiment_refs,
    message_of_experiment,
    set_experiment_ref,
)
from dataworkspaces.gitrepo.objects import write_blobs
from dataworkspaces.gitrepo.plumbing import TreeEntry, read_named
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.workspace.kept_experiments import KeptExperiment, is_experiment_name

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.workspace import SnapshotMetadata

PLAIN_FILE = "100644"
_DIGITS_RE = re.compile(r"(\d+)")


def metadata_path(paths: WorkspacePaths, hashval: str) -> str:
    """Where a commit has the metadata of a snapshot."""
    return f"{paths.metadata_in_git}/snapshot_metadata/{hashval}{SUFFIX}"


def list_experiments(workspace: GitWorkspace) -> list[KeptExperiment]:
    """See :meth:`ExperimentsMixin.list_experiments`."""
    refs = list_experiment_refs(workspace.paths.root)
    found, problems = read_experiments(workspace, refs)
    for problem in problems:
        workspace.interaction.warn(problem)
    return sorted(found, key=lambda each: _natural(each.name))


def _natural(name: str) -> list[tuple[str, int]]:
    """``svc/2`` before ``svc/10``."""
    parts = _DIGITS_RE.split(name)
    return [(text, int(number or 0)) for text, number in zip(parts[::2], [*parts[1::2], "0"], strict=True)]


def read_experiments(workspace: GitWorkspace, refs: Iterable[ExperimentRef]) -> tuple[list[KeptExperiment], list[str]]:
    """What references name, and what is wrong with the others, in words."""
    root = workspace.paths.root
    problems: list[str] = []
    named: list[tuple[ExperimentRef, str]] = []
    for ref in refs:
        if not is_experiment_name(ref.name):
            problems.append(f"The reference {ref.name!r:.100} is not the name of an experiment")
        elif ref.snapshot is None:
            problems.append(f"Experiment '{ref.name}' does not say which snapshot it is: remove it, or fetch it again")
        else:
            named.append((ref, metadata_path(workspace.paths, ref.snapshot)))
    contents = read_named(root, [f"{ref.commit}:{path}" for ref, path in named])
    found = []
    for (ref, path), content in zip(named, contents, strict=True):
        try:
            if content is None:
                raise MetadataError(f"{path} is not in it")
            metadata = workspace.resource_names.snapshot_called(parse_metadata(content, path))
            found.append(_experiment(ref.name, ref.commit, metadata))
        except MetadataError as e:
            problems.append(f"Experiment '{ref.name}' cannot be read: {e.message}")
    return found, problems


# -- taking one ----------------------------------------------------------------------------------------------------


def take(
    workspace: GitWorkspace, name: str, message: str, labels: Mapping[str, str], other: Mapping[str, Any]
) -> KeptExperiment:
    """See :meth:`ExperimentsMixin.take_experiment`."""
    from dataworkspaces.backends.git.experiment_view import view_of

    root = workspace.paths.root
    check_no_clash(root, name)
    began = time.time() - 1
    with index_beside(root) as index:
        view = view_of(workspace, index)
        metadata, manifest = view.as_snapshot_ws().snapshot(name.replace("/", "-"), message)
        metadata = _as_experiment(workspace, metadata, message, labels, other)
        known = known_experiment(workspace, name, metadata)
        if known is not None:
            return known
        view.written[workspace.paths.manifest(metadata.hashval).relative_to(root).as_posix()] = manifest
        stored = workspace.resource_names.snapshot_stored(metadata)
        view.written[metadata_path(workspace.paths, metadata.hashval)] = to_json(stored.to_json()).encode("utf-8")
        blobs = write_blobs(root, view.written)
        index.put({path: TreeEntry(PLAIN_FILE, blob) for path, blob in blobs.items()})
        tree = index.write_tree()
    for resource, commit in view.kept.items():
        _keep_in(workspace, resource, commit)
    return _name(workspace, name, metadata, tree, view.commit, began)


def _as_experiment(
    workspace: GitWorkspace,
    taken: SnapshotMetadata,
    message: str,
    labels: Mapping[str, str],
    other: Mapping[str, Any],
) -> SnapshotMetadata:
    """What it says of itself. One of a state that is a snapshot says what that says, unless it is told more: then what
    lies there need not be all that came of it."""
    if not workspace.has_snapshot(taken.hashval):
        return taken.replace(tags=[], labels=dict(labels), other={**taken.other, **other})
    before = workspace.get_snapshot_metadata(taken.hashval)
    if not other:
        return before.replace(message=message or before.message, labels={**before.labels, **labels})
    destination = before.relative_destination_path
    kept = {**taken.other, **other}
    return taken.replace(tags=[], labels=dict(labels), relative_destination_path=destination, other=kept)


def known_experiment(workspace: GitWorkspace, name: str, metadata: SnapshotMetadata) -> KeptExperiment | None:
    """The experiment of that name, if it holds the same; raises ConflictError if it holds something else."""
    root = workspace.paths.root
    refs = list_experiment_refs(root, [name]) if has_experiment_ref(root, name) else []
    if not refs:
        return None
    found, _ = read_experiments(workspace, refs)
    if found and found[0].snapshot.hashval == metadata.hashval:
        return found[0]
    raise ConflictError(
        f"There is another experiment '{name}'" + (f", of {found[0].snapshot.taken_at}" if found else ""),
        hint=f"Choose another name, or remove that one: dws remove-experiment {name}",
    )


def _keep_in(workspace: GitWorkspace, resource_name: str, commit: str) -> None:
    resource = workspace.get_resource(resource_name)
    if isinstance(resource, GitRepoResource):
        keep_version(resource.root, commit)


def _name(
    workspace: GitWorkspace, name: str, metadata: SnapshotMetadata, tree: str, parent: str, began: float
) -> KeptExperiment:
    """The reference is what makes it an experiment; what it names is on disk before."""
    root = workspace.paths.root
    commit = commit_tree(root, tree, [parent], message_of_experiment(name, metadata.hashval))
    flush_repository(root, began)
    set_experiment_ref(root, name, commit)
    return _experiment(name, commit, metadata)


def _experiment(name: str, commit: str, metadata: SnapshotMetadata) -> KeptExperiment:
    return KeptExperiment(name, commit, metadata.replace(tags=[name]))


def check_no_clash(root: Path, name: str) -> None:
    """Git has no reference below another: ``svc`` and ``svc/1`` cannot both be there."""
    check_no_clash_with(name, experiment_names(root))


def check_no_clash_with(name: str, others: Iterable[str], where: str = "") -> None:
    for other in others:
        if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
            raise ConflictError(
                f"Experiment '{name}' cannot be kept beside experiment '{other}'{where}",
                hint="The name of one must not be a directory of the other: choose another name",
            )


def remove(workspace: GitWorkspace, name: str) -> None:
    """See :meth:`ExperimentsMixin.remove_experiment`. What repositories of resources keep goes last."""
    root = workspace.paths.root
    gone, _ = read_experiments(workspace, list_experiment_refs(root, [name]))
    delete_experiment_ref(root, name)
    flush_repository(root)
    kept = [found for each in gone for found in repository_versions(workspace, each.snapshot).items()]
    if not kept:
        return
    others, _ = read_experiments(workspace, list_experiment_refs(root))
    for resource_name, commit in kept:
        resource = workspace.get_resource(resource_name)
        needed = any(other.snapshot.restore_hashes.get(resource_name) == commit for other in others)
        if isinstance(resource, GitRepoResource) and not needed:
            forget_version(resource.root, commit)


def repository_versions(workspace: GitWorkspace, metadata: SnapshotMetadata) -> dict[str, str]:
    """By resource that is a repository of its own, and on this machine, the commit that a snapshot needs."""
    from dataworkspaces.workspace.absent import is_absent

    found = {}
    for resource in workspace.get_resources():
        commit = metadata.restore_hashes.get(resource.name)
        if not isinstance(resource, GitRepoResource) or not isinstance(commit, str) or not is_object_name(commit):
            continue
        if not is_absent(workspace, resource):
            found[resource.name] = commit
    return found
