"""Receiving what the origin of a workspace has: pull, and its completion after a kill."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.conversion import protect
from dataworkspaces.backends.git.own_files import GitOwnFiles, lies_in
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.trust import check_metadata_tree
from dataworkspaces.backends.git.workspace_merge import merge_workspace
from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.advance import begin_merge, fast_forward, finish
from dataworkspaces.gitrepo.changes import told
from dataworkspaces.gitrepo.elsewhere import link_large_files
from dataworkspaces.gitrepo.layout import head_commit, operation_in_progress
from dataworkspaces.gitrepo.merge import commit_merge
from dataworkspaces.gitrepo.remote import CHECKOUT, ORIGIN, count_differences, fetch, has_origin
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRoles, SnapshotWorkspaceMixin, Workspace
from dataworkspaces.workspace.resource_names import ResourceNames

if TYPE_CHECKING:
    from dataworkspaces.backends.git.sync import GitSync

_RENAMED = "renamed_resources.json"
"""In the machine directory, while a merge that gave resources another name is not complete here."""


def check_origin(workspace: GitSync) -> None:
    if has_origin(workspace.paths.root):
        return
    if not any(_has_origin_of_its_own(workspace, name) for name in workspace.get_resource_names()):
        raise ConfigurationError(f"{workspace.what} has no origin to pull from", hint="dws publish URL")


def pull(workspace: GitSync, checkout: Path | None = None) -> GitSync:
    """See :meth:`GitSync.pull_workspace`.

    :param checkout: the directory of a checkout, to pull from instead of the origin."""
    root = workspace.paths.root
    if checkout is not None:
        checkout = WorkspacePaths.of(checkout).root
    else:
        check_origin(workspace)
    if checkout is None and not has_origin(root):
        workspace.interaction.tell(f"{workspace.what}: it has no origin, so only its resources are pulled")
        return workspace
    finish(root)
    workspace.save("Metadata of an interrupted command")
    protect(workspace.paths, for_all=False)
    branch = workspace.branch
    theirs = fetch(root, branch, workspace.interaction, workspace.what, checkout)
    ours = head_commit(root)
    if theirs is None or ours is None:
        if checkout is not None:
            raise NotFoundError(f"{workspace.what}: {checkout} has no branch '{branch}'")
        workspace.interaction.warn(
            f"The origin of {workspace.what} does not have the branch '{branch}' yet: dws push sends it"
        )
        return workspace
    if checkout is not None:
        link_large_files(checkout, root)
    here, there = count_differences(root, ours, theirs)
    if there == 0:
        _rename_resources(workspace)
        _complete_large_files(workspace, checkout)  # an earlier pull may have ended before that
        workspace.interaction.tell(f"{workspace.what}: up to date")
        return workspace
    _check_not_moved(workspace, theirs)
    check_metadata_tree(root, workspace.paths.tree(theirs))
    large_files.check_programs_of_tree(root, theirs)
    before = workspace.resource_names
    if here == 0:
        fast_forward(root, theirs, workspace.what)
    else:
        _merge(workspace, ours, theirs, ORIGIN if checkout is None else CHECKOUT)
    after = workspace.reopened()
    complete(after)
    _tell_new_names(workspace, before, after)
    _complete_large_files(workspace, checkout)
    merged = f", merged with {here} of this copy" if here else ""
    workspace.interaction.tell(f"{workspace.what}: pulled {there} commit{'' if there == 1 else 's'}{merged}")
    _tell_code(after, ours)
    return after


def _check_not_moved(workspace: GitSync, theirs: str) -> None:
    """Raise ConfigurationError if somebody has moved the workspace to another directory of its repository."""
    if workspace.commits_without_workspace([theirs]):
        raise ConfigurationError(
            f"{workspace.what}: what would be pulled has no workspace in {workspace.paths.within}",
            hint=f"If it has been moved, take that over with git: git -C {workspace.paths.root} pull",
        )


def _tell_code(workspace: GitSync, before: str) -> None:
    """Which files of code are other ones now: whoever runs them should know."""
    resources = list(workspace.get_resources())
    code = [r.place_in_git for r in resources if isinstance(r, GitSubdirectory) and r.role == ResourceRoles.CODE]
    own = next((r for r in resources if isinstance(r, GitOwnFiles)), None)
    changes = [
        change
        for change in workspace.repo.diff_trees(before, "HEAD")
        if lies_in(change.path, code) or (own is not None and own.holds_alone(change.path))
    ]
    if changes:
        workspace.interaction.tell(f"{workspace.what}: changed code: {told(changes)}")


def _has_origin_of_its_own(workspace: GitSync, name: str) -> bool:
    """Whether a pull could bring something to a resource, though the workspace itself comes from nowhere."""
    resource = workspace.get_resource(name)
    if isinstance(resource, GitRepoResource):
        place = resource.get_local_path_if_any()
        return place is not None and has_origin(Path(place))
    return isinstance(resource, LocalStateResourceMixin) and not isinstance(resource, GitSubdirectory)


def _complete_large_files(workspace: GitSync, checkout: Path | None) -> None:
    root = workspace.paths.root
    if checkout is not None:
        large_files.complete_restore(root, workspace.consent)
        return
    large_files.set_up(root)
    large_files.fetch(root, workspace.consent, workspace.interaction.progress)


def _merge(workspace: GitSync, ours: str, theirs: str, remote: str) -> None:
    root = workspace.paths.root
    subdirectories = [r for r in workspace.get_resources() if isinstance(r, GitSubdirectory)]
    merged = merge_workspace(
        root,
        "HEAD",  # these names stand at git's marks in files
        f"{remote}/{workspace.branch}",
        prefix=workspace.paths.prefix,
        results=[r.place_in_git for r in subdirectories if r.has_results_role()],
        exported=[r.place_in_git for r in subdirectories if r.is_exported()],
        tags=_known_tags(workspace),
        resource_names=[*workspace.get_resource_names(), *workspace.resource_names.all_stored],
    )
    renamed = merged.metadata.renamed_resources
    if renamed:
        write_json(workspace.get_machine_directory() / _RENAMED, renamed, durable=True)
    for note in merged.metadata.notes:
        workspace.interaction.warn(note)
    source = "the origin" if remote == ORIGIN else "the checkout"
    message = f"Merge {source} into {workspace.name}"
    if merged.merge.conflicts:
        begin_merge(root, merged.merge, theirs, message, workspace.what)
        complete(workspace.reopened())
        names = ", ".join(sorted(merged.merge.conflicts))
        raise ConfigurationError(
            f"{workspace.what}: this copy and {source} both changed {names}",
            hint="Edit these files (git has marked the conflicts), run 'git add' and 'git commit', then dws "
            "pull; or go back with 'git merge --abort'. The workspace's own metadata is merged",
        )
    fast_forward(root, commit_merge(root, merged.merge.tree, ours, theirs, message), workspace.what)


def complete(workspace: GitSync) -> None:
    """See :meth:`GitSync.complete_pull`."""
    _rename_resources(workspace)
    for resource in workspace.get_resources():
        if isinstance(resource, GitSubdirectory):
            Path(resource.local_path).mkdir(parents=True, exist_ok=True)  # git keeps no empty directories


def _rename_resources(workspace: GitSync) -> None:
    """A merge gave resources other names. It may still be the user's to finish, or to abort."""
    note = workspace.get_machine_directory() / _RENAMED
    if not note.exists() or operation_in_progress(workspace.paths.root):
        return
    names = workspace.resource_names.all_stored
    for old, new in read_json_object(note).items():
        if new in names:
            _rename_here(workspace, old, str(new))
    note.unlink()


