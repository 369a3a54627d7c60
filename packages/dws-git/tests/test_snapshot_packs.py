"""Older snapshots go into packs, and are read as before: here, in a clone, on a branch, after a kill."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taken_snapshots import reopened, take, with_snapshots

from dataworkspaces.backends.git import pack_writer
from dataworkspaces.backends.git.clone import clone_workspace
from dataworkspaces.backends.git.file_check import read_pack
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_packs import (
    PackedSnapshot,
    SnapshotPacks,
    encode,
    name_of,
    pack_of,
)
from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.undo_delete import undo_delete_command
from dataworkspaces.errors import MetadataError, NotSupportedError
from dataworkspaces.workspace.problem import Problem
from dataworkspaces.workspace.results import manifest_hash

Git = Callable[..., str]
ENTRY = {"type": "source_data", "resource_name": "code", "subpath": None}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs from the fourth snapshot on, of which two stay files."""
    monkeypatch.setattr(pack_writer, "MANY", 3)
    monkeypatch.setattr(pack_writer, "KEPT", 2)


@pytest.fixture
def many(workspace: GitWorkspace) -> GitWorkspace:
    """A workspace with four snapshots, A to D, of which A and B are in a pack."""
    return with_snapshots(workspace, "ABCD")


def contents(workspace: GitWorkspace) -> dict[str, tuple[bytes, Any]]:
    """By tag, the manifest and the lineage of each snapshot."""
    store = workspace.get_lineage_store()
    return {
        metadata.tags[0]: (
            workspace.get_snapshot_manifest_bytes(metadata.hashval),
            store.kept_document(metadata.hashval, "code"),
        )
        for metadata in workspace.list_snapshots()
    }


def loose(workspace: GitWorkspace) -> set[str]:
    """The tags of snapshots with files of their own."""
    hashes = pack_writer.loose_snapshots(workspace.paths)
    return {metadata.tags[0] for metadata in workspace.list_snapshots() if metadata.hashval in hashes}


def problems(workspace: GitWorkspace) -> list[Problem]:
    return list(workspace.check_integrity())


def cloned(workspace: GitWorkspace, tmp_path: Path) -> GitWorkspace:
    return clone_workspace({"hostname": "host2"}, True, False, str(workspace.paths.root), str(tmp_path / "clone"))


def packs(workspace: GitWorkspace) -> list[Path]:
    return sorted(workspace.paths.snapshot_packs.glob("*"))


def test_older_snapshots_are_in_a_pack_of_the_same_commit(many: GitWorkspace, git: Git) -> None:
    root = many.paths.root
    assert loose(many) == {"C", "D"}
    assert git(root, "status", "--porcelain") == ""
    (pack,) = packs(many)
    changed = git(root, "show", "--name-status", "--no-renames", "--format=%s", "HEAD").splitlines()
    assert changed[0].endswith("snapshot D")
    assert f"A\t.dataworkspace/snapshot_packs/{pack.name}" in changed
    assert sum(line.startswith("D\t.dataworkspace/snapshots/") for line in changed) == 2
    assert not problems(many)


@pytest.mark.slow
def test_nothing_of_a_snapshot_changes_by_packing(workspace: GitWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_writer, "MANY", 100)
    with workspace.transaction("add"):
        workspace.add_resource("code", "git-subdirectory", "code", path=str(workspace.paths.root / "code"), create=True)
        workspace.save("add code")
    for tag in "ABC":
        take(workspace, tag)
    before = contents(workspace)
    monkeypatch.setattr(pack_writer, "MANY", 3)
    take(workspace, "D")
    assert loose(workspace) == {"C", "D"}
    after = contents(reopened(workspace.paths.root))
    assert {tag: after[tag] for tag in before} == before


