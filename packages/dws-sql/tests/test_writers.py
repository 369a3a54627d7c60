"""Several people who write to one workspace: nobody's work is lost, and two who want the same are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.backends.sql.workspace import SqlWorkspace
from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import ConfigurationError, NotAWorkspaceError
from dataworkspaces.params import RESULTS_DIR_TEMPLATE, RESULTS_MOVE_EXCLUDE_FILES
from dataworkspaces.workspace import SnapshotMetadata
from dataworkspaces.workspace.results import manifest_hash

Copy = Callable[[str], SqlWorkspace]


def directory_of(tmp_path: Path, name: str) -> str:
    path = tmp_path / "data" / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "file").write_text(name)
    return str(path)


def snapshot_of(manifest: bytes, *tags: str, time: str = "2026-01-01T00:00:00") -> SnapshotMetadata:
    return SnapshotMetadata(manifest_hash(manifest), list(tags), "", "host", time, "snapshots/x", {})


@pytest.mark.slow
def test_everybody_sees_what_is_there_at_once(copy: Copy, tmp_path: Path) -> None:
    ada, bob = copy("ada"), copy("bob")
    add_command(ada, "file", "source-data", "data", path=directory_of(tmp_path, "data"), restorable=True)
    assert list(bob.get_resource_names()) == ["data"]
    assert bob.get_resources_that_need_to_be_cloned() == ["data"]
    assert ada.get_resources_that_need_to_be_cloned() == []
    taken = snapshot_command(ada, "V1").metadata
    assert bob.get_snapshot_by_tag("V1") == taken
    assert bob.get_lineage_store().entries("data", taken.hashval) == []


def test_two_parameters_are_set_at_once(copy: Copy) -> None:
    ada, bob = copy("ada"), copy("bob")
    seen = ada.read_params(True), bob.read_params(True)
    ada.write_params(True, {**seen[0], RESULTS_DIR_TEMPLATE: "snapshots/{TAG}"})
    bob.write_params(True, {**seen[1], RESULTS_MOVE_EXCLUDE_FILES: ["x"]})
    for workspace in (ada, bob):
        assert workspace.get_global_param(RESULTS_DIR_TEMPLATE) == "snapshots/{TAG}"
        assert workspace.get_global_param(RESULTS_MOVE_EXCLUDE_FILES) == ["x"]


def test_two_resources_of_one_name(copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = copy("ada"), copy("bob")
    add_command(ada, "file", "source-data", "data", path=directory_of(tmp_path, "of-ada"))
    names = bob.get_resource_names
    monkeypatch.setattr(bob, "get_resource_names", list)  # as it was before Ada's
    with pytest.raises(ConfigurationError, match="somebody has just added it"):
        add_command(bob, "file", "source-data", "data", path=directory_of(tmp_path, "of-bob"))
    monkeypatch.setattr(bob, "get_resource_names", names)
    assert bob.get_resource_params("data")["global_local_path"].endswith("of-ada")
    assert bob.read_resource_local_params("data") is None


@pytest.mark.slow
def test_two_snapshots_with_one_tag(copy: Copy) -> None:
    ada, bob = copy("ada"), copy("bob")
    for workspace in (ada, bob):
        workspace.expect_tag_holder("V1", None)
    ada.save_snapshot_metadata_and_manifest(snapshot_of(b"[]", "V1"), b"[]")
    first = manifest_hash(b"[]")
    assert bob.get_hashes_with_tag("V1") == [first]  # which is no agreement to take it away
    with pytest.raises(ConfigurationError, match="somebody has just taken it"):
        bob.save_snapshot_metadata_and_manifest(snapshot_of(b"[1]", "V1"), b"[1]")
    assert not bob.has_snapshot(manifest_hash(b"[1]"))
    assert bob.get_hashes_with_tag("V1") == [first]
    bob.expect_tag_holder("V1", first)
    bob.save_snapshot_metadata_and_manifest(snapshot_of(b"[1]", "V1"), b"[1]")  # who wants to take it from there may
    assert ada.get_hashes_with_tag("V1") == [manifest_hash(b"[1]")]


@pytest.mark.slow
def test_one_snapshot_with_two_tags(copy: Copy) -> None:
    ada, bob = copy("ada"), copy("bob")
    hashval = manifest_hash(b"[]")
    ada.save_snapshot_metadata_and_manifest(snapshot_of(b"[]", "FIRST"), b"[]")
    seen = ada.get_snapshot_metadata(hashval), bob.get_snapshot_metadata(hashval)
    for workspace, metadata, tag in ((ada, seen[0], "ADA"), (bob, seen[1], "BOB")):
        metadata.tags.append(tag)
        workspace.save_snapshot_metadata_and_manifest(metadata, b"[]")
    assert ada.get_snapshot_metadata(hashval).tags == ["FIRST", "ADA", "BOB"]


@pytest.mark.slow
def test_a_snapshot_that_fails_at_the_last_moment_is_undone(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = copy("ada"), copy("bob")
    add_command(bob, "file", "results", "out", path=directory_of(tmp_path, "out"))
    save = bob.save_snapshot_metadata_and_manifest

    def late(metadata: SnapshotMetadata, manifest: bytes) -> None:
        ada.save_snapshot_metadata_and_manifest(snapshot_of(b"[]", "V1"), b"[]")
        save(metadata, manifest)

    monkeypatch.setattr(bob, "save_snapshot_metadata_and_manifest", late)
    with pytest.raises(ConfigurationError, match="somebody has just taken it"):
        snapshot_command(bob, "V1")
    assert sorted(p.name for p in (tmp_path / "data" / "out").iterdir()) == ["file"]
    assert bob.get_snapshot_count() == 1


def test_a_workspace_that_is_gone(copy: Copy, url: str) -> None:
    from sqlalchemy import create_engine

    from dataworkspaces.backends.sql import tables
    from dataworkspaces.backends.sql.urls import parse_url

    ada = copy("ada")
    tables.metadata.drop_all(create_engine(parse_url(url).url))
    ada.database.close()
    with pytest.raises(ConfigurationError, match="did not respond as expected"):
        ada.write_params(True, {"x": 1})
    with pytest.raises(NotAWorkspaceError, match="no workspace in"):
        copy("bob")


WRITER = """
import sys
from pathlib import Path
from dataworkspaces.commands.add import add_command
from dataworkspaces.workspace import find_and_load_workspace
directory, name = Path(sys.argv[1]), sys.argv[2]
workspace = find_and_load_workspace(True, False, str(directory))
for number in range(5):
    place = directory / f"data{number}"
    place.mkdir()
    (place / "file").write_text(f"{name} {number}")
    add_command(workspace, "file", "source-data", f"{name}-{number}", path=str(place))
    workspace.write_resource_state(workspace.get_resource(f"{name}-{number}"), {"key": name.encode()})
    metadata = workspace.get_snapshot_metadata(sys.argv[3])
    metadata.tags.append(f"{name}-{number}")
    workspace.save_snapshot_metadata_and_manifest(metadata, b"[]")
"""


@pytest.mark.slow
def test_many_processes_at_once(copy: Copy, tmp_path: Path) -> None:
    names = ["ada", "bob", "cleo", "dan"]
    workspaces = [copy(name) for name in names]
    workspaces[0].save_snapshot_metadata_and_manifest(snapshot_of(b"[]"), b"[]")
    hashval = manifest_hash(b"[]")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / name, name, hashval]) for name in names]
    assert [writer.wait(timeout=300) for writer in writers] == [0, 0, 0, 0]
    wanted = {f"{name}-{number}" for name in names for number in range(5)}
    for workspace in workspaces:
        assert set(workspace.get_resource_names()) == wanted
        assert set(workspace.get_snapshot_metadata(hashval).tags) == wanted
    states = [workspaces[0].read_resource_state(workspaces[0].get_resource(f"{name}-4"), "key") for name in names]
    assert states == [name.encode() for name in names]
