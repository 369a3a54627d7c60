"""An experiment becomes a snapshot of the branch: a merge that adds its metadata and results, and changes no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataworkspaces.backends.git import moved_head
from dataworkspaces.backends.git.experiments import PLAIN_FILE, repository_versions
from dataworkspaces.backends.git.paths import PACKS
from dataworkspaces.backends.git.trust import check_metadata_tree
from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.gitrepo.advance import fast_forward
from dataworkspaces.gitrepo.beside import head_of, index_beside
from dataworkspaces.gitrepo.kept_commits import keep_commit, keep_head
from dataworkspaces.gitrepo.layout import current_branch
from dataworkspaces.gitrepo.merge import commit_merge
from dataworkspaces.gitrepo.objects import build_tree, write_blobs
from dataworkspaces.gitrepo.plumbing import TREE, TreeEntry, list_index, list_tree
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.params import check_tag
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE, results_exclude

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.workspace.kept_experiments import KeptExperiment

_SHARED = ("file", "environments", PACKS)
"""Directories of metadata: below them a name tells what a file holds: what is missing is added."""


def adopt(workspace: GitWorkspace, experiment: KeptExperiment) -> GitWorkspace:
    """See :meth:`ExperimentsMixin.adopt_experiment`."""
    paths, hashval = workspace.paths, experiment.snapshot.hashval
    if paths.snapshot_metadata_file(hashval).exists():
        return workspace
    root, head = paths.root, head_of(paths.root)
    check_metadata_tree(root, paths.tree(experiment.version))
    new = _entries(workspace, experiment)
    results = _results(workspace, experiment, head)
    moved = _kept_results(workspace, experiment)
    for found in results.values():
        new.update(found)
    new.update(_metadata(workspace, experiment))
    for name, version in repository_versions(workspace, experiment.snapshot).items():
        resource = workspace.get_resource(name)
        if isinstance(resource, GitRepoResource):
            keep_commit(resource.root, version)  # which need not be on its branch
    message = f"Adopt experiment {experiment.name}: {experiment.snapshot.message}".rstrip(": ")
    commit = commit_merge(root, build_tree(root, head, new), head, experiment.version, message)
    fast_forward(root, commit, workspace.what)
    for path in moved:
        (root / path).unlink(missing_ok=True)
    present = workspace.reopened()
    if current_branch(root) is None:
        keep_head(root)
    moved_head.note_head(workspace)
    return present if isinstance(present, type(workspace)) else workspace


def _entries(workspace: GitWorkspace, experiment: KeptExperiment) -> dict[str, TreeEntry]:
    """The metadata that comes with a snapshot, as the experiment has it, where the branch has none."""
    root, paths, hashval = workspace.paths.root, workspace.paths, experiment.snapshot.hashval
    own = [
        paths.manifest(hashval).relative_to(root).as_posix(),
        (paths.snapshot_lineage / hashval).relative_to(root).as_posix(),
        *(f"{paths.metadata_in_git}/{name}" for name in _SHARED),
    ]
    there = list_tree(root, experiment.version, own)
    return {path: entry for path, entry in there.items() if not (root / path).exists()}


def _metadata(workspace: GitWorkspace, experiment: KeptExperiment) -> dict[str, TreeEntry]:
    """With the experiment's name for a tag, if that is free."""
    metadata = experiment.snapshot
    tag = experiment.name.replace("/", "-")
    try:
        check_tag(tag)
        tags = [] if workspace.get_hashes_with_tag(tag) else [tag]
    except DwsError:
        tags = []
    stored = workspace.resource_names.snapshot_stored(metadata.replace(tags=tags))
    file = workspace.paths.new_snapshot_metadata_file(metadata.hashval, workspace.get_snapshot_count())
    path = file.relative_to(workspace.paths.root).as_posix()
    blobs = write_blobs(workspace.paths.root, {path: to_json(stored.to_json()).encode("utf-8")})
    return {path: TreeEntry(PLAIN_FILE, blobs[path])}


def _results(workspace: GitWorkspace, experiment: KeptExperiment, head: str) -> dict[str, dict[str, TreeEntry]]:
    """By resource of results in the repository, the files that the snapshot moved there."""
    root = workspace.paths.root
    destination = check_relative_path(experiment.snapshot.relative_destination_path, "The place of results")
    found = {}
    for resource in workspace.get_resources():
        if isinstance(resource, GitSubdirectory) and resource.has_results_role() and destination:
            place = f"{resource.place_in_git}/{destination}"
            files = list_tree(root, experiment.version, [place])
            here = list_tree(root, head, [place])
            if any(files.get(path) != entry for path, entry in here.items()):
                raise ConfigurationError(
                    f"Experiment '{experiment.name}' has its results in {place}, where those of another snapshot are",
                    hint="Rename or delete that snapshot, or take the experiment again under another name",
                )
            found[resource.name] = {path: entry for path, entry in files.items() if entry.mode != TREE}
    return found


def _kept_results(workspace: GitWorkspace, experiment: KeptExperiment) -> list[str]:
    """The current results, by resource all or none of them, that this experiment or another one keeps: they came from
    other code than that which comes now, and a snapshot would have moved them."""
    root = workspace.paths.root
    found: list[str] = []
    for resource in workspace.get_resources():
        if not isinstance(resource, GitSubdirectory) or not resource.has_results_role():
            continue
        place = resource.place_in_git
        paths = [f"{place}/{p}" for p in resource.results_current_files(results_exclude(workspace), SNAPSHOTS_DIRS_RE)]
        if not paths:
            continue
        with index_beside(root) as index:
            index.add(paths)
            now = {entry.path: entry.name for entry in list_index(root, paths, env=index.env)}
        for each in [experiment, *workspace.list_experiments()]:
            destination = each.snapshot.relative_destination_path
            files = list_tree(root, each.version, [f"{place}/{destination}"])
            kept = {path.replace(f"/{destination}/", "/", 1): entry.name for path, entry in files.items()}
            if all(path in now and now[path] == kept.get(path) for path in paths):
                found += paths
                break
    return found
