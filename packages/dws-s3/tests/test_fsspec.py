"""fsspec's own suites for opened files and pipes, on objects in S3. It has no empty directories."""

from __future__ import annotations

import uuid

import pytest
from fsspec.tests import abstract
from s3_server import S3Bucket

from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.resources.s3.resource import S3Resource
from dataworkspaces.testing.filesystems import FsspecFixtures

pytestmark = pytest.mark.slow


class Fixtures(FsspecFixtures):
    @pytest.fixture
    def resource(self, resource: S3Resource) -> S3Resource:
        return resource

    @pytest.fixture
    def fs_path(self) -> str:
        return f"base-{uuid.uuid4().hex}"


class TestOpen(abstract.AbstractOpenTests, Fixtures):  # type: ignore[misc]
    pass


class TestPipe(abstract.AbstractPipeTests, Fixtures):  # type: ignore[misc]
    pass


def test_several_small_files_are_read_at_a_time_and_in_order(bucket: S3Bucket, resource: S3Resource) -> None:
    names = [f"d/{number}" for number in range(40)]
    for name in names:
        bucket.put(name, name.encode())
    fs = ResourceFileSystem(resource)
    assert fs.cat(names) == {name: name.encode() for name in names}
    assert fs.cat_ranges(names, 2, 4) == [name[2:4].encode() for name in names]
    [missing] = fs.cat_ranges(["d/none"], 0, 1)
    assert isinstance(missing, FileNotFoundError)


def test_a_part_of_a_large_file_is_fetched_alone(
    bucket: S3Bucket, resource: S3Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a reader of Parquet does it: the end first, then one row group."""
    bucket.put("large", bytes(32 << 20))
    fetched = []
    read = resource.bucket.read

    def counted(*arguments: object) -> tuple[bytes, int]:
        content, size = read(*arguments)  # type: ignore[arg-type]
        fetched.append(len(content))
        return content, size

    monkeypatch.setattr(type(resource.bucket), "read", lambda _self, *arguments: counted(*arguments))
    with ResourceFileSystem(resource).open("large") as file:
        file.seek(-8, 2)
        assert len(file.read(8)) == 8
        file.seek(10 << 20)
        assert len(file.read(2 << 20)) == 2 << 20
    assert sum(fetched) < 6 << 20
