"""The lineage of snapshots, in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select

from dataworkspaces.backends.sql import tables
from dataworkspaces.backends.sql.database import Database
from dataworkspaces.errors import MetadataError
from dataworkspaces.lineage.kept_lineage import KeptLineage


class KeptInDatabase(KeptLineage):
    """A row for each resource of a snapshot."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self._database = database
        self._workspace_id = workspace_id

    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        table = tables.snapshot_lineage
        row = select(table.c.content).where(self._of(hashval), table.c.resource == resource_name)
        rows = self._database.read(row)
        if not rows:
            return None
        try:
            document = json.loads(rows[0].content)
        except (ValueError, RecursionError) as e:
            raise MetadataError(f"{self.where(hashval, resource_name)} is not valid JSON: {e}") from e
        if not isinstance(document, dict):
            raise MetadataError(f"{self.where(hashval, resource_name)} should be a JSON object")
        return document

    def write(self, hashval: str, documents: Mapping[str, bytes]) -> None:
        own = {"workspace": self._workspace_id, "hash": hashval}
        rows = [{**own, "resource": name, "content": content} for name, content in documents.items()]
        with self._database.changing(self._workspace_id) as connection:
            connection.execute(delete(tables.snapshot_lineage).where(self._of(hashval)))
            if rows:
                connection.execute(insert(tables.snapshot_lineage), rows)

    def delete(self, hashval: str) -> None:
        with self._database.changing(self._workspace_id) as connection:
            connection.execute(delete(tables.snapshot_lineage).where(self._of(hashval)))

    def _of(self, hashval: str) -> Any:
        table = tables.snapshot_lineage
        return (table.c.workspace == self._workspace_id) & (table.c.hash == hashval)
