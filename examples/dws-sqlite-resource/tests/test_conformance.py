"""The type keeps the contracts of Data Workspaces."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from dataworkspaces.testing.resources import NAME, LocalStateResourceSuite, SnapshotResourceSuite
from dataworkspaces.workspace import Resource, Workspace


def execute(path: str | Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, and return the rows of the last."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [connection.execute(statement) for statement in statements][-1].fetchall()


class TestSqlite(SnapshotResourceSuite, LocalStateResourceSuite):
    entry_point = "sqlite"

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        path = directory / "crm.sqlite"
        execute(path, "CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT)", "CREATE TABLE other (x)")
        execute(path, "INSERT INTO clients VALUES (1, 'Ada')", "INSERT INTO other VALUES (1)")
        return workspace.add_resource(NAME, "sqlite", "source-data", path=str(path), table="clients")

    def change(self, resource: Any, value: str) -> None:
        execute(resource.my_path, "DELETE FROM clients", f"INSERT INTO clients VALUES (7, '{value}'), (8, 'Bob')")

    def content(self, resource: Any) -> Any:
        return execute(resource.my_path, "SELECT * FROM clients, other ORDER BY id")
