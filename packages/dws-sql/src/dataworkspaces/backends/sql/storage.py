"""The storage part of a workspace in a database: parameters, resources, and their state.

Two people may write at the same time. What an object has read is what it compares with when it writes, and only the
difference goes to the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update

from dataworkspaces.backends.sql import tables
from dataworkspaces.backends.sql.database import Database
from dataworkspaces.backends.sql.local_copy import LocalCopy
from dataworkspaces.errors import ConflictError, MetadataError
from dataworkspaces.params import HOSTNAME, LOCAL_SCRATCH_DIRECTORY, SCRATCH_DIRECTORY
from dataworkspaces.toolbox.hostname import default_hostname
from dataworkspaces.toolbox.names import check_relative_path, check_resource_name
from dataworkspaces.workspace import Resource, Workspace
from dataworkspaces.workspace.documents import check_document_key, directories_below
from dataworkspaces.workspace.resource_names import SHOWN_AS, ResourceNames, check_names

DOCUMENTS = "*"
"""Stands in the place of the resource in the rows of documents; no resource can be called so."""
_POSITION = tables.resources.c.position


class SqlStorage(Workspace):
    """Each write is one transaction, which others see at once: there is nothing to save."""

    renames_resources = True

    def __init__(
        self, database: Database, workspace_id: str, copy: LocalCopy, *, batch: bool = False, verbose: bool = False
    ) -> None:
        row = database.get_workspace(workspace_id)
        super().__init__(row.name, row.dws_version, batch, verbose)
        self.database = database
        self.id = workspace_id
        self.copy = copy
        self._params_read: dict[str, Any] = {}
        self._resource_to_add: str | None = None
        self._names: ResourceNames | None = None

    # -- parameters ----------------------------------------------------------------------------------------------

    def read_params(self, is_global: bool) -> dict[str, Any]:
        if not is_global:
            return self.copy.read_params()
        rows = self.database.read(select(tables.params).where(tables.params.c.workspace == self.id))
        self._params_read = {row.name: _from_json(row.value, f"Parameter '{row.name}'") for row in rows}
        return dict(self._params_read)

    def write_params(self, is_global: bool, params: dict[str, Any]) -> None:
        if not is_global:
            self.copy.write_params(params)
            return
        table, before = tables.params, self._params_read
        gone = [name for name in before if name not in params]
        changed = {name: value for name, value in params.items() if name not in before or before[name] != value}
        with self.database.changing(self.id) as connection:
            old = (table.c.workspace == self.id) & table.c.name.in_([*gone, *changed])
            connection.execute(delete(table).where(old))
            for name, value in changed.items():
                connection.execute(insert(table).values(workspace=self.id, name=name, value=json.dumps(value)))
        self._params_read = dict(params)

    # -- resources -----------------------------------------------------------------------------------------------

    def get_resource_names(self) -> Iterable[str]:
        return [params["name"] for params in self.read_resource_params()]

    def read_stored_resource_params(self) -> list[dict[str, Any]]:
        params = [_resource_params(row.name, row.params) for row in self.database.read(self._all_resources())]
        self._names = ResourceNames(params)
        return params

    def _all_resources(self) -> Any:
        return select(tables.resources).where(tables.resources.c.workspace == self.id).order_by(_POSITION)

    @property
    def resource_names(self) -> ResourceNames:
        """As they were when the resources were last read."""
        return super().resource_names if self._names is None else self._names

    def write_resource_params(self, params: dict[str, Any]) -> None:
        """In one transaction, since others may rename resources at the same time."""
        is_added = params["name"] == self._resource_to_add
        table = tables.resources
        with self.database.changing(self.id) as connection:
            stored = [_resource_params(row.name, row.params) for row in connection.execute(self._all_resources())]
            _check_new_name(params, ResourceNames(stored))
            params = params if is_added else self.to_stored_params(params, stored)
            name, text = params["name"], json.dumps(params)
            check_resource_name(name)
            same = (table.c.workspace == self.id) & (table.c.name == name)
            is_there = connection.execute(select(table.c.position).where(same)).first() is not None
            if not is_there:
                connection.execute(insert(table).values(workspace=self.id, name=name, params=text))
            elif is_added:
                raise ConflictError(
                    f"There is already a resource '{name}': somebody has just added it",
                    hint="Choose another name with --name, or fetch that one with: dws pull",
                )
            else:
                connection.execute(update(table).where(same).values(params=text))
        self.read_stored_resource_params()

    def add_resource(self, name: str, resource_type: str, role: str, *args: Any, **kwargs: Any) -> Resource:
        before = self.read_resource_local_params(name)
        self._resource_to_add = name
        try:
            return super().add_resource(name, resource_type, role, *args, **kwargs)
        except BaseException:
            self._write_local_params_back(name, before)  # not the place of what was not added
            raise
        finally:
            self._resource_to_add = None

    def _write_local_params_back(self, name: str, params: dict[str, Any] | None) -> None:
        self.copy.write_resource_params(name, None if params is None else self.whereabouts.to_stored(params))

    def read_resource_local_params(self, name: str) -> dict[str, Any] | None:
        params = self.copy.read_resource_params(self.resource_names.stored(name))
        return None if params is None else self.whereabouts.from_stored(params)

    def write_resource_local_params(self, name: str, params: dict[str, Any]) -> None:
        self.copy.write_resource_params(self.resource_names.stored(name), self.whereabouts.to_stored(params))

    # -- state of resources --------------------------------------------------------------------------------------

    def read_resource_state(self, resource: Resource, key: str) -> bytes | None:
        rows = self.database.read(select(tables.resource_state.c.content).where(self._state(resource, key)))
        return bytes(rows[0].content) if rows else None

    def write_resource_state(self, resource: Resource, items: dict[str, bytes]) -> None:
        table = tables.resource_state
        own = {"workspace": self.id, "resource": self.resource_names.stored(resource.name)}
        with self.database.changing(self.id) as connection:
            for key, content in items.items():
                if connection.execute(select(table.c.key).where(self._state(resource, key))).first() is None:
                    connection.execute(insert(table).values({**own, "key": key, "content": bytes(content)}))

    def _state(self, resource: Resource, key: str) -> Any:
        table = tables.resource_state
        check_relative_path(key, "State key")
        stored = self.resource_names.stored(resource.name)
        return (table.c.workspace == self.id) & (table.c.resource == stored) & (table.c.key == key)

    # -- documents -----------------------------------------------------------------------------------------------

    def read_document(self, key: str) -> bytes | None:
        table = tables.resource_state
        row = select(table.c.content).where(self._document(), table.c.key == check_document_key(key))
        rows = self.database.read(row)
        return bytes(rows[0].content) if rows else None

    def write_documents(self, documents: Mapping[str, bytes]) -> None:
        table = tables.resource_state
        with self.database.changing(self.id) as connection:
            for key, content in documents.items():
                same = self._document() & (table.c.key == check_document_key(key))
                if connection.execute(select(table.c.key).where(same)).first() is None:
                    row = {"workspace": self.id, "resource": DOCUMENTS, "key": key, "content": content}
                    connection.execute(insert(table).values(row))

    def list_documents(self, directory: str) -> list[str]:
        return sorted(key for key in self._document_keys() if key.rpartition("/")[0] == directory)

    def list_document_directories(self, directory: str) -> list[str]:
        return directories_below(directory, self._document_keys())

    def delete_documents(self, keys: Iterable[str]) -> None:
        table, gone = tables.resource_state, list(keys)
        with self.database.changing(self.id) as connection:
            connection.execute(delete(table).where(self._document() & table.c.key.in_(gone)))

    def _document_keys(self) -> list[str]:
        return [row.key for row in self.database.read(select(tables.resource_state.c.key).where(self._document()))]

    def _document(self) -> Any:
        table = tables.resource_state
        return (table.c.workspace == self.id) & (table.c.resource == DOCUMENTS)

    # -- identity and places -------------------------------------------------------------------------------------

    def save(self, message: str) -> None:
        """Nothing: what was written is there for all."""

    def get_instance(self) -> str:
        return str(self.get_local_param(HOSTNAME) or default_hostname())

    def get_workspace_local_path_if_any(self) -> str | None:
        return None if self.copy.root is None else str(self.copy.root)

    def get_machine_directory(self) -> Path:
        return self.copy.machine

    def get_resource_local_directory(self, resource: Resource) -> Path:
        return self.copy.resource_directory(self.resource_names.stored(resource.name))

    def get_scratch_directory(self) -> str:
        given = self.get_local_param(LOCAL_SCRATCH_DIRECTORY)
        local = self.whereabouts.here(str(given)) if given else None  # not the one of another copy
        if local:
            return local
        relative = check_relative_path(self.get_global_param(SCRATCH_DIRECTORY) or "scratch", "Scratch directory")
        return str((self.copy.root or self.copy.directory) / relative)


def _check_new_name(params: dict[str, Any], names: ResourceNames) -> None:
    """Raise ConfigurationError if somebody has given a resource the name that another is to get."""
    called = params.get(SHOWN_AS)
    if called is not None and names.is_taken(called, params["name"]):
        raise ConflictError(
            f"There is a resource '{called}' already: somebody has added it at this moment", hint="Choose another name"
        )


def _resource_params(name: str, text: str) -> dict[str, Any]:
    """The parameters in a row, which anybody may have written who can write to the database."""
    params = _from_json(text, f"Resource {name!r}")
    if not isinstance(params, dict) or params.get("name") != name:
        raise MetadataError(f"The parameters of resource {name!r} are damaged")
    check_resource_name(name)
    for key in ("resource_type", "role"):
        if not isinstance(params.get(key), str):
            raise MetadataError(f"Resource '{name}' lacks the parameter '{key}'")
    check_names(params, f"Resource '{name}'")
    return params


def _from_json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        raise MetadataError(f"{what} is not valid JSON in the database: {e}") from e