@pytest.mark.slow
def test_tags_of_packed_snapshots_move_and_no_file_comes_back(many: GitWorkspace, git: Git) -> None:
    hashval = many.get_snapshot_by_tag("A").hashval
    with many.transaction("tag"):
        many.update_snapshot_metadata(hashval, lambda metadata: metadata)
        many.remove_tag_from_snapshot(hashval, "A")
        many.save("tag")
    assert not many.paths.manifest(hashval).exists()
    assert git(many.paths.root, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_packed_snapshot_is_deleted_and_brought_back(many: GitWorkspace, git: Git) -> None:
    before = contents(many)
    delete_snapshot_command(many, "A", include_resources=False)
    assert set(contents(many)) == set("BCD")
    assert not problems(many)
    undo_delete_command(many, "A")
    assert contents(many) == before
    assert git(many.paths.root, "status", "--porcelain") == ""


def test_a_clone_has_the_packs(many: GitWorkspace, tmp_path: Path) -> None:
    clone = cloned(many, tmp_path)
    assert contents(clone) == contents(many)
    assert [path.name for path in packs(clone)] == [path.name for path in packs(many)]


@pytest.mark.slow
def test_two_copies_that_pack_differently_have_nothing_to_merge(
    many: GitWorkspace, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One packs C, D and E, the other C and D, and each has a snapshot of its own."""
    clone = cloned(many, tmp_path)
    for tag in "EFG":
        take(many, tag)
    monkeypatch.setattr(pack_writer, "KEPT", 1)
    for tag in "XY":
        take(clone, tag)
    wanted = {**contents(many), **contents(clone)}
    merged = clone.pull_workspace()
    assert isinstance(merged, GitWorkspace)
    assert contents(merged) == wanted
    assert git(merged.paths.root, "status", "--porcelain") == ""
    assert {path.name for path in packs(merged)} >= {path.name for path in packs(many)}
    assert not [problem for problem in problems(merged) if problem.severity == "error"]


@pytest.mark.slow
def test_a_snapshot_that_one_copy_packs_and_the_other_deletes_is_gone(many: GitWorkspace, tmp_path: Path) -> None:
    clone = cloned(many, tmp_path)
    delete_snapshot_command(many, "C", include_resources=False)
    for tag in "XYZ":
        take(clone, tag)
    assert "C" not in loose(clone)
    merged = clone.pull_workspace()
    assert isinstance(merged, GitWorkspace)
    assert set(contents(merged)) == set("ABDXYZ")


@pytest.mark.slow
def test_packs_of_another_branch_are_read(many: GitWorkspace, git: Git) -> None:
    root = many.paths.root
    wanted = contents(many)
    git(root, "switch", "-q", "-c", "other", "HEAD~6")
    here = reopened(root)
    assert not packs(here)
    hashes = {metadata.tags[0]: metadata.hashval for metadata in here.list_branch("main")}
    assert set(hashes) == set("ABCD")
    store = here.get_lineage_store()
    for tag, hashval in hashes.items():
        found = here.get_snapshot_manifest_bytes(hashval), store.kept_document(hashval, "code")
        assert found == wanted[tag], tag


@pytest.mark.slow
@pytest.mark.parametrize("at", range(12))
def test_a_kill_while_it_packs_loses_nothing(many: GitWorkspace, git: Git, at: int) -> None:
    """Killed at the nth write, removal or start of git since the packing began: the next command completes it."""
    take(many, "E")
    root = many.paths.root
    before = contents(many)
    child = os.fork()
    if child == 0:
        try:
            _take_and_be_killed(reopened(root), at)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    again = reopened(root)
    again.interaction.tell = lambda *_: None  # type: ignore[method-assign]
    assert {tag: found for tag, found in contents(again).items() if tag != "F"} == before
    take(again, "G")
    after = contents(reopened(root))
    assert {tag: after[tag] for tag in before} == before
    assert "F" in after
    assert git(root, "status", "--porcelain") == ""
    assert not [problem for problem in problems(again) if problem.severity == "error"]
    assert os.WIFSIGNALED(status) or at > 8, "the packing has fewer points than the test believes"


def _take_and_be_killed(workspace: GitWorkspace, at: int) -> None:
    left = [at]
    began = [False]
    unlink, write, run, pack = Path.unlink, pack_writer.write_bytes, pack_writer.run_git, pack_writer.write_packs

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if began[0]:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
            return function(*arguments, **options)

        return call

    def begin(*arguments: Any) -> Any:
        began[0] = True
        return pack(*arguments)

    from dataworkspaces.gitrepo import nested, repo

    pack_writer.write_packs = begin
    pack_writer.write_bytes = counted(write)
    pack_writer.run_git = counted(run)
    repo.run_git = counted(repo.run_git)
    nested.run_git = counted(nested.run_git)
    Path.unlink = counted(unlink)  # type: ignore[method-assign]
    take(workspace, "F")


@pytest.mark.slow
def test_a_full_disk_is_no_reason_to_fail(many: GitWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    take(many, "E")
    with monkeypatch.context() as for_now:
        for_now.setattr(pack_writer, "write_bytes", full)
        take(many, "F")
    assert loose(many) == {"C", "D", "E", "F"}
    take(many, "G")
    assert loose(many) == {"F", "G"}


@pytest.mark.parametrize(
    ("size", "expected"), [(0, (512, 128)), (1 << 14, (512, 128)), (1 << 18, (32, 8)), (1 << 24, (16, 4))]
)
def test_large_lineage_is_packed_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(pack_writer, "MANY", 512)
    monkeypatch.setattr(pack_writer, "KEPT", 128)
    paths = WorkspacePaths(tmp_path)
    (paths.snapshot_lineage / "ab").mkdir(parents=True)
    for name in ("code", "results"):
        (paths.snapshot_lineage / "ab" / f"{name}.json").write_bytes(b"x" * (size // 2))
    assert pack_writer.limits(paths, "ab") == expected
    assert pack_writer.limits(paths, "of a snapshot without lineage") == (512, 128)


@pytest.mark.slow
def test_what_is_damaged_stays_a_file(many: GitWorkspace) -> None:
    take(many, "E")
    hashval = many.get_snapshot_by_tag("C").hashval
    lineage = many.paths.snapshot_lineage / hashval / "code.json"
    lineage.write_text("{", encoding="utf-8")
    take(many, "F")
    assert loose(many) == {"C", "E", "F"}
    assert lineage.read_text(encoding="utf-8") == "{"


@pytest.mark.slow
def test_fsck_brings_a_damaged_pack_back(many: GitWorkspace) -> None:
    before = contents(many)
    (pack,) = packs(many)
    pack.write_bytes(pack.read_bytes().replace(b"manifest", b"MANIFEST", 1))
    with pytest.raises(MetadataError, match=pack.name):
        contents(reopened(many.paths.root))
    found = problems(reopened(many.paths.root))
    assert [problem.where for problem in found if problem.severity == "error"] == [
        f".dataworkspace/snapshot_packs/{pack.name}"
    ]
    assert found[0].repair is not None
    found[0].repair()
    assert contents(reopened(many.paths.root)) == before


# -- the format ----------------------------------------------------------------------------------------------------


def packed(number: int, lineage: dict[str, dict[str, Any]]) -> PackedSnapshot:
    manifest = json.dumps([{"number": number}])
    return PackedSnapshot(manifest_hash(manifest.encode()), manifest, lineage)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
entries = st.lists(st.dictionaries(st.text(), json_values, max_size=3), max_size=3)


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.text(min_size=1), entries, max_size=3), max_size=5))
def test_a_pack_gives_back_what_went_in(lineages: list[dict[str, list[dict[str, Any]]]]) -> None:
    snapshots = [
        packed(number, {name: {"resource_name": name, "lineages": each} for name, each in lineage.items()})
        for number, lineage in enumerate(lineages)
    ]
    pack = pack_of("pack", encode(snapshots))
    assert set(pack.hashes) == {snapshot.hashval for snapshot in snapshots}
    for snapshot in snapshots:
        assert pack.manifest(snapshot.hashval) == snapshot.manifest.encode()
        assert pack.lineage(snapshot.hashval) == snapshot.lineage
        for name, document in snapshot.lineage.items():
            assert pack.lineage_of(snapshot.hashval, name) == document
        assert pack.lineage_of(snapshot.hashval, "no resource\n") is None


def test_an_entry_is_there_once() -> None:
    steps = [{**ENTRY, "number": number, "parameters": "x" * 1000} for number in range(100)]

    def size(snapshots: int) -> int:
        return len(
            encode(
                packed(number, {"code": {"resource_name": "code", "lineages": [*steps, {"number": number}]}})
                for number in range(snapshots)
            )
        )

    assert size(50) - size(1) < 49 * 2000


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("header", b'{"format":1}'),
        ("header", b"[]"),
        ("header", b"{"),
        ("place", [0]),
        ("place", [-1, 5]),
        ("place", [0, 1 << 60]),
        ("place", ["0", 5]),
        ("place", [0, 5]),
        ("place", None),
    ],
)
def test_what_a_pack_may_not_be(place: str, value: Any) -> None:
    content = encode([packed(1, {"code": {"resource_name": "code", "lineages": [ENTRY]}})])
    header, _, body = content.partition(b"\n")
    (hashval,) = json.loads(header)["snapshots"]
    if place == "place":
        value = json.dumps({"format": 1, "snapshots": {hashval: value}}).encode()
    with pytest.raises(MetadataError, match="some pack is damaged"):
        pack_of("some pack", value + b"\n" + body).manifest(hashval)


def test_a_newer_format_is_named() -> None:
    with pytest.raises(NotSupportedError, match="some pack has the format 2: a newer release"):
        pack_of("some pack", b'{"format":2,"snapshots":{}}\n')


def test_an_entry_that_is_named_a_thousand_times_fills_no_memory() -> None:
    body = json.dumps({"x": "y" * (1 << 20)}).encode()
    line = json.dumps({"manifest": "", "lineage": {"code": {"lineages": [[0, len(body)]] * 1000}}}).encode()
    header = json.dumps({"format": 1, "snapshots": {"ab": [len(body) + 1, len(line)]}}).encode()
    pack = pack_of("some pack", b"\n".join([header, body, line, b""]))
    with pytest.raises(MetadataError, match="some pack is damaged"):
        pack.lineage_of("ab", "code")


def test_the_name_is_that_of_the_content(tmp_path: Path) -> None:
    content = encode([packed(1, {})])
    path = tmp_path / name_of(content)
    path.write_bytes(content)
    assert list(read_pack(path).entries) == [packed(1, {}).hashval]
    path.write_bytes(content + b"\n")
    with pytest.raises(MetadataError, match="does not match its name"):
        read_pack(path)


def test_one_unreadable_pack_hides_no_other(tmp_path: Path) -> None:
    content = encode([packed(1, {})])
    (tmp_path / name_of(content)).write_bytes(content)
    (tmp_path / f"{'0' * 64}.jsonl").write_bytes(b"x")
    found = SnapshotPacks(tmp_path)
    assert found.manifest(packed(1, {}).hashval) is not None
    with pytest.raises(MetadataError, match="0000"):
        found.manifest("a" * 40)
