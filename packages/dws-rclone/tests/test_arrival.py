"""Files that have been fetched go to their places, and to no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
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


def test_files_are_replaced_and_deleted(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "gone").mkdir(parents=True)
    (root / "gone" / "x").write_text("old")
    (root / "a").write_text("old")
    arrival = arrived(tmp_path, "a", "deep/b")
    arrival.put_in_place(root, Plan({"a": 5, "deep/b": 10}, ["gone/x"]))
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
        arrival.put_in_place(root, plan)
    assert arrival.is_incomplete()
    assert (arrival.incoming / "b").exists()
    (root / "b" / "inside").rmdir()
    (root / "b").rmdir()
    arrival.put_in_place(root, Plan({"b": 5}))
    assert (root / "b").read_text() == "new b"
    assert not arrival.is_incomplete()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    arrival = arrived(tmp_path, "link/x")
    with pytest.raises(ConfigurationError):
        arrival.put_in_place(root, Plan({"link/x": 5}))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_names_that_lead_out_are_refused(path: str, tmp_path: Path) -> None:
    transfer = Transfer("data", Rclone(), BatchInteraction(), [])
    for plan in (Plan({path: 1}), Plan({}, [path])):
        with pytest.raises(ConfigurationError, match="not a plain relative path"):
            transfer.fetch("store:x", plan, tmp_path / "incoming")
    assert not (tmp_path / "incoming").exists()
