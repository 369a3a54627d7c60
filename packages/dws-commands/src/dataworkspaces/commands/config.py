"""``dws config``: show and set parameters of the workspace, or of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.add import ROLES_TO_SHARE
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.operations.executors import executor_addresses
from dataworkspaces.params import EXECUTOR, OBJECTS_PATH, OBJECTS_SHARED, ParamDef, ParamDefs
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.shared_directories import is_shared, share
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRoles

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

ROLE = "role"
RESULTS = ResourceRoles.RESULTS

RESOURCE_PARAMS = ParamDefs(
    [
        ParamDef("resource_type", None, True, "Type, as its plug-in names it", settable=False),
        ParamDef("name", None, True, "Name, unique in the workspace", settable=False),
        ParamDef(ROLE, None, True, "Role in the project"),
    ]
)
"""The parameters that every resource has; its type adds its own."""


@dataclass(frozen=True)
class ParamRow:
    """One parameter and its value.

    :ivar scope: ``global`` or ``local``.
    :ivar is_default: the value is the one that it has when none is set.
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
    owner = _owner(workspace, resource)
    return [_row(definition, owner, resource) for definition in owner.definitions.values()]


def get_param(workspace: Workspace, name: str, resource: str | None = None) -> ParamRow:
    """One parameter; raises ParamNotFoundError with the nearest names."""
    owner = _owner(workspace, resource)
    return _row(owner.definitions.find(name, owner=owner.title), owner, resource)


def set_param(workspace: Workspace, name: str, text: str, resource: str | None = None) -> ParamRow:
    """Set a parameter to what a user typed."""
    owner = _owner(workspace, resource)
    definition = owner.definitions.find(name, owner=owner.title)
    if not definition.settable:
        when = "the workspace" if resource is None else "the resource"
        hint = "dws remove takes a resource out, and dws add adds one" if resource is not None else None
        raise ConfigurationError(f"Parameter '{name}' cannot be changed: it is fixed when {when} is created", hint=hint)
    value = definition.parse(text)
    with workspace.transaction("config"):
        if resource is None:
            _set_workspace_param(workspace, definition, value)
            if name == EXECUTOR:
                workspace.consent.agree(executor_addresses(workspace))
        else:
            _set_resource_param(workspace, resource, definition, value)
        if resource is None and name in (OBJECTS_SHARED, OBJECTS_PATH):
            _share_store(workspace)
        if definition.is_global:
            workspace.save(f"Set parameter {name} of {owner.title}")
    return get_param(workspace, name, resource)


def _share_store(workspace: Workspace) -> None:
    if workspace.get_local_param(OBJECTS_SHARED) != "group":
        return
    place = workspace.get_objects_directory()
    try:
        share(place)
    except OSError as e:
        raise explain_os_error(e, f"Sharing the object store {place}") from e
    if not is_shared(place):
        workspace.interaction.warn(f"{place} belongs to somebody else. Its owner has to share it: chmod g+ws {place}")


@dataclass(frozen=True)
class _Owner:
    """Who has parameters, and the values."""

    title: str
    definitions: ParamDefs
    values: Mapping[str, Any]


def _owner(workspace: Workspace, resource_name: str | None) -> _Owner:
    if resource_name is None:
        values = {**workspace.read_params(True), **workspace.read_params(False)}
        return _Owner(f"workspace '{workspace.name}'", workspace.param_defs, values)
    resource = workspace.get_resource(resource_name)
    local = resource.get_local_params() if isinstance(resource, LocalStateResourceMixin) else {}
    params = resource.get_params()
    own = resource.param_defs or _undeclared(params, is_global=True) | _undeclared(local, is_global=False)
    return _Owner(f"resource '{resource_name}'", RESOURCE_PARAMS | own, {**params, **local})


def _undeclared(params: Mapping[str, Any], *, is_global: bool) -> ParamDefs:
    """Parameters of a type that does not say which it has, as those that the manual knows: they are shown."""
    return ParamDefs(
        ParamDef(name, None, is_global, "Of its type, which does not say more", settable=False)
        for name in params
        if name not in RESOURCE_PARAMS
    )


def _row(definition: ParamDef, owner: _Owner, resource: str | None) -> ParamRow:
    value = owner.values.get(definition.name, definition.default)
    return ParamRow(
        name=definition.name,
        scope=definition.scope,
        value=value,
        is_default=value == definition.default,
        help=definition.help,
        settable=definition.settable,
        resource=resource,
    )


def _set_workspace_param(workspace: Workspace, definition: ParamDef, value: Any) -> None:
    if definition.is_global:
        workspace.set_global_param(definition.name, value)
    else:
        workspace.set_local_param(definition.name, value)


def _check_role(workspace: Workspace, resource: str, params: Mapping[str, Any], role: str) -> None:
    """Raise ConfigurationError for a role that the type cannot have. What results are is another thing than data: a
    snapshot moves them, and no restore brings them back."""
    possible = [each for each in workspace.get_resource_factory(params["resource_type"]).roles if each != RESULTS]
    if params["role"] == RESULTS or role == RESULTS:
        raise ConfigurationError(
            f"Resource '{resource}': the role 'results' can be neither given nor taken away, since old "
            "snapshots hold the resource as it was",
            hint=f"Remove it (dws remove {resource}), and add its directory under another name",
        )
    if role not in possible:
        raise ConfigurationError(
            f"Resource '{resource}' cannot have the role '{role}'", hint=f"Allowed roles: {', '.join(possible)}"
        )
    for sharing, roles in ROLES_TO_SHARE.items():
        if params.get(sharing) and role not in roles:
            raise ConfigurationError(
                f"Resource '{resource}' has the parameter '{sharing}', so it cannot have the role '{role}'",
                hint=f"Allowed roles: {', '.join(each for each in roles if each in possible)}",
            )


def _set_resource_param(workspace: Workspace, resource: str, definition: ParamDef, value: Any) -> None:
    """Write the parameter, if the type makes a resource of the parameters as they are then."""
    params = workspace.get_resource_params(resource)
    local_params = workspace.read_resource_local_params(resource) or {}
    if definition.name == ROLE:
        _check_role(workspace, resource, params, value)
    (params if definition.is_global else local_params)[definition.name] = value
    factory = workspace.get_resource_factory(params["resource_type"])
    changed = factory.from_json(dict(params), dict(local_params), workspace)
    changed.check_params()
    if definition.name in ("remote", "my_remote") and value is not None and not getattr(changed, "restorable", True):
        raise ConfigurationError(
            f"Resource '{resource}' does not keep the content of its versions, so there is nothing to send to {value}",
            hint=f"First run: dws config --resource {resource} restorable true",
        )
    if definition.name == "restorable" and value is False:
        remote = changed.get_params().get("remote")
        if remote is not None:
            workspace.interaction.warn(
                f"Resource '{resource}' no longer keeps the content of its versions, so later versions are not "
                f"sent to {remote}"
            )
    # The user has named what the parameter says; the other addresses are as they were.
    workspace.consent.agree(set(changed.addresses()) - set(workspace.get_resource(resource).addresses()))
    if definition.is_global:
        workspace.write_resource_params(params)
    else:
        workspace.write_resource_local_params(resource, local_params)
