"""The command lines that somebody ran on this machine; others came with a workspace that was cloned or pulled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.workspace.atomic import explain_os_error


class OwnCommands:
    """:param directory: of this machine, which no repository can bring."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "commands"

    def add(self, command: Sequence[str]) -> None:
        """The user runs this command line, or has seen it and agreed to run it."""
        if self.has(command):
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="ascii") as file:  # a short line is appended whole
                file.write(f"{_digest(command)}\n")
        except OSError as e:
            raise explain_os_error(e, "Noting which command is run") from e

    def has(self, command: Sequence[str]) -> bool:
        """Whether it has been run here."""
        try:
            return _digest(command) in self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return False


def _digest(command: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(command)).encode("utf-8", "surrogatepass")).hexdigest()
