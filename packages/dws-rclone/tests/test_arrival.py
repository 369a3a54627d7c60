"""Files that have been fetched go to their places, and to no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.rclone.edited import EditedFiles
from dataworkspaces.resources.rclone.plan import Plan
from dataworkspaces.resources.rclone.run import Rclone
from dataworkspaces.resources.rclone.transfer import Arrival, Transfer
from dataworkspaces.workspace import BatchInteraction


def arrived(tmp_path: Path, *paths: str) -> Arrival:
    arrival = Arrival(tmp_path / "own")
    for path in paths:
        file = arrival.incoming / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"new {path}")
    return arrival


def put_in_place(arrival: Arrival, root: Path, plan: Plan) -> list[str]:
    return arrival.put_in_place(root, plan, edited_in(arrival.incoming.parent))


def edited_in(directory: Path) -> EditedFiles:
    return EditedFiles(directory, trusts_times=True)


def test_files_are_replaced_and_deleted(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "gone").mkdir(parents=True)
    (root / "gone" / "x").write_text("old")
    (root / "a").write_text("old")
    arrival = arrived(tmp_path, "a", "deep/b")
    put_in_place(arrival, root, Plan({"a": 5, "deep/b": 10}, ["gone/x"]))
    assert sorted(str(p.relative_to(root)) for p in root.rglob("*")) == ["a", "deep", "deep/b"]
    assert (root / "a").read_text() == "new a"
    assert not arrival.is_incomplete()
    assert not arrival.incoming.exists()


def test_what_is_in_the_way_leaves_the_rest_for_later(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "b" / "inside").mkdir(parents=True)
    arrival = arrived(tmp_path, "a", "b")
    plan = Plan({"a": 5, "b": 5})
    with pytest.raises(ConfigurationError):
        put_in_place(arrival, root, plan)
    assert arrival.is_incomplete()
    assert (arrival.incoming / "b").exists()
    (root / "b" / "inside").rmdir()
    (root / "b").rmdir()
    put_in_place(arrival, root, Plan({"b": 5}))
    assert (root / "b").read_text() == "new b"
    assert not arrival.is_incomplete()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    arrival = arrived(tmp_path, "link/x")
    with pytest.raises(ConfigurationError):
        put_in_place(arrival, root, Plan({"link/x": 5}))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_names_that_lead_out_are_refused(path: str, tmp_path: Path) -> None:
    transfer = Transfer("data", Rclone(), BatchInteraction(), [])
    for plan in (Plan({path: 1}), Plan({}, [path])):
        with pytest.raises(ConfigurationError, match="not a plain relative path"):
            transfer.fetch("store:x", plan, tmp_path / "incoming")
    assert not (tmp_path / "incoming").exists()


def test_where_nothing_is_all_arrives_at_once(tmp_path: Path) -> None:
    root = tmp_path / "not" / "there"
    arrival = arrived(tmp_path, "a", "deep/b")
    inode = arrival.incoming.stat().st_ino
    put_in_place(arrival, root, Plan({"a": 5, "deep/b": 10}))
    assert root.stat().st_ino == inode
    assert (root / "deep/b").read_text() == "new deep/b"
    assert not arrival.is_incomplete()


# -- what was changed here -----------------------------------------------------------------------------------------


def kept(directory: Path) -> dict[str, str]:
    """By relative path, whenever it was kept."""
    places = list((directory / "replaced").glob("*"))
    return {str(p.relative_to(d)): p.read_text() for d in places for p in d.rglob("*") if p.is_file()}


def test_what_was_edited_since_the_last_pull_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "data"
    put_in_place(arrived(tmp_path, "a", "sub/b", "c", "d"), root, Plan(dict.fromkeys(("a", "sub/b", "c", "d"), 5)))
    before = (root / "a").stat()
    for path in ("a", "sub/b", "added"):
        (root / path).write_text("mine")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))  # whatever its times say
    found = put_in_place(arrived(tmp_path, "a", "c"), root, Plan({"a": 5, "c": 5}, ["sub/b", "added", "d"]))
    assert found == ["a", "added", "sub/b"]
    assert kept(tmp_path / "own") == {"a": "mine", "added": "mine", "sub/b": "mine"}
    assert sorted(path.name for path in root.iterdir()) == ["a", "c"]
    assert put_in_place(arrived(tmp_path, "a", "c"), root, Plan({"a": 5}, ["c"])) == []


def test_what_was_there_before_the_first_pull_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "a").write_text("mine")
    assert put_in_place(arrived(tmp_path, "a"), root, Plan({"a": 5})) == ["a"]
    assert kept(tmp_path / "own") == {"a": "mine"}


def test_where_times_do_not_tell_all_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "data"
    put_in_place(arrived(tmp_path, "a"), root, Plan({"a": 5}))
    by_size = EditedFiles(tmp_path / "own", trusts_times=False)
    assert arrived(tmp_path, "a").put_in_place(root, Plan({"a": 5}), by_size) == ["a"]
