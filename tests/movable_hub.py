"""Machines with copies of a workspace, and the hub at which they meet, that can be copied together: making them anew for
each test takes seconds."""

from __future__ import annotations

import json
from pathlib import Path

from collaboration import HUB_ADDRESS, Hub
from endtoend import User, copy_workspace
from forked import Forked
from servers import HttpServer

USERS = "users.json"
"""In the directory that is copied: who works where."""


class MovableHub(Hub):
    """A hub whose address is the same wherever it is: git is told where it lies, or by what it is served."""

    def url(self, path: Path) -> str:
        return f"{HUB_ADDRESS}/{path.relative_to(self.root)}"

    def where(self) -> str:
        return str(self.root) if self.http is None else self.http.url(self.root).rstrip("/.")

    def connect(self, user: User) -> User:
        config = Path(user.env["GIT_CONFIG_GLOBAL"])
        lines = config.read_text().partition("[url ")[0]
        config.write_text(f'{lines}[url "{self.where()}"]\n\tinsteadOf = {HUB_ADDRESS}\n')
        return user


def keep(directory: Path, *users: User) -> None:
    """Note who works below a directory, whose hub is `hub`, so that it can be copied with them."""
    noted = [{"cwd": str(user.cwd), "env": user.env} for user in users]
    (directory / USERS).write_text(json.dumps(noted))


def copy_of(template: Path, directory: Path, *, http: bool = False) -> tuple[Hub, list[User]]:
    """A hub and users like those of a directory, in another one which is not there."""
    copy_workspace(template, directory)
    for name in (USERS, *(str(path) for path in directory.glob("*/home/.config/dws/agreements.json"))):
        path = directory / name
        path.write_text(path.read_text().replace(str(template), str(directory)))
    hub = MovableHub(directory / "hub", http=HttpServer(directory / "hub") if http else None)
    if hub.http is not None:
        hub.http.start()
    users = json.loads((directory / USERS).read_text())
    return hub, [hub.connect(Forked(Path(user["cwd"]), user["env"])) for user in users]
