"""Lineage in files: snapshots of it, what comes back, what others export."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import ConfigurationError, LineageError, MetadataError
from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.lineage import file_store as store_module
from dataworkspaces.lineage.model import (
    HashCertificate,
    ImportedLineage,
    PlaceholderCertificate,
    ResourceCert,
    SourceDataLineage,
    StepLineage,
)
from dataworkspaces.workspace import ResourceRef

SNAPSHOT = "8fb8d88c9c23a945b6e2d1acbc8eda64e0f7472b"
DIGITS = ["results", "intermediate-data", "sklearn-digits-dataset", "code", "live-feed"]


def source(name: str, subpath: str | None = None, version: int = 1) -> SourceDataLineage:
    return SourceDataLineage(ResourceCert(ResourceRef(name, subpath), PlaceholderCertificate(version, "by hand")))


def put(store: FileLineageStore, name: str, *entries: Any) -> None:
    store.update(name, lambda _old: list(entries))


@pytest.fixture
def digits(store: FileLineageStore, release_1_6: Path, tmp_path: Path) -> FileLineageStore:
    """A store with a snapshot that release 1.6 took."""
    shutil.copytree(release_1_6 / "digits", tmp_path / "snapshots" / SNAPSHOT)
    return store


# -- current lineage -----------------------------------------------------------------------------------------------


def test_resource_without_file_has_no_entries(store: FileLineageStore) -> None:
    assert store.entries("data") == []


def test_update_is_seen_by_another_store(store: FileLineageStore, tmp_path: Path) -> None:
    put(store, "data", source("data"))
    again = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "machine" / "lineage.lock")
    assert again.entries("data") == [source("data")]


def test_file_has_the_layout_of_release_1_6(store: FileLineageStore, tmp_path: Path) -> None:
    put(store, "data", source("data"))
    assert (tmp_path / "current" / "data.json").read_text() == json.dumps(
        {"resource_name": "data", "lineages": [source("data").to_json()]}, indent=2
    )


def test_update_touches_no_other_resource(store: FileLineageStore, tmp_path: Path) -> None:
    put(store, "data", source("data"))
    (tmp_path / "current" / "other.json").write_text("not JSON, and of no concern")
    put(store, "data", source("data", version=2))
    assert store.entries("data") == [source("data", version=2)]


def test_failed_update_changes_nothing(store: FileLineageStore) -> None:
    put(store, "data", source("data"))
    with pytest.raises(ZeroDivisionError):
        store.update("data", lambda _old: [source("data")] * (1 // 0))
    assert store.entries("data") == [source("data")]


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/b", "", ".hidden", "..", "a\0b"])
def test_name_that_leads_elsewhere_is_refused(store: FileLineageStore, name: str) -> None:
    with pytest.raises(ConfigurationError):
        put(store, name, source("data"))


@pytest.mark.parametrize("hashval", ["../current", "", ".", "a/b"])
def test_snapshot_hash_that_leads_elsewhere_is_refused(store: FileLineageStore, hashval: str) -> None:
    with pytest.raises(ConfigurationError):
        store.entries("data", hashval)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"resource_name": "data"}', "\ufeff"])
def test_damaged_file_is_an_error_that_names_it(store: FileLineageStore, tmp_path: Path, text: str) -> None:
    path = tmp_path / "current" / "data.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(MetadataError, match=str(path)):
        store.entries("data")


def test_lock_that_is_held_ends_with_its_path(
    store: FileLineageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import SoftFileLock

    monkeypatch.setattr(store_module, "_LOCK_SECONDS", 0.1)
    lock = tmp_path / "machine" / "lineage.lock"
    lock.parent.mkdir()
    with SoftFileLock(lock), pytest.raises(LineageError, match=str(lock)):
        put(store, "data", source("data"))


ADD_MANY = """
import sys
from pathlib import Path
from dataworkspaces.lineage import FileLineageStore, ResourceRef
from dataworkspaces.lineage.model import PlaceholderCertificate, ResourceCert, SourceDataLineage
root, prefix, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = FileLineageStore(root / "current", root / "snapshots", root / "machine" / "lineage.lock")
for number in range(count):
    ref = ResourceRef("data", f"{prefix}{number}")
    entry = SourceDataLineage(ResourceCert(ref, PlaceholderCertificate(1)))
    store.update("data", lambda entries: [*entries, entry])
