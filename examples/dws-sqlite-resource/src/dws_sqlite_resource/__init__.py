"""A resource type for Data Workspaces: a table in a SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import ResourceFactory, ResourceRoles, SnapshotWorkspaceMixin, Workspace
from dws_sqlite_resource.resource import RESOURCE_TYPE, SqliteResource
from dws_sqlite_resource.table import read_table

if TYPE_CHECKING:
    import click


class SqliteFactory(ResourceFactory):
    command_name = RESOURCE_TYPE
    help = "a table in a SQLite file"
    roles = (ResourceRoles.SOURCE_DATA_SET, ResourceRoles.INTERMEDIATE_DATA)
    param_defs = SqliteResource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [
            click.Argument(["path"], metavar="PATH", type=click.Path()),
            click.Option(["--table"], metavar="TABLE", required=True, help="The table in the file."),
        ]

    def from_command_line(
        self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any
    ) -> SqliteResource:
        """:param path: of the file. :param table: which is in it."""
        path = Path(kwargs["path"]).expanduser().resolve()
        workspace.validate_local_path_for_resource(name, str(path))
        if not path.is_file():
            raise ConfigurationError(f"{path} is not a file")
        read_table(path, kwargs["table"])
        root = workspace.get_workspace_local_path_if_any()
        is_inside = root is not None and Path(root).resolve() in path.parents
        relative = path.relative_to(Path(str(root)).resolve()).as_posix() if is_inside else None
        return SqliteResource(name, role, workspace, kwargs["table"], relative, str(path))

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> SqliteResource:
        table, relative, path = params["table"], params["relative_path"], local_params.get("my_path")
        if not isinstance(table, str) or not table or "\0" in table:
            raise MetadataError(f"Resource '{params['name']}': {table!r} is not a table name")
        if relative is not None:
            if not isinstance(relative, str) or not relative:
                raise MetadataError(f"Resource '{params['name']}': {relative!r} is no path")
            check_relative_path(relative, f"Resource '{params['name']}'")
        return SqliteResource(params["name"], params["role"], workspace, table, relative, path)

    def has_local_state(self) -> bool:
        return True

    def clone(self, params: dict[str, Any], workspace: Workspace) -> SqliteResource:
        """Put the newest version where the file is in the workspace's directory, or where the user says. A file that is
        there already is taken as it is."""
        resource = self.from_json(params, {}, workspace)
        place = self._place(resource, workspace)
        if place is None:
            return resource
        workspace.validate_local_path_for_resource(resource.name, str(place))
        resource.my_path = str(place)
        newest = self._newest_version(resource)
        if not place.exists() and newest is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            resource.restore(newest)
        return resource

    def _place(self, resource: SqliteResource, workspace: Workspace) -> Path | None:
        root = workspace.get_workspace_local_path_if_any()
        if root is not None and resource.relative_path is not None:
            place = (Path(root) / resource.relative_path).resolve()
            inside = place.relative_to(Path(root).resolve()) if Path(root).resolve() in place.parents else None
            if inside is None or not {".git", ".dataworkspace"}.isdisjoint(inside.parts):
                raise MetadataError(f"Resource '{resource.name}': '{resource.relative_path}' is not a place for it")
            return place
        question = f"SQLite file for resource '{resource.name}' on this machine (empty: not here)"
        answer = workspace.interaction.ask(question, default="").strip()
        return Path(answer).expanduser().resolve() if answer else None

    def _newest_version(self, resource: SqliteResource) -> str | None:
        workspace = resource.workspace
        if not isinstance(workspace, SnapshotWorkspaceMixin):
            return None
        hashes = (s.restore_hashes.get(resource.name) for s in workspace.newest_snapshots())
        return next((hashval for hashval in hashes if hashval is not None), None)

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return str(kwargs["table"])


FACTORY = SqliteFactory()
