"""What a tag names is exact; labels and notes can be given later."""

from __future__ import annotations

import pytest
from endtoend import HOST, User, write_files
from forked import Forked


@pytest.fixture
def runs(workspace: User) -> Forked:
    """Three snapshots that differ in their results alone."""
    here = Forked(workspace.cwd, workspace.env)
    for number in (1, 2, 3):
        write_files(here.cwd, {"results/results.json": f'{{"metrics": {{"accuracy": {number}}}}}'})
        here.batch("snapshot", f"run{number}", "-m", f"C={number}")
    return here


def test_a_tag_names_the_snapshot_that_was_restored(runs: Forked) -> None:
    one = runs.json("restore", "run1", "--json")["snapshot"]["hash"]
    outcome = runs.json("snapshot", "-m", "to production", "production", "--json")
    assert (outcome["hash"], outcome["is_new"], outcome["tags"]) == (one, False, ["run1", "production"])
    assert [note["text"] for note in outcome["notes"]] == ["to production"]
    refused = runs.batch("delete-snapshot", "production", check=False)
    assert refused.returncode == 1
    assert "dws tag --delete production" in refused.stderr
    runs.batch("tag", "--delete", "production")
    assert [tag["tag"] for tag in runs.json("tag", "--json")] == ["run1", "run2", "run3"]
    # New content is a new snapshot, also after a restore.
    write_files(runs.cwd, {"code/new.py": "1"})
    refused = runs.batch("tag", "now", check=False)
    assert "code changed" in refused.stderr
    assert runs.json("snapshot", "four", "--json")["is_new"]
    runs.batch("restore", "run2")
    write_files(runs.cwd, {"results/results.json": "{}"})
    assert runs.json("snapshot", "five", "--json")["is_new"]


def test_a_tag_moves_and_goes(runs: Forked) -> None:
    two, three = (runs.json("note", tag, "--json")["hash"] for tag in ("run2", "run3"))
    runs.batch("tag", "best", "run2")
    taken = runs.batch("tag", "best", "run3", check=False)
    assert taken.returncode == 8
    assert "dws tag --move best" in taken.stderr
    moved = runs.json("tag", "--move", "best", "run3", "--json")
    assert (moved["hash"], moved["moved_from"]) == (three, two)
    assert runs.json("note", "best", "--json")["hash"] == three
    assert runs.json("tag", "--delete", "best", "--json")["deleted"]
    assert runs.batch("tag", "--delete", "best", check=False).returncode == 4
    assert runs.git("status", "--porcelain") == ""


def test_a_label_names_a_snapshot_that_only_has_it(runs: Forked) -> None:
    runs.batch("label", "run1", "stage=production", "owner=ann")
    read = runs.batch("cat", f"results@stage=production:snapshots/{HOST}-run1/results.json").stdout
    assert '"accuracy": 1' in read
    code = f"""import fsspec
with fsspec.open("dws://results@stage=production/snapshots/{HOST}-run1/results.json") as file:
    print(file.read())"""
    assert "accuracy" in runs.python("-c", code).stdout
    runs.batch("label", "run3", "stage=production")
    two = runs.batch("restore", "stage=production", check=False)
    assert "is on 2 snapshots" in two.stderr
    assert runs.json("label", "--move", "run3", "stage=production", "--json")["moved_from"]
    runs.batch("label", "run1", "--delete", "owner")
    assert [(each["tags"], each["labels"]) for each in runs.json("label", "--json")] == [
        (["run3"], {"stage": "production"})
    ]
    wrong = runs.batch("label", "run1", "nothing", check=False)
    assert "'nothing' is not a label" in wrong.stderr
    runs.batch("note", "run1", "first of all")
    assert "first of all" in runs.batch("note", "run1").stdout
