"""Sending a workspace to its origin: publish and push."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.own_files import GitOwnFiles, lies_in
from dataworkspaces.backends.git.paths import BRANCH_PARAM
from dataworkspaces.errors import ConfigurationError, ConflictError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.checks import check_url_of_user, without_password
from dataworkspaces.gitrepo.files import GitDirectoryMixin
from dataworkspaces.gitrepo.kept_commits import keep_head, refspecs_of_kept_commits
from dataworkspaces.gitrepo.kept_trees import refspecs_to_push
from dataworkspaces.gitrepo.layout import head_commit
from dataworkspaces.gitrepo.remote import (
    ORIGIN,
    branch_refspec,
    default_branch,
    has_origin,
    origin_url,
    plan_push,
    push,
    with_password,
)
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import LocalStateResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.backends.git.sync import GitSync
    from dataworkspaces.workspace import Resource

_HINT_PULL = "Run 'dws pull', then push again"


def publish(workspace: GitSync, url: str, resources: Sequence[LocalStateResourceMixin]) -> None:
    """See :meth:`GitSync.publish`."""
    url = _absolute(url)
    check_url_of_user(url)
    root, clean, environment = workspace.paths.root, without_password(url), with_password(url)
    present = origin_url(root)
    _check_clean(workspace)
    plan = plan_push(root, clean, _refspecs(workspace), workspace.interaction, workspace.what, environment)
    if plan.rejected is not None:
        raise ConflictError(
            f"{clean} already holds another history ({plan.rejected})", hint="Publish to an empty repository"
        )
    if present is not None and without_password(present) != clean:
        question = f"{workspace.what} has the origin {without_password(present)}. Publish to {clean} from now on?"
        if not workspace.interaction.confirm(question, default=False):
            raise ConfigurationError(
                f"{workspace.what} already has the origin {without_password(present)}",
                hint=f"git -C {root} remote set-url {ORIGIN} {clean}, then dws push",
            )
    workspace.push_resources_first(resources)
    large_files.send(root, clean, workspace.branch, workspace.consent, workspace.interaction.progress, environment)
    if plan.is_needed:
        push(root, clean, _refspecs(workspace), workspace.interaction, workspace.what, environment)
    verb = "set-url" if present is not None else "add"
    run_git(root, ["remote", verb, ORIGIN, clean], doing="Setting the origin")
    _note_pushed(workspace)
    run_git(root, ["branch", "--quiet", f"--set-upstream-to={ORIGIN}/{workspace.branch}"], doing="Setting the origin")
    workspace.interaction.tell(f"{workspace.what} is published at {clean}")
    if clean != url:
        workspace.interaction.warn(
            "The password in the URL is not stored. Before the next push, see 'git help credentials'"
        )


def check_origin(workspace: GitSync) -> None:
    if not has_origin(workspace.paths.root):
        raise ConfigurationError(f"{workspace.what} has no origin to push to", hint="dws publish URL")


def push_all(workspace: GitSync, resources: Sequence[LocalStateResourceMixin]) -> None:
    """See :meth:`GitSync.push`."""
    root = workspace.paths.root
    check_origin(workspace)
    _check_clean(workspace)
    plan = plan_push(root, ORIGIN, _refspecs(workspace), workspace.interaction, workspace.what)
    if plan.rejected is not None:
        raise ConflictError(
            f"{workspace.what} is behind its origin, which has commits that are not here ({plan.rejected})",
            hint=_HINT_PULL,
        )
    before = head_commit(root)
    workspace.push_resources_first(resources)
    _keep_branch(workspace)
    if head_commit(root) == before and not plan.is_needed:
        workspace.interaction.tell(f"{workspace.what}: nothing to push, the origin has everything")
        return
    large_files.send(root, ORIGIN, workspace.branch, workspace.consent, workspace.interaction.progress)
    push(root, ORIGIN, _refspecs(workspace), workspace.interaction, workspace.what, if_refused=_hint_branch(workspace))
    workspace.interaction.tell(f"{workspace.what}: pushed")


def _hint_branch(workspace: GitSync) -> str:
    """What to do where the origin takes no commits for a branch."""
    switch = f"git -C {quote(str(workspace.paths.root))} switch -c BRANCH"
    return f"If {workspace.branch} takes merges only: {switch}; then dws push, and merge BRANCH there"


def _refspecs(workspace: GitSync) -> list[str]:
    root = workspace.paths.root
    lineage = workspace.paths.lineage_in_git
    refspecs = [branch_refspec(workspace.branch), *refspecs_to_push(root, root, lineage)]
    return [*refspecs, *refspecs_of_kept_commits(root)]


def _keep_branch(workspace: GitSync) -> None:
    """A branch beside the main one may be squashed, rebased or deleted once it is merged; its snapshots name its
    commits."""
    root = workspace.paths.root
    if workspace.branch not in (workspace.get_global_param(BRANCH_PARAM), default_branch(root)):
        keep_head(root)


def _check_clean(workspace: GitSync) -> None:
    """Raise ConfigurationError if something has not been committed that somebody could miss elsewhere."""
    root = workspace.paths.root
    workspace.save("Metadata of an interrupted command")
    large_files.check_programs(root)
    status = workspace.repo.status(within=workspace.paths.within, ignored=True)
    if workspace.may_hold_metadata(status.ignored):
        workspace.save_ignored()
        status = workspace.repo.status(within=workspace.paths.within)
    if status.commit is None:
        raise ConfigurationError(f"{workspace.what} has no commit yet")
    if not status.dirty:
        return
    resources = list(workspace.get_resources())
    others = _places_of_others(workspace, resources)
    dirty = [path for path in status.dirty if not lies_in(path, others)]
    own = next((resource for resource in resources if isinstance(resource, GitOwnFiles)), None)
    # Of the files that git does not know those which are no resource's, and hold none: nobody counts on them yet.
    unknown = set(status.untracked)
    stray = {path for path in dirty if path in unknown and own is not None and own.holds_alone(path)}
    if stray:
        workspace.interaction.warn(
            f"{workspace.what}: {some(sorted(stray))} is not sent: it belongs to the next snapshot"
        )
    missed = [path for path in dirty if path not in stray]
    if missed:
        raise ConfigurationError(
            f"{workspace.what} has uncommitted changes: {some(missed)}", hint="Take a snapshot first"
        )


def _places_of_others(workspace: GitSync, resources: Iterable[Resource]) -> list[str]:
    """Places of resources, of whatever type, whose content is not git's to keep: git may track files in them that were
    there before."""
    root = Path(os.path.realpath(workspace.paths.root))
    others = [r for r in resources if not isinstance(r, GitDirectoryMixin)]
    places = [r.get_local_path_if_any() for r in others if isinstance(r, LocalStateResourceMixin)]
    real = [Path(os.path.realpath(place)) for place in places if place is not None]
    return [place.relative_to(root).as_posix() for place in real if root in place.parents]


def _note_pushed(workspace: GitSync) -> None:
    head = head_commit(workspace.paths.root)
    if head is not None:
        run_git(workspace.paths.root, ["update-ref", f"refs/remotes/{ORIGIN}/{workspace.branch}", head])


def _absolute(url: str) -> str:
    """A URL, or the absolute path of a local repository."""
    path = Path(url).expanduser()
    if "://" not in url and not url.startswith("-") and (path.exists() or ":" not in url.partition("/")[0]):
        return os.path.normpath(path.absolute())
    return url
