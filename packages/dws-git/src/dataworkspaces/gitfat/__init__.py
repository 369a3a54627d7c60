"""git-fat: large files of a git repository, kept on a machine that rsync reaches.

Compatible with the repositories of the script of that name: the same line stands for a file in git, ``.gitfat`` names
the remote, and an object is named by the SHA-1 of its content. These functions are for the rest of dws-git; the command
``git-fat`` is in :mod:`dataworkspaces.gitfat.cli`. All raise a DwsError that says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataworkspaces.gitfat.repository import FatRepository
    from dataworkspaces.gitfat.transfer import Progress
    from dataworkspaces.workspace.trust import Consent

_ATTRIBUTES = "filter=fat -crlf"


def is_used(root: Path) -> bool:
    """Whether the repository at ``root`` has a ``.gitfat``, or attributes at its root that name git-fat."""
    from dataworkspaces.gitfat.remote import CONFIG_FILE

    attributes = root / ".gitattributes"
    return (root / CONFIG_FILE).exists() or (attributes.is_file() and b"filter=fat" in attributes.read_bytes())


def check_programs(root: Path) -> None:
    """Raise ConfigurationError if a program is missing that the repository's remote needs."""
    from dataworkspaces.gitfat.remote import CONFIG_FILE, read_remote
    from dataworkspaces.gitfat.transfer import check_programs

    check_programs(read_remote(root) if (root / CONFIG_FILE).exists() else None)


def address(root: Path) -> str | None:
    """The place that ``.gitfat`` names, for the user of this machine to agree to; None without such a file."""
    from dataworkspaces.gitfat.remote import CONFIG_FILE, read_remote

    if not (root / CONFIG_FILE).exists():
        return None
    remote = read_remote(root)
    user = f"{remote.user}@" if remote.user else ""
    port = f" port {remote.port}" if remote.port else ""
    return f"git-fat {user}{remote.location}{port}"


def ask_for_consent(root: Path, consent: Consent) -> None:
    """Raise RefusedError unless the user of this machine has agreed to contact the place that ``.gitfat`` names."""
    named = address(root)
    if named is not None:
        consent.to(named, "The .gitfat of the repository")


def set_up(root: Path) -> None:
    """Tell git, in the repository at ``root``, of the filters."""
    from dataworkspaces.gitfat import commands

    commands.init(_repository(root))


def push(root: Path, progress: Progress) -> None:
    """Send the objects of HEAD that the remote lacks."""
    from dataworkspaces.gitfat import commands

    commands.push(_repository(root), progress=progress)


def pull(root: Path, progress: Progress) -> None:
    """Fetch the objects of HEAD, and write their files. Raises ToolError for those that cannot be had; all others are
    in place then."""
    from dataworkspaces.gitfat import commands

    pulled = commands.pull(_repository(root), progress=progress)
    if pulled.missing:
        raise commands.missing_error(pulled.missing)


def check_options(root: Path, remote: str, user: str | None, port: int | None) -> None:
    """Raise ConfigurationError if a program is missing, or if the remote cannot be one."""
    from dataworkspaces.gitfat.remote import check_remote
    from dataworkspaces.gitfat.transfer import check_programs

    check_programs(check_remote(remote, user, port, f"git-fat in {root}"))


def write_config(
    root: Path, remote: str, user: str | None, port: int | None, patterns: Sequence[str]
) -> dict[Path, list[str]]:
    """Write ``.gitfat``, and set git up. Returns the lines that ``.gitattributes`` needs, by the files that are to be
    committed; ``patterns`` are as they stand there."""
    from dataworkspaces.gitfat.remote import check_remote, write_remote

    path = write_remote(root, check_remote(remote, user, port))
    set_up(root)
    return {path: [], root / ".gitattributes": [f"{pattern} {_ATTRIBUTES}" for pattern in patterns]}


def _repository(root: Path) -> FatRepository:
    from dataworkspaces.gitfat.repository import FatRepository

    return FatRepository.find(root)
