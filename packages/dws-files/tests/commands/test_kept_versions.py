"""``du``, ``gc``, ``verify`` and ``undo-restore`` act on any type that says what it keeps of its versions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.du import du_command
from dataworkspaces.commands.gc import gc_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.commands.undo_restore import list_replaced, undo_restore_command
from dataworkspaces.commands.verify import Fault, verify_command, verify_remote_command
from dataworkspaces.errors import ConfigurationError, NotSupportedError, UnavailableError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.params import ParamDef, ParamDefs
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.workspace import (
    LocalDirectoryMixin,
    Resource,
    ResourceFactory,
    SnapshotResourceMixin,
    Workspace,
    kept_versions,
)
from dataworkspaces.workspace.collect import Collected
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin, ReplacedVersion, Verified


class KeepingFolder(KeptVersionsMixin, LocalDirectoryMixin, SnapshotResourceMixin, Resource):
    """Keeps versions of a small directory in memory. Has nothing to do with trees of files, or the object store."""

    param_defs = ParamDefs([ParamDef("path", None, True, "Where it is", settable=False)])

    def __init__(self, params: dict[str, Any], workspace: Workspace, factory: KeepingFactory) -> None:
        super().__init__("folder", params["name"], params["role"], workspace)
        self.path = Path(params["path"])
        self.factory = factory

    def get_params(self) -> dict[str, Any]:
        return {**super().get_params(), "path": str(self.path)}

    def get_local_params(self) -> dict[str, Any]:
        return {}

    def get_local_path_if_any(self) -> str:
        return str(self.path)

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.path.iterdir())}

    def snapshot_precheck(self) -> None: ...

    def snapshot(self) -> tuple[str | None, str | None]:
        content = self.content()
        hashval = hashlib.sha1(repr(content).encode()).hexdigest()
        self.factory.kept[hashval] = content
        return hashval, hashval

    def restore_precheck(self, restore_hashval: str) -> None: ...

    def restore(self, restore_hashval: str) -> None:
        for path in self.path.iterdir():
            path.unlink()
        for name, content in self.factory.kept[restore_hashval].items():
            (self.path / name).write_bytes(content)

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None: ...

    def pull_precheck(self) -> None: ...
    def pull(self) -> None: ...
    def push_precheck(self) -> None: ...
    def push(self) -> None: ...

    # -- what is kept ------------------------------------------------------------------------------------------------

    def contents_of_version(self, version: str) -> Mapping[Hashable, int] | None:
        kept = self.factory.kept.get(version)
        return None if kept is None else {hashlib.sha1(content).hexdigest(): len(content) for content in kept.values()}

    def replaced_versions(self) -> Sequence[ReplacedVersion]:
        return self.factory.replaced

    def verify_versions(self, versions: Sequence[str], *, repair: bool = False) -> Verified:
        kept = self.factory.kept
        lost = tuple(kept_versions.Fault(version, "it is gone") for version in versions if version not in kept)
        return Verified(len(self.content()), len(versions), lost)

    def forget_replaced(self, before: datetime) -> None:
        self.factory.replaced[:] = [r for r in self.factory.replaced if r.time >= before]

    def collect(self, needed: Collection[str], before: datetime, *, dry_run: bool = False) -> Collected:
        garbage = {version for version in self.factory.kept if version not in needed}
        size = sum(len(content) for version in garbage for content in self.factory.kept[version].values())
        for version in () if dry_run else garbage:
            del self.factory.kept[version]
        return Collected(len(garbage), size)

    def hint_instead_of(self, command: str) -> str | None:
        return "Look into the folder"


class KeepingFactory(ResourceFactory):
    """Resources of one factory keep their versions in one place."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, bytes]] = {}
        self.replaced: list[ReplacedVersion] = []

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> Resource:
        return KeepingFolder({"name": name, "role": role, "path": kwargs["path"]}, workspace, self)

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> KeepingFolder:
        return KeepingFolder(params, workspace, self)

    def has_local_state(self) -> bool:
        return True

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return "folder"


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


def test_the_last_that_was_replaced_comes_back_though_the_clock_was_set_back(
    keeping: MemoryWorkspace, factory: KeepingFactory
) -> None:
    first, second = factory.kept
    factory.replaced += [ReplacedVersion(v, datetime(2026, 1, day), "other") for v, day in ((second, 3), (first, 2))]
    assert [replaced.version for replaced in list_replaced(keeping)] == [first, second]
    assert undo_restore_command(keeping, "data").version == first


def test_gc_collects_what_no_version_needs(keeping: MemoryWorkspace, factory: KeepingFactory) -> None:
    first, second = factory.kept
    factory.kept["old"] = {"c": b"cc"}
    factory.kept["replaced"] = {"d": b"d"}
    factory.replaced += [
        ReplacedVersion("old", datetime(2026, 1, 1), second), ReplacedVersion("replaced", datetime.now(), second)
    ]  # fmt: skip
    told = gc_command(keeping, dry_run=True)
    assert (told.objects, told.size, told.forgotten) == (1, 2, 1)
    assert len(factory.kept) == 4
    assert gc_command(keeping).objects == 1
    assert list(factory.kept) == [first, second, "replaced"]
    assert [r.version for r in factory.replaced] == ["replaced"]


def test_what_a_type_cannot_tell_stays_and_is_told(keeping: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Collected:
        raise UnavailableError("The shelf is closed")

    monkeypatch.setattr(KeepingFolder, "collect", fail)
    assert gc_command(keeping).damaged == ("The shelf is closed",)


def test_type_that_keeps_nothing_says_what_to_do_instead(
    keeping: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeepingFolder, "keeps_versions", lambda _self: False)
    monkeypatch.setattr(KeepingFolder, "can_be_verified", lambda _self: False)
    for act in (lambda: undo_restore_command(keeping, "data"), lambda: verify_command(keeping, ["data"])):
        with pytest.raises(ConfigurationError) as raised:
            act()
        assert raised.value.hint == "Look into the folder"