"""


def test_processes_that_write_at_once_lose_no_entry(store: FileLineageStore, tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", ADD_MANY, str(tmp_path), name, "20"]) for name in ("a", "b")]
    assert [process.wait() for process in running] == [0, 0]
    assert len(store.entries("data")) == 40


# -- snapshots -----------------------------------------------------------------------------------------------------


def test_snapshot_has_hashes_for_placeholders(store: FileLineageStore) -> None:
    put(store, "data", source("data"))
    store.snapshot("abc", ["data"], {"data": "1234"})
    (entry,) = store.entries("data", "abc")
    assert entry == SourceDataLineage(ResourceCert(ResourceRef("data"), HashCertificate("1234", "by hand")))


def test_snapshot_leaves_current_lineage(store: FileLineageStore) -> None:
    put(store, "data", source("data"))
    store.snapshot("abc", ["data"], {"data": "1234"})
    assert store.entries("data") == [source("data")]


def test_snapshot_has_a_file_for_each_resource(store: FileLineageStore, tmp_path: Path) -> None:
    store.snapshot("abc", ["data", "feed"], {"data": "1234", "feed": None})
    assert json.loads((tmp_path / "snapshots" / "abc" / "feed.json").read_text()) == {
        "resource_name": "feed", "lineages": [],
    }  # fmt: skip


def test_snapshot_leaves_nothing_beside_it(store: FileLineageStore, tmp_path: Path) -> None:
    store.snapshot("abc", ["data"], {})
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["abc"]


def test_resource_without_hash_keeps_its_placeholder(store: FileLineageStore) -> None:
    put(store, "feed", source("feed"))
    store.snapshot("abc", ["feed"], {"feed": None})
    assert store.entries("feed", "abc") == [source("feed")]


def test_snapshot_taken_twice_is_the_same(store: FileLineageStore) -> None:
    put(store, "data", source("data"))
    for _ in range(2):
        store.snapshot("abc", ["data"], {"data": "1234"})
    assert len(store.entries("data", "abc")) == 1


def test_current_placeholders_become_hashes(store: FileLineageStore) -> None:
    put(store, "data", source("data"))
    for _ in range(2):
        store.resolve_current({"data": "1234"})
    (entry,) = store.entries("data")
    assert entry == SourceDataLineage(ResourceCert(ResourceRef("data"), HashCertificate("1234", "by hand")))


def test_hash_that_is_known_is_not_replaced(digits: FileLineageStore) -> None:
    digits.restore(SNAPSHOT, DIGITS)
    before = [digits.entries(name) for name in DIGITS]
    digits.resolve_current(dict.fromkeys(DIGITS, "0000"))
    assert [digits.entries(name) for name in DIGITS] == before


def test_restored_lineage_is_that_of_the_snapshot(digits: FileLineageStore) -> None:
    for _ in range(2):
        digits.restore(SNAPSHOT, DIGITS)
    assert [digits.entries(name) for name in DIGITS] == [digits.entries(name, SNAPSHOT) for name in DIGITS]


def test_resource_of_which_a_snapshot_keeps_nothing_has_none_then(digits: FileLineageStore) -> None:
    put(digits, "newer", source("newer"))
    digits.restore(SNAPSHOT, ["newer"])
    assert digits.entries("newer") == []


def test_resource_that_is_not_restored_keeps_its_lineage(digits: FileLineageStore) -> None:
    put(digits, "code", source("code"))
    digits.restore(SNAPSHOT, ["intermediate-data"])
    assert digits.entries("code") == [source("code")]


def test_deleted_snapshot_has_no_lineage(digits: FileLineageStore, tmp_path: Path) -> None:
    for _ in range(2):
        digits.delete_snapshot(SNAPSHOT)
    assert not (tmp_path / "snapshots" / SNAPSHOT).exists()


# -- lineage.json --------------------------------------------------------------------------------------------------


def test_lineage_file_is_that_of_release_1_6(digits: FileLineageStore, release_1_6: Path) -> None:
    expected = json.loads((release_1_6 / "digits-results-lineage.json").read_text())
    assert digits.lineage_file("results", SNAPSHOT) == expected


def test_lineage_file_of_an_importing_workspace_holds_the_imported_graph(
    store: FileLineageStore, release_1_6: Path, tmp_path: Path
) -> None:
    shutil.copytree(release_1_6 / "imported", tmp_path / "snapshots" / "abc")
    graph = store.lineage_file("results", "abc")
    assert [entry["type"] for entry in graph["lineages"]] == ["step", "imported", "code"]


def test_graph_with_a_version_that_no_snapshot_holds_is_not_complete(store: FileLineageStore) -> None:
    put(store, "data", source("data"))
    assert store.lineage_file("data", None)["complete"] is False


def test_graph_with_an_input_of_unknown_origin_is_not_complete(store: FileLineageStore) -> None:
    made = ResourceCert(ResourceRef("results"), HashCertificate("12"))
    read = ResourceCert(ResourceRef("data"), HashCertificate("34"))
    put(store, "results", StepLineage("train", datetime(2026, 1, 31), inputs=(read,), outputs=(made,)))
    assert store.lineage_file("results", None)["complete"] is False


def test_resource_of_unknown_origin_has_an_empty_graph(store: FileLineageStore) -> None:
    assert store.lineage_file("data", None) == {"resource_name": "data", "complete": False, "lineages": []}


@pytest.mark.slow
def test_graph_of_a_long_pipeline(store: FileLineageStore) -> None:
    def cert(number: int) -> ResourceCert:
        return ResourceCert(ResourceRef("x", f"o{number}"), HashCertificate(f"{number:040x}"))

    start = datetime(2026, 1, 1)
    entries = [StepLineage(f"s{n}", start, inputs=(cert(n - 1),), outputs=(cert(n),)) for n in range(1, 5001)]
    store.update("x", lambda _old: [SourceDataLineage(cert(0)), *entries])
    assert len(store.lineage_file("x")["lineages"]) == 5001


def test_graph_in_a_circle_ends(store: FileLineageStore) -> None:
    ref = ResourceRef("data")
    cert = ResourceCert(ref, HashCertificate("12"))
    put(store, "data", StepLineage("again", datetime(2026, 1, 31), inputs=(cert,), outputs=(cert,)))
    assert len(store.lineage_file("data", None)["lineages"]) == 1


def test_lineage_that_release_1_6_exported_is_imported_as_it_did(store: FileLineageStore, release_1_6: Path) -> None:
    exported = json.loads((release_1_6 / "exported-lineage.json").read_text())
    for _ in range(2):
        store.store_imported("shared", exported)
    expected = json.loads((release_1_6 / "imported" / "shared.json").read_text())["lineages"]
    assert [entry.to_json() for entry in store.entries("shared")] == expected


def test_newer_import_replaces_the_older(store: FileLineageStore) -> None:
    store.store_imported("shared", {"resource_name": "shared", "lineages": [source("raw").to_json()]})
    store.store_imported("shared", {"resource_name": "shared", "lineages": []})
    assert store.entries("shared") == [ImportedLineage("shared", ())]


def test_imported_lineage_of_another_resource_is_refused(store: FileLineageStore) -> None:
    with pytest.raises(ConfigurationError, match="'shared'"):
        store.store_imported("mine", {"resource_name": "shared", "lineages": []})


def test_malformed_import_changes_nothing(store: FileLineageStore) -> None:
    put(store, "shared", source("shared"))
    with pytest.raises(MetadataError, match="shared"):
        store.store_imported("shared", {"resource_name": "shared", "lineages": [{"type": "step"}]})
    assert store.entries("shared") == [source("shared")]
