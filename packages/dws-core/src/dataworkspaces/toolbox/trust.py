"""What this machine has agreed to contact, of the addresses that workspaces name.

Whoever can write to a workspace can name addresses in it: of buckets, of remotes, of servers. The first contact with
one tells its owner of this machine, and may bring him credentials. So each is shown before, and somebody has to agree;
what a user of this machine names (``dws add``, ``dws config``) needs no more. This module keeps what was agreed to;
:mod:`dataworkspaces.workspace.trust` asks.

Agreements are kept beside the user's configuration, by the place of the workspace: neither a clone nor an archive
brings its own along. See ``docs/trust.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object, write_json
from dataworkspaces.toolbox.user_directories import config_directory

__all__ = [
    "Agreements",
    "NamedAddress",
    "agreeing",
    "agreements_file",
    "is_agreed_anywhere",
    "is_agreeing",
    "place_of_directory",
]

AGREEMENTS_FILE = "agreements.json"
_AGREEING: ContextVar[bool] = ContextVar("dws-agreeing", default=False)


@contextmanager
def agreeing(agrees: bool = True) -> Iterator[None]:
    """What is contacted within the block has been named, or agreed to as a whole, by the user of this machine. It is
    recorded, and needs no more from then on."""
    token = _AGREEING.set(agrees or _AGREEING.get())
    try:
        yield
    finally:
        _AGREEING.reset(token)


def is_agreeing() -> bool:
    """Whether this runs in such a block."""
    return _AGREEING.get()


class NamedAddress(NamedTuple):
    """:ivar address: as a user reads and types it; it says all that decides who is contacted, and with what.
    :ivar named_by: what names it, as the subject of a sentence: ``Resource 'data'``."""

    address: str
    named_by: str


class Agreements(NamedTuple):
    """Those for the workspace at one place. :ivar place: see :func:`dataworkspaces.workspace.trust.place_of`."""

    place: str

    def addresses(self) -> list[str]:
        """All, sorted. Raises MetadataError if they cannot be read: then nothing is agreed to, and nothing is lost."""
        return sorted(_read().get(self.place, ()))

    def add(self, addresses: Iterable[str]) -> None:
        """Agree. The second time changes nothing."""
        wanted = set(addresses)
        self._change(lambda known: known | wanted)

    def remove(self, addresses: Iterable[str]) -> None:
        """Agree no longer."""
        unwanted = set(addresses)
        self._change(lambda known: known - unwanted)

    def _change(self, change: Callable[[set[str]], set[str]]) -> None:
        before = set(self.addresses())
        if change(before) == before:
            return
        from filelock import FileLock

        path = agreements_file()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{path}.lock", timeout=10):
                everything = _read()
                everything[self.place] = sorted(change(set(everything.get(self.place, ()))))
                write_json(path, {"workspaces": {key: found for key, found in everything.items() if found}})
        except OSError as e:
            raise explain_os_error(e, f"Keeping agreements in {path}") from e


def is_agreed_anywhere(address: str) -> bool:
    """Whether a user of this machine has agreed to an address for any workspace; for one that names its own place."""
    try:
        return any(address in addresses for addresses in _read().values())
    except MetadataError:
        return False


def place_of_directory(directory: str | Path) -> str:
    return os.path.realpath(directory)


def agreements_file() -> Path:
    """Beside the user's list of workspaces."""
    return Path(config_directory()).expanduser() / AGREEMENTS_FILE


def _read() -> dict[str, list[str]]:
    try:
        path = agreements_file()
    except RuntimeError:  # neither HOME nor an entry of the user
        return {}
    if not path.exists():
        return {}
    found: Any = read_json_object(path, "workspaces")["workspaces"]
    if not isinstance(found, dict) or not all(
        isinstance(addresses, list) and all(isinstance(address, str) for address in addresses)
        for addresses in found.values()
    ):
        raise MetadataError(f"{path}: 'workspaces' should hold a list of addresses by directory")
    return found
