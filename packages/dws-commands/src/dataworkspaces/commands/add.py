"""``dws add``: track a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.operations.questions import ask_unlocked
from dataworkspaces.toolbox.trust import agreeing
from dataworkspaces.workspace import ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.workspace import Resource, ResourceFactory, Workspace

ROLES_TO_SHARE = {
    "export": (ResourceRoles.INTERMEDIATE_DATA, ResourceRoles.RESULTS),
    "imported": (ResourceRoles.SOURCE_DATA_SET,),
}
"""Those of a resource that has the parameter."""


def add_command(
    workspace: Workspace, resource_type: str, role: str, name: str | None = None, *args: Any, **kwargs: Any
) -> Resource:
    """Add a resource and return it.

    :param resource_type: as its entry point names it (``file``, not ``local-files``).
    :param name: None takes the name that the type suggests.
    :param kwargs: what the type's own options gave, and ``export`` and ``imported`` if it takes them.
    """
    factory = workspace.get_resource_factory(resource_type)
    _check_sharing(factory, resource_type, role, kwargs)

    def attempt() -> Resource:
        with workspace.transaction("add"):
            free = name or workspace.suggest_resource_name(resource_type, role, *args, **kwargs)
            resource = workspace.add_resource(free, resource_type, role, *args, **kwargs)
            workspace.save(f"Added resource {free}")
        return resource

    return ask_unlocked(workspace, attempt)


def precheck(workspace: Workspace, factory: ResourceFactory, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """See :meth:`ResourceFactory.precheck`; the user has named what is contacted now."""
    with agreeing():
        return factory.precheck(workspace, *args, **kwargs)


def is_numbered(workspace: Workspace, suggestion: str) -> bool:
    """Whether a suggestion has a number because the name without it is taken."""
    base, dash, number = suggestion.rpartition("-")
    taken = {*workspace.get_resource_names(), *workspace.get_removed_resource_names()}
    return bool(dash) and number.isdecimal() and base in taken


def resource_json(resource: Resource) -> dict[str, Any]:
    """What ``dws add --json`` says of the new resource; ``dws report status --json`` says that too."""
    return {
        "name": resource.name,
        "role": resource.role,
        "type": resource.resource_type,
        "parameters": dict(resource.describe_params()),
    }


def _check_sharing(factory: ResourceFactory, resource_type: str, role: str, options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError if a resource of this type and role cannot be exported or imported as asked."""
    if options.get("export") and options.get("imported"):
        raise ConfigurationError(
            "--export and --imported cannot be used together: a resource that another workspace made cannot be exported"
        )
    is_offered = {"export": factory.takes_export, "imported": factory.takes_imported}
    for option, roles in ROLES_TO_SHARE.items():
        if not options.get(option):
            continue
        if not is_offered[option]:
            raise ConfigurationError(f"--{option} does not apply to a resource of type {resource_type}")
        if role not in roles:
            raise ConfigurationError(
                f"--{option} does not apply to a resource with the role {role}",
                hint=f"It applies only to the role {' or '.join(roles)}",
            )
