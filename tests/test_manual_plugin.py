"""A plug-in that was written from the manual's section 1.7.6 alone works, and its faults are told as its own."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dataworkspaces import plugins
from dataworkspaces.cli.main import dws
from dataworkspaces.commands.rerun_plan import plan_rerun
from dataworkspaces.lineage import LineageBuilder
from dataworkspaces.testing.backends import WorkspaceBackendSuite
from dataworkspaces.workspace import ResourceRef, Workspace, find_and_load_workspace, init_workspace

SOURCE = Path(__file__).parent / "manual_plugin" / "stranger.py"
ENTRY_POINTS = """
[dataworkspaces.backends]
strange = stranger:FACTORY

[dataworkspaces.resources]
table = stranger:TABLE
folder = stranger:FOLDER
nothing = stranger:NOTHING

[dataworkspaces.commands]
count = counting:count
"""
COMMAND = """
import click
from dataworkspaces.cli.session import common_options, json_option, pass_session

"""
pytestmark = pytest.mark.real_starts
PAGE = Path(__file__).parents[1] / "docs" / "plugins.md"

Run = Callable[..., Result]


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The plug-in, installed as a distribution."""
    site = tmp_path / "site"
    metadata = site / "strangers_plugin-0.3.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers-plugin\nVersion: 0.3\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "stranger.py").write_text(SOURCE.read_text())
    [block] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (site / "counting.py").write_text(COMMAND + block)
    monkeypatch.syspath_prepend(site)
    plugins.forget()
    import stranger  # type: ignore[import-not-found]

    yield stranger
    del sys.modules["stranger"]
    sys.modules.pop("counting", None)
    plugins.forget()


