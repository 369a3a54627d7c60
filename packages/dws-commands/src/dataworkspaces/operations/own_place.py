"""A workspace that was made, moved or copied takes note of where it is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.params import LOCAL_SCRATCH_DIRECTORY, OBJECTS_PATH
from dataworkspaces.toolbox.whereabouts import PLACES
from dataworkspaces.workspace.files import LocalStateResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace


def settle(workspace: Workspace) -> None:
    """Store the places on this machine as they are now, and the note last: what is killed is done again.

    Without the note, nothing changes for a resource that cannot be opened."""
    lost, is_complete = [], True
    places = workspace.whereabouts.lost
    for name in workspace.get_resource_names():
        places.clear()
        try:
            before = workspace.read_resource_local_params(name)
            if before is None:
                continue
            resource = workspace.get_resource(name)
        except (DwsError, OSError):  # told by whoever needs it
            is_complete = False
            continue
        params = {key: value for key, value in before.items() if key not in PLACES}
        if isinstance(resource, LocalStateResourceMixin):
            params |= resource.get_local_params()
        workspace.write_resource_local_params(name, params)
        if places:
            lost.append((name, min(places)))
    if workspace.whereabouts.earlier is not None:
        _settle_own_places(workspace)
    if lost:
        told = ", ".join(f"{place} of resource '{name}'" for name, place in lost)
        workspace.interaction.warn(
            f"This workspace is a copy of the one at {workspace.whereabouts.earlier}, to which {told} belongs: "
            f"here it has no place until you name one: dws config --resource {lost[0][0]} my_local_path DIRECTORY"
        )
    if is_complete:
        with suppress(OSError):  # a disk that is read-only: the command itself will say so
            workspace.whereabouts.note()


def _settle_own_places(workspace: Workspace) -> None:
    local = workspace.read_params(False)
    changed = dict(local)
    for key in (OBJECTS_PATH, LOCAL_SCRATCH_DIRECTORY):
        place = local.get(key)
        if isinstance(place, str) and place.startswith("/"):
            here = workspace.whereabouts.here(place)
            if here is not None:
                changed[key] = here
            elif key == LOCAL_SCRATCH_DIRECTORY:
                del changed[key]
    if changed != local:
        workspace.write_params(False, changed)
