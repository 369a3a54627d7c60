"""A directory in which something is built, before it is moved to its place as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dataworkspaces.durability import flush_directory
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.processes import process_exists
from dataworkspaces.toolbox.regular import status_if_any

__all__ = ["directory_to_build_in", "put_in_place", "remove_abandoned"]


@contextmanager
def directory_to_build_in(parent: Path, kind: str) -> Iterator[Path]:
    """A new directory in ``parent``, on the same file system as what will stand there. It is removed at the end of the
    block, with all that is still in it. What killed processes left of such directories is removed before.

    :param kind: a word of lower-case letters, for the name."""
    remove_abandoned(parent, kind)
    prefix = f"{_prefix(kind)}{os.getpid()}-{os.uname().nodename}-"
    import shutil  # slow to import, as is the next
    import tempfile

    temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(built: Path, target: Path) -> None:
    """Move a directory that was built to its place, where nothing is, or an empty directory, whose group and mode stay.
    At once, unless it is the current directory: that stays where it is for all that are in it, and gets what was built,
    last what is hidden, by which it becomes a workspace."""
    there = status_if_any(target)
    if there is not None:
        with suppress(PermissionError):  # a group of which the user is none
            os.chown(built, -1, there.st_gid)
        built.chmod(stat.S_IMODE(there.st_mode))
        if os.path.samestat(there, os.stat(".")):  # noqa: PTH116 - Path.cwd() may be nowhere
            for name in sorted(os.listdir(built), key=lambda name: (name == ".git", name.startswith("."))):  # noqa: PTH208
                (built / name).rename(target / name)
            flush_directory(target)
            return
        target.rmdir()
    built.rename(target)


def remove_abandoned(parent: Path, kind: str) -> None:
    """Remove what killed processes of this machine left of :func:`directory_to_build_in`. Idempotent; what cannot be
    removed stays."""
    prefix = _prefix(kind)
    for left in parent.glob(f"{prefix}*"):
        pid, _, host = left.name[len(prefix) :].partition("-")
        if pid.isdigit() and host.startswith(f"{os.uname().nodename}-") and not process_exists(int(pid)):
            log.info("removing %s, which a killed process left", left)
            import shutil  # slow to import

            shutil.rmtree(left, ignore_errors=True)


def _prefix(kind: str) -> str:
    return f".dws-{kind}-"