def _rename_here(workspace: GitSync, old: str, new: str) -> None:
    """What this machine keeps of a resource goes with its new name."""
    workspace.rename_resource_local_params(old, new)
    before, after = workspace.paths.resource_local(old), workspace.paths.resource_local(new)
    if before.exists() and not after.exists():
        before.rename(after)
    if isinstance(workspace, SnapshotWorkspaceMixin):
        names = workspace.resource_names
        workspace.get_lineage_store().rename_resource(
            names.called(old), names.called(new), list(workspace.get_resource_names())
        )


def _tell_new_names(workspace: Workspace, before: ResourceNames, after: Workspace) -> None:
    """What is called otherwise than before: somebody has renamed it, or given its name to another."""
    for stored in before.all_stored:
        old, new = before.called(stored), after.resource_names.called(stored)
        if old != new:
            workspace.interaction.tell(f"Resource '{old}' is called '{new}' now")


def _known_tags(workspace: GitSync) -> Iterable[str]:
    return workspace.get_tags() if isinstance(workspace, SnapshotWorkspaceMixin) else ()


def recover(workspace: GitSync, repositories: Iterable[Path]) -> str:
    """Complete what a killed pull left in the working trees."""
    for root in (workspace.paths.root, *repositories):
        kept = finish(root)
        if kept is not None:
            workspace.interaction.warn(
                f"Files of {root} were neither as before the pull nor as pulled. To see what they held: git -C "
                f"{root} show {kept}"
            )
    complete(workspace)
    return "what had arrived is in place; 'dws pull' fetches the rest"
