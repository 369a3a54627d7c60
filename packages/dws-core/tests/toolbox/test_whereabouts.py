"""Where a copy of a workspace is, told by its note."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.whereabouts import Whereabouts, moved_with


def make(root: Path) -> Whereabouts:
    (root / ".dataworkspace").mkdir(parents=True)
    here = at(root)
    assert here.state == "new"
    here.note()
    assert here.state == "home"
    return here


def at(root: Path) -> Whereabouts:
    return Whereabouts(root, root / ".git/dws")


def change_note(root: Path, **values: Any) -> None:
    path = root / ".git/dws/place.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_states(tmp_path: Path) -> None:
    root, copy, moved = tmp_path / "ws", tmp_path / "copy", tmp_path / "moved"
    make(root)
    shutil.copytree(root, copy)
    assert (at(root).state, at(copy).state) == ("home", "copied")
    root.rename(moved)
    assert at(moved).state == "moved"
    assert at(copy).state == "moved"  # its original is not to be found on this machine
    change_note(copy, host="another")
    assert at(copy).state == "copied"  # it may be there
    change_note(moved, host="another")
    assert at(moved).state == "moved"  # the same directory, seen under another path


def test_a_note_that_is_not_understood_is_none(tmp_path: Path) -> None:
    make(tmp_path)
    for text in ("", "[]", "{}", '{"root": 1}', '{"root": "x"}'):
        (tmp_path / ".git/dws/place.json").write_text(text)
        assert at(tmp_path).state == "new"


def test_places(tmp_path: Path) -> None:
    root, copy, moved = tmp_path / "ws", tmp_path / "copy", tmp_path / "moved"
    here = make(root)
    params = {"my_local_path": str(root / "a/b"), "my_remote": "s3://x", "my_config": "/etc/x", "n": 1, "none": None}
    stored = here.to_stored(params)
    assert stored == {**params, "my_local_path": {"in_workspace": "a/b"}}
    assert here.from_stored(stored) == params
    outside = {"my_local_path": "/far", "local_path": str(root / "c")}
    assert here.from_stored(here.to_stored(outside)) == outside

    shutil.copytree(root, copy)
    assert at(copy).from_stored(stored)["my_local_path"] == str(copy / "a/b")
    assert at(copy).from_stored(outside) == {"placed": False, "local_path": str(copy / "c")}
    assert at(copy).from_stored({"my_config": "/etc/x"}) == {"my_config": "/etc/x"}
    root.rename(moved)
    assert at(moved).from_stored(outside) == {"my_local_path": "/far", "local_path": str(moved / "c")}


def test_a_root_that_is_reached_by_a_link(tmp_path: Path) -> None:
    here = make(tmp_path / "ws")
    (tmp_path / "link").symlink_to(tmp_path / "ws")
    assert here.to_stored({"p": str(tmp_path / "link/data")}) == {"p": {"in_workspace": "data"}}


@pytest.mark.parametrize("place", ["../x", "/x", "a/../../x", 1, None])
def test_a_stored_place_leads_nowhere_else(tmp_path: Path, place: Any) -> None:
    with pytest.raises(DwsError):
        make(tmp_path).from_stored({"my_local_path": {"in_workspace": place}})


def test_moved_without_a_note(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    (root / "data").mkdir(parents=True)
    old = tmp_path / "old"
    assert moved_with(root, str(old / "data"), "data") == str(root / "data")  # it is gone
    (old / "data").mkdir(parents=True)
    assert moved_with(root, str(old / "data"), "data") is None  # no workspace: meant
    (old / ".dataworkspace").mkdir()
    assert moved_with(root, str(old / "data"), "data") == str(root / "data")
    assert moved_with(root, str(old / "other"), "data") is None
    assert moved_with(root, str(root / "data"), "data") is None
    assert moved_with(root, str(old / "gone"), "gone") is None  # what is in neither
