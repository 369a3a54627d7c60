"""A git workspace as it was at a snapshot, in another directory, and what was done there brought back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.conversion import protect
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.gitrepo.elsewhere import copy_repository, leave_out
from dataworkspaces.gitrepo.layout import head_commit
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import read_json_object, write_json

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace


def check_out_workspace(
    workspace: GitWorkspace, snapshot_hash: str, directory: Path, local_params: Mapping[str, Any], *, borrow: bool
) -> GitWorkspace:
    """See :meth:`CheckOutWorkspaceMixin.check_out_workspace`. The branch is at the commit of the snapshot, so that what
    is done there can be merged as work on any older state."""
    source = workspace.paths.root
    commit = commit_of_snapshot(workspace, snapshot_hash)
    paths = WorkspacePaths(directory / workspace.paths.prefix, workspace.paths.prefix)
    # So that git converts nothing that it writes.
    guard = partial(protect, paths, for_all=False, commit=commit)
    copy_repository(
        source, directory, commit, workspace.branch, workspace.consent, workspace.what, guard, borrow=borrow
    )
    write_json(paths.local_params, dict(local_params))
    config = read_json_object(paths.config, "name", "dws-version")
    name, version = str(config["name"]), str(config["dws-version"])
    copy = type(workspace)(paths.directory, name, version, workspace.batch, workspace.verbose)
    copy.complete_pull()
    Path(copy.get_scratch_directory()).mkdir(parents=True, exist_ok=True)
    return copy


def leave_out_of_copy(workspace: GitWorkspace, path: Path) -> None:
    root = Path(os.path.realpath(workspace.paths.root))
    leave_out(root, Path(os.path.realpath(path)).relative_to(root).as_posix())


def commit_of_snapshot(workspace: GitWorkspace, snapshot_hash: str) -> str:
    """The commit that brought the metadata of a snapshot; HEAD, if the history does not reach so far."""
    included = workspace.included_experiments
    commit = None if included is None else included.commit_of(snapshot_hash)
    if commit is not None and not workspace.paths.snapshot_metadata_file(snapshot_hash).exists():
        return commit
    root = workspace.paths.root
    relative = workspace.paths.snapshot_metadata_file(snapshot_hash).relative_to(root).as_posix()
    arguments = ["log", "--full-history", "--diff-filter=A", "--format=%H", "--reverse", "HEAD", "--", relative]
    found = run_git(root, arguments).stdout.decode("ascii").split()
    return found[0] if found else str(head_commit(root))
