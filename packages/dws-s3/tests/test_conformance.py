"""The resource type keeps the contracts, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from s3_server import S3Bucket, S3Server

from dataworkspaces.testing.filesystems import FileSystemSuite
from dataworkspaces.testing.resources import NAME, CheckOutSuite, FileResourceSuite, SnapshotResourceSuite
from dataworkspaces.workspace import Resource, Workspace

pytestmark = pytest.mark.slow
_VERSIONS = "equal objects that were written one after the other are versions of their own"


class TestS3(CheckOutSuite, SnapshotResourceSuite, FileResourceSuite, FileSystemSuite):
    entry_point = "s3"
    faults_of_a_case = 3

    lacks = {"S9": _VERSIONS, "S10": _VERSIONS}  # noqa: RUF012 - read only

    @pytest.fixture(autouse=True)
    def _bucket(self, bucket: S3Bucket, s3_server: S3Server) -> None:
        self.bucket, self.url = bucket, s3_server.url

    def add(self, workspace: Workspace, directory: Path) -> Resource:
        self.bucket.put("file", b"first")
        return workspace.add_resource(NAME, "s3", "intermediate-data", bucket=self.bucket.name, endpoint_url=self.url)

    def release(self, resource: Any) -> None:
        resource.unpin()

    def change(self, resource: Any, value: str) -> None:
        self.release(resource)
        self.bucket.put("file", value.encode())
        self.bucket.put("only-of-a") if value == "a" else self.bucket.delete("only-of-a")

    def content(self, resource: Any) -> Any:
        return {name: resource.read_range(name, 0, None) for name in resource.ls("")}
