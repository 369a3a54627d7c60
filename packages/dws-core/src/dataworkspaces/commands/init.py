"""``dws init``: make a directory a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataworkspaces.workspace import Interaction

ALL_ROLES = "all"
"""In ``create_resources``: each role."""


@dataclass(frozen=True)
class InitOutcome:
    """A workspace that was made, and the resources that were made in it (each has its role for a name)."""

    workspace_dir: Path
    name: str
    resources: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "workspace_dir": str(self.workspace_dir),
            "name": self.name,
            "resources": list(self.resources),
        }


def init_command(
    directory: Path,
    name: str | None,
    hostname: str,
    create_resources: Sequence[str],
    scratch_directory: str,
    interaction: Interaction,
    *,
    batch: bool = False,
    verbose: bool = False,
    backend: str = "git",
    **backend_options: Any,
) -> InitOutcome:
    """Make ``directory`` a workspace.

    :param name: None for the directory's name.
    :param create_resources: roles, or ``["all"]``; a subdirectory is made a resource for each.
    :param scratch_directory: relative to ``directory``, or absolute.
    """
    raise NotImplementedError
