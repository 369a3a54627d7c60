"""What goes wrong easily: wrong hashes, lost entries, hostile files, values that cannot be shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dataworkspaces.errors import DwsError, LineageError, MetadataError
from dataworkspaces.lineage import FileLineageStore, LineageBuilder, ResourceRef, jsonable
from dataworkspaces.lineage.from_json import entry_from_json
from dataworkspaces.lineage.model import HashCertificate
from dataworkspaces.lineage.views import LineageRow, make_lineage_table
from dataworkspaces.testing.memory import MemoryWorkspace

pytestmark = pytest.mark.slow


def table_of(store: FileLineageStore, names: list[str], snapshot: str | None = None) -> list[LineageRow]:
    return make_lineage_table({name: store.entries(name, snapshot) for name in names})


def ref(text: str) -> ResourceRef:
    name, _, subpath = text.partition(":")
    return ResourceRef(name, subpath or None)


@pytest.fixture
def run(project: MemoryWorkspace) -> Callable[..., Any]:
    def run(name: str, inputs: list[str], outputs: list[str], code: Sequence[str] = ()) -> Any:
        b = LineageBuilder().with_workspace(project).with_step_name(name)
        for text in inputs:
            b.with_input_ref(ref(text))
        if not inputs:
            b.with_no_inputs()
        for text in code:
            b.with_code_ref(ref(text))
        with b.eval() as lineage:
            for text in outputs:
                lineage.add_output_ref(ref(text))
        return lineage

    return run


def test_result_of_an_older_version_gets_no_hash_of_the_newer(project: Any, run: Any) -> None:
    """train read version 1; the snapshot holds version 2."""
    run("prepare", ["source"], ["middle"])
    run("train", ["middle"], ["results"])
    run("prepare", ["source"], ["middle"])
    project.lineage_store.snapshot("abc", ["middle", "results"], {"middle": "22", "results": "33", "source": "11"})
    (step,) = project.lineage_store.entries("results", "abc")
    assert not isinstance(step.inputs[0].certificate, HashCertificate)


def test_edited_code_does_not_stop_the_pipeline(project: Any, run: Any) -> None:
    store = project.lineage_store
    run("prepare", ["source"], ["middle"], ["code"])
    store.resolve_current({"source": "s1", "code": "c1", "middle": "m1", "results": None})
    run("train", ["middle"], ["results:a"], ["code"])  # the training script was edited meanwhile
    store.resolve_current({"source": "s1", "code": "c2", "middle": "m1", "results": "r1"})
    run("compare", ["results:a", "middle"], ["results:b"], ["code"])


def test_other_output_of_a_step_keeps_its_lineage(project: Any, run: Any) -> None:
    run("split", ["source"], ["middle:x", "middle:y"])
    run("again", ["source"], ["middle:x"])
    rows = {row.ref: row.details for row in table_of(project.lineage_store, ["middle"])}
    assert rows["middle:y"].startswith("split")


def test_complete_in_the_block_is_no_error(project: Any) -> None:
    with LineageBuilder().with_workspace(project).with_step_name("s").with_no_inputs().eval() as lineage:
        lineage.complete()


def test_abort_in_the_block_is_no_error(project: Any) -> None:
    with LineageBuilder().with_workspace(project).with_step_name("s").with_no_inputs().eval() as lineage:
        lineage.abort()


def test_inputs_of_the_table_are_inputs_as_in_the_quick_start(project: Any, run: Any) -> None:
    run("svc", ["source"], ["results"], ["code"])
    (row,) = table_of(project.lineage_store, ["results"])
    assert len(row.inputs or []) == 1


def test_failed_output_is_shown_as_unknown(project: Any, run: Any) -> None:
    run("prepare", ["source"], ["middle"])
    builder = LineageBuilder().with_workspace(project).with_step_name("prepare").with_no_inputs()
    with pytest.raises(ZeroDivisionError), builder.eval() as lineage:  # noqa: PT012 - the block is what fails
        lineage.add_output_ref(ref("middle"))
        raise ZeroDivisionError
    rows = table_of(project.lineage_store, ["middle"])
    assert [row.lineage_type for row in rows] == ["Unknown"]


def test_version_after_a_failure_is_new(project: Any, run: Any) -> None:
    """Else what read the version before the failure passes for up to date."""
    run("prepare", ["source"], ["middle:p"])
    run("derive", ["middle:p"], ["middle:q"])
    lineage = LineageBuilder().with_workspace(project).with_step_name("prepare").with_no_inputs().eval()
    lineage.add_output_ref(ref("middle:p"))
    lineage.abort()
    run("prepare", ["source"], ["middle:p"])
    with pytest.raises(LineageError):
        run("train", ["middle:p", "middle:q"], ["results"])


def test_step_listed_twice_by_release_1_6_has_one_row_a_place(store: Any, release_1_6: Any, tmp_path: Any) -> None:
    shutil.copytree(release_1_6 / "placeholders", tmp_path / "current")
    rows = [(r.ref, r.details.split()[0]) for r in table_of(store, ["intermediate-data"])]
    assert sorted(rows) == [("intermediate-data:x", "again"), ("intermediate-data:y", "split")]


def test_results_that_a_snapshot_moved_are_no_obstacle(project: Any, run: Any) -> None:
    """Their entry is to go with them, as in release 1.6."""
    run("first", ["source"], ["results:a"])
    with project.transaction("snapshot"):
        metadata, manifest = project.snapshot("ONE")
        project.save_snapshot_metadata_and_manifest(metadata, manifest)
        project.finish_snapshot(metadata.hashval)
    run("second", ["source"], ["results"])


def test_relative_path_is_of_the_directory_of_the_call(project: Any, monkeypatch: Any) -> None:
    builder = LineageBuilder().with_workspace(project).with_step_name("s").with_input_path("source/a.csv")
    monkeypatch.chdir(project.directory / "code")
    lineage = builder.eval()
    lineage.add_output_ref(ref("middle"))
    lineage.complete()
    (step,) = project.lineage_store.entries("middle")
    assert step.inputs[0].ref == ref("source:a.csv")


def test_disk_that_is_full_is_an_error_of_the_user(store: Any, monkeypatch: Any) -> None:
    import dataworkspaces.lineage.file_store as module

    def full(*_a: Any, **_k: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_bytes", full)
    with pytest.raises(DwsError):
        store.update("data", lambda old: old)


def test_lineage_that_cannot_be_deleted_is_an_error(store: Any, tmp_path: Any, monkeypatch: Any) -> None:
    store.snapshot("abc", ["data"], {})

    def refuse(path: Any, ignore_errors: bool = False, **_k: Any) -> None:
        if not ignore_errors:
            raise OSError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(DwsError):
        store.delete_snapshot("abc")


def test_large_range_is_described() -> None:
    assert isinstance(jsonable(range(10_000_000)), str)


def test_value_that_holds_itself_is_described() -> None:
    value: list[Any] = []
    value.append(value)
    jsonable(value)


def test_object_whose_repr_fails_is_described() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError

    assert "Bad" in jsonable(Bad())


@pytest.mark.parametrize("version", [True, -1])
def test_version_is_a_natural_number(version: Any) -> None:
    data = {
        "type": "code",
        "resource_name": "c",
        "subpath": None,
        "certificate": {"cert_type": "placeholder", "version": version, "comment": ""},
    }
    with pytest.raises(MetadataError):
        entry_from_json(data, "f")


@pytest.mark.parametrize("subpath", ["../../etc", "/etc/passwd"])
def test_path_that_leads_out_is_refused(subpath: Any) -> None:
    data = {
        "type": "code",
        "resource_name": "c",
        "subpath": subpath,
        "certificate": {"cert_type": "hash", "hashval": "1", "comment": ""},
    }
    with pytest.raises(MetadataError):
        entry_from_json(data, "f")


def test_exit_with_success_completes(project: Any) -> None:
    builder = LineageBuilder().with_workspace(project).with_step_name("s").with_no_inputs()
    with pytest.raises(SystemExit), builder.eval() as lineage:  # noqa: PT012 - the block is what ends
        lineage.add_output_ref(ref("middle"))
        raise SystemExit(0)
    assert project.lineage_store.entries("middle")


def test_consistency_reads_each_file_once(project: Any, run: Any, monkeypatch: Any) -> None:
    for n in range(8):
        run(f"s{n}", [f"middle:{n - 1}"] if n else ["source"], [f"middle:{n}"])
    from dataworkspaces.lineage.consistency import check_one_version_of_each

    reads: list[str] = []
    entries = FileLineageStore.entries

    def counted(self: FileLineageStore, name: str, snapshot_hash: str | None = None) -> Any:
        reads.append(name)
        return entries(self, name, snapshot_hash)

    certs = [project.lineage_store.current_cert(ref(place)) for place in ("middle:7", "middle:5")]
    monkeypatch.setattr(FileLineageStore, "entries", counted)
    check_one_version_of_each(project.lineage_store, "t", certs)
    assert reads.count("middle") == 1


def test_file_of_another_resource_is_refused(store: Any, tmp_path: Any) -> None:
    store.update("data", lambda _o: [])
    (tmp_path / "current" / "other.json").write_bytes((tmp_path / "current" / "data.json").read_bytes())
    with pytest.raises(MetadataError):
        store.entries("other")


def test_imported_data_has_the_hash_that_was_exported(project: Any, release_1_6: Any) -> None:
    import json

    exported = (release_1_6 / "exported-lineage.json").read_text(encoding="utf-8").replace('"shared"', '"source"')
    project.lineage_store.store_imported("source", json.loads(exported))
    builder = LineageBuilder().with_workspace(project).with_step_name("s").with_input_ref(ref("source"))
    with builder.eval() as lineage:
        lineage.add_output_ref(ref("middle"))
    (step,) = project.lineage_store.entries("middle")
    assert isinstance(step.inputs[0].certificate, HashCertificate)
