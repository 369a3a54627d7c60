"""``dws init``: make a directory a workspace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, DwsError, message_of, with_hint
from dataworkspaces.params import check_hostname
from dataworkspaces.workspace import RESOURCE_ROLE_CHOICES, init_workspace

if TYPE_CHECKING:
    from dataworkspaces.workspace import Interaction, Workspace

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
    backend: str | None = None,
    **backend_options: Any,
) -> InitOutcome:
    """Make ``directory`` a workspace.

    :param name: None for the directory's name.
    :param create_resources: roles, or ``["all"]``; a subdirectory is made a resource for each.
    :param scratch_directory: relative to ``directory``, or absolute.
    :param backend: None for git, or what is installed in its place.
    :param backend_options: what the backend understands beside that.
    """
    root = directory.resolve()
    name = check_workspace_name(root.name if name is None else name)
    check_hostname(hostname)
    roles = _check_roles(create_resources)
    scratch = _check_scratch(scratch_directory, root)
    _check_places(root, roles, scratch)
    backend = backend or plugins.default_backend()
    factory = plugins.load(plugins.BACKENDS, backend)
    for role in roles:
        factory.check_resource_directory(root / role, role)
    workspace = init_workspace(backend, name, hostname, batch, verbose, scratch, directory=str(root), **backend_options)
    workspace.interaction = interaction
    for note in workspace.creation_notes():
        interaction.tell(note)
    if roles:
        _create_resources(workspace, root, roles, *plugins.load(plugins.BACKENDS, backend).directory_resource())
    return InitOutcome(root, name, tuple(roles))


def check_workspace_name(name: str) -> str:
    """Return ``name`` if it can name a workspace, and the directory that a clone of it is put in."""
    if not name or not name.isprintable() or name[0] in ".-" or "/" in name or "\\" in name or len(name) > 200:
        raise ConfigurationError(
            f"'{name}' cannot name a workspace",
            hint="Give a name that has no slashes and does not start with '.' or '-': dws init NAME",
        )
    return name


def _check_roles(names: Sequence[str]) -> list[str]:
    """The roles that were named, each once."""
    roles: list[str] = []
    for name in names:
        if name != ALL_ROLES and name not in RESOURCE_ROLE_CHOICES:
            raise ConfigurationError(
                f"--create-resources: there is no role '{name}'",
                hint=f"Choose from: {', '.join(RESOURCE_ROLE_CHOICES)}; '{ALL_ROLES}' means all of them",
            )
        for role in RESOURCE_ROLE_CHOICES if name == ALL_ROLES else [name]:
            if role not in roles:
                roles.append(role)
    return roles


def _check_scratch(scratch: str, root: Path) -> str:
    """What the workspace keeps of the scratch directory: a relative path if it lies in the workspace."""
    given = Path(scratch).expanduser()
    path = Path(os.path.normpath(root / given))
    if root in path.parents:
        return path.relative_to(root).as_posix()
    if path == root or path in root.parents:
        raise ConfigurationError(f"The scratch directory '{scratch}' would contain the whole workspace")
    if not given.is_absolute():
        raise ConfigurationError(
            f"The scratch directory '{scratch}' would lie outside of the workspace", hint="Give its absolute path"
        )
    return str(path)


def _check_places(root: Path, roles: Sequence[str], scratch: str) -> None:
    """Raise ConfigurationError if one of the directories cannot be made."""
    if not root.is_dir():
        raise ConfigurationError(f"{root} is not a directory")
    for role in roles:
        place = root / role
        if scratch.split("/", 1)[0] == role:
            raise ConfigurationError(f"The scratch directory {place} would be part of the resource '{role}'")
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise ConfigurationError(f"{place} is not a directory, so resource '{role}' cannot be there")


def _create_resources(
    workspace: Workspace, root: Path, roles: Sequence[str], resource_type: str, arguments: dict[str, Any]
) -> None:
    made: list[str] = []
    with workspace.transaction("init"):
        try:
            for role in roles:
                workspace.add_resource(role, resource_type, role, path=str(root / role), create=True, **arguments)
                made.append(role)
        except (DwsError, OSError) as e:
            # There is a workspace by now. It stays, with the resources that are whole.
            if made:
                workspace.save(f"Added {', '.join(made)}")
            missing = roles[len(made) :]
            command = workspace.get_resource_factory(resource_type).command(resource_type)
            add = "; ".join(f"dws add {command} --role={role} --name={role} ./{role}" for role in missing)
            first = (e.hint if isinstance(e, DwsError) else None) or "Mend that"
            raise ConfigurationError(
                f"The workspace was created, but its resource '{missing[0]}' was not: {message_of(e)}",
                hint=with_hint(first, f"Then add what is missing: {add}"),
            ) from e
        workspace.save(f"Added {', '.join(made)}")
