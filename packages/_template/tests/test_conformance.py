"""The type keeps the contracts of Data Workspaces."""

from __future__ import annotations

from typing import Any

from dataworkspaces.testing.resources import NAME, SnapshotResourceSuite
from dataworkspaces.workspace import Resource, Workspace


class TestTemplate(SnapshotResourceSuite):
    entry_point = "template"

    def add(self, workspace: Workspace, directory: Any) -> Resource:
        return workspace.add_resource(NAME, "template", "source-data", default="first")

    def change(self, resource: Any, value: str) -> None:
        resource.write(value)

    def content(self, resource: Any) -> str:
        return str(resource.read())