@pytest.fixture
def run(stranger: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``dws`` in a workspace of the stranger's backend, with the folder ``out`` and the table ``rows`` beside."""
    root = tmp_path / "ws"
    root.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(root)
    (tmp_path / "rows.txt").write_text("one")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text('{"metrics": {"accuracy": 1}}')

    def invoke(*arguments: object, status: int = 0) -> Result:
        result = CliRunner().invoke(dws, [str(a) for a in arguments], input="")
        assert result.exit_code == status, result.output
        return result

    invoke("--batch", "init", "--backend", "strange", "--hostname", "here")
    return invoke


@pytest.fixture
def added(run: Run, tmp_path: Path) -> Run:
    run("--batch", "add", "table", "--role", "source-data", tmp_path / "rows.txt")
    run("--batch", "add", "folder", "--role", "results", tmp_path / "out")
    return run


def reopened() -> Workspace:
    return find_and_load_workspace(True, False, str(Path.cwd()))


def test_a_module_function_makes_the_workspace(run: Run) -> None:
    """Its factory has only ``load_workspace`` and ``clone_workspace``; commands in the directory find it again."""
    assert Path("strange.json").is_file()
    assert type(reopened()).__name__ == "StrangeWorkspace"


def test_resources_are_added_by_commands_of_their_types(added: Run) -> None:
    """Without ``command_name`` and ``get_click_params``; the name is suggested from the arguments by position."""
    workspace = reopened()
    assert list(workspace.get_resource_names()) == ["rows", "out"]
    assert workspace.get_resource_params("rows")["place"].endswith("rows.txt")


@pytest.mark.parametrize("resource_type", ["folder", "file"])
def test_a_resource_is_added_by_position(run: Run, tmp_path: Path, resource_type: str) -> None:
    """The stranger's, and one of ours, whose arguments have names."""
    workspace = reopened()
    place = str(tmp_path / "out")
    assert workspace.suggest_resource_name(resource_type, "results", place) == "out"
    resource: Any = workspace.add_resource("by-position", resource_type, "results", place)
    assert resource.get_local_path_if_any() == place


def test_snapshot_restore_and_delete(added: Run, stranger: ModuleType, tmp_path: Path) -> None:
    """With the overrides that the manual describes, of which each is called, and without tags, counts, machine
    directory or state of its own."""
    stranger.CALLS.clear()
    added("--batch", "snapshot", "ONE")
    assert stranger.CALLS == ["snapshot", "_snapshot_precheck"]
    workspace: Any = reopened()
    assert (workspace.get_tags(), workspace.get_snapshot_count()) == (["ONE"], 1)
    [taken] = workspace.list_snapshots()
    assert (tmp_path / "out" / taken.relative_destination_path / "results.json").is_file()
    (tmp_path / "rows.txt").write_text("two")
    added("--batch", "snapshot", "TWO")
    stranger.CALLS.clear()
    added("--batch", "restore", "ONE")
    assert stranger.CALLS == ["restore", "_restore_precheck"]
    assert (tmp_path / "rows.txt").read_text() == "one"
    stranger.CALLS.clear()
    added("--batch", "delete-snapshot", "ONE")
    assert stranger.CALLS == ["delete_snapshot"]
    assert reopened().as_snapshot_ws().get_tags() == ["TWO"]
    assert not (tmp_path / "out" / taken.relative_destination_path).exists()
    added("fsck")
    added("report", "status")
    added("report", "history")
    added("du")


def test_results_come_back_when_a_snapshot_fails(added: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``results_undo_move``: what was moved lies where it lay."""
    before = (tmp_path / "out" / "results.json").read_text()
    (tmp_path / "out" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "er" / "file").write_text("x")

    def fail(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr("stranger.Folder.snapshot", fail)
        added("--batch", "snapshot", status=1)
    assert (tmp_path / "out" / "results.json").read_text() == before
    assert (tmp_path / "out" / "deep" / "er" / "file").read_text() == "x"
    assert not [path for path in (tmp_path / "out" / "snapshots").rglob("*") if path.is_file()]
    added("--batch", "snapshot", "AGAIN")


def test_push_and_pull(added: Run, stranger: ModuleType) -> None:
    """``pull_resources`` returns None; the prechecks are asked."""
    stranger.CALLS.clear()
    added("--batch", "push")
    assert stranger.CALLS == ["_push_precheck", "push_precheck out", "push out"]
    stranger.CALLS.clear()
    added("--batch", "pull")
    assert stranger.CALLS == ["_pull_precheck", "pull_precheck out"]


def test_the_command_of_the_documentation(added: Run) -> None:
    added("count")
    assert "Count the resources" in added("count", "--help").output


def test_its_own_parameters_are_shown(added: Run) -> None:
    found = json.loads(added("config", "--resource", "out", "--json").stdout)
    own = {row["name"]: (row["scope"], row["settable"]) for row in found}
    assert own["path"] == ("global", False)
    assert own["mounted"] == ("local", False)


def test_state_of_a_resource_is_kept(added: Run) -> None:
    """By default of the contract: byte by byte, and for one resource."""
    workspace = reopened()
    workspace.write_resource_state(workspace.get_resource("out"), {"a": bytes(range(256))})
    workspace.write_resource_state(workspace.get_resource("out"), {"b": b""})
    again = reopened()
    assert again.read_resource_state(again.get_resource("out"), "a") == bytes(range(256))
    assert again.read_resource_state(again.get_resource("out"), "b") == b""
    assert again.read_resource_state(again.get_resource("rows"), "a") is None


def test_a_factory_that_is_none_is_noticed(run: Run) -> None:
    found = json.loads(run("plugins", "--json").stdout)
    [nothing] = [plugin for plugin in found if plugin["name"] == "nothing"]
    assert not nothing["loads"]
    assert nothing["error"] == "TypeError: stranger:NOTHING is None, not a factory"
    assert "nothing" in run("add", "--help").stdout


def test_its_fault_is_told_as_its_own(added: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("fail")
    told = added("--batch", "snapshot", status=3).stderr
    assert "RuntimeError: the stranger has made a mistake" in told
    assert "strangers-plugin 0.3" in told
    assert "bug in Data Workspaces" not in told


def test_rerun(stranger: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a step that reads a folder and a table, whose types have no ``present_contents``: what the folder holds is
    looked at; a table has no files, so it may have changed."""
    root = tmp_path / "ws"
    root.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(root)
    (tmp_path / "rows.txt").write_text("one")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("1")

    def dws_(*arguments: object) -> Result:
        result = CliRunner().invoke(dws, ["--batch", *map(str, arguments)], input="")
        assert result.exit_code == 0, result.output
        return result

    dws_("init", "--backend", "sql", "--hostname", "here")
    dws_("add", "folder", "--role", "intermediate-data", tmp_path / "out")
    dws_("run", "--name", "copy", "--input", "../out/a", "--output", "../out/b", "--", "cp", "../out/a", "../out/b")
    assert "All is up to date" in dws_("rerun").output
    (tmp_path / "out" / "a").write_text("2")
    assert "out:a has changed" in dws_("rerun", "--dry-run").output
    dws_("rerun")
    assert (tmp_path / "out" / "b").read_text() == "2"
    dws_("snapshot", "ONE")
    assert "All is up to date" in dws_("rerun").output

    dws_("add", "table", "--role", "source-data", "--name", "rows", tmp_path / "rows.txt")
    workspace = reopened()
    builder = LineageBuilder().with_workspace(workspace).with_step_name("read").with_parameters({})
    with builder.with_input_ref(ResourceRef("rows")).eval() as lineage:
        lineage.add_output_ref(ResourceRef("out", "c"))
        (tmp_path / "out" / "c").write_text("one")
    [step] = plan_rerun(workspace, "read").steps
    assert "rows may have changed" in step.reasons


class TestItsBackend(WorkspaceBackendSuite):
    """The behaviours that the manual asks of a backend, and storage that fails."""

    faults_of_a_command = 2
    lacks = {  # noqa: RUF012 - read only
        **dict.fromkeys(("W3", "W14"), "it has one host name, whatever is asked for"),
        "W10": "it says that nothing needs to be cloned",
        "W20": "the manual leaves open what a hash does that fits several snapshots",
        "W23": "the manual leaves open what an InternalError is",
        "W26": "it counts its snapshots",
        "W31": "it keeps no lineage",
    }

    @pytest.fixture(autouse=True)
    def _installed(self, stranger: ModuleType, monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
        monkeypatch.setenv("HOME", str(directory.parent / "home"))
        monkeypatch.chdir(directory)

    def make(self, directory: Path) -> Workspace:
        return init_workspace("strange", "ws", "host1", True, False, "scratch")

    def reopen(self, workspace: Workspace) -> Workspace:
        return find_and_load_workspace(True, False, workspace.get_workspace_local_path_if_any())
