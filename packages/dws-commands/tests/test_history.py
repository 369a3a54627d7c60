"""Experiments in one table: which columns, from which steps, in which order, chosen how."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from dataworkspaces.commands.experiment_cache import FILE
from dataworkspaces.commands.experiment_table import Choice, Order, Row, make_rows, make_table, sort_rows
from dataworkspaces.commands.experiments import Experiment, Part
from dataworkspaces.commands.history import history_report
from dataworkspaces.commands.restore import plan_restore, restore_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.commands.where import where
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.model import PlaceholderCertificate, ResourceCert, StepLineage
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceRef, SnapshotMetadata

Write = Callable[..., None]


@pytest.fixture
def runs(ws: MemoryWorkspace, write_results: Write, write_code: Write) -> MemoryWorkspace:
    """Three runs, of which the one with C=1 is the best."""
    for c, accuracy in ((0.1, 0.92), (1.0, 0.95), (10.0, 0.9)):
        write_code(str(c))
        write_results(
            {"n_rows": 100, "accuracy": accuracy, "report": {"macro avg": {"f1-score": accuracy}}, "matrix": [[1]]},
            {"C": c, "tol": 1e-4, "kernel": {"name": "rbf", "degrees": [1, 2]}},
        )
        snapshot_command(ws, f"lr-{c}")
    return ws


def tags(rows: Any) -> list[str]:
    return [tag for row in rows for tag in (row.snapshot.tags if row.snapshot else ["now"])]


# -- columns ---------------------------------------------------------------------------------------------------------


def test_all_scalar_metrics_and_the_parameters_that_vary(runs: MemoryWorkspace) -> None:
    table = history_report(runs).table
    assert table.metric_names == ("accuracy", "n_rows", "report.macro avg.f1-score")
    assert table.parameter_names == ("C",)
    assert [row.metrics["report.macro avg.f1-score"] for row in table.rows] == [0.9, 0.95, 0.92]
    assert table.rows[0].parameters["kernel.degrees"] == "[1, 2]"


def test_a_parameter_by_which_rows_are_chosen_is_shown(runs: MemoryWorkspace) -> None:
    assert history_report(runs, where="C = 1 AND tol < 1 AND accuracy > 0").table.parameter_names == ("C", "tol")
    assert history_report(runs, where="accuracy > 0.94").table.parameter_names == ()


def test_chosen_columns(runs: MemoryWorkspace) -> None:
    def names(**options: Any) -> tuple[str, ...]:
        table = history_report(runs, None, Choice(**options)).table
        return table.chosen or (*table.metric_names, *table.parameter_names)

    assert names(metrics=("*macro*",)) == ("report.macro avg.f1-score", "C")
    assert names(parameters=("tol", "kernel*")) == (
        "accuracy", "n_rows", "report.macro avg.f1-score", "tol", "kernel.name", "kernel.degrees",
    )  # fmt: skip
    assert names(changed=True) == ("accuracy", "report.macro avg.f1-score", "C")
    assert names(columns=("tags", "c", "Accuracy")) == ("tags", "C", "accuracy")
    with pytest.raises(ConfigurationError, match="--metrics: there is no metric 'acuracy'") as raised:
        names(metrics=("acuracy",))
    assert raised.value.hint == "Did you mean accuracy?"


def test_results_in_subdirectories_have_their_place_before_the_name(ws: MemoryWorkspace, write_results: Write) -> None:
    for name, accuracy in (("svc", 0.9), ("models/lr", 0.8)):
        (ws.directory / "results" / name).mkdir(parents=True)
        write_results({"accuracy": accuracy}, {"C": 1}, directory=f"results/{name}")
    present = history_report(ws).table.rows
    assert [row.snapshot for row in present] == [None]
    assert present[0].metrics == {"svc.accuracy": 0.9, "models/lr.accuracy": 0.8}
    snapshot_command(ws, "BOTH")
    (row,) = history_report(ws).table.rows
    assert row.metrics == {"svc.accuracy": 0.9, "models/lr.accuracy": 0.8}
    assert row.parameters == {"svc.C": 1, "models/lr.C": 1}
    assert row.is_present


def step(name: str, output: str, inputs: tuple[str, ...] = (), minute: int = 0, **parameters: Any) -> StepLineage:
    def cert(resource: str) -> ResourceCert:
        return ResourceCert(ResourceRef(resource), PlaceholderCertificate(1))

    return StepLineage(
        name, datetime(2026, 1, 1, 0, minute), 1.0, parameters, tuple(map(cert, inputs)), (), (cert(output),)
    )


def test_parameters_are_those_of_all_steps_behind_the_results(ws: MemoryWorkspace, write_results: Write) -> None:
    store = ws.get_lineage_store()
    write_results({"accuracy": 1}, {"C": 2})
    store.update("code", lambda _old: [step("prepare", "code", (), 1, seed=7, C="of prepare")])
    store.update("results", lambda _old: [step("train", "results", ("code",), 2, C=2, epochs=3)])
    (row,) = history_report(ws).table.rows
    assert row.parameters == {"C": 2, "epochs": 3, "seed": 7, "prepare.C": "of prepare"}
    snapshot_command(ws, "ONE")
    (row,) = history_report(ws).table.rows
    assert row.parameters == {"C": 2, "epochs": 3, "seed": 7, "prepare.C": "of prepare"}


def test_of_two_results_resources_the_second_is_named(ws: MemoryWorkspace, write_results: Write) -> None:
    from dataworkspaces.commands.add import add_command

    (ws.directory / "more").mkdir()
    add_command(ws, "folder", "results", "more", path=ws.directory / "more")
    write_results({"loss": 1})
    write_results({"loss": 2}, directory="more")
    snapshot_command(ws)
    assert history_report(ws).table.rows[0].metrics == {"loss": 1, "more.loss": 2}


def test_results_that_are_gone_are_known_from_the_snapshot(runs: MemoryWorkspace) -> None:
    import shutil

    shutil.rmtree(runs.directory / "results" / "snapshots")
    assert [row.metrics["accuracy"] for row in history_report(runs).table.rows] == [0.9, 0.95, 0.92]


# -- the present state -----------------------------------------------------------------------------------------------


def test_the_present_state_is_marked_or_a_row(runs: MemoryWorkspace, write_results: Write) -> None:
    assert [row.is_present for row in history_report(runs).table.rows] == [True, False, False]
    restore_command(runs, plan_restore(runs, "lr-0.1"))
    assert [row.is_present for row in history_report(runs).table.rows] == [False, False, True]
    write_results({"accuracy": 0.5}, {"C": 3})
    rows = history_report(runs, 1).table.rows
    assert tags(rows) == ["now", "lr-10.0"]
    assert rows[0].values["C"] == 3
    assert history_report(runs).to_json()["present"] == {
        "values": {"accuracy": 0.5, "C": 3}, "comes_from": history_report(runs).snapshots[2].hashval,
    }  # fmt: skip


# -- order and choice ------------------------------------------------------------------------------------------------


def test_newest_first_or_sorted(runs: MemoryWorkspace) -> None:
    assert tags(history_report(runs).table.rows) == ["lr-10.0", "lr-1.0", "lr-0.1"]
    assert tags(history_report(runs, sort="accuracy").table.rows) == ["lr-1.0", "lr-0.1", "lr-10.0"]
    assert tags(history_report(runs, sort="accuracy:asc", limit=1).table.rows) == ["lr-10.0"]
    assert tags(history_report(runs, sort="C").table.rows) == ["lr-0.1", "lr-1.0", "lr-10.0"]
    with pytest.raises(ConfigurationError, match="--sort: there is no column 'D'"):
        history_report(runs, sort="D")


def test_rows_without_a_value_are_the_last() -> None:
    rows = [row(x=None), row(x="text"), row(x=float("nan")), row(x=1), row(x=10**400), row()]
    assert [r.values.get("x") for r in sort_rows(rows, Order("x", True))][:2] == [1, "text"]


def row(*tags: str, **values: Any) -> Row:
    snapshot = SnapshotMetadata("a" * 40, list(tags), "it's\nnew", "here", "2026-01-02T03:04:05", "snapshots/x", {})
    return Row(snapshot, values, {})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("accuracy > 0.9", ["a", "b"]),
        ('accuracy > 0.9 and C < 1 and tag like "lr%"', []),
        ("svc.loss < 1", ["c"]),
        ('"macro avg.f1-score" is not null', ["b"]),
        ("tag = 'best'", ["best"]),
        ("tags like '%best%'", ["best"]),
        ("missing is null or missing", ["a"]),
        ("message = 'it''s' || char(10)", None),
        ("created >= '2026-01-02' and hash like 'aaa%'", ["a", "b", "c", "best"]),
        ("C in (1, 2)", ["a", "b"]),  # as in SQL, true is 1
    ],
)
def test_where(expression: str, expected: list[str] | None) -> None:
    rows = [
        row("a", accuracy=0.95, C=1.0), row("b", accuracy=1, C=True, missing=0, **{"macro avg.f1-score": 0.1}),
        row("c", missing=0, **{"svc.loss": 0.5}), row("best", "other", missing=0, accuracy=float("nan"), C=10**400),
    ]  # fmt: skip
    if expected is None:
        with pytest.raises(ConfigurationError, match="not authorized"):
            where(rows, expression)
    else:
        assert [r.snapshot.tags[0] for r in where(rows, expression) if r.snapshot] == expected


@pytest.mark.parametrize(
    "expression",
    [
        "", "1) , (2", "1) from experiments --", "1; drop table experiments", "1) union select 1, (2", "accuracy >",
        "load_extension('x')", "(select 1)", "exists (select * from sqlite_master)", "randomblob(1e9) is null",
        "zeroblob(1000000000)", "printf('%*d', 1000000000, 1)", "max(accuracy)", "count(*)", "replace('a','a','b')",
        "row_number() over ()", "accuracy match 'x'", "accuracy regexp 'x'", "\0", "\udc80", "x" * 5000, "(" * 3000,
        "/*", "writefile('a', 'b')", "pragma_table_list", "raise(ignore)", "?", ":name", "accuracy collate nothing = 1",
    ],
    ids=range(29),
)  # fmt: skip
def test_a_hostile_or_wrong_condition_is_one_clear_line(expression: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        where([row("a", accuracy=0.95)], expression)
    assert raised.value.message.startswith("--where")
    assert "\n" not in raised.value.message


def test_an_unknown_column_has_a_hint() -> None:
    with pytest.raises(ConfigurationError) as raised:
        where([row("a", accuracy=0.95)], "acuracy > 1")
    assert (raised.value.message, raised.value.hint) == (
        "--where: there is no column 'acuracy'", "Did you mean accuracy?",
    )  # fmt: skip


# -- names, and the cache --------------------------------------------------------------------------------------------


def test_a_name_that_two_steps_have_is_said_with_the_step() -> None:
    parts = (Part("a", None, {}, {"seed": 1, "n": 2}), Part("b", None, {}, {"seed": 3}))
    (found,) = make_rows([(None, Experiment(parts))])
    assert found.parameters == {"a.seed": 1, "n": 2, "b.seed": 3}


def test_nothing_varies_in_one_row() -> None:
    assert make_table([row(x=1)], 1).varying == frozenset()


def test_what_is_cached_is_what_was_read(runs: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = history_report(runs).to_json()
    assert (runs.get_machine_directory() / FILE).exists()
    with monkeypatch.context() as patched:
        patched.setattr("dataworkspaces.commands.history.ExperimentReader.read", lambda *_: pytest.fail("was read"))
        assert history_report(runs).to_json() == first
    for damage in (b"no database", b""):
        (runs.get_machine_directory() / FILE).write_bytes(damage)
        assert history_report(runs).to_json() == first
        assert history_report(runs).to_json() == first


def test_a_damaged_results_file_spoils_only_itself(runs: MemoryWorkspace, answer: Any) -> None:
    directory = runs.directory / "results/snapshots/here-lr-1.0"
    directory.chmod(0o755)
    (directory / "results.json").chmod(0o644)
    (directory / "results.json").write_text("{")
    said = answer()
    table = history_report(runs).table
    assert [json.dumps(r.metrics.get("accuracy")) for r in table.rows] == ["0.9", "0.95", "0.92"]
    assert len(said.warnings) == 1


def test_four_digits_of_a_hash_are_enough_where_they_are_of_one(runs: MemoryWorkspace, write_code: Write) -> None:
    newest, *_, oldest = runs.list_snapshots()
    assert runs.get_snapshot_by_tag_or_hash(oldest.hashval[:4].upper()).hashval == oldest.hashval
    write_code("more")
    snapshot_command(runs, oldest.hashval[:4])  # a tag that looks like a hash
    assert runs.get_snapshot_by_tag_or_hash(oldest.hashval[:4]).tags == [oldest.hashval[:4]]
    assert runs.get_snapshot_by_tag_or_hash(newest.hashval[:5]).hashval == newest.hashval
    for name in (oldest.hashval[:3], "ffff"):
        with pytest.raises(ConfigurationError, match="There is no snapshot with the tag"):
            runs.get_snapshot_by_tag_or_hash(name)


def test_labels_are_columns_and_notes_are_part_of_the_message(runs: MemoryWorkspace) -> None:

    best = runs.get_snapshot_by_tag("lr-1.0")
    kept = best.replace(message="good", labels={"stage": "production"})
    runs.save_snapshot_metadata_and_manifest(kept, runs.get_snapshot_manifest_bytes(best.hashval))
    table = history_report(runs).table
    assert table.label_names == ("stage",)
    assert tags(history_report(runs, where="stage = 'production' and message = 'good'").table.rows) == ["lr-1.0"]
    assert history_report(runs, None, Choice(columns=("stage",))).to_json()["snapshots"][1]["values"] == {
        "stage": "production"
    }
