"""The resource type ``api-resource``: data that an API delivers, and that lies in no files.

Its version is a hash that a kit computes of the data as a step reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ApiParamError, ConfigurationError, NotSupportedError
from dataworkspaces.toolbox.atomic import explain_os_error, write_bytes
from dataworkspaces.workspace import (
    PresentContents,
    Resource,
    ResourceChange,
    ResourceFactory,
    ResourceRoles,
    SnapshotResourceMixin,
    SnapshotVersion,
    Workspace,
)
from dataworkspaces.workspace.checking_out import CheckOutMixin

RESOURCE_TYPE = "api-resource"
HASH_FILE = "hashval.txt"


class ApiResource(CheckOutMixin, SnapshotResourceMixin, Resource):
    """The hash is kept on this machine; snapshots take it up."""

    def __init__(self, name: str, role: str, workspace: Workspace) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)

    def save_input_hash(self, hashval: str) -> None:
        """Record the hash of the data that was read last; for kits."""
        if not hashval or not hashval.isprintable():
            raise ApiParamError(f"Resource '{self.name}': {hashval!r} is not a hash")
        try:
            write_bytes(self._hash_file, hashval.encode("utf-8"))
        except OSError as e:
            raise explain_os_error(e, f"Recording the hash of resource '{self.name}'") from e

    def get_input_hash(self) -> str | None:
        """The hash that was recorded last on this machine, or None."""
        try:
            return self._hash_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None
        except OSError as e:
            raise explain_os_error(e, f"Reading the hash of resource '{self.name}'") from e
        except UnicodeDecodeError as e:
            raise ConfigurationError(f"Resource '{self.name}': {self._hash_file} holds no text") from e

    @property
    def _hash_file(self) -> Path:
        return self.workspace.get_resource_local_directory(self) / HASH_FILE

    def validate_subpath_exists(self, subpath: str) -> None:
        raise ConfigurationError(f"Resource '{self.name}' comes from an API: it has no files, and so no '{subpath}'")

    def snapshot_precheck(self) -> None:
        self.get_input_hash()

    def snapshot(self) -> tuple[str | None, str | None]:
        return self.get_input_hash(), None

    def restore_precheck(self, restore_hashval: str) -> None:
        raise NotSupportedError(f"Resource '{self.name}' cannot be restored: its data comes from an API")

    def restore(self, restore_hashval: str) -> None:
        self.restore_precheck(restore_hashval)

    def check_out(self, version: SnapshotVersion, directory: Path) -> None:
        """There are no files: a step that runs there asks the API, which may deliver something else by now."""

    def hand_over(self, other: Resource, version: SnapshotVersion) -> None:
        if isinstance(other, ApiResource) and version.compare_hash is not None:
            other.save_input_hash(version.compare_hash)

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        """Nothing is kept for a snapshot."""

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        hashval = self.get_input_hash()
        return PresentContents([hashval if path is None else None for path in subpaths])

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        return [compare_hash if path is None else None for path in subpaths]

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        hashval = self.get_input_hash()
        if hashval is None and version.compare_hash is not None:
            return ResourceChange("unknown", "no step has read it on this machine")
        return ResourceChange("unchanged" if hashval == version.compare_hash else "changed")


class ApiResourceFactory(ResourceFactory):
    command_name = "api-resource"
    help = "data that an API delivers"
    example = "--role source-data --name weather"
    roles = (ResourceRoles.SOURCE_DATA_SET, ResourceRoles.INTERMEDIATE_DATA)

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> ApiResource:
        return ApiResource(name, role, workspace)

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> ApiResource:
        return ApiResource(params["name"], params["role"], workspace)

    def has_local_state(self) -> bool:
        return False

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return f"api-{role}"


FACTORY = ApiResourceFactory()
