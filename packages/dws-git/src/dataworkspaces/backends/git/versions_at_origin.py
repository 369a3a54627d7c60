"""What the origin of a workspace needs, as it is there now: for a collection of garbage, which must not guess."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dataworkspaces.backends.git.other_branches import versions_in
from dataworkspaces.errors import NotFoundError, UnavailableError
from dataworkspaces.gitrepo.checks import absolute_url, without_passwords
from dataworkspaces.gitrepo.experiment_refs import EXPERIMENTS
from dataworkspaces.gitrepo.kept_commits import KEPT_COMMITS
from dataworkspaces.gitrepo.layout import git_directories
from dataworkspaces.gitrepo.remote import ORIGIN, fetch_references, origin_url
from dataworkspaces.gitrepo.run import run_git

if TYPE_CHECKING:
    from dataworkspaces.backends.git.sync import GitSync
    from dataworkspaces.workspace import VersionElsewhere

_AT_ORIGIN = "refs/dws/at-origin"
"""Below it: what the origin has, as long as somebody looks at it."""
_PLACES = {"heads": "refs/heads", "tags": "refs/tags", "commits": KEPT_COMMITS, "experiments": EXPERIMENTS}
_SSH_RE = re.compile(r"(?:[^@/:]+@)?([^/:]+):(?!//)(.+)")


def versions_at_origin(workspace: GitSync, since: datetime) -> Iterator[VersionElsewhere]:
    """See :meth:`SyncedWorkspaceMixin.versions_at_origin`."""
    root = workspace.paths.root
    workspace.check_origin("pull")
    if any((directory / "shallow").is_file() for directory in git_directories(root)):
        raise UnavailableError(
            f"{workspace.what} is a shallow clone, so it is not known which snapshots were deleted lately",
            hint=f"git -C {root} fetch --unshallow {ORIGIN}",
        )
    _forget(root)
    refspecs = [f"+{place}/*:{_AT_ORIGIN}/{name}/*" for name, place in _PLACES.items()]
    fetch_references(root, refspecs, workspace.interaction, workspace.what)
    try:
        if not _tips(root, f"{_AT_ORIGIN}/heads"):
            raise NotFoundError(
                f"The origin of {workspace.what} has no branch, so it is not known what it needs", hint="dws push"
            )
        tips = _tips(root, _AT_ORIGIN)
        before = _before_deletions(root, tips, workspace.paths.snapshot_metadata_in_git, since)
        yield from versions_in(workspace.paths, list(dict.fromkeys([*tips, *before])), is_strict=True)
    finally:
        _forget(root)


def _tips(root: Path, place: str) -> list[str]:
    listed = run_git(root, ["for-each-ref", "--format=%(objectname) %(*objectname)", f"{place}/"]).stdout
    return list(dict.fromkeys(line.split()[-1] for line in listed.decode("ascii").splitlines()))


def _before_deletions(root: Path, tips: list[str], directories: Sequence[str], since: datetime) -> list[str]:
    """The commits after which metadata of snapshots went, or changed. Git knows whole seconds: what was deleted within
    the one in which the time begins was deleted before it, so that nothing counts as deleted since now."""
    begin = max(0, math.ceil(since.timestamp()))
    options = ["log", "--stdin", "--format=%P", "--diff-filter=DM", f"--max-age={begin}"]
    listed = run_git(root, [*options, "--", *directories], stdin="".join(f"{tip}\n" for tip in tips).encode()).stdout
    return list(dict.fromkeys(listed.decode("ascii").split()))


def _forget(root: Path) -> None:
    left = run_git(root, ["for-each-ref", "--format=delete %(refname)", f"{_AT_ORIGIN}/"]).stdout
    if left:
        run_git(root, ["update-ref", "--stdin"], stdin=left, doing="Looking at what the origin has")


def origin_identity(workspace: GitSync) -> str | None:
    """See :meth:`SyncedWorkspaceMixin.origin_identity`. Where it is, however that is written, and the commit that its
    history begins with: on other machines there may be another repository at the same path."""
    root = workspace.paths.root
    url = origin_url(root)
    if url is None:
        return None
    first = run_git(root, ["rev-list", "--first-parent", "--max-parents=0", "HEAD"], ok=(0, 128)).stdout.split()
    return f"{_plain(absolute_url(url, root))} {first[-1][:12].decode('ascii') if first else ''}".strip()


def _plain(url: str) -> str:
    """One text for all that may be written for one place: ``host/path`` without a user."""
    text = without_passwords(url)
    match = _SSH_RE.fullmatch(text)
    if "://" in text:
        split = urlsplit(text)
        text = f"{split.hostname or ''}/{split.path.lstrip('/')}" if split.hostname else split.path
    elif match is not None and not Path(text).exists():
        text = f"{match[1]}/{match[2].lstrip('/')}"
    return text.rstrip("/").removesuffix(".git")
