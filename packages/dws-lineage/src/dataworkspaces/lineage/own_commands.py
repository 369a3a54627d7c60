"""The command lines that the user ran on this machine; others came with a workspace from somebody else.

They are kept as hashes that only the user can make, since an archive may hold a list of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.familiar import keyed_digest
from dataworkspaces.toolbox.regular import read_regular

__all__ = ["OwnCommands"]


class OwnCommands:
    """:param directory: of this machine, which no repository can bring."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "commands"

    def add(self, command: Sequence[str]) -> None:
        """The user runs this command line, or has seen it and agreed to run it."""
        digest = _digest(command)
        if digest is None or self.has(command):  # without a secret of the user's they are asked each time
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="ascii") as file:  # a short line is appended whole
                file.write(f"{digest}\n")
        except OSError as e:
            raise explain_os_error(e, "Noting which command is run") from e

    def has(self, command: Sequence[str]) -> bool:
        """Whether it has been run here."""
        try:
            return _digest(command) in read_regular(self._path).decode("ascii", "replace").splitlines()
        except OSError:
            return False


def _digest(command: Sequence[str]) -> str | None:
    return keyed_digest(json.dumps(list(command)))
