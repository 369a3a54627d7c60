"""What a notebook finds while the magics are disabled, and cells that await, in a shell of this process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dataworkspaces.kits.jupyter.extension import load_ipython_extension, unload_ipython_extension
from dataworkspaces.kits.jupyter.stand_ins import IdleStep, Nothing
from dataworkspaces.lineage import ResourceRef, ResultsLineage

pytestmark = pytest.mark.slow

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "add_param": ("C", 3),
    "add_seed": ("mine", 3),
    "add_input_path": ("data",),
    "add_input_ref": (ResourceRef("data"),),
    "add_input_hash": (ResourceRef("data"), "0" * 64),
    "add_output_path": ("results",),
    "add_output_ref": (ResourceRef("results"),),
    "replace_inputs": ((), ()),
    "replace_outputs": ((), ()),
    "write_results": ({"accuracy": 0.5},),
    "restart": (datetime(2026, 1, 1),),
}


@pytest.fixture
def shell(workspace: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    yield shell
    unload_ipython_extension(shell)
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def disabled(shell: InteractiveShell) -> InteractiveShell:
    shell.user_ns["DWS_MAGIC_DISABLE"] = True
    load_ipython_extension(shell)
    return shell


@pytest.mark.parametrize("name", sorted(name for name in dir(ResultsLineage) if not name.startswith("_")))
def test_each_method_of_a_step_can_be_called(name: str) -> None:
    step = IdleStep("cell", {"C": 2})
    found = getattr(step, name)
    if callable(getattr(ResultsLineage, name)):
        found(*ARGUMENTS.get(name, ()))
    assert step.parameters == {"C": 3 if name == "add_param" else 2}


def test_nothing_is_empty_whatever_is_asked_of_it() -> None:
    table = Nothing()
    shown = f"{round(table['accuracy'].mean(), 2):.2f}", list(table.index), len(table), bool(table), table[0] > 3
    assert shown == ("", [], 0, False, False)


@pytest.mark.parametrize("line", ["--step-name cell --param C=3", "--step-name cell --param C=3 --no-such-option"])
def test_the_body_of_a_cell_runs_and_is_not_recorded(disabled: InteractiveShell, workspace: Any, line: str) -> None:
    cell = "DWS_STEP.add_input_path('nowhere')\nDWS_STEP.write_results({'loss': 0.5})\nfound = DWS_STEP.parameters"
    disabled.run_cell(f"%%dws_run {line}\n{cell}").raise_error()
    assert disabled.user_ns["found"] == ({} if "such" in line else {"C": 3})
    assert "DWS_STEP" not in disabled.user_ns
    assert not (workspace.root / "results" / "results.json").exists()


def test_a_step_of_the_notebook_has_a_stand_in(disabled: InteractiveShell, workspace: Any) -> None:
    disabled.run_cell("%dws_step --param C=3\nDWS_STEP.write_results({'loss': DWS_STEP.parameters['C']})").raise_error()
    disabled.run_cell("with DWS_STEP as step:\n    step.add_seed('mine', 3)\n%dws_snapshot -t one").raise_error()
    assert not (workspace.root / "results" / "results.json").exists()


@pytest.mark.parametrize("name", ["info", "history", "lineage_table", "lineage_graph", "results", "snapshot"])
def test_what_a_magic_returns_has_one(disabled: InteractiveShell, name: str) -> None:
    disabled.run_cell(f"table = %dws_{name} --no-such-option\ntable").raise_error()
    if name not in ("snapshot", "lineage_graph"):
        disabled.run_cell("print(table[['tags', 'accuracy']], list(table.index), table.data)").raise_error()


def test_a_body_that_fails_stops_the_notebook(disabled: InteractiveShell) -> None:
    assert not disabled.run_cell("%%dws_run\n1 / 0").success
    assert not disabled.run_cell("import asyncio").success or "DWS_STEP" not in disabled.user_ns


BODY = "import asyncio\nawait asyncio.sleep(0)\nDWS_STEP.write_results({'loss': 0.5})\nreached = True"


@pytest.mark.parametrize("is_disabled", [False, True])
def test_a_cell_may_await(shell: InteractiveShell, workspace: Any, is_disabled: bool) -> None:
    shell.user_ns["DWS_MAGIC_DISABLE"] = is_disabled
    load_ipython_extension(shell)
    shell.run_cell(f"%%dws_run --step-name cell --param 'text=a b'\n{BODY}").raise_error()
    assert shell.user_ns["reached"]
    assert "DWS_STEP" not in shell.user_ns
    if not is_disabled:
        assert workspace.read_lineage()["parameters"] == {"text": "a b"}


def test_a_cell_that_awaits_and_fails_is_a_failed_step(shell: InteractiveShell, workspace: Any) -> None:
    load_ipython_extension(shell)
    assert not shell.run_cell("%%dws_run --step-name cell\nimport asyncio\nawait asyncio.sleep(0)\n1 / 0").success
    assert workspace.read_lineage()["certificate"]["comment"].endswith(" failed")
    assert not shell.run_cell("%%dws_run --nonsense\nawait asyncio.sleep(0)").success


def test_unloading_leaves_no_transformer(shell: InteractiveShell) -> None:
    before = list(shell.input_transformers_cleanup)
    load_ipython_extension(shell)
    load_ipython_extension(shell)
    unload_ipython_extension(shell)
    assert shell.input_transformers_cleanup == before
