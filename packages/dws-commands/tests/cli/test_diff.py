"""What a user of ``dws diff`` and ``dws show`` sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataworkspaces.cli.text import numbers_alike
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.testing.command_line import Run
from dataworkspaces.testing.memory import MemoryWorkspace


@pytest.fixture
def runs(current_workspace: MemoryWorkspace, run: Run, tmp_path: Path) -> MemoryWorkspace:
    """Three runs."""
    (tmp_path / "out").mkdir()
    assert run("-b", "add", "local-files", "--role=r", "--name=out", str(tmp_path / "out")).exit_code == 0
    for tag, c, accuracy in (("ONE", 1.0, 0.9), ("TWO", 2.0, 0.9432109876), ("THREE", 2.0, 0.5)):
        document = {"parameters": {"C": c, "tol": 0.1}, "metrics": {"accuracy": accuracy, "n": 3}}
        (tmp_path / "out/results.json").write_text(json.dumps(document))
        snapshot_command(current_workspace, tag, f"run {tag}")
    return current_workspace


def test_two(run: Run, runs: MemoryWorkspace) -> None:
    out = run("diff", "ONE", "TWO").stdout
    assert "| C    | 1.0 | 2.0 | +1     |\n" in out
    assert "| accuracy | 0.900 | 0.943 | +0.043 better |\n" in out
    assert "| n " not in out
    assert (
        "| accuracy | 0.9000000 | 0.9432110 | +0.0432110 better |" in run("diff", "ONE", "TWO", "--precision=7").stdout
    )


def test_several_are_a_table(run: Run, runs: MemoryWorkspace) -> None:
    out = run("diff", "ONE", "TWO", "THREE").stdout
    assert out.startswith("Between ONE, TWO, THREE\n")
    assert "| accuracy | 0.900 | 0.943 | 0.500 |\n" in out


def test_markdown(run: Run, runs: MemoryWorkspace) -> None:
    out = run("diff", "ONE", "THREE", "--md").stdout
    assert out.startswith("From ONE (")
    assert "**Metrics of out**\n\n| Name     | ONE" in out
    assert "to THREE (" in out


def test_the_exit_code_is_as_git_has_it(run: Run, runs: MemoryWorkspace) -> None:
    same = run("diff", "--exit-code", "ONE", "ONE")
    assert (same.exit_code, same.stdout.splitlines()[1]) == (0, "They are identical")
    assert run("diff", "--exit-code", "ONE", "TWO").exit_code == 1
    assert run("diff", "ONE", "TWO").exit_code == 0
    assert run("diff", "--exit-code", "THREE").exit_code == 0
    assert run("diff").stdout.splitlines()[1] == "They are identical"


def test_show(run: Run, runs: MemoryWorkspace) -> None:
    out = run("show", "TWO").stdout
    for text in (
        "Snapshot TWO (",
        "Created:  ",
        "Parents:  ",
        "    run TWO\n",
        "| out ",
        "| accuracy | 0.943 |",
        "| tol  |",
    ):
        assert text in out
    assert json.loads(run("show", "--json").stdout)["tags"] == ["THREE"]
    assert run("show", "nope").exit_code == 4


@pytest.mark.parametrize(
    ("values", "change", "expected"),
    [
        ([1, 3], 2.0, ["1", "3", "+2"]),
        ([0.5, 0.25], -0.25, ["0.500", "0.250", "-0.250"]),
        ([0.9568, 0.9564], -0.0004, ["0.9568", "0.9564", "-0.0004"]),
        ([1e-9, 2e-9], 1e-9, ["0.0000000010", "0.0000000020", "+0.0000000010"]),
        ([1e30, 2e30], 1e30, ["1e+30", "2e+30", "+1e+30"]),
        (["a", None], None, ["a", "None", ""]),
        ([0.1 + 0.2, 0.3], -5.6e-17, ["0.30000000000000004", "0.29999999999999999", "-0.00000000000000006"]),
    ],
)  # fmt: skip
def test_one_precision(values: list[object], change: float | None, expected: list[str]) -> None:
    assert numbers_alike(values, change) == expected
