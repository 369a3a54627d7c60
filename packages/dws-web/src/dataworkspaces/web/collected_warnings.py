"""What would be told on a terminal, kept for the page."""

from __future__ import annotations

from dataworkspaces.workspace import BatchInteraction, Workspace


class Collecting(BatchInteraction):
    """Nobody is asked; what would be told on a terminal is kept, for the page."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def warnings_of(workspace: Workspace) -> list[str]:
    """What was told while the workspace was read."""
    interaction = workspace.interaction
    return interaction.warnings if isinstance(interaction, Collecting) else []
