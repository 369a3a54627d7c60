"""What a user of ``dws history`` sees: on terminals of 80 and of 200 columns, in a pipe, as CSV, Markdown and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from dataworkspaces.cli.history_table import print_history
from dataworkspaces.cli.pager import _Screen, paged
from dataworkspaces.cli.render import Column, Table, plain, print_table, wrap
from dataworkspaces.commands.experiment_table import Choice, ExperimentTable, Row, choose, make_table
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.testing.command_line import Run
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import SnapshotMetadata

OnScreen = Callable[[int, Callable[[], Any]], list[str]]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> OnScreen:
    """What a terminal of so many columns shows, without its colours."""

    def show(width: int, say: Callable[[], Any], *, colours: bool = False) -> list[str]:
        terminal = _Screen("utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            patched.setenv("COLUMNS", str(width))
            patched.setenv("TERM", "xterm")
            say()
        text = terminal.getvalue()
        return (text if colours else re.sub(r"\x1b\[[0-9;]*m", "", text)).splitlines()

    return show


def experiments() -> ExperimentTable:
    rows = [Row(None, {"accuracy": 0.5}, {"C": 3.0, "seed": 1})]
    for number, (c, accuracy) in enumerate(((10.0, 0.905), (1.0, 0.94999), (0.1, 0.9263))):
        metrics = {"n_rows": 1797, "seconds": 12.34567, "accuracy": accuracy, "loss": 1234.5 * c}
        metrics |= {f"report.{name}.f1-score": 0.9 for name in ("macro avg", "weighted avg", "0", "1")}
        snapshot = SnapshotMetadata(
            f"{number}bcdef0123" * 4, [f"logistic-regression/c-{c}"], f"Logistic regression with\nC={c}", "lab7",
            f"2026-01-0{number + 1}T03:04:05.678", "snapshots/x", {}, parents=["f" * 40],
            other={"author": "Ada Lovelace" if number else "Bob"},
        )  # fmt: skip
        rows.append(Row(snapshot, metrics, {"C": c, "seed": 1, "solver": "lbfgs"}, is_present=number == 1))
    return choose(make_table(rows, 3), Choice())


def test_80_columns_have_the_best_metrics_and_what_varies(screen: OnScreen) -> None:
    lines = screen(80, lambda: print_history(experiments(), None))
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert [name for name in ("accuracy", "loss", "C", "n_rows") if re.search(rf"\b{name} *( |$)", text)][:3] == [
        "accuracy", "loss", "C",
    ]  # fmt: skip
    assert "logistic-\n" not in text
    assert "more columns (see --columns): n_rows, " in text
    assert lines[-2:] == ["* the present state is logistic-regression/c-1.0 (1bcdef0)", "3 snapshots total"]
    assert any(line.startswith("* now") for line in lines)
    assert any(line.startswith("* 1bcdef0") for line in lines)
    assert "2026-01-01 03:04" in text or "2026-01-01T03:04" in text


def test_200_columns_have_nearly_all(screen: OnScreen) -> None:
    lines = screen(200, lambda: print_history(experiments(), None))
    assert max(map(len, lines)) <= 200
    header = " ".join(lines[1:5])
    for name in ("accuracy", "loss", "n_rows", "seconds", "Message", "Author", "Parents"):
        assert name in header
    assert "Ada Lovelace" in "\n".join(lines)


def test_a_named_metric_comes_before_all(screen: OnScreen) -> None:
    table = choose(experiments(), Choice(metrics=("seconds", "n_rows", "*avg*")))
    text = "\n".join(screen(80, lambda: print_history(table, 1, named=True)))
    assert "seconds" in text
    assert "12.3" in text
    assert "accuracy" not in text


def test_a_pipe_has_all_in_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_history(experiments(), None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "History of snapshots"
    assert lines[1].split() == [
        "|", "Hash", "|", "Tags", "|", "Created", "|", "accuracy", "|", "loss", "|", "n_rows", "|", "seconds", "|",
        "C", "|", "Author", "|", "Parents", "|", "Message", "|",
    ]  # fmt: skip
    loss = [line.split(" | ")[4] for line in lines[4:7]]
    assert loss == ["12345.0 ", " 1234.5 ", "  123.45"]  # the points are below each other
    assert len({len(line) for line in lines[1:7]}) == 1
    assert "Logistic regression with C=10.0" in lines[4]


def test_a_pattern_fits_the_names_within_a_table_too() -> None:
    table = choose(experiments(), Choice(metrics=("macro*",)))
    assert table.metric_names == ("report.macro avg.f1-score",)


def test_a_pipe_gets_what_a_wide_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row(None, {"accuracy": 0.5}, {f"a_long_parameter_{n}": k for n in range(30)}) for k in (1, 2)]
    table = choose(make_table(rows, 0), Choice())
    print_history(table, None)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 200
    assert "a_long_parameter_0" in lines[1]
    assert any("more columns (see --columns)" in line for line in lines)
    print_history(table, None, named=True)
    assert "a_long_parameter_29" in capsys.readouterr().out


def test_a_pipe_gets_of_tables_within_tables_what_the_user_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    """They take no room from the others."""
    rows = [Row(None, {"accuracy": 0.5, **{f"report.{n}.recall": 0.9 for n in range(9)}}, {})]
    table = make_table(rows, 0)
    for choice, named, expected in [
        (Choice(), False, ["Hash", "Tags", "Created", "accuracy", "Message"]),
        (Choice(columns=("report.1.recall",)), False, ["report.1.recall"]),
        (Choice(metrics=("report.1*",)), True, ["Hash", "Tags", "Created", "report.1.recall", "Message"]),
    ]:
        print_history(choose(table, choice), None, named=named)
        text = capsys.readouterr().out
        assert [cell.strip() for cell in text.splitlines()[1].strip("|").split("|")] == expected
        assert ("9 more columns (see --columns): report.0.recall, " in text) == (choice == Choice())


def test_csv_markdown_and_json(run: Run, runs: MemoryWorkspace) -> None:
    rows = list(csv.DictReader(io.StringIO(run("history", "--csv").stdout)))
    assert [(row["tags"], row["accuracy"], row["C"]) for row in rows] == [
        ("TWO", "0.9432109876", "2.0"), ("ONE", "0.9", "1.0"),
    ]  # fmt: skip
    assert len(rows[0]["hash"]) == 40
    lines = run("log", "--md", "--columns", "tags,accuracy,message").stdout.splitlines()
    assert lines == [
        "| Tags | accuracy | Message    |",
        "|------|----------|------------|",
        "| TWO  | 0.943    | \\<b\\>two\\* |",
        "| ONE  | 0.9      | one        |",
    ]
    document = json.loads(run("history", "--json", "--where", "C > 1").stdout)
    assert [s["values"] for s in document["snapshots"]] == [{"accuracy": 0.9432109876, "C": 2.0}]
    assert (document["total"], document["present"], document["metric_names"]) == (2, None, ["accuracy"])


@pytest.fixture
def runs(current_workspace: MemoryWorkspace, run: Run, tmp_path: Path) -> MemoryWorkspace:
    """Two runs."""
    (tmp_path / "out").mkdir()
    assert run("-b", "add", "local-files", "--role=r", "--name=out", str(tmp_path / "out")).exit_code == 0
    for tag, c, accuracy, message in (("ONE", 1.0, 0.9, "one"), ("TWO", 2.0, 0.9432109876, "<b>two*")):
        document = {"parameters": {"C": c, "tol": 0.1}, "metrics": {"accuracy": accuracy}}
        (tmp_path / "out/results.json").write_text(json.dumps(document))
        snapshot_command(current_workspace, tag, message)
    return current_workspace


def test_the_same_by_all_its_names(run: Run, runs: MemoryWorkspace) -> None:
    said = run("history", "--sort", "accuracy:asc").stdout
    assert (
        said == run("log", "--sort", "accuracy:asc").stdout == run("report", "history", "--sort", "accuracy:asc").stdout
    )
    assert said.index("ONE") < said.index("TWO")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "acuracy > 1"], "error: --where: there is no column 'acuracy'. Did you mean accuracy?\n"),
        (["--where", "1; drop table x"], "error: --where cannot be evaluated: "),
        (["--sort", "nope"], "error: --sort: there is no column 'nope'."),
        (["--columns", "nope"], "error: --columns: there is no column 'nope'."),
        (["--csv", "--json"], "--csv, --md and --json cannot be used together."),
    ],
)
def test_mistakes(run: Run, runs: MemoryWorkspace, arguments: list[str], message: str) -> None:
    result = run("history", *arguments)
    assert result.exit_code != 0
    assert message in result.stderr


# -- tables ----------------------------------------------------------------------------------------------------------


def test_a_table_breaks_at_blanks_and_slashes() -> None:
    assert wrap("data/raw/digits.csv", 12).split("\n") == ["data/raw/", "digits.csv"]
    assert wrap("a long message", 8).split("\n") == ["a long", "message"]
    assert wrap("macro_avg.f1-score", 10).split("\n") == ["macro_avg.", "f1-score"]
    assert wrap("x" * 7, 3).split("\n") == ["xxx", "xxx", "x"]
    assert wrap("数据数据", 3).split("\n") == ["数", "据", "数", "据"]


def test_numbers_are_aligned_at_the_point() -> None:
    table = Table(None, [Column("x", numeric=True)], [("10.5",), ("1",), ("",), ("text",), ("-1e-05",)])
    assert [line[2:-2] for line in plain(table).splitlines()[2:]] == [
        "10.5  ",
        " 1    ",
        "      ",
        "text  ",
        "-1e-05",
    ]


def test_no_colour_if_nobody_wants_it(screen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataworkspaces.cli.render import Styled

    table = Table(None, ["State"], [(Styled("missing", "red"),)])
    assert "\x1b[31mmissing" in "\n".join(screen(80, lambda: print_table(table), colours=True))
    monkeypatch.setenv("NO_COLOR", "1")
    said = "\n".join(screen(80, lambda: print_table(table), colours=True))
    assert "missing" in said
    assert "\x1b[31m" not in said


def test_a_pager_only_where_git_would_use_one(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(click, "echo_via_pager", lambda text, color: shown.append(text))
    monkeypatch.setenv("LINES", "5")
    monkeypatch.setattr(sys, "stdin", _Screen("utf-8"))

    def say(lines: int, *, no_pager: bool = False) -> str:
        terminal = _Screen("utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            with paged(no_pager):
                for number in range(lines):
                    click.echo(number)
        return terminal.getvalue()

    assert say(4) == "0\n1\n2\n3\n"
    assert say(6, no_pager=True)
    assert shown == []
    assert say(6) == ""
    assert shown == ["0\n1\n2\n3\n4\n5\n"]
    monkeypatch.setenv("GIT_PAGER", "cat")
    assert say(6)


def test_metrics_by_class_are_a_table() -> None:
    from dataworkspaces.cli.cmd_report import metric_table

    report = {"0": {"recall": 0.98765, "support": 88}, "accuracy": 0.5, "macro avg": {"recall": 0.9, "f1": 1.0}}
    assert plain(metric_table("report", report)).splitlines() == [
        "Metrics: report",
        "|           | recall | support | f1  | value |",
        "|-----------|--------|---------|-----|-------|",
        "| 0         | 0.988  | 88      |     |       |",
        "| accuracy  |        |         |     | 0.5   |",
        "| macro avg | 0.9    |         | 1.0 |       |",
    ]
    assert "| a   | 1     |" in plain(metric_table("flat", {"a": 1}))
