"""What a git process that was killed leaves behind."""

from __future__ import annotations

import time
from pathlib import Path

from dataworkspaces.gitrepo.layout import current_branch, git_directory, with_shared
from dataworkspaces.toolbox.logs import log

_WAIT_SECONDS = 20.0


def remove_stale_git_locks(root: Path) -> None:
    """Remove the lock files that killed git processes left in a repository.

    For the recovery of an interrupted command, which started those processes. Git processes that are still at work in
    the repository are waited for; if they do not end, nothing is removed, and git itself will say so."""
    directory = git_directory(root)
    if directory is None:
        return
    branch = current_branch(root)
    names = ["index.lock", "HEAD.lock", "config.lock", "packed-refs.lock"]  # of a linked working tree its own alone
    locks = [directory / name for name in names]
    if branch is not None:
        locks.append(with_shared(directory)[-1] / f"refs/heads/{branch}.lock")
    if any(lock.exists() for lock in locks) and not wait_for_git(root):
        return
    for lock in locks:
        if lock.exists():
            log.info("removing %s, which a killed git process left", lock)
            lock.unlink(missing_ok=True)
    for left in directory.glob("next-index-*.lock"):
        left.unlink(missing_ok=True)


def wait_for_git(root: Path) -> bool:
    """Wait until no git process works in a directory or below; returns False if that takes too long."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while _git_at_work(root):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _git_at_work(root: Path) -> bool:
    import psutil

    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "git" and root in (where := Path(process.cwd()), *where.parents):
                return True
        except (psutil.Error, OSError):
            continue
    return False
