"""How the user of this machine is asked before something is contacted that a workspace names. See
:mod:`dataworkspaces.toolbox.trust`, and ``docs/trust.md``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from dataworkspaces.errors import DwsError, RefusedError
from dataworkspaces.toolbox.trust import Agreements, is_agreeing, place_of_directory

if TYPE_CHECKING:
    from dataworkspaces.workspace.interaction import Interaction
    from dataworkspaces.workspace.workspace import Workspace

__all__ = ["Consent", "place_of"]


class Consent(NamedTuple):
    """How the user of this machine is asked before something is contacted."""

    place: str
    interaction: Interaction

    def to(self, address: str, named_by: str) -> None:
        """Return if the user has agreed, or agrees now, to contact an address that came with the workspace.

        Raises RefusedError if not, and with ``--batch``, where nobody can be asked."""
        import shlex

        if address in Agreements(self.place).addresses():
            return
        if not is_agreeing() and not self._asked(address, named_by):
            raise RefusedError(
                f"{named_by} names {address}, and nobody has agreed to contact it from this copy of the workspace",
                hint=f"If you trust it: dws trust {shlex.quote(address)}",
            )
        self.agree([address])

    def agree(self, addresses: Iterable[str]) -> None:
        """Record that the user of this machine has named these, or has said yes."""
        new = sorted(set(addresses))
        if not new:
            return
        try:
            Agreements(self.place).add(new)
        except DwsError as e:  # a home that cannot be written to: the agreement holds for this command
            self.interaction.warn(f"The agreement to contact {', '.join(new)} is not kept: {e.message}")

    def _asked(self, address: str, named_by: str) -> bool:
        question = f"{named_by} names {address}, which this copy of the workspace has not contacted yet. Contact it?"
        return self.interaction.confirm(question, default=False)


def place_of(workspace: Workspace) -> str:
    """What agreements are kept by: the workspace's directory, without links; for one without, its name."""
    own = workspace.get_workspace_local_path_if_any()
    return f"workspace {workspace.name}" if own is None else place_of_directory(own)
