"""``dws add``: track a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataworkspaces.workspace import Resource, Workspace


def add_command(
    workspace: Workspace, resource_type: str, role: str | None, name: str | None, **kwargs: Any
) -> Resource:
    """Add a resource and return it.

    :param resource_type: as its entry point names it (``file``, not ``local-files``).
    :param role: a role or its first letter; None asks for it.
    :param name: None asks for it, with the type's suggestion as the default.
    :param kwargs: what the type's own options gave, and ``export`` and ``imported`` if it takes them.
    """
    raise NotImplementedError
