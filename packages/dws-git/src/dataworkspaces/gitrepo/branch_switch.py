"""Switching a repository that somebody adds to the branch that they name."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.gitrepo.layout import current_branch
from dataworkspaces.gitrepo.remote import ORIGIN
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some

__all__ = ["check_branch_exists", "switch"]


def check_branch_exists(root: Path, branch: str) -> None:
    """Raise ConfigurationError if neither the repository nor its origin, as far as is known here, has the branch."""
    _start_of(root, branch)


def switch(root: Path, branch: str) -> None:
    """Switch to a branch of the repository or of its origin; raise ConfigurationError for a repository that has
    changes, and for one without the branch."""
    start = _start_of(root, branch)
    dirty = GitRepo(root).status().dirty
    if dirty:
        raise ConfigurationError(
            f"{root} is on branch {current_branch(root)}, and has uncommitted changes, so it is not switched to "
            f"{branch}: "
            f"{some(dirty)}",
            hint=f"Commit or stash them, then: git -C {root} switch {branch}",
        )
    create = ["--create", branch, "--track", start] if start is not None else [branch]
    run_git(root, ["switch", "--quiet", *create], doing=f"Switching to branch {branch}")


def _start_of(root: Path, branch: str) -> str | None:
    """None for a branch that is here, or the one at the origin of which one is made here."""
    local, remote = "refs/heads/", f"refs/remotes/{ORIGIN}/"
    listed = run_git(root, ["for-each-ref", "--format=%(refname)", local, remote], doing="Listing branches")
    references = listed.stdout.decode("utf-8", "surrogateescape").splitlines()
    if local + branch in references:
        return None
    if remote + branch in references and branch != "HEAD":
        return f"{ORIGIN}/{branch}"
    names = [name.removeprefix(local) for name in references if name.startswith(local)]
    raise NotFoundError(
        f"{root} has no branch '{branch}'",
        hint=f"Its branches: {some(names)}. If the branch is new at the origin: git -C {root} fetch",
    )
