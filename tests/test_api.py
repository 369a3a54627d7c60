"""`dataworkspaces.api`, on workspaces that are git repositories."""

from __future__ import annotations

import inspect
import json
import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from endtoend import HOST, User, write_files

from dataworkspaces import api
from dataworkspaces.errors import ApiParamError, ConfigurationError, NotAWorkspaceError

RUN = {
    "step": "train",
    "start_time": "2026-01-01T10:00:00",
    "execution_time_seconds": 1.5,
    "parameters": {"C": 1},
    "run_description": None,
    "metrics": {"accuracy": 0.9},
}


@pytest.fixture
def here(workspace: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """This process is the user, at the root of the workspace with `code` and `results`."""
    for name, value in workspace.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(workspace.cwd)
    return workspace


def write_results(user: User, **metrics: float) -> None:
    write_files(user.cwd, {"results/results.json": json.dumps({**RUN, "metrics": metrics})})


# -- signatures -----------------------------------------------------------------------------------------------------

MANUAL = {
    "get_api_version": [],
    "get_version": [],
    "get_filesystem_for_resource": ["name", "workspace_uri_or_path=None", "verbose=False"],
    "get_local_path_for_resource": ["name", "workspace_uri_or_path=None", "verbose=False"],
    "get_resource_info": ["workspace_uri_or_path=None", "verbose=False"],
    "get_results": ["workspace_uri_or_path=None", "tag_or_hash=None", "resource_name=None", "verbose=False"],
    "get_snapshot_history": ["workspace_uri_or_path=None", "reverse=False", "max_count=None", "verbose=False"],
    "make_lineage_graph": [
        "output_file", "workspace_uri_or_path=None", "resource_name=None", "tag_or_hash=None", "width=1024",
        "height=800", "verbose=False",
    ],
    "make_lineage_table": ["workspace_uri_or_path=None", "tag_or_hash=None", "verbose=False"],
    "restore": ["tag_or_hash", "workspace_uri_or_path=None", "only=None", "leave=None", "verbose=False"],
    "take_snapshot": ["workspace_uri_or_path=None", "tag=None", "message=''", "verbose=False"],
}  # fmt: skip


@pytest.mark.parametrize("name", MANUAL)
def test_functions_are_called_as_in_the_manual(name: str) -> None:
    """What goes beyond the manual can be given by name only."""
    found = inspect.signature(getattr(api, name)).parameters.values()
    parameters = [parameter for parameter in found if parameter.kind is not parameter.KEYWORD_ONLY]
    assert [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters] == MANUAL[name]


def test_tuples_have_the_fields_of_the_manual() -> None:
    assert api.ResourceInfo._fields == ("name", "role", "resource_type", "local_path")
    assert api.SnapshotInfo._fields == ("snapshot_number", "hashval", "tags", "timestamp", "message", "metrics")


def test_the_file_system_has_both_names_of_the_manual() -> None:
    assert api.ResourceFileSystem is api.ResourceFilesystem


@pytest.mark.real_starts
def test_fsspec_is_imported_when_it_is_needed(user: User) -> None:
    user.python("-c", "import sys, dataworkspaces.api; assert 'fsspec' not in sys.modules")


# -- which workspace ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_workspace_is_the_one_around(here: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.cwd / "code")
    assert [info.name for info in api.get_resource_info()] == ["code", "results"]


@pytest.mark.parametrize("form", ["{}", "git:{}"])
def test_or_the_one_that_is_named(here: User, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.chdir("/")
    assert [info.name for info in api.get_resource_info(form.format(here.cwd))] == ["code", "results"]


def test_or_there_is_none(here: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAWorkspaceError):
        api.get_resource_info()


# -- snapshots ------------------------------------------------------------------------------------------------------


def test_take_snapshot_returns_its_hash(here: User) -> None:
    hashval = api.take_snapshot(tag="ONE", message="first")
    assert here.json("report", "history")["snapshots"][0]["hash"] == hashval


def test_take_snapshot_never_moves_a_tag(here: User) -> None:
    api.take_snapshot(tag="ONE")
    write_files(here.cwd, {"code/run.py": "print(2)\n"})
    with pytest.raises(ConfigurationError, match="Tag 'ONE' already names snapshot"):
        api.take_snapshot(tag="ONE")


@pytest.fixture
def three(here: User) -> list[str]:
    """The hashes of snapshots ONE, TWO and THREE, each with results."""
    hashes = []
    for number, tag in enumerate(("ONE", "TWO", "THREE")):
        write_results(here, accuracy=number / 10)
        hashes.append(api.take_snapshot(tag=tag, message=f"run {number}"))
    return hashes


def test_history_is_oldest_first(three: list[str]) -> None:
    history = list(api.get_snapshot_history())
    assert [(s.snapshot_number, s.hashval, s.tags, s.message) for s in history] == [
        (1, three[0], ["ONE"], "run 0"),
        (2, three[1], ["TWO"], "run 1"),
        (3, three[2], ["THREE"], "run 2"),
    ]
    assert history[2].metrics == {"accuracy": 0.2}


@pytest.mark.parametrize(("reverse", "numbers"), [(False, [1, 2]), (True, [3, 2])])
def test_history_can_be_limited(three: list[str], reverse: bool, numbers: list[int]) -> None:
    assert [s.snapshot_number for s in api.get_snapshot_history(reverse=reverse, max_count=2)] == numbers


@pytest.mark.parametrize("snapshot", [None, "TWO"])
@pytest.mark.usefixtures("three")
def test_a_file_system_goes_to_other_processes(snapshot: str | None, tmp_path: Path) -> None:
    fs = api.get_filesystem_for_resource("results", snapshot=snapshot)
    assert fs is not None
    pickled = tmp_path / "fs.pickle"
    pickled.write_bytes(pickle.dumps(fs))
    script = f"import pickle; print(pickle.load(open({str(pickled)!r}, 'rb')).find(''))"
    told = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == repr(fs.find(""))
    assert fs.find("") != []


@pytest.mark.parametrize("ask", [api.get_snapshot_history, api.get_experiments])
@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_snapshots_that_is_none(ask: Any, count: int) -> None:
    with pytest.raises(ApiParamError, match=f"max_count is {count}"):
        ask(max_count=count)


def test_restore_returns_the_number_of_resources(here: User) -> None:
    api.take_snapshot(tag="ONE")
    write_files(here.cwd, {"code/run.py": "print(2)\n"})
    assert api.restore("ONE") == 1
    assert (here.cwd / "code" / "run.py").read_text() == "print(1)\n"


def test_restore_leaves_what_it_is_told_to(here: User) -> None:
    api.take_snapshot(tag="ONE")
    write_files(here.cwd, {"code/run.py": "print(2)\n"})
    assert api.restore("ONE", leave=["code"]) == 0
    assert (here.cwd / "code" / "run.py").read_text() == "print(2)\n"


# -- resources ------------------------------------------------------------------------------------------------------


def test_resource_info(here: User) -> None:
    here.batch("add", "api-resource", "--role=source-data", "--name=feed")
    assert api.get_resource_info() == [
        ("code", "code", "git-subdirectory", str(here.cwd / "code")),
        ("results", "results", "git-subdirectory", str(here.cwd / "results")),
        ("feed", "source-data", "api-resource", None),
    ]


def test_local_path(here: User) -> None:
    here.batch("add", "api-resource", "--role=source-data", "--name=feed")
    assert api.get_local_path_for_resource("code") == str(here.cwd / "code")
    assert api.get_local_path_for_resource("feed") is None


def test_file_system(here: User) -> None:
    fs = api.get_filesystem_for_resource("code")
    assert isinstance(fs, api.ResourceFileSystem)
    assert fs.ls("") == ["README.txt", "run.py"]
    with fs.open("run.py", "r") as file:
        assert file.read() == "print(1)\n"


def test_a_resource_without_files_has_no_file_system(here: User) -> None:
    here.batch("add", "api-resource", "--role=source-data", "--name=feed")
    assert api.get_filesystem_for_resource("feed") is None


# -- results and lineage --------------------------------------------------------------------------------------------


def test_results_are_the_current_ones_first(here: User) -> None:
    api.take_snapshot(tag="ONE")
    write_results(here, accuracy=0.9)
    assert api.get_results() == ({**RUN, "metrics": {"accuracy": 0.9}}, "results:/results.json")


def test_then_those_of_the_last_snapshot(here: User, three: list[str]) -> None:
    found = api.get_results()
    assert found is not None
    assert found[1] == f"results:/snapshots/{HOST}-THREE/results.json"


def test_results_of_a_snapshot(here: User, three: list[str]) -> None:
    found = api.get_results(tag_or_hash=three[0][:8], resource_name="results")
    assert found is not None
    assert (found[0]["metrics"], found[1]) == ({"accuracy": 0.0}, f"results:/snapshots/{HOST}-ONE/results.json")


def test_no_results(here: User) -> None:
    assert api.get_results() is None


LINEAGE_STEP = """
from dataworkspaces.lineage import LineageBuilder
with LineageBuilder().as_script_step().with_input_path("data/d.csv").as_results_step("results").eval() as lineage:
    lineage.write_results({"accuracy": 0.9})
"""


@pytest.fixture
def after_a_step(here: User) -> User:
    """The script `code/run.py` has read `data` and written results."""
    data = here.make_repository(here.cwd / "data", {"d.csv": "1\n"})
    here.batch("add", "git", "--role=source-data", "--name=data", str(data.cwd))
    write_files(here.cwd, {"code/run.py": LINEAGE_STEP})
    here.python("code/run.py")
    return here


def test_lineage_table(after_a_step: User) -> None:
    rows = {row[0]: row[1:] for row in api.make_lineage_table()}
    kind, details, inputs = rows["results"]
    assert kind == "Step"
    assert details.startswith("run at ")
    assert inputs is not None
    assert any(ref.startswith("data:d.csv (") for ref in inputs)
    assert rows["data:d.csv"][2] is None


def test_lineage_table_of_a_snapshot(after_a_step: User) -> None:
    api.take_snapshot(tag="ONE")
    rows = {row[0]: row[1:] for row in api.make_lineage_table(tag_or_hash="ONE")}
    assert rows["data:d.csv"][1].startswith("Hash:")


def test_lineage_graph_is_a_page(here: User, tmp_path: Path) -> None:
    api.make_lineage_graph(str(tmp_path / "graph.html"), width=300, height=200)
    page = (tmp_path / "graph.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "300" in page
    with pytest.raises(ConfigurationError, match="nosuch"):
        api.make_lineage_graph(str(tmp_path / "other.html"), resource_name="nosuch")
    assert not (tmp_path / "other.html").exists()


# -- what is told ---------------------------------------------------------------------------------------------------


def test_nothing_is_printed(here: User, capfd: pytest.CaptureFixture[str]) -> None:
    api.take_snapshot(tag="ONE")
    assert capfd.readouterr() == ("", "")


def test_verbose_tells_on_stderr(here: User, capfd: pytest.CaptureFixture[str]) -> None:
    api.take_snapshot(tag="ONE", verbose=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "git" in err


def test_verbose_leaves_the_programs_logging_as_it_was(here: User) -> None:
    def state() -> list[Any]:
        log = logging.getLogger("dataworkspaces")
        return [log.level, log.propagate, list(log.handlers)]

    before = state()
    api.get_resource_info(verbose=True)
    assert state() == before
