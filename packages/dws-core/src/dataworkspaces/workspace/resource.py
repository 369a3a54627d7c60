"""The contract of a resource: a collection of data with a role in the project."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.params import BoolType, ParamDef, ParamDefs

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace


class ResourceRoles:
    """The four roles of resources."""

    SOURCE_DATA_SET = "source-data"
    INTERMEDIATE_DATA = "intermediate-data"
    CODE = "code"
    RESULTS = "results"


RESOURCE_ROLE_CHOICES = [
    ResourceRoles.SOURCE_DATA_SET,
    ResourceRoles.INTERMEDIATE_DATA,
    ResourceRoles.CODE,
    ResourceRoles.RESULTS,
]

REMOVED = "removed"
"""The parameter of a resource that was removed: true. Its others stay, since snapshots hold versions of it."""

EXPORT_PARAM = ParamDef(
    "export", False, True, "Its lineage.json is kept for other workspaces", BoolType(), settable=False
)
IMPORTED_PARAM = ParamDef("imported", False, True, "Another workspace exported it", BoolType(), settable=False)


class Resource(ABC):
    """One resource of a workspace.

    An instance is a view of the metadata at the time when it was made; it holds no open files or connections, and
    making one touches no data. Everything that the instance needs comes from its parameters
    (:meth:`get_params`, and :meth:`LocalStateResourceMixin.get_local_params`).

    :ivar resource_type: the type's stored name, as its entry point announces it.
    :ivar name: unique in the workspace.
    :ivar role: one of :class:`ResourceRoles`.
    """

    param_defs: ParamDefs = ParamDefs()
    """The type's own parameters, global and local; ``dws config --resource`` shows and sets them."""

    def __init__(self, resource_type: str, name: str, role: str, workspace: Workspace) -> None:
        self.resource_type = resource_type
        self.name = name
        self.role = role
        self.workspace = workspace

    def has_results_role(self) -> bool:
        return self.role == ResourceRoles.RESULTS

    def get_params(self) -> dict[str, Any]:
        """What the workspace keeps of this resource for everybody: ``resource_type``, ``name`` and ``role`` and the
        type's own global parameters, in the order in which they are stored. Extend the result of ``super()``."""
        return {"resource_type": self.resource_type, "name": self.name, "role": self.role}

    def describe_params(self) -> Mapping[str, Any]:
        """The parameters that ``dws report status`` shows: the type's own, without those that say nothing."""
        hidden = ("resource_type", "name", "role")
        return {k: v for k, v in self.get_params().items() if k not in hidden and v not in (None, False)}

    def is_exported(self) -> bool:
        """True if the resource has a parameter ``export`` that is true."""
        return bool(self.get_params().get("export", False))

    def is_imported(self) -> bool:
        """True if the resource has a parameter ``imported`` that is true."""
        return bool(self.get_params().get("imported", False))

    def check_params(self) -> None:
        """Raise ConfigurationError if parameters that a user gives to ``dws add`` or ``dws config`` do not go
        together. Those that are read are not checked: they may come from another release, and the resource has to load
        for somebody to change them."""

    def addresses(self) -> Iterable[str]:
        """The addresses that parameters of this resource name, and others can change: of servers, buckets, remotes, as
        the resource passes them to :meth:`Workspace.consent` before the first contact. Contacts nothing."""
        return ()

    def hint_instead_of(self, command: str) -> str | None:
        """What somebody may do whom ``dws COMMAND`` tells that this type does not support it; None if there is nothing
        like it."""
        return None

    @abstractmethod
    def validate_subpath_exists(self, subpath: str) -> None:
        """Raise ConfigurationError if ``subpath`` is not a place in this resource."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, role={self.role!r})"
