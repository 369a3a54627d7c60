"""``.gitfat``: where the objects of a repository are kept. Whoever wrote the repository wrote it, so it is checked."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, RefusedError
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.regular import is_present

CONFIG_FILE = ".gitfat"
_MAX_BYTES = 65536
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_SSH_RE = re.compile(rf"(?:{_USER}@)?{_HOST}:(?!//)[^:-].*\Z")
_DAEMON_RE = re.compile(rf"rsync://(?:{_USER}@)?{_HOST}(?::\d+)?/[^-].*\Z")
_OPTION_RE = re.compile(r"(?:-z|--compress|--(?:bwlimit|timeout|contimeout)=[0-9]+[KMGkmg]?)\Z")


@dataclass(frozen=True)
class FatRemote:
    """:ivar location: a directory here, ``HOST:PATH`` or ``rsync://…``, as rsync takes it.
    :ivar options: further options of rsync, all of them harmless."""

    location: str
    user: str | None = None
    port: int | None = None
    options: tuple[str, ...] = ()

    @property
    def is_ssh(self) -> bool:
        return _SSH_RE.match(self.location) is not None

    def describe(self) -> str:
        return self.location


def check_remote(location: str, user: str | None, port: int | None, where: str = "git-fat") -> FatRemote:
    """Raise ConfigurationError for what would be an option of rsync or ssh, or is not a place at all."""
    is_known = _SSH_RE.match(location) or _DAEMON_RE.match(location) or location.startswith("/")
    is_known = is_known or (location.startswith((".", "~")) and ":" not in location)
    if not is_known or not location.isprintable():
        raise ConfigurationError(
            f"{where}: {location!r} is not a location where git-fat can keep files",
            hint="Use HOST:PATH, rsync://HOST/MODULE/PATH and the absolute path of a directory",
        )
    if user is not None and not re.fullmatch(_USER, user):
        raise ConfigurationError(f"{where}: {user!r} is not a valid user name")
    if port is not None and not 0 < port < 65536:
        raise ConfigurationError(f"{where}: {port} is not a valid port number")
    # It leaves ~NAME of nobody as it is.
    return FatRemote(os.path.expanduser(location), user, port)  # noqa: PTH111


def read_remote(root: Path) -> FatRemote:
    """What ``.gitfat`` says; raises ConfigurationError if there is none, or nothing in it that can be used."""
    path = root / CONFIG_FILE
    if path.is_symlink() or not path.is_file():
        what = "is not a plain file" if is_present(path) else "is missing"
        raise ConfigurationError(
            f"{path} {what}, so the location of git-fat's files is unknown",
            hint=f"git config -f {CONFIG_FILE} rsync.remote HOST:PATH",
        )
    if path.stat().st_size > _MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {_MAX_BYTES} bytes, too many for such a file")
    listed = run_git(root, ["config", "--no-includes", "-z", "--list", "-f", CONFIG_FILE]).stdout
    values: dict[str, str] = {}
    for record in filter(None, listed.decode("utf-8", "replace").split("\0")):
        key, _, value = record.partition("\n")
        values[key.lower()] = value
    location = values.get("rsync.remote")
    if not location:
        raise ConfigurationError(f"{path} names no remote", hint=f"git config -f {CONFIG_FILE} rsync.remote HOST:PATH")
    port = values.get("rsync.sshport")
    if port is not None and not (port.isascii() and port.isdigit() and len(port) < 6):
        raise ConfigurationError(f"{path}: {port!r} is not a valid port number")
    found = check_remote(location, values.get("rsync.sshuser") or None, int(port) if port else None, str(path))
    options = tuple(values.get("rsync.options", "").split())
    for option in options:
        if not _OPTION_RE.match(option):
            raise RefusedError(
                f"{path}: the option {option!r} of rsync is not allowed there",
                hint="Only --compress, --bwlimit=N, --timeout=N and --contimeout=N are allowed",
            )
    return FatRemote(found.location, found.user, found.port, options)


def write_remote(root: Path, remote: FatRemote) -> Path:
    """Write ``.gitfat``."""
    path = root / CONFIG_FILE
    for key, value in (("remote", remote.location), ("sshport", remote.port), ("sshuser", remote.user)):
        if value is not None:
            run_git(root, ["config", "-f", CONFIG_FILE, f"rsync.{key}", str(value)])
    return path
