"""A repository that is a resource, and its origin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, ConflictError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.changes import told
from dataworkspaces.gitrepo.checks import absolute_url, without_password
from dataworkspaces.gitrepo.kept_commits import refspecs_of_kept_commits
from dataworkspaces.gitrepo.kept_trees import refspecs_to_push
from dataworkspaces.gitrepo.layout import head_commit
from dataworkspaces.gitrepo.pull import pull_repository
from dataworkspaces.gitrepo.remote import ORIGIN, PushPlan, branch_refspec, has_origin, origin_url, plan_push, push
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import ResourceRoles
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

if TYPE_CHECKING:
    from dataworkspaces.gitrepo.resource import GitRepoResource


def pull_resource(resource: GitRepoResource) -> bool:
    """See :meth:`GitRepoResource.pull`."""
    root, what, interaction = resource.root, resource.what, resource.workspace.interaction
    if not has_origin(root):
        interaction.tell(f"{what}: it has no origin, so there is nothing to pull")
        return False
    before = head_commit(root)
    pulled = pull_repository(
        root,
        resource.branch,
        resource.workspace.consent,
        what,
        results=resource.has_results_role(),
        exported=resource.export,
    )
    if pulled is None:
        interaction.warn(f"{what}: its origin has no branch '{resource.branch}' yet")
    elif not pulled.theirs:
        interaction.tell(f"{what}: up to date")
    else:
        merged = f", merged with {pulled.ours} of this copy" if pulled.ours else ""
        interaction.tell(f"{what}: pulled {pulled.theirs} commit{'' if pulled.theirs == 1 else 's'}{merged}")
        changes = [] if before is None else GitRepo(root).diff_trees(before, "HEAD")
        if changes and resource.role == ResourceRoles.CODE:
            interaction.tell(f"{what}: changed {told(changes)}")
    return pulled is not None and pulled.theirs > 0


def check_push(resource: GitRepoResource) -> PushPlan:
    """Raise ConfigurationError if a push would fail; changes nothing."""
    root, what = resource.root, resource.what
    if not has_origin(root):
        raise ConfigurationError(
            f"{what} has no origin, so nobody else could get its content",
            hint=f"git -C {root} remote add {ORIGIN} URL, or skip it with --skip {resource.name}",
        )
    large_files.check_programs(root)
    dirty = GitRepo(root).status().dirty
    if dirty:
        raise ConfigurationError(f"{what} has uncommitted changes: {some(dirty)}", hint="Take a snapshot first")
    plan = plan_push(root, ORIGIN, _refspecs(resource), resource.workspace.interaction, what)
    if plan.rejected is not None:
        raise ConflictError(
            f"{what} is behind its origin, which has commits that are not here ({plan.rejected})",
            hint="Run 'dws pull', then push again",
        )
    return plan


def push_resource(resource: GitRepoResource, plan: PushPlan | None) -> None:
    """See :meth:`GitRepoResource.push`. ``plan`` is what the check found, if it was made."""
    interaction, what = resource.workspace.interaction, resource.what
    if resource.read_only:
        interaction.tell(f"{what}: read-only, so it is not pushed")
        return
    root = resource.root
    _note_origin(resource)
    if plan is not None and not plan.is_needed:
        interaction.tell(f"{what}: nothing to push, the origin has everything")
        return
    large_files.send(root, ORIGIN, resource.branch, resource.workspace.consent, interaction.progress)
    push(root, ORIGIN, _refspecs(resource), interaction, what)
    interaction.tell(f"{what}: pushed")


def _refspecs(resource: GitRepoResource) -> list[str]:
    workspace_root = resource.workspace.get_workspace_local_path_if_any()
    kept = [] if workspace_root is None else refspecs_to_push(resource.root, Path(workspace_root), [METADATA_DIR])
    return [branch_refspec(resource.branch), *kept, *refspecs_of_kept_commits(resource.root)]


def _note_origin(resource: GitRepoResource) -> None:
    """Others clone it from where it is pushed to, if nobody knew when it was added."""
    url = origin_url(resource.root) if resource.remote_origin_url is None else None
    if url is not None:
        resource.remote_origin_url = without_password(absolute_url(url, resource.root))
        resource.workspace.write_resource_params(resource.get_params())
