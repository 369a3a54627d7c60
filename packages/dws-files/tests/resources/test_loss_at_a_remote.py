"""Content that was lost or damaged, at a remote or here: it is noticed, and had again from whoever has the bytes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.sync import Selection, push_command
from dataworkspaces.commands.verify import verify_command, verify_remote_command
from dataworkspaces.errors import DwsError, NotFoundError
from dataworkspaces.resources.local_files_resource import LocalFilesResource
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.workspace import BatchInteraction

pytestmark = pytest.mark.slow

EVERYTHING = Selection()
SMALL = {f"small {n}": b"content %d\n" % n for n in range(100)}
LARGE = os.urandom(300_000)


class Listening(BatchInteraction):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warn(self, message: str) -> None:
        self.said.append(message)

    tell = warn


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    for name, content in {**SMALL, "large": LARGE}.items():
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def said(workspace: MemoryWorkspace) -> list[str]:
    listening = Listening()
    workspace.interaction = listening
    return listening.said


@pytest.fixture
def kept(workspace: MemoryWorkspace, data: Path, remote: Path, said: list[str]) -> LocalFilesResource:
    """A resource with a snapshot that has been pushed."""
    resource = workspace.add_resource("data", "file", "source-data", path=str(data), remote=str(remote))
    assert isinstance(resource, LocalFilesResource)
    take(workspace, "S1")
    push_command(workspace, EVERYTHING)
    said.clear()
    return resource


def take(workspace: MemoryWorkspace, tag: str) -> None:
    with workspace.transaction("snapshot"):
        metadata, manifest = workspace.snapshot(tag)
        workspace.save_snapshot_metadata_and_manifest(metadata, manifest)


def all_there(workspace: MemoryWorkspace, *, read: bool = True) -> bool:
    return not verify_remote_command(workspace, read=read).faults


def spoil(path: Path) -> None:
    """The same size, other bytes."""
    path.chmod(0o644)
    content = path.read_bytes()
    start = min(20, len(content) // 2)
    path.write_bytes(
        content[:start] + bytes(byte ^ 255 for byte in content[start : start + 10]) + content[start + 10 :]
    )


def large_in(store: Path) -> Path:
    (path,) = store.glob("loose/*/*")
    return path


def pack_in(store: Path) -> Path:
    (path,) = store.glob("packs/*.pack")
    return path


# -- at the remote ---------------------------------------------------------------------------------------------------


def test_an_idle_push_is_one_request(
    workspace: MemoryWorkspace, kept: LocalFilesResource, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataworkspaces.filetree.remotes.places import Place

    asked: list[str] = []
    do = Place.do

    def count(self: Place, doing: str, action: Any) -> Any:
        asked.append(doing)
        return do(self, doing, action)

    monkeypatch.setattr(Place, "do", count)
    push_command(workspace, EVERYTHING)
    assert asked == ["listing packs"]
    assert "has everything" in said[0]


def test_a_remote_that_was_emptied_is_noticed_and_filled_again_on_demand(
    workspace: MemoryWorkspace, kept: LocalFilesResource, remote: Path
) -> None:
    shutil.rmtree(remote)
    assert len(verify_remote_command(workspace).faults) == 101
    with pytest.raises(NotFoundError, match="is no longer there") as raised:
        push_command(workspace, EVERYTHING)
    assert "push --repair" in str(raised.value.hint)
    assert not remote.exists(), "what may be a disk that is not mounted is not written to"
    push_command(workspace, EVERYTHING, repair=True)
    assert all_there(workspace)
    push_command(workspace, EVERYTHING)


def test_a_push_sends_again_what_was_in_a_lost_pack(
    workspace: MemoryWorkspace, kept: LocalFilesResource, remote: Path, said: list[str]
) -> None:
    pack_in(remote).unlink()
    push_command(workspace, EVERYTHING)
    assert "has lost 1 of the packs" in said[0]
    assert all_there(workspace)


@pytest.mark.parametrize("harm", ["lost", "cut", "spoilt", "pack cut", "pack spoilt"])
def test_what_is_lost_or_damaged_there_is_named_and_sent_again(
    workspace: MemoryWorkspace, kept: LocalFilesResource, remote: Path, harm: str
) -> None:
    path = pack_in(remote) if "pack" in harm else large_in(remote)
    if harm == "lost":
        path.unlink()
    elif "cut" in harm:
        os.truncate(path, path.stat().st_size - 7)
    else:
        spoil(path)
    assert all_there(workspace, read=False) == ("spoilt" in harm)
    faults = verify_remote_command(workspace, read=True).faults
    assert faults
    if "pack" not in harm:
        assert {fault.what for fault in faults} == {"large"}
    push_command(workspace, EVERYTHING, repair=True)
    assert all_there(workspace)
    if harm == "pack spoilt":
        assert len(list(remote.glob("quarantine/*.pack"))) + len(list(remote.glob("packs/*.pack"))) >= 1


def test_what_others_have_in_a_damaged_pack_is_kept(
    workspace: MemoryWorkspace, kept: LocalFilesResource, remote: Path, data: Path, tmp_path: Path
) -> None:
    """The pack is set aside, since one content in it is bad; the others, which this workspace may not have, stay."""
    from concurrent.futures import ThreadPoolExecutor

    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.objects.pack import write_pack
    from dataworkspaces.filetree.remotes import RemoteStore

    mine, theirs, bad = SMALL["small 1"], b"of somebody else", b"of somebody else, damaged"
    pack_in(remote).unlink()
    contents = [(ObjectId.of(mine), mine[::-1]), (ObjectId.of(theirs), theirs), (ObjectId.of(bad), bad[::-1])]
    written = write_pack(remote / "packs", remote / "packs", contents)
    assert written is not None
    assert len(verify_remote_command(workspace, read=True).faults) == 100
    push_command(workspace, EVERYTHING, repair=True)
    assert all_there(workspace)
    assert [path.name for path in remote.glob("quarantine/*")] == [written.name]
    there = RemoteStore(str(remote), cache=tmp_path / "another cache")
    with ThreadPoolExecutor(1) as executor:
        assert not there.damaged([ObjectId.of(theirs)], executor=executor, advance=lambda _n: None)


# -- here ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["pack", "large"])
@pytest.mark.parametrize("healer", ["files", "remote", "nobody"])
def test_what_is_damaged_here_is_set_aside_and_had_again(
    workspace: MemoryWorkspace, kept: LocalFilesResource, remote: Path, data: Path, what: str, healer: str
) -> None:
    store = kept.kept_content.store.root
    spoil(pack_in(store) if what == "pack" else large_in(store))
    if healer != "files":
        shutil.rmtree(data)
        data.mkdir()
        (data / "other").write_text("other")
    if healer == "nobody":
        shutil.rmtree(remote)
    assert len(verify_command(workspace).faults) >= 1
    done = verify_command(workspace, repair=True)
    assert len(list((store / "quarantine").iterdir())) == 1
    faults = [fault for fault in done.faults if fault.what != str(data)]  # it is empty, which is one too
    assert (not faults) == (healer != "nobody")
    assert (done.repaired > 0) == (healer != "nobody")
    if healer != "nobody":
        assert all(fault.what == str(data) for fault in verify_command(workspace).faults)


@pytest.mark.parametrize("what", ["pack", "large"])
def test_a_push_sends_nothing_that_is_damaged(
    workspace: MemoryWorkspace, kept: LocalFilesResource, remote: Path, data: Path, said: list[str], what: str
) -> None:
    store = kept.kept_content.store.root
    shutil.rmtree(remote)
    kept.remote_content.forget_pushed()  # type: ignore[union-attr]
    spoil(pack_in(store) if what == "pack" else large_in(store))
    push_command(workspace, EVERYTHING)
    assert all_there(workspace), "the files hold it"
    shutil.rmtree(remote)
    kept.remote_content.forget_pushed()  # type: ignore[union-attr]
    found = sorted((*store.glob("packs/*"), *store.glob("loose/*/*")), key=lambda path: path.stat().st_size)
    spoil(found[0] if what == "pack" else found[-1])
    shutil.rmtree(data)
    data.mkdir()
    push_command(workspace, EVERYTHING)
    faults = verify_remote_command(workspace, read=True).faults
    assert 1 <= len(faults) <= 3
    assert any("push --repair' in a clone that has it" in line for line in said)
    assert all("is not at" in fault.problem for fault in faults)


def test_a_restore_gets_what_is_damaged_from_the_remote(
    workspace: MemoryWorkspace, kept: LocalFilesResource, data: Path
) -> None:
    store = kept.kept_content.store.root
    spoil(large_in(store))
    spoil(pack_in(store))
    version = workspace.get_snapshot_versions(workspace.newest_snapshots()[0].hashval)["data"].restore_hash
    shutil.rmtree(data)
    data.mkdir()
    assert version is not None
    kept.restore(version)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == {**SMALL, "large": LARGE}


def test_the_next_snapshot_keeps_again_what_a_power_cut_emptied(
    workspace: MemoryWorkspace, kept: LocalFilesResource, data: Path, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataworkspaces.filetree import store_keeper

    shutil.rmtree(remote)
    store = kept.kept_content.store.root
    for path in (large_in(store), pack_in(store)):
        path.chmod(0o644)
        os.truncate(path, 0)
    monkeypatch.setattr(store_keeper, "boot_id", lambda: "another")
    (data / "new").write_text("new")
    take(workspace, "S2")
    found = verify_command(workspace)
    assert [fault.what for fault in found.faults] == ["a pack"], "which holds nothing any more"
    shutil.rmtree(data)
    data.mkdir()
    kept.restore(workspace.get_snapshot_versions(workspace.newest_snapshots()[0].hashval)["data"].restore_hash or "")
    assert (data / "large").read_bytes() == LARGE


def test_fsck_repairs_what_the_files_hold(workspace: MemoryWorkspace, data: Path) -> None:
    resource = workspace.add_resource("data", "file", "source-data", path=str(data), restorable=True)
    assert isinstance(resource, LocalFilesResource)
    take(workspace, "S1")
    store = resource.kept_content.store.root
    os.truncate(pack_in(store), 100)
    os.truncate(large_in(store), 100)
    version = resource.present_tree().hashval
    for problem in list(resource.check_integrity({"1234567": version})):
        assert problem.repair is not None, problem
        problem.repair()
    assert list(resource.check_integrity({"1234567": version})) == []
    assert not verify_command(workspace).faults


def test_what_has_no_remote_cannot_be_verified_there(workspace: MemoryWorkspace, data: Path) -> None:
    workspace.add_resource("data", "file", "source-data", path=str(data), restorable=True)
    with pytest.raises(DwsError, match="has no remote"):
        verify_remote_command(workspace, ["data"])
