"""The table of lineage."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from dataworkspaces.lineage import FileLineageStore, ResourceRef
from dataworkspaces.lineage.model import HashCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.views import LineageRow, make_lineage_table


def table_of(store: FileLineageStore, names: list[str], snapshot: str | None = None) -> list[LineageRow]:
    return make_lineage_table({name: store.entries(name, snapshot) for name in names})


def rows(store: FileLineageStore, *names: str, snapshot: str | None = None) -> list[tuple[str, str, str]]:
    return [(row.ref, row.lineage_type, row.details) for row in table_of(store, names, snapshot)]


def test_row_of_a_step_is_that_of_the_quick_start(store: FileLineageStore) -> None:
    data = ResourceCert(ResourceRef("sklearn-digits-dataset"), HashCertificate("635b7182" + "0" * 32))
    made = ResourceCert(ResourceRef("results"), HashCertificate("12"))
    step = StepLineage("digits-svc", datetime(2020, 1, 14, 12, 54, 0, 473892), inputs=(data,), outputs=(made,))
    store.update("results", lambda _old: [step])
    (row,) = table_of(store, ["results"])
    assert (row.ref, row.lineage_type) == ("results", "Step")
    assert row.details == "digits-svc at 2020-01-14 12:54:00.473892"
    assert row.inputs == ["sklearn-digits-dataset (Hash:635b7182)"]


def test_snapshot_of_release_1_6_shows_steps_data_and_code(
    store: FileLineageStore, release_1_6: Path, tmp_path: Path
) -> None:
    shutil.copytree(release_1_6 / "digits", tmp_path / "snapshots" / "abc")
    assert rows(store, "results", "sklearn-digits-dataset", "code", "live-feed", snapshot="abc") == [
        ("results", "Step", "train at 2026-11-23 00:01:07.569413"),
        ("sklearn-digits-dataset", "Source Data", "Hash:bfbe0222"),
        ("code", "Code", "Hash:2c6f52d9"),
    ]


def test_data_and_code_have_no_inputs(store: FileLineageStore, release_1_6: Path, tmp_path: Path) -> None:
    shutil.copytree(release_1_6 / "digits", tmp_path / "snapshots" / "abc")
    assert [row.inputs for row in table_of(store, ["sklearn-digits-dataset", "code"], "abc")] == [None, None]


def test_part_of_a_resource_is_named(store: FileLineageStore, release_1_6: Path, tmp_path: Path) -> None:
    shutil.copytree(release_1_6 / "digits", tmp_path / "snapshots" / "abc")
    ((ref, _, _),) = rows(store, "intermediate-data", snapshot="abc")
    assert ref == "intermediate-data:scaled"


def test_imported_resource_is_marked(store: FileLineageStore, release_1_6: Path, tmp_path: Path) -> None:
    shutil.copytree(release_1_6 / "imported", tmp_path / "snapshots" / "abc")
    (ref, kind, _), *behind = rows(store, "shared", snapshot="abc")
    assert (ref, kind) == ("shared", "Imported")
    assert [row[:2] for row in behind] == [
        ("intermediate-data:x", "Step"), ("code", "Code"), ("source-data:a.txt", "Source Data"),
    ]  # fmt: skip


def test_workspace_without_lineage_has_no_rows(store: FileLineageStore) -> None:
    assert rows(store, "results", "code") == []
