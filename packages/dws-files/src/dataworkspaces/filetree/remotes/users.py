"""Which workspaces keep contents at a remote: a small file for each in ``users/``, by the origin of the workspace.

All copies of a workspace have one origin, and so one file. What one workspace needs no more another may need.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataworkspaces.filetree.remotes.leases import DIRECTORY

if TYPE_CHECKING:
    from dataworkspaces.filetree.remotes.places import Place

_SUFFIX = ".json"


@dataclass(frozen=True)
class User:
    """:ivar origin: what tells the workspace from all others, in words."""

    origin: str

    @property
    def file(self) -> str:
        name = hashlib.sha256(self.origin.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return f"{DIRECTORY}/{name}{_SUFFIX}"


def register(place: Place, user: User, workspace: str) -> None:
    """Note that a workspace needs contents there. Idempotent. :param workspace: its name."""
    facts = json.dumps({"origin": user.origin, "workspace": workspace})
    place.write(user.file, facts.encode("utf-8", "surrogateescape"), "noting who needs it")


def forget(place: Place, user: User) -> None:
    """A workspace is gone for good. Idempotent."""
    place.remove([user.file], "forgetting a workspace")


def users(place: Place) -> tuple[list[User], list[str]]:
    """The workspaces that need contents there, and of what else nobody knows what it needs."""
    found: list[User] = []
    unknown: list[str] = []
    for name in place.list(DIRECTORY):
        if name.endswith(".txt"):  # as object stores on this machine have them
            unknown.append(f"{DIRECTORY}/{name}")
        elif name.endswith(_SUFFIX):
            try:
                facts = json.loads(place.read(f"{DIRECTORY}/{name}", "reading who needs it"))
                user = User(str(facts["origin"]))
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError, RecursionError):
                unknown.append(f"{DIRECTORY}/{name}")
                continue
            if user.file == f"{DIRECTORY}/{name}":
                found.append(user)
            else:
                unknown.append(f"{DIRECTORY}/{name}")
    return found, unknown
