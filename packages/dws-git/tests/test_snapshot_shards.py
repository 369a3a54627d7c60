"""Where there are many snapshots, the metadata of new ones lies in shards: all else is as with one directory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taken_snapshots import reopened, take, with_snapshots

from dataworkspaces.backends.git.clone import clone_workspace
from dataworkspaces.backends.git.paths import WorkspacePaths, snapshot_of
from dataworkspaces.backends.git.snapshot_index import SnapshotIndex, read_metadata
from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.undo_delete import undo_delete_command
from dataworkspaces.errors import NotFoundError
from dataworkspaces.toolbox.atomic import write_json
from dataworkspaces.workspace import SnapshotMetadata

Git = Callable[..., str]
LIMIT = "dataworkspaces.backends.git.paths.MANY_SNAPSHOTS"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards from the third snapshot on."""
    monkeypatch.setattr(LIMIT, 2)


@pytest.fixture
def many(workspace: GitWorkspace) -> GitWorkspace:
    """A workspace with four snapshots, A to D, of which C and D are in shards."""
    return with_snapshots(workspace, "ABCD")


def cloned(workspace: GitWorkspace, tmp_path: Path) -> GitWorkspace:
    return clone_workspace({"hostname": "host2"}, True, False, str(workspace.paths.root), str(tmp_path / "clone"))


def pulled(workspace: GitWorkspace) -> GitWorkspace:
    merged = workspace.pull_workspace()
    assert isinstance(merged, GitWorkspace)
    return merged


def tags(workspace: GitWorkspace) -> str:
    """Of all snapshots, the oldest first."""
    return "".join(tag for metadata in workspace.list_snapshots(reverse=False) for tag in metadata.tags)


def files(workspace: GitWorkspace) -> dict[str, list[str]]:
    """The directories in which each snapshot has metadata, by its tags."""
    paths = workspace.paths
    found: dict[str, list[str]] = {}
    for file in sorted([*paths.snapshot_metadata.glob("*"), *paths.snapshot_shards.glob("*/*")]):
        found.setdefault("".join(read_metadata(file).tags), []).append(
            file.parents[-len(paths.metadata.parts) - 1].name
        )
    return found


FLAT, SHARDED = ["snapshot_metadata"], ["snapshot_shards"]


def test_new_snapshots_go_to_shards_and_old_ones_stay(many: GitWorkspace, git: Git) -> None:
    assert files(many) == {"A": FLAT, "B": FLAT, "C": SHARDED, "D": SHARDED}
    assert tags(many) == "ABCD"
    assert git(many.paths.root, "status", "--porcelain") == ""
    assert not list(many.check_integrity())
    changed = git(many.paths.root, "show", "--name-only", "--format=", "HEAD")
    assert ".dataworkspace/snapshot_shards/" in changed
    assert ".dataworkspace/snapshot_metadata/" not in changed


