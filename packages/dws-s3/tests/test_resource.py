"""A bucket as a resource, on a real server."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from directory_workspace import DirectoryWorkspace
from s3_server import S3Bucket, S3Server

from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import ConfigurationError, MetadataError, NotSupportedError
from dataworkspaces.resources.local_files import LocalFilesResource
from dataworkspaces.resources.s3 import FACTORY
from dataworkspaces.resources.s3.resource import S3Resource
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.toolbox.trust import Agreements
from dataworkspaces.workspace import FileChange, FileInfo, SnapshotVersion
from dataworkspaces.workspace.trust import place_of

pytestmark = pytest.mark.slow

AddResource = Callable[..., S3Resource]
ALL = re.compile(r"snapshots\Z")


def read(resource: S3Resource, path: str) -> bytes:
    with resource.open(path, "rb") as file:
        return bytes(file.read())


def take(resource: S3Resource) -> tuple[str, str]:
    """As a snapshot of the workspace does it."""
    version, restore_hash = resource.snapshot()
    assert version is not None
    assert restore_hash is not None
    resource.snapshot_stored(version)
    return version, restore_hash


# -- adding ---------------------------------------------------------------------------------------------------------


def test_a_bucket_is_checked(s3_server: S3Server, add: AddResource) -> None:
    with pytest.raises(ConfigurationError, match="no bucket no-such-bucket"):
        add("no-such-bucket")
    plain = S3Bucket(s3_server.client(), versioned=False)
    with pytest.raises(ConfigurationError, match="does not keep versions") as caught:
        add(plain.name)
    assert f"put-bucket-versioning --bucket {plain.name}" in str(caught.value.hint)


def test_credentials_are_checked(bucket: S3Bucket, add: AddResource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(ConfigurationError, match="credentials are not valid"):
        add(bucket.name)
    with pytest.raises(ConfigurationError, match="not allowed anonymously"):
        add(bucket.name, anonymous=True)
    with pytest.raises(ConfigurationError, match="profile"):
        add(bucket.name, profile="nobody")


@pytest.mark.parametrize("name", ["a/../b", "-x", "a b", "http://evil"])
def test_names_from_elsewhere_are_checked(name: str, workspace: DirectoryWorkspace) -> None:
    params = {"name": "x", "role": "code", "bucket_name": name}
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        FACTORY.from_json(params, {}, workspace)


def test_parameters_are_those_that_were_given(bucket: S3Bucket, add: AddResource, s3_server: S3Server) -> None:
    resource = add(f"s3://{bucket.name}/a/b/", region="us-east-1")
    params = resource.get_params()
    assert params == {
        "resource_type": "s3", "name": "objects", "role": "source-data", "bucket_name": bucket.name,
        "prefix": "a/b/", "endpoint_url": s3_server.url, "region": "us-east-1",
    }  # fmt: skip
    again = FACTORY.from_json(params, {}, resource.workspace)
    assert again.get_params() == params
    assert FACTORY.suggest_name(resource.workspace, "code", bucket=f"{bucket.name}/a/b") == "b"


def test_an_entry_of_release_1_6(bucket: S3Bucket, workspace: DirectoryWorkspace) -> None:
    params = {"resource_type": "s3", "name": "x", "role": "code", "bucket_name": bucket.name}
    assert FACTORY.from_json(params, {}, workspace).get_params() == params


# -- snapshots ------------------------------------------------------------------------------------------------------


def test_a_snapshot_pins_what_is_there(bucket: S3Bucket, resource: S3Resource) -> None:
    first = bucket.put("a.txt", b"one")
    version, restore = take(resource)
    assert version == restore
    bucket.put("a.txt", b"two")
    bucket.put("b.txt", b"new")
    assert resource.ls("") == ["a.txt"]
    assert read(resource, "a.txt") == b"one"
    with pytest.raises(NotSupportedError, match="read-only") as caught:
        resource.open("a.txt", "wb")
    assert caught.value.hint is not None
    assert "dws s3 unpin objects" in caught.value.hint
    assert bucket.read("a.txt") == b"two"

    text = gzip.decompress(bucket.read(f".snapshots/{version}.json.gz"))
    assert text == json.dumps({"a.txt": first}, indent=2).encode()
    assert hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest() == version


def test_letting_go(bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("a.txt", b"one")
    take(resource)
    bucket.put("a.txt", b"two")
    assert resource.unpin()
    assert not resource.unpin()
    assert read(resource, "a.txt") == b"two"
    second, _ = take(resource)
    assert resource.pinned() == second


def test_restore(bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("a.txt", b"one")
    bucket.put("gone.txt", b"")
    old, _ = take(resource)
    resource.unpin()
    bucket.delete("gone.txt")
    bucket.put("a.txt", b"two")
    bucket.put("b.txt", b"new")
    new, _ = take(resource)
    assert old is not None
    assert new is not None
    changes = [FileChange("modified", "a.txt"), FileChange("added", "b.txt"), FileChange("deleted", "gone.txt")]
    assert resource.diff_versions(SnapshotVersion(old, old), SnapshotVersion(new, new)) == changes
    resource.restore_precheck(old)
    resource.restore(old)
    assert resource.ls("") == ["a.txt", "gone.txt"]
    assert read(resource, "a.txt") == b"one"
    assert bucket.read("a.txt") == b"two"


def test_a_snapshot_of_what_has_not_changed_writes_nothing(bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("a.txt", b"one")
    first = take(resource)
    count = bucket.count_versions()
    resource.unpin()
    assert take(resource) == first
    assert bucket.count_versions() == count


def test_two_people_take_snapshots_of_one_bucket(bucket: S3Bucket, resource: S3Resource, add: AddResource) -> None:
    other = add(bucket.name, name="theirs")
    bucket.put("a.txt", b"one")
    mine, _ = take(resource)
    bucket.put("a.txt", b"two")
    theirs, _ = take(other)
    assert (read(resource, "a.txt"), read(other, "a.txt")) == (b"one", b"two")
    assert mine is not None
    other.restore_precheck(mine)
    other.restore(mine)
    assert read(other, "a.txt") == b"one"
    assert theirs != mine


def test_a_manifest_that_nobody_has_here_is_fetched(bucket: S3Bucket, resource: S3Resource, add: AddResource) -> None:
    bucket.put("a.txt", b"one")
    version, _ = take(resource)
    other = add(bucket.name, name="elsewhere")
    other.restore(str(version))
    bucket.delete(f".snapshots/{version}.json.gz")
    assert read(other, "a.txt") == b"one"
    third = add(bucket.name, name="third")
    with pytest.raises(ConfigurationError, match=r"is not there"):
        third.restore(str(version))


def test_a_damaged_manifest_is_told(bucket: S3Bucket, resource: S3Resource, add: AddResource) -> None:
    version, _ = take(resource)
    bucket.put(f".snapshots/{version}.json.gz", gzip.compress(b'{"a.txt": "other"}'))
    other = add(bucket.name, name="other")
    with pytest.raises(MetadataError, match="damaged"):
        other.restore(str(version))


KEYS = ["a b+c%20&.txt", "tab\tx", "ä/ö/ü.txt", "\U0001f600", "quote'\"<>.txt", "deep/1/2/3", "x" * 200, "=?#;"]


def test_keys_of_any_characters(bucket: S3Bucket, resource: S3Resource) -> None:
    for key in KEYS:
        bucket.put(key, key.encode())
    take(resource)
    for key in KEYS:
        bucket.put(key, b"later")
        assert read(resource, key) == key.encode()
    assert resource.ls("deep/1/2") == ["3"]
    assert resource.ls("ä") == ["ö"]


def test_a_key_and_a_directory_of_one_name(bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("a", b"file")
    bucket.put("a/b", b"inside")
    for _ in ("now", "in a snapshot"):
        assert resource.ls("") == ["a"]
        assert resource.list_infos("") == [("a", FileInfo("directory")), ("a", FileInfo("file", 4))]
        assert resource.does_subpath_exist("a", must_be_file=True)
        assert resource.does_subpath_exist("a", must_be_directory=True)
        assert (read(resource, "a"), read(resource, "a/b")) == (b"file", b"inside")
        take(resource)


def test_empty_objects(bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("empty")
    assert read(resource, "empty") == b""
    take(resource)
    bucket.put("empty", b"not any more")
    assert read(resource, "empty") == b""
    assert resource.get_file_info("empty") == FileInfo("file", 0)


def test_objects_from_before_there_were_versions(s3_server: S3Server, add: AddResource) -> None:
    bucket = S3Bucket(s3_server.client(), versioned=False)
    bucket.put("old.txt", b"old")
    bucket.enable_versions()
    resource = add(bucket.name)
    version, _ = take(resource)
    etag = hashlib.md5(b"old").hexdigest()
    assert json.loads(gzip.decompress(bucket.read(f".snapshots/{version}.json.gz"))) == {"old.txt": f"null/{etag}"}
    bucket.put("old.txt", b"new")
    assert read(resource, "old.txt") == b"old"


def test_a_prefix_is_a_resource_of_its_own(bucket: S3Bucket, add: AddResource) -> None:
    bucket.put("data/a.txt", b"in")
    bucket.put("database.txt", b"out")
    resource = add(f"{bucket.name}/data")
    assert resource.ls("") == ["a.txt"]
    version, _ = take(resource)
    assert read(resource, "a.txt") == b"in"
    assert f"data/.snapshots/{version}.json.gz" in bucket.keys()  # noqa: SIM118
    resource.unpin()
    resource.add_results_file({"x": 1}, "sub/r.json")
    assert bucket.read("data/sub/r.json") == b'{\n  "x": 1\n}'


def test_a_version_that_has_expired_is_named(bucket: S3Bucket, resource: S3Resource) -> None:
    lost = bucket.put("lost.txt", b"one")
    bucket.put("kept.txt", b"one")
    version = str(take(resource)[0])
    resource.unpin()
    bucket.put("lost.txt", b"two")
    bucket.delete("lost.txt", lost)  # as a lifecycle rule does
    with pytest.raises(ConfigurationError, match=r"no longer has the versions of 'lost.txt'"):
        resource.restore_precheck(version)
    [problem] = resource.check_integrity({"ab" * 20: version})
    assert problem.what == "snapshot abababa cannot be restored: the bucket no longer has the versions of 'lost.txt'"
    with pytest.raises(ConfigurationError, match=r"no longer has version .* of 'lost.txt'"):
        resource.version_files(SnapshotVersion(version, version)).open("lost.txt")


def test_a_sound_bucket_has_no_problems(bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("a.txt", b"one")
    version = str(take(resource)[0])
    bucket.delete("a.txt")
    assert list(resource.check_integrity({"ab" * 20: version})) == []


def test_a_snapshot_that_fails_elsewhere_pins_nothing(
    bucket: S3Bucket, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = MemoryWorkspace(tmp_path / "ws")
    bucket.put("a", b"1")
    resource = workspace.add_resource("objects", "s3", "source-data", bucket=bucket.name, endpoint_url=s3_server.url)
    assert isinstance(resource, S3Resource)
    (tmp_path / "files").mkdir()
    workspace.add_resource("files", "file", "source-data", path=str(tmp_path / "files"))
    with monkeypatch.context() as broken:

        def fail(_self: object) -> None:
            raise ConfigurationError("the disk is full")

        broken.setattr(LocalFilesResource, "snapshot", fail)
        with pytest.raises(ConfigurationError, match="the disk is full"):
            snapshot_command(workspace, "FIRST")
    assert resource.pinned() is None
    resource.upload_file(__file__, "new")
    snapshot_command(workspace, "FIRST")
    assert resource.pinned() is not None


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 1100])
def test_sizes_in_a_version(bucket: S3Bucket, resource: S3Resource, count: int) -> None:
    sizes = {f"f{number:04}": number % 7 for number in range(count)}
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda name: bucket.put(f"d/{name}", b"x" * sizes[name]), sizes))
    bucket.put("d/sub/file", b"inside")
    take(resource)
    bucket.put("d/f0000", b"another")
    bucket.delete("d/f0001", written[1])
    infos = dict(resource.list_infos("d"))
    assert infos.pop("sub") == FileInfo("directory")
    assert infos == {name: FileInfo("file", None if name == "f0001" else size) for name, size in sizes.items()}


def test_a_pin_that_somebody_edited(resource: S3Resource, workspace: DirectoryWorkspace) -> None:
    (workspace.get_resource_local_directory(resource) / "current_snapshot.txt").write_text("../../etc/passwd")
    with pytest.raises(MetadataError, match="contains no version"):
        resource.ls("")
    assert [problem.area for problem in resource.check_integrity({})] == ["local state"]


def test_changes_since_a_snapshot(bucket: S3Bucket, resource: S3Resource) -> None:
    version = SnapshotVersion(*take(resource))
    bucket.put("a.txt", b"one")
    assert resource.changes_since(version).state == "unchanged"
    resource.unpin()
    assert resource.changes_since(version).state == "changed"


# -- files ----------------------------------------------------------------------------------------------------------


def test_writing_and_deleting(bucket: S3Bucket, resource: S3Resource, tmp_path: Path) -> None:
    with resource.open("d/t.txt", "w") as text:
        text.write("äöü\n")
    with resource.open("d/t.txt", "a") as text:
        text.write("more")
    assert bucket.read("d/t.txt") == "äöü\nmore".encode()
    with resource.open("d/t.txt", "r") as text:
        assert text.read() == "äöü\nmore"
    with pytest.raises(ConfigurationError, match="already"):
        resource.open("d/t.txt", "x")
    (tmp_path / "local").write_bytes(b"from here")
    resource.upload_file(str(tmp_path / "local"), "up")
    assert bucket.read("up") == b"from here"
    resource.delete_file("up")
    resource.delete_file("up")
    assert resource.ls("") == ["d"]
    with pytest.raises(ConfigurationError, match="no file 'up'"):
        resource.open("up", "rb")


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", ".snapshots/x"])
def test_paths_that_are_none(path: str, resource: S3Resource) -> None:
    with pytest.raises(ConfigurationError):
        resource.open(path, "wb")


def test_a_large_object_is_written_in_parts(bucket: S3Bucket, resource: S3Resource) -> None:
    content = bytes(range(256)) * (1 << 17)  # 32 MiB
    with resource.open("large", "wb") as file:
        for start in range(0, len(content) + 5, 1 << 20):
            file.write(content[start : start + (1 << 20)])
        file.write(b"end")
    with resource.open("large", "rb") as file:
        assert file.seek(-3, 2) == len(content)
        assert file.read() == b"end"
        assert file.seek(300_000) == 300_000
        assert file.read(1000) == content[300_000:301_000]
        file.seek(0)
        assert hashlib.sha1(file.read()).digest() == hashlib.sha1(content + b"end").digest()
    assert bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []


@pytest.mark.parametrize("size", [10, 20 << 20])
@pytest.mark.parametrize("mode", ["wb", "w"])
def test_a_file_whose_writer_fails_is_not_written(size: int, mode: str, bucket: S3Bucket, resource: S3Resource) -> None:
    def write_and_fail() -> None:
        with resource.open("half", mode) as file:
            file.write(b"x" * size if "b" in mode else "x" * size)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert bucket.keys() == []
    assert bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []


# -- results --------------------------------------------------------------------------------------------------------


@pytest.fixture
def results(bucket: S3Bucket, add: AddResource) -> S3Resource:
    for key in ("results.json", "plots/a.png", "README.md", "snapshots/host-OLD/r.json"):
        bucket.put(key, key.encode())
    return add(bucket.name, role="results", name="results")


def test_results_move_within_the_bucket(bucket: S3Bucket, results: S3Resource) -> None:
    results.results_move_current_files("snapshots/host-T", {"README.md"}, ALL)
    moved = ["snapshots/host-T/plots/a.png", "snapshots/host-T/results.json"]
    assert sorted(bucket.keys()) == ["README.md", "snapshots/host-OLD/r.json", *moved]
    assert bucket.read(moved[0]) == b"plots/a.png"
    with pytest.raises(ConfigurationError, match="already"):
        results.results_move_current_files("snapshots/host-T", set(), ALL)


def test_a_move_that_was_interrupted_is_undone(bucket: S3Bucket, results: S3Resource) -> None:
    files = results.results_current_files({"README.md"}, ALL)
    assert files == ["plots/a.png", "results.json"]
    before = bucket.keys()
    results.results_move_current_files("snapshots/host-T", {"README.md"}, ALL)
    bucket.put("results.json", b"results.json")  # copied, and not yet deleted
    results.add_results_file({}, "snapshots/host-T/lineage.json")
    for _ in range(2):
        results.results_undo_move("snapshots/host-T", files)
        assert bucket.keys() == before


def test_undoing_keeps_a_file_that_was_written_meanwhile(bucket: S3Bucket, results: S3Resource) -> None:
    results.results_move_current_files("snapshots/host-T", {"README.md"}, ALL)
    bucket.put("results.json", b"RESULTS.json")
    results.results_undo_move("snapshots/host-T", ["plots/a.png", "results.json"])
    assert bucket.read("results.json") == b"RESULTS.json"
    assert bucket.read("snapshots/host-T/results.json") == b"results.json"


def test_results_are_never_pinned_and_their_lineage_does_not_count(bucket: S3Bucket, results: S3Resource) -> None:
    version = take(results)
    results.add_results_file({}, "snapshots/host-OLD/lineage.json")
    assert take(results) == version
    assert results.pinned() is None


def test_results_of_somebody_elses_workspace_move_once_that_is_agreed(
    bucket: S3Bucket, results: S3Resource, workspace: DirectoryWorkspace
) -> None:
    results.snapshot_precheck()
    Agreements(place_of(workspace)).remove(results.addresses())  # as in a clone
    with pytest.raises(ConfigurationError, match="nobody has agreed to that in this copy") as caught:
        results.snapshot_precheck()
    assert caught.value.hint == f"If you trust it: dws trust {results.name}"
    assert results.addresses() == (results.bucket.address, f"moving of results in {results.bucket.place}")
    results.agree()
    results.snapshot_precheck()
    elsewhere = S3Resource(results.name, results.role, workspace, replace(results.bucket, prefix="other/"))
    with pytest.raises(ConfigurationError, match="nobody has agreed to that in this copy"):
        elsewhere.snapshot_precheck()


def test_deleting_the_results_of_a_snapshot(bucket: S3Bucket, results: S3Resource) -> None:
    with pytest.raises(ConfigurationError, match="not a place of a snapshot"):
        results.delete_snapshot("ab" * 20, None, "plots")
    for _ in range(2):
        results.delete_snapshot("ab" * 20, None, "snapshots/host-OLD")
    assert sorted(bucket.keys()) == ["README.md", "plots/a.png", "results.json"]


# -- lineage --------------------------------------------------------------------------------------------------------


def test_contents_for_lineage(bucket: S3Bucket, resource: S3Resource) -> None:
    for key in ("a/1", "a/2", "b"):
        bucket.put(key, key.encode())
    places = [None, "a", "a/1", "nothing"]
    now = resource.present_contents(places).contents
    version = str(take(resource)[0])
    assert resource.version_contents(version, places) == now
    assert resource.present_contents(places).contents == now
    assert now[3] is None
    resource.unpin()
    bucket.put("a/1", b"other")
    later = resource.present_contents([*places, "a/2"]).contents
    assert [new == old for new, old in zip(later, now, strict=False)] == [False, False, False, True]
