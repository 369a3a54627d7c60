"""Whether a repository was looked at since the machine was started, before which its power may have been cut."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dataworkspaces.durability import boot_id
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.toolbox.atomic import write_bytes

_NOTE = "dws/looked_at_boot"


def needs_a_look(root: Path) -> bool:
    """False where nobody can tell."""
    directory, boot = git_directory(root), boot_id()
    if directory is None or boot is None:
        return False
    try:
        return (directory / _NOTE).read_text(encoding="ascii") != boot
    except (OSError, UnicodeError):
        return True


def note_look(root: Path) -> None:
    """Somebody has looked. If the note is lost, the next command looks again."""
    directory, boot = git_directory(root), boot_id()
    if directory is None or boot is None:
        return
    with suppress(OSError):
        (directory / _NOTE).parent.mkdir(exist_ok=True)
        write_bytes(directory / _NOTE, boot.encode("ascii"), is_cache=True)
