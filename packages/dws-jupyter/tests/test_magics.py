"""The magics in a shell of this process, with a workspace that has no snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from dataworkspaces.kits.jupyter import magics as magics_module
from dataworkspaces.kits.jupyter.extension import load_ipython_extension, unload_ipython_extension

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(workspace: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    load_ipython_extension(shell)
    yield shell
    unload_ipython_extension(shell)
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_unloading_takes_all_of_it_away(shell: InteractiveShell) -> None:
    unload_ipython_extension(shell)
    assert not [name for name in shell.magics_manager.magics["line"] if name.startswith("dws_")]
    assert "DWS_JUPYTER_NOTEBOOK" not in shell.user_ns
    load_ipython_extension(shell)


def test_disabled_magics_have_no_effect(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.user_ns["DWS_MAGIC_DISABLE"] = True
    load_ipython_extension(shell)
    assert "disabled" in capsys.readouterr().out
    assert shell.run_line_magic("dws_snapshot", "--no-such-option") is None
    shell.user_ns["DWS_MAGIC_DISABLE"] = False
    load_ipython_extension(shell)
    with pytest.raises(UsageError):
        shell.run_line_magic("dws_snapshot", "--no-such-option")


def test_what_a_workspace_cannot_do_is_told_in_one_line(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError) as caught:
        shell.run_line_magic("dws_history", "")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Workspace ")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        (
            "dws_history",
            "--max-count 0",
            "dws_history: argument --max-count: 0 is less than 1. See %dws_history",
        ),
        ("dws_history", "--max-count x", "dws_history: argument --max-count: invalid number value: 'x'."),
        ("dws_results", "--nonsense", "dws_results: unrecognized arguments: --nonsense."),
        ("dws_snapshot", "-m 'open", "dws_snapshot: No closing quotation. Close all quotes"),
        ("dws_step", "--step-name s --param C", "--param C: Write it as NAME=VALUE"),
        ("dws_step", "--step-name s --input nope", "has no input resource 'nope'"),
        ("dws_run", "", "dws_run: There is no cell to run."),
    ],
)
def test_mistakes_are_told_in_one_line(shell: InteractiveShell, name: str, line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        shell.run_line_magic(name, line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cell_is_a_step(shell: InteractiveShell, workspace: Any) -> None:
    line = "--step-name cell --input data --param C=3 --param kernel=rbf"
    shell.run_cell_magic("dws_run", line, "DWS_STEP.write_results({'loss': 0.5})")
    entry = workspace.read_lineage()
    assert (entry["step_name"], entry["parameters"]) == ("cell", {"C": 3, "kernel": "rbf"})
    assert [ref["resource_name"] for ref in entry["input_resources"]] == ["data"]
    assert "DWS_STEP" not in shell.user_ns


def test_a_cell_that_fails_is_a_failed_step(shell: InteractiveShell, workspace: Any) -> None:
    with pytest.raises(UsageError, match="The cell failed, and so did step cell"):
        shell.run_cell_magic("dws_run", "--step-name cell", "1 / 0")
    assert workspace.read_lineage()["certificate"]["comment"].endswith(" failed")
    assert "DWS_STEP" not in shell.user_ns


def test_without_a_name_the_step_cannot_begin(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="name of the notebook is not known"):
        shell.run_line_magic("dws_step", "--input data")


def complete(shell: InteractiveShell, line: str) -> set[str]:
    """What the line may become, as a front end asks for it. IPython offers names of Python too."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(line, len(line)))
    return {line[: item.start] + item.text for item in found}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%dws_history --m", {"%dws_history --max-count", "%dws_history --minimize-metrics"}),
        ("%dws_results --resource r", {"%dws_results --resource results"}),
        ("%dws_history --baseline S", {"%dws_history --baseline SVC-1"}),
        ("%dws_history --baseline=S", {"%dws_history --baseline=SVC-1"}),
        ("%%dws_run --input da", {"%%dws_run --input data"}),
    ],
)
def test_tab_completes_options_resources_and_tags(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, line: str, expected: set[str]
) -> None:
    monkeypatch.setattr(magics_module.DwsMagics, "snapshot_names", lambda self: ["SVC-1", "LR-1"])
    assert expected <= complete(shell, line)
