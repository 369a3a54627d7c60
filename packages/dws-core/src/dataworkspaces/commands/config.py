"""``dws config``: show and set parameters of the workspace, or of a resource."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class ParamRow:
    """One parameter and its value.

    :ivar scope: ``global`` or ``local``.
    :ivar is_default: no value is set.
    :ivar resource: the resource that it belongs to; None for the workspace's own.
    """

    name: str
    scope: str
    value: Any
    is_default: bool
    help: str
    settable: bool
    resource: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def list_params(workspace: Workspace, resource: str | None = None) -> list[ParamRow]:
    """All parameters of the workspace, or of a resource."""
    raise NotImplementedError


def get_param(workspace: Workspace, name: str, resource: str | None = None) -> ParamRow:
    """One parameter; raises ParamNotFoundError with the nearest names."""
    raise NotImplementedError


def set_param(workspace: Workspace, name: str, text: str, resource: str | None = None) -> ParamRow:
    """Set a parameter to what a user typed."""
    raise NotImplementedError
