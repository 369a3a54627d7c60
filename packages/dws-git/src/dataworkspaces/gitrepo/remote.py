"""Talking to the origin of a repository: fetch, push and clone, with progress, and errors that say what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.errors import ConfigurationError, DwsError, NotFoundError, StorageError, ToolError
from dataworkspaces.gitrepo.checks import without_password, without_passwords
from dataworkspaces.gitrepo.kept_commits import FETCH_KEPT_COMMITS
from dataworkspaces.gitrepo.kept_trees import FETCH_KEPT_TREES
from dataworkspaces.gitrepo.layout import git_directories, read_reference, text_of
from dataworkspaces.gitrepo.process import explain, not_started, run
from dataworkspaces.gitrepo.restraint import is_being_made
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.gitrepo.told import Told, parse_porcelain
from dataworkspaces.workspace import Interaction

if TYPE_CHECKING:
    import subprocess

    from dataworkspaces.gitrepo.conversation import Progress

ORIGIN = "origin"
CHECKOUT = "dws-checkout"
"""Stands for a checkout of the repository in another directory, while its commits are taken over."""
_NO_ACCESS = (
    "Permission denied", "Authentication failed", "access denied", "not allowed", "403", "read-only", "Read-only",
    "insufficient permission", "unable to create temporary", "unable to migrate objects", "denied to",
)  # fmt: skip


class PushPlan(NamedTuple):
    """What a push would do.

    :ivar is_needed: whether the origin lacks anything.
    :ivar rejected: why it would be refused; None if it would not."""

    is_needed: bool
    rejected: str | None = None


def origin_url(root: Path) -> str | None:
    """The URL of the remote ``origin``, with any password; None if there is no such remote."""
    done = run_git(root, ["config", "--get", f"remote.{ORIGIN}.url"], ok=(0, 1))
    return os.fsdecode(done.stdout).strip() or None


def has_origin(root: Path) -> bool:
    """Whether the repository has a remote ``origin``. Starts no process in the usual case."""
    directories = git_directories(root)
    text = text_of(directories[-1] / "config", "replace") if directories else None
    return f'[remote "{ORIGIN}"]' in (text or "") or origin_url(root) is not None


def tracked_commit(root: Path, branch: str) -> str | None:
    """The commit that the origin's branch had when it was last seen."""
    return read_reference(root, f"refs/remotes/{ORIGIN}/{branch}")


def default_branch(root: Path) -> str | None:
    """The origin's main branch, as far as a clone has noted it."""
    directories = git_directories(root)
    text = text_of(directories[-1] / f"refs/remotes/{ORIGIN}/HEAD", "replace") if directories else None
    head = (text or "").strip()
    prefix = f"ref: refs/remotes/{ORIGIN}/"
    return head.removeprefix(prefix) if head.startswith(prefix) else None


def fetch(root: Path, branch: str, interaction: Interaction, what: str, checkout: Path | None = None) -> str | None:
    """Bring the origin's commits of a branch here; returns its newest one, or None if the origin has no such branch.

    Neither the branch here nor any file changes.

    :param checkout: fetch from the repository in this directory instead, as from a remote :data:`CHECKOUT`."""
    remote = ORIGIN if checkout is None else CHECKOUT
    refspec = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
    source = ORIGIN if checkout is None else str(checkout)
    told = _fetch(root, source, [refspec, FETCH_KEPT_TREES, FETCH_KEPT_COMMITS], interaction, what)
    if told.status:
        if "couldn't find remote ref" in told.text:
            return None
        raise _connection_error(what, origin_url(root) if checkout is None else str(checkout), told)
    return read_reference(root, f"refs/remotes/{remote}/{branch}")


def fetch_references(root: Path, refspecs: Sequence[str], interaction: Interaction, what: str) -> None:
    """Bring references of the origin here, as refspecs say; nothing else changes."""
    told = _fetch(root, ORIGIN, refspecs, interaction, what)
    if told.status:
        raise _connection_error(what, origin_url(root), told)


def _fetch(root: Path, source: str, refspecs: Sequence[str], interaction: Interaction, what: str) -> Told:
    """Where nobody would see a bar, git alone does it: GitPython takes longer to import than most fetches."""
    if not sys.stderr.isatty():
        arguments = ["fetch", "--no-recurse-submodules", "--", source, *refspecs]
        with _asking(interaction, f"Fetching {what}") as env:
            return _told(run_git(root, arguments, ok=range(-64, 256), env=env))
    from dataworkspaces.gitrepo import conversation

    with _talking(root, interaction, f"Fetching {what}") as (progress, env):
        return conversation.fetch(root, source, refspecs, progress, env)