def test_what_changes_stays_where_it_is(many: GitWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, new in ((0, "X"), (100, "Y")):
        monkeypatch.setattr(LIMIT, limit)
        with many.transaction("tag"):
            for metadata in list(many.list_snapshots()):
                many.update_snapshot_metadata(metadata.hashval, lambda m, new=new: m.replace(tags=[*m.tags, new]))  # type: ignore[misc]
            many.save("tags")
    assert files(many) == {"AXY": FLAT, "BXY": FLAT, "CXY": SHARDED, "DXY": SHARDED}


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["B", "D"])
def test_a_deleted_snapshot_is_gone_and_comes_back(many: GitWorkspace, git: Git, tag: str) -> None:
    before = many.get_snapshot_by_tag(tag)
    delete_snapshot_command(many, tag, include_resources=False)
    assert tags(many) == "ABCD".replace(tag, "")
    with pytest.raises(NotFoundError):
        many.get_snapshot_metadata(before.hashval)
    undo_delete_command(reopened(many.paths.root), before.hashval)
    again = reopened(many.paths.root)
    assert again.get_snapshot_by_tag(tag) == before
    assert tags(again) == "ABCD"
    assert git(many.paths.root, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_clone_and_another_branch_have_all_of_them(many: GitWorkspace, tmp_path: Path, git: Git) -> None:
    assert tags(cloned(many, tmp_path)) == "ABCD"
    git(many.paths.root, "switch", "-q", "-c", "other", "HEAD~6")
    here = reopened(many.paths.root)
    assert tags(here) == "A"
    assert {tag for metadata in here.list_branch("main") for tag in metadata.tags} == set("ABCD")
    assert sorted(tag for metadata in here.list_elsewhere() for tag in metadata.tags) == ["B", "C", "D"]
    wanted = next(m for m in here.list_branch("main") if m.tags == ["D"])
    assert [m.hashval for m in here.find_snapshots_elsewhere([wanted.hashval]) if m.tags == ["D"]] == [wanted.hashval]


@pytest.mark.slow
def test_a_branch_that_holds_nothing_else_is_not_read(
    many: GitWorkspace, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier commit holds came from here, or has been deleted here since."""
    for number in range(3):
        git(many.paths.root, "branch", f"earlier-{number}", f"HEAD~{2 * number}")
    monkeypatch.setattr("dataworkspaces.backends.git.other_branches.list_tree", None)
    assert list(many.list_elsewhere()) == []


@pytest.mark.slow
def test_two_copies_of_which_one_has_many(many: GitWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes, tags and deletes snapshots, and one of them is the same in both."""
    clone = cloned(many, tmp_path)
    take(many, "E")
    take(many, "S")
    monkeypatch.setattr(LIMIT, 100)
    (clone.paths.root / "code" / "E.py").write_text("print('E')\n", encoding="utf-8")
    same = take(clone, "T", "S")
    delete_snapshot_command(clone, "C", include_resources=False)
    assert files(clone) == {"A": FLAT, "B": FLAT, "D": SHARDED, "T": FLAT}
    merged = pulled(clone)
    assert files(merged) == {"A": FLAT, "B": FLAT, "D": SHARDED, "E": SHARDED, "ST": SHARDED}
    assert merged.get_snapshot_metadata(same).tags == ["S", "T"]
    assert not [problem for problem in merged.check_integrity() if problem.severity == "error"]


@pytest.mark.slow
@pytest.mark.parametrize("by_fsck", [False, True])
def test_a_merge_by_git_leaves_two_files_of_which_one_is_made(
    many: GitWorkspace, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, by_fsck: bool
) -> None:
    clone = cloned(many, tmp_path)
    take(many, "S")
    monkeypatch.setattr(LIMIT, 100)
    same = take(clone, "T", "S")
    root = clone.paths.root
    git(root, "fetch", "-q")
    git(root, "merge", "-q", "-s", "ort", "-X", "theirs", "-m", "merge", "origin/main")
    flat, sharded = clone.paths.snapshot_metadata_files(same)
    assert flat.exists()
    assert sharded.exists()
    again = reopened(root)
    if by_fsck:
        (told,) = (problem for problem in again.check_integrity() if problem.repair is not None)
        assert told.where.endswith(f"/{sharded.name}")
        assert told.repair is not None
        with again.transaction("fsck"):
            told.repair()
            again.save("repair")
    else:
        again.recover_if_interrupted()
    assert files(again) == {"A": FLAT, "B": FLAT, "C": SHARDED, "D": SHARDED, "TS": FLAT}
    assert again.get_snapshot_metadata(same).tags == ["T", "S"]
    assert git(root, "status", "--porcelain") == ""
    assert not list(again.check_integrity())


def test_of_two_files_the_first_counts_and_both_are_deleted(many: GitWorkspace, git: Git) -> None:
    hashval = many.get_snapshot_by_tag("D").hashval
    flat, sharded = many.paths.snapshot_metadata_files(hashval)
    write_json(flat, read_metadata(sharded).replace(tags=["other"]).to_json())
    assert tags(many) == "ABCother"
    delete_snapshot_command(many, "other", include_resources=False)
    assert tags(many) == "ABC"
    assert not flat.exists()
    assert not sharded.exists()
    assert git(many.paths.root, "status", "--porcelain") == ""


def test_what_is_no_metadata_of_a_shard() -> None:
    hashval = "ab" + "0" * 38
    assert snapshot_of(f"snapshot_shards/ab/{hashval}_md.json") == hashval
    assert snapshot_of(f"snapshot_metadata/{hashval}_md.json") == hashval
    for other in (
        f"snapshot_shards/cd/{hashval}_md.json",
        f"snapshot_shards/{hashval}_md.json",
        "snapshot_shards/ab/x",
    ):
        assert snapshot_of(other) is None


def test_a_strange_file_in_a_shard_is_told_and_counts_for_nothing(many: GitWorkspace) -> None:
    shard = many.paths.snapshot_shards / "ab"
    shard.mkdir(exist_ok=True)
    (shard / f"{'c' * 40}_md.json").write_text(json.dumps({}))
    assert tags(many) == "ABCD"
    assert [p.where for p in many.check_integrity() if "c" * 40 in p.where or "c" * 40 in p.what]


# -- the index -------------------------------------------------------------------------------------------------------

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flat", "sharded"]),
        st.integers(0, 3),
        st.sampled_from(["", "P", "Q", "R"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=14,
)


@pytest.mark.slow
@given(CHANGES)
@settings(max_examples=60, deadline=None)
def test_the_index_tells_what_the_files_say(changes: list[tuple[str, int, str, bool, bool]]) -> None:
    """Whichever file is written (with a tag) or goes (no tag), whenever the index is asked, and whether that is long
    after. Git removes a directory with its last file."""
    with TemporaryDirectory() as temporary:
        paths = WorkspacePaths(Path(temporary))
        database = Path(temporary) / "snapshots.sqlite"
        known: dict[tuple[str, int], str] = {}
        for where, number, tag, is_asked, is_long_after in changes:
            flat, sharded = paths.snapshot_metadata_files(_hash(number))
            path = flat if where == "flat" else sharded
            if tag:
                known[where, number] = tag
                path.parent.mkdir(parents=True, exist_ok=True)
                write_json(path, _metadata(_hash(number), tag).to_json())
            else:
                known.pop((where, number), None)
                path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()
            if is_long_after and path.parent.exists():
                _let_time_pass(path.parent)
            if is_asked:
                assert _told(paths, database) == _wanted(known)
        assert _told(paths, database) == _wanted(known)


def _hash(number: int) -> str:
    """Two of them share a shard."""
    return f"{number // 2:02x}{number:038x}"


def _metadata(hashval: str, *of: str) -> SnapshotMetadata:
    return SnapshotMetadata(hashval, list(of), "", "host", "2026-01-01T00:00:00", "", {})


_clock = iter(range(1_000_000_000, 1 << 60, 1000))


def _let_time_pass(directory: Path) -> None:
    """As if it had changed long ago, and at another time than before."""
    now = next(_clock)
    os.utime(directory, ns=(now, now))


def _told(paths: WorkspacePaths, database: Path) -> dict[str, str]:
    index = SnapshotIndex(paths.snapshot_metadata, paths.snapshot_shards, database)
    found = {hashval: tag for tag in index.tags() for hashval in index.with_tag(tag)}
    assert sorted(index.hashes(reverse=False, limit=None)) == sorted(found)
    assert index.count() == len(found)
    return found


def _wanted(known: dict[tuple[str, int], str]) -> dict[str, str]:
    sharded = {_hash(number): tag for (where, number), tag in known.items() if where == "sharded"}
    return {**sharded, **{_hash(number): tag for (where, number), tag in known.items() if where == "flat"}}
