"""Objects that were written while the bucket kept no versions can be overwritten: what they held is known by the
ETag."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest
from s3_server import S3Bucket, S3Server

from dataworkspaces.errors import ConfigurationError, UnavailableError
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.resources.s3.manifest import manifest_hash, manifest_text
from dataworkspaces.resources.s3.resource import S3Resource
from dataworkspaces.workspace import SnapshotVersion

pytestmark = pytest.mark.slow
AddResource = Callable[..., S3Resource]


def suspend(bucket: S3Bucket) -> None:
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"})


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Bucket:
    found = S3Bucket(s3_server.client(), versioned=False)
    found.put("old.txt", b"old")
    found.put("large.bin", b"1" * 3_000_000)
    found.enable_versions()
    found.put("new.txt", b"new")
    return found


def take(resource: S3Resource) -> str:
    version, _ = resource.snapshot()
    assert version is not None
    resource.snapshot_stored(version)
    return version


def problems(resource: S3Resource, version: str) -> list[str]:
    return [problem.what for problem in resource.check_integrity({"1" * 40: version})]


def test_what_was_overwritten_is_found(
    bucket: S3Bucket, resource: S3Resource, caplog: pytest.LogCaptureFixture
) -> None:
    version = take(resource)
    assert "'large.bin', 'old.txt' have no version of their own" in caplog.text
    assert problems(resource, version) == []
    suspend(bucket)
    bucket.put("old.txt", b"OLD")
    fs = ResourceFileSystem(resource)
    for use in (fs.cat, fs.info, lambda path: fs.open(path).read()):
        with pytest.raises(UnavailableError, match="overwritten while the bucket kept no versions"):
            use("old.txt")
    assert fs.cat("large.bin") == b"1" * 3_000_000
    assert fs.cat("new.txt") == b"new"
    [found] = problems(resource, version)
    assert "'old.txt'" in found
    assert "large.bin" not in found
    with pytest.raises(ConfigurationError, match="cannot be restored"):
        resource.restore_precheck(version)
    bucket.enable_versions()
    resource.unpin()
    assert resource.changes_since(SnapshotVersion(version, version)).state == "changed"
    assert take(resource) != version


def test_a_read_does_not_mix_two_contents(bucket: S3Bucket, resource: S3Resource) -> None:
    take(resource)
    with ResourceFileSystem(resource).open("large.bin") as file:
        file.read(10)
        suspend(bucket)
        bucket.put("large.bin", b"2" * 3_000_000)
        with pytest.raises(ConfigurationError, match="overwritten"):
            file.read()


def test_a_manifest_of_before_holds_as_far_as_it_goes(bucket: S3Bucket, resource: S3Resource) -> None:
    text = manifest_text({"old.txt": "null", "gone.txt": "null"})
    version = manifest_hash(text)
    bucket.put(f".snapshots/{version}.json.gz", gzip.compress(text))
    [found] = problems(resource, version)
    assert "'gone.txt'" in found
    resource.pin(version)
    assert ResourceFileSystem(resource).cat("old.txt") == b"old"
    assert json.loads(text)["old.txt"] == "null"
    assert resource.version_contents(version, ["old.txt"]) == [None]


def test_while_versioning_is_suspended_no_snapshot_is_taken(bucket: S3Bucket, resource: S3Resource) -> None:
    suspend(bucket)
    with pytest.raises(ConfigurationError, match="does not keep versions"):
        resource.snapshot_precheck()
