"""``dws trust``: which addresses that a workspace names may be contacted from this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import DwsError, NotFoundError
from dataworkspaces.operations.executors import executor_addresses
from dataworkspaces.params import EXECUTOR
from dataworkspaces.toolbox.trust import Agreements, NamedAddress, place_of_directory
from dataworkspaces.workspace.trust import place_of

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class TrustRow:
    """:ivar named_by: what names the address; None if it is agreed to, and nothing names it any more."""

    address: str
    named_by: str | None
    is_agreed: bool

    def to_json(self) -> dict[str, Any]:
        return {"address": self.address, "named_by": self.named_by, "agreed": self.is_agreed}


def named_addresses(workspace: Workspace) -> Iterator[NamedAddress]:
    """All that the workspace and its resources name. Contacts nothing; a resource that cannot be read is told of."""
    for address in workspace.addresses():
        yield NamedAddress(address, f"Workspace '{workspace.name}'")
    for address in executor_addresses(workspace):
        yield NamedAddress(address, f"Parameter '{EXECUTOR}'")
    for name in workspace.get_resource_names():
        try:
            addresses = list(workspace.get_resource(name).addresses())
        except DwsError as e:
            workspace.interaction.warn(f"It is not known which addresses resource '{name}' names: {e.message}")
            continue
        for address in addresses:
            yield NamedAddress(address, f"Resource '{name}'")


def list_trust(workspace: Workspace) -> list[TrustRow]:
    """What the workspace names, and what else is agreed to for it."""
    agreed = Agreements(place_of(workspace)).addresses()
    named = [TrustRow(n.address, n.named_by, n.address in agreed) for n in named_addresses(workspace)]
    known = {row.address for row in named}
    return named + [TrustRow(address, None, True) for address in agreed if address not in known]


def agree(workspace: Workspace, wanted: Sequence[str]) -> list[str]:
    """Agree to addresses, or to all that resources of these names name; returns the addresses.

    Raises NotFoundError, and agrees to none, if one is neither named by the workspace nor a resource of it."""
    agreements = Agreements(place_of(workspace))
    known = [*(named.address for named in named_addresses(workspace)), *agreements.addresses()]
    found = _addresses(workspace, wanted, known)
    agreements.add(found)
    return found


def agree_for_directory(directory: str, addresses: Sequence[str]) -> None:
    """Agree to addresses for the workspace in a directory that cannot be opened before."""
    Agreements(place_of_directory(directory)).add(addresses)


def revoke(workspace: Workspace, wanted: Sequence[str]) -> list[str]:
    """Agree no longer; as :func:`agree`."""
    agreements = Agreements(place_of(workspace))
    found = _addresses(workspace, wanted, known=agreements.addresses())
    agreements.remove(found)
    return found


def agree_to_all(workspace: Workspace) -> None:
    """Agree to all that the workspace names now."""
    workspace.consent.agree(named.address for named in named_addresses(workspace))


def _addresses(workspace: Workspace, wanted: Sequence[str], known: Iterable[str]) -> list[str]:
    known = list(known)
    resources = set(workspace.get_resource_names())
    found: list[str] = []
    for text in wanted:
        if text in known:
            found.append(text)
        elif text in resources:
            found += workspace.get_resource(text).addresses()
        else:
            raise NotFoundError(
                f"Workspace '{workspace.name}' names no address '{text}' and has no resource of that name",
                hint="'dws trust' lists what it names",
            )
    return list(dict.fromkeys(found))
