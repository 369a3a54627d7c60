"""Files of resources through fsspec: now and at any snapshot, by `dws ls`, `cat` and `cp`, and in lineage."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from endtoend import FAILED, User, write_files
from file_resources import FILES, TYPES
from forked import Forked

from dataworkspaces import api
from dataworkspaces.errors import ConfigurationError, DwsError, NotSupportedError
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.lineage import LineageBuilder, ResourceRef

pytestmark = pytest.mark.slow

TRAIN = """
import fsspec
import numpy
from sklearn.svm import SVC
from dataworkspaces.kits.scikit_learn import LineagePredictor


def load(place):
    with fsspec.open(place, "r") as file:
        data = numpy.loadtxt(file, delimiter=",")
    return data[:, :1], data[:, 1]


predictor = LineagePredictor(SVC(), "binary_classification", input_resource="repo")
predictor.fit(*load("dws://local/train.csv"))
predictor.score(*load("dws://local/test.csv"))
"""


@pytest.fixture
def here(file_resources: User) -> User:
    return file_resources


def test_a_resource_now_and_at_a_snapshot(here: User) -> None:
    taken = datetime.fromisoformat(here.json("report", "history")["snapshots"][0]["timestamp"]).astimezone()
    for name in TYPES:
        now = api.get_filesystem_for_resource(name)
        old = api.get_filesystem_for_resource(name, snapshot="OLD")
        assert now is not None
        assert old is not None
        assert isinstance(old, ResourceFileSystem)
        assert (now.cat("a.txt"), old.cat("a.txt")) == (b"two\n", b"one\n"), name
        assert [path for path in old.find("") if path in FILES] == list(FILES), name
        assert old.info("sub/b.txt") == {"name": "sub/b.txt", "size": 4, "type": "file"}, name
        assert old.modified("a.txt") == taken, name
        assert old.cat_ranges(["a.txt", "sub/b.txt"], [1, -2], [3, None]) == [b"ne", b"e\n"], name
        with old.open("sub/b.txt", "r") as file:
            assert (file.read(1), file.seek(2), file.read()) == ("b", 2, "e\n"), name
        with pytest.raises(FileNotFoundError):
            old.cat("sub/none")
        with pytest.raises(IsADirectoryError):
            old.open("sub")
        for write in (lambda fs=old: fs.open("x", "wb"), lambda fs=old: fs.rm("a.txt")):
            with pytest.raises(NotSupportedError, match="in snapshot OLD is read-only"):
                write()


def test_a_link_in_a_repository_is_read_through(here: User) -> None:
    with fsspec.open("dws://code@OLD/link.txt", "rt") as file:
        assert file.read() == "bee\n"


def test_what_a_snapshot_does_not_hold_is_told(here: User) -> None:
    (here.cwd / "plain").mkdir()
    (here.cwd / "plain" / "x").write_text("x")
    here.batch("add", "local-files", "plain", "--role=source-data", "--name=plain", "--compute-hash")
    with pytest.raises(ConfigurationError, match="does not hold resource 'plain'"):
        fsspec.filesystem("dws").cat("plain@OLD/x")
    here.batch("snapshot", "NEW")
    with pytest.raises(DwsError) as caught:
        fsspec.filesystem("dws").cat("plain@NEW/x")
    assert "--restorable" in str(caught.value.hint)


def test_the_protocol(here: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fs = fsspec.filesystem("dws")
    assert fs.ls("") == ["code", "results", "repo", "local", "objects", "_workspace"]
    assert fs.isdir("objects@OLD/sub")
    assert not fs.exists("nobody/x")
    found = fs.cat([f"{name}@OLD/a.txt" for name in TYPES])
    assert set(found.values()) == {b"one\n"}
    with fsspec.open("dws://objects/new/x.txt", "w") as file:
        file.write("new")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="no workspace"):
        fsspec.filesystem("dws")
    with fsspec.open("dws://objects/new/x.txt", "r", workspace=str(here.cwd)) as file:
        assert file.read() == "new"


def test_ls_cat_and_cp(here: User) -> None:
    assert here.dws("ls").stdout.split() == ["code/", "results/", "repo/", "local/", "objects/", "_workspace/"]
    for name in TYPES:
        assert "a.txt\n" in here.dws("ls", f"{name}:").stdout
        assert here.json("ls", f"{name}@OLD:sub") == [{"name": "b.txt", "size": 4}]
        assert here.dws("cat", f"{name}@OLD:/a.txt").stdout == "one\n"
        here.dws("cp", f"{name}@OLD:a.txt", f"{name}.copy")
        assert (here.cwd / f"{name}.copy").read_text() == "one\n"
        here.dws("cp", "--recursive", f"{name}@OLD:sub", f"local:from-{name}")
        assert (here.cwd / "local" / f"from-{name}" / "b.txt").read_text() == "bee\n"
    here.dws("cp", "code.copy", "objects:sub")
    assert here.dws("cat", "objects:sub/code.copy").stdout == "one\n"
    for wrong in (
        ["cat", "local:none"],
        ["cat", "nobody:x"],
        ["cat", "local:sub"],
        ["cp", "local:sub", "x"],
        ["cat", "x"],
    ):
        done = here.dws(*wrong, check=False)
        assert done.returncode in FAILED, wrong
        assert done.stdout == "", wrong
        assert "Traceback" not in done.stderr


def test_a_path_does_not_lead_out(here: User) -> None:
    done = here.dws("cp", "local:../code/a.txt", "stolen", check=False)
    assert done.returncode in FAILED
    assert not (here.cwd / "stolen").exists()


def test_a_copy_replaces_a_local_file_as_a_whole(here: User) -> None:
    (here.cwd / "kept.txt").write_text("kept")
    (here.cwd / "link.txt").symlink_to("kept.txt")
    for content in (here.cwd / ".dataworkspace" / "objects" / "loose").glob("*/*"):
        content.chmod(0o600)
        content.write_bytes(b"damaged")
    done = here.dws("cp", "local@OLD:a.txt", "link.txt", check=False)
    assert done.returncode in FAILED
    assert (here.cwd / "kept.txt").read_text() == "kept"
    here.dws("cp", "code@OLD:a.txt", "link.txt")
    assert (here.cwd / "link.txt").is_symlink()
    assert (here.cwd / "kept.txt").read_text() == "one\n"
    to_a_pipe = User(here.cwd, here.env).dws("cp", "code@OLD:a.txt", "/dev/stdout")
    assert to_a_pipe.stdout.startswith("one\n")
    assert not list(here.cwd.glob(".*.tmp"))


def places(cwd: Path, of: str) -> dict[str, list[tuple[str, str | None]]]:
    """What the one step reads and writes that the lineage of a resource knows, by the name of the parameter."""
    stored = json.loads((cwd / ".dataworkspace" / "current_lineage" / f"{of}.json").read_text())
    [step] = [entry for entry in stored["lineages"] if entry["type"] == "step"]
    keys = ("input_resources", "output_resources")
    return {key: [(found["resource_name"], found["subpath"]) for found in step[key]] for key in keys}


def test_a_step_learns_what_it_reads_and_writes(here: User) -> None:
    builder = LineageBuilder().with_step_name("make").with_parameters({}).with_no_inputs()
    with builder.eval() as lineage:
        lineage.track_reads()
        fs: Any = fsspec.filesystem("dws")
        fs.cat("repo/a.txt")
        fs.cat("repo/a.txt")
        with fs.open("objects/made/x.csv", "w") as file:
            file.write("1,2\n")
        fs.cat("objects/made/x.csv")
    fs.cat("local/a.txt")  # the step is over
    assert places(here.cwd, "objects") == {
        "input_resources": [("repo", "a.txt")],
        "output_resources": [("objects", "made/x.csv")],
    }


def test_a_step_learns_nothing_of_another_workspace(
    here: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    other = Forked(elsewhere, here.env)
    other.batch("init", "--create-resources=source-data,results")
    write_files(elsewhere, {"source-data/x.csv": "3,4"})
    link = tmp_path / "link"
    link.symlink_to(here.cwd)
    with LineageBuilder().with_step_name("make").with_parameters({}).with_no_inputs().eval() as lineage:
        lineage.track_reads()
        monkeypatch.chdir(elsewhere)
        fs: Any = fsspec.filesystem("dws", workspace=str(elsewhere))
        fs.pipe("results/x.csv", fs.cat("source-data/x.csv"))
        seen: Any = fsspec.filesystem("dws", workspace=str(link))  # the same copy, by another path
        seen.pipe("objects/made/x.csv", seen.cat("local/a.txt"))
    assert places(here.cwd, "objects") == {
        "input_resources": [("local", "a.txt")],
        "output_resources": [("objects", "made/x.csv")],
    }


def test_an_execution_reads_what_it_opens_itself(here: User) -> None:
    fs: Any = fsspec.filesystem("dws")
    builder = LineageBuilder().with_step_name("make").with_parameters({}).with_input_ref(ResourceRef("repo"))
    with builder.as_results_step(ResourceRef("results")).eval() as lineage:
        lineage.track_reads()
        fs.cat(["local/a.txt", "repo/a.txt", "repo@OLD/a.txt"])
    lineage.restart()
    with lineage:
        fs.cat(["objects/a.txt", "repo/a.txt"])
        fs.pipe("results/table.csv", b"1,2")  # in the output that is known
    assert places(here.cwd, "results") == {
        "input_resources": [("repo", None), ("objects", "a.txt")],
        "output_resources": [("results", None)],
    }


def test_kits_learn_what_is_read_while_their_step_runs(here: User) -> None:
    write_files(here.cwd, {"local/train.csv": "0,0\n1,1\n", "local/test.csv": "0.1,0\n0.9,1\n", "code/train.py": TRAIN})
    here.at(here.cwd / "code").python("train.py")
    assert places(here.cwd, "results")["input_resources"] == [("repo", None), ("local", "test.csv")]
