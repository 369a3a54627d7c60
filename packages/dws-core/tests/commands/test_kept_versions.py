"""``du``, ``verify`` and ``undo-restore`` act on any type that says what it keeps of its versions."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from folder_resource import FolderFactory, FolderResource
from memory_workspace import MemoryWorkspace

from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.du import du_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.commands.undo_restore import list_replaced, undo_restore_command
from dataworkspaces.commands.verify import Fault, verify_command, verify_remote_command
from dataworkspaces.errors import NotSupportedError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.workspace import kept_versions
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin, ReplacedVersion, Verified


class KeepingFolder(KeptVersionsMixin, FolderResource):
    """Has nothing to do with trees of files, or the object store."""

    replaced: list[ReplacedVersion]

    def contents_of_version(self, version: str) -> Mapping[Hashable, int] | None:
        kept = self.kept.get(version)
        return None if kept is None else {hashlib.sha1(content).hexdigest(): len(content) for content in kept.values()}

    def replaced_versions(self) -> Sequence[ReplacedVersion]:
        return self.replaced

    def verify_versions(self, versions: Sequence[str], *, repair: bool = False) -> Verified:
        lost = tuple(kept_versions.Fault(version, "it is gone") for version in versions if version not in self.kept)
        return Verified(len(self.content()), len(versions), lost)

    def hint_instead_of(self, command: str) -> str | None:
        return "Look into the folder"


class KeepingFactory(FolderFactory):
    def __init__(self) -> None:
        super().__init__()
        self.replaced: list[ReplacedVersion] = []

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Any) -> FolderResource:
        made = KeepingFolder(params, local_params, workspace, self.kept)
        made.replaced = self.replaced
        return made


@pytest.fixture
def factory() -> KeepingFactory:
    return KeepingFactory()


@pytest.fixture
def keeping(tmp_path: Path, factory: KeepingFactory) -> MemoryWorkspace:
    """Two snapshots of the resource ``data``: ONE has ``a`` (3 bytes), TWO has ``b`` (5) too."""
    directory = tmp_path / "ws"
    lineage = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "lineage.lock")
    (directory / "data").mkdir(parents=True)
    workspace = MemoryWorkspace(directory, factories={"folder": factory}, lineage_store=lineage)
    add_command(workspace, "folder", "source-data", "data", path=directory / "data")
    for tag, name, content in (("ONE", "a", b"aaa"), ("TWO", "b", b"bbbbb")):
        (directory / "data" / name).write_bytes(content)
        snapshot_command(workspace, tag)
    return workspace


def test_du_counts_what_versions_share_once(keeping: MemoryWorkspace) -> None:
    usage = du_command(keeping)
    assert [(r.name, r.kept, r.versions) for r in usage.resources] == [("data", 8, 2)]
    assert [(s.tags, s.size, s.own) for s in usage.snapshots] == [(("TWO",), 8, 5), (("ONE",), 3, 0)]


def test_verify_tells_what_is_lost(keeping: MemoryWorkspace, factory: KeepingFactory) -> None:
    assert verify_command(keeping).faults == ()
    lost = next(iter(factory.kept))
    del factory.kept[lost]
    found = verify_command(keeping, ["data"])
    assert (found.files, found.contents) == (2, 2)
    assert found.faults == (Fault("data", lost, "it is gone"),)


def test_type_without_a_remote_is_not_looked_for_there(keeping: MemoryWorkspace) -> None:
    assert verify_remote_command(keeping).resources == ()
    with pytest.raises(NotSupportedError, match="has no remote"):
        verify_remote_command(keeping, ["data"])


def test_what_a_restore_replaced_comes_back(keeping: MemoryWorkspace, factory: KeepingFactory) -> None:
    first, second = factory.kept
    factory.replaced.append(ReplacedVersion(first, datetime(2026, 1, 1), second))
    assert [(r.resource, r.version) for r in list_replaced(keeping)] == [("data", first)]
    assert undo_restore_command(keeping, "data").by == second
    assert [path.name for path in (keeping.directory / "data").iterdir()] == ["a"]


def test_type_that_keeps_nothing_says_what_to_do_instead(
    keeping: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeepingFolder, "keeps_versions", lambda _self: False)
    monkeypatch.setattr(KeepingFolder, "can_be_verified", lambda _self: False)
    for act in (lambda: undo_restore_command(keeping, "data"), lambda: verify_command(keeping, ["data"])):
        with pytest.raises(NotSupportedError) as raised:
            act()
        assert raised.value.hint == "Look into the folder"