def list_references(root: Path, pattern: str, interaction: Interaction, what: str) -> dict[str, str]:
    """The references of the origin that match a pattern, and what they name. Nothing is fetched."""
    with _asking(interaction, f"Asking the origin of {what}") as env:
        done = run_git(root, ["ls-remote", "--refs", "--", ORIGIN, pattern], ok=range(256), env=env)
    if done.returncode:
        raise _connection_error(what, origin_url(root), _told(done))
    lines = [line.partition("\t")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return {ref: commit for commit, ref in lines}


def count_differences(root: Path, ours: str, theirs: str) -> tuple[int, int]:
    """How many commits only ``ours`` has, and how many only ``theirs``."""
    if ours == theirs:
        return 0, 0
    arguments = ["rev-list", "--left-right", "--count", f"{ours}...{theirs}"]
    left, right = run_git(root, arguments).stdout.split()
    return int(left), int(right)


def plan_push(
    root: Path, remote: str, refspecs: Sequence[str], interaction: Interaction, what: str, environment: Any = None
) -> PushPlan:
    """Ask the remote, without sending anything, what a push of the branches (and other references) would do there.

    Raises ConfigurationError if it cannot be reached, or if we may not write to it."""
    submodules = "check" if (root / ".gitmodules").is_file() else "no"
    options = ["--porcelain", "--dry-run", "--no-verify", f"--recurse-submodules={submodules}"]
    with _asking(interaction, f"Asking the origin of {what}", environment) as env:
        told = _told(run_git(root, ["push", *options, "--", remote, *refspecs], ok=range(-64, 256), env=env))
    if told.rejected is not None:
        return PushPlan(True, told.rejected)
    if told.status:
        if "not be found on any remote" in told.text:
            names = ", ".join(line.strip() for line in told.text.splitlines() if line.startswith("  "))
            raise ConfigurationError(
                f"{what}: nobody could fetch the commits of its submodules: {names}",
                hint="Push them to the origins of the submodules, then push again",
            )
        raise _connection_error(what, remote if remote != ORIGIN else origin_url(root), told, writing=True)
    is_needed = told.lacks_some_of(refspecs)
    if is_needed:
        _check_writable_path(remote if remote != ORIGIN else origin_url(root), what)
    return PushPlan(is_needed)


def push(
    root: Path,
    remote: str,
    refspecs: Sequence[str],
    interaction: Interaction,
    what: str,
    environment: Any = None,
    *,
    if_refused: str = "Ask whoever maintains the origin",
) -> None:
    """Send the commits of branches (and other references). Nothing else changes there.

    :param if_refused: what the user should do if the origin takes them from nobody."""
    if not sys.stderr.isatty():  # as :func:`_fetch`
        arguments = ["push", "--porcelain", "--no-verify", "--recurse-submodules=no", "--", remote, *refspecs]
        with _asking(interaction, f"Pushing {what}", environment) as env:
            told = _told(run_git(root, arguments, ok=range(-64, 256), env=env))
    else:
        from dataworkspaces.gitrepo import conversation

        with _talking(root, interaction, f"Pushing {what}", environment) as (progress, env):
            told = conversation.push(root, remote, refspecs, progress, env, recurse_submodules="no")
    if told.rejected is not None:
        is_behind = "fetch first" in told.rejected or "non-fast-forward" in told.rejected
        said = "" if is_behind else _told_by_server(told.text)
        raise ConfigurationError(
            f"The origin of {what} refused the push: {told.rejected}{said}",
            hint="Run 'dws pull', then push again" if is_behind else if_refused,
        )
    if told.status:
        raise _connection_error(what, remote if remote != ORIGIN else origin_url(root), told, writing=True)


def _told_by_server(error: str) -> str:
    """What a server (a hook of it, say) tells whoever pushes."""
    lines = [line.partition("remote:")[2].strip() for line in error.splitlines() if line.startswith("remote:")]
    told = " ".join(filter(None, lines))[:500]
    return f" ({without_passwords(told)})" if told else ""


def clone(
    url: str,
    place: Path,
    interaction: Interaction,
    what: str,
    *,
    branch: str | None = None,
    checkout: bool = True,
    borrow: bool = False,
) -> None:
    """Clone to a directory that does not exist. Passwords in the URL are used, but not stored.

    :param borrow: leave the objects where they are, in a repository on this machine, of which all branches come."""
    clean = without_password(url)
    kept = [f"remote.{ORIGIN}.fetch={refspec}" for refspec in (FETCH_KEPT_TREES, FETCH_KEPT_COMMITS)]
    environment = {"GIT_LFS_SKIP_SMUDGE": "1", **with_password(url)}
    doing = f"Cloning {what}"
    if not sys.stderr.isatty():  # as :func:`_fetch`
        arguments = ["clone", f"--origin={ORIGIN}", *(f"--config={setting}" for setting in kept)]
        arguments += ["--no-recurse-submodules", *([] if checkout else ["--no-checkout"])]
        arguments += [*(["--shared"] if borrow else []), *([] if branch is None else [f"--branch={branch}"])]
        arguments += ["--", clean, str(place)]
        with _asking(interaction, doing, environment) as env:
            told = _told(run(place.parent, arguments, ok=range(-64, 256), env=env))
    else:
        from dataworkspaces.gitrepo import conversation

        options = {
            "origin": ORIGIN, "config": kept, "no_checkout": not checkout, "branch": branch, "shared": borrow,
        }  # fmt: skip
        with _talking(place.parent, interaction, doing, environment) as (progress, env):
            told = conversation.clone(clean, place, progress, env, **options)
    if told.status:
        if branch is not None and "Remote branch" in told.text:
            raise NotFoundError(f"{what}: {clean} has no branch '{branch}'")
        raise _connection_error(what, clean, told)
    is_being_made(place)


def temporary_clone_directory(parent: Path) -> AbstractContextManager[Path]:
    """A directory to clone into, from which the clone is then moved to its place. What killed processes left of such
    directories is removed."""
    from dataworkspaces.toolbox.build_directory import directory_to_build_in

    return directory_to_build_in(parent, "clone")


def with_password(url: str) -> dict[str, str]:
    """Environment variables that let git use the password of a URL when it is given the URL without it. (Arguments
    can be read by every user of the machine, and git stores them.)"""
    clean = without_password(url)
    if clean == url:
        return {}
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{url}.insteadOf", "GIT_CONFIG_VALUE_0": clean}


def branch_refspec(branch: str) -> str:
    """What stands for a branch in a push."""
    return f"refs/heads/{branch}:refs/heads/{branch}"


def _environment(interaction: Interaction, more: Mapping[str, str] | None) -> dict[str, str]:
    asks = {"GIT_TERMINAL_PROMPT": "1"}
    asks_not = {"SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "false"}
    return {**(asks if interaction.can_ask else asks_not), **(more or {})}


@contextmanager
def _asking(
    interaction: Interaction, description: str, environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, str]]:
    """As :func:`_talking`, for a git of which nobody follows how far it is."""
    with interaction.progress(description, 100, "%"):
        yield _environment(interaction, environment)


def _told(done: subprocess.CompletedProcess[bytes]) -> Told:
    text = done.stderr.decode("utf-8", "backslashreplace").strip()
    return Told(done.returncode, text, parse_porcelain(done.stdout.decode("utf-8", "backslashreplace")))


@contextmanager
def _talking(
    root: Path, interaction: Interaction, description: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[Progress, dict[str, str]]]:
    """A progress bar, and the environment for a git that talks to a remote. If nobody can be asked, neither git nor ssh
    asks."""
    from dataworkspaces.gitrepo.conversation import GitCommandNotFound, GitError, Progress

    try:
        with interaction.progress(description, 100, "%") as advance:
            yield Progress(advance), _environment(interaction, environment)
    except GitCommandNotFound as e:
        raise not_started(root) from e
    except GitError as e:
        raise ToolError(f"{description} failed in {root}: {without_passwords(str(e))}") from e


def _check_writable_path(url: str | None, what: str) -> None:
    """Git would notice a directory that cannot be written to only when it sends."""
    if url is None:
        raise ConfigurationError(f"{what} has no origin to push to")
    path = Path(url[len("file://") :] if url.startswith("file:///") else url)
    if (url.startswith("file://") or "://" not in url) and path.is_dir():
        objects = next((p for p in (path / "objects", path / ".git" / "objects") if p.is_dir()), None)
        if objects is not None and not os.access(objects, os.W_OK):
            raise StorageError(
                f"{what}: its origin {url} is read-only for you, so nothing can be pushed", hint=_READ_ONLY_HINT
            )


_READ_ONLY_HINT = "Ask its owner for write access, or skip the resource with --skip"


def _connection_error(what: str, url: str | None, told: Told, *, writing: bool = False) -> DwsError:
    where = without_password(url) if url else "its origin"
    said, hint = explain(told.text)
    if told.status not in (1, 128):  # it was killed, or is no git that we know
        return ToolError(f"{what}: git ended with {told.status} while it talked to {where}: {said}", output=told.text)
    if writing and any(text in told.text for text in _NO_ACCESS):
        return ConfigurationError(
            f"{what}: its origin {where} is read-only for you, so nothing can be pushed ({said})",
            hint=hint or _READ_ONLY_HINT,
        )
    return ConfigurationError(
        f"{what}: {where} cannot be {'pushed to' if writing else 'read'}: {said}",
        hint=hint or "Check the address, the network and your access rights",
    )
