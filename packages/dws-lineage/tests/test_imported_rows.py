"""The rows of the table for what came from other workspaces, and for data that have changed since they were read."""

from __future__ import annotations

from datetime import datetime

from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    PlaceholderCertificate,
    ResourceCert,
    SourceDataLineage,
    StepLineage,
)
from dataworkspaces.lineage.states import Contents, States, refs_to_compare
from dataworkspaces.lineage.views import LineageRow, make_lineage_table
from dataworkspaces.workspace.resource_ref import ResourceRef


def cert(name: str, subpath: str | None = None, content: str = "git:1") -> ResourceCert:
    return ResourceCert(ResourceRef(name, subpath), HashCertificate(f"{name}{content[4:]}", content=content))


def step(name: str, source: ResourceCert, target: ResourceCert) -> StepLineage:
    return StepLineage(name, datetime(2026, 1, 1), inputs=(source,), outputs=(target,))


def chain(resource: str, first: LineageEntry, start: ResourceCert, *names: str) -> ImportedLineage:
    """Lineage of a resource that the last of these steps wrote, the latest entry first as in a file."""
    entries = [first]
    for number, name in enumerate(names, 1):
        target = cert(resource, "table") if number == len(names) else cert("between", name)
        entries.insert(0, step(name, start, target))
        start = target
    return ImportedLineage(resource, tuple(entries), "git:whole")


def table(lineages: dict[str, list[LineageEntry]], contents: Contents) -> list[LineageRow]:
    return make_lineage_table(lineages, States(lineages, contents))


RAW = SourceDataLineage(cert("raw", "a.csv"))
SHARED = chain("shared", RAW, RAW.cert, "one", "two", "three", "four")


def test_each_place_behind_an_imported_resource_has_a_row() -> None:
    rows = make_lineage_table({"shared": [SHARED]})
    assert [(row.ref, row.shown_type) for row in rows] == [
        ("shared", "Imported"),
        ("shared:table", "Step, imported"),
        ("between:three", "Step, imported"),
        ("between:two", "Step, imported"),
        ("between:one", "Step, imported"),
        ("raw:a.csv", "Source Data, imported"),
    ]
    assert rows[0].details == "four at 2026-01-01 00:00:00"
    assert rows[0].inputs == ["between:three (Hash:between1)"]
    assert {row.to_json().get("imported_with") for row in rows[1:]} == {"shared"}
    assert "imported_with" not in rows[0].to_json()


def test_also_behind_what_the_other_workspace_imported() -> None:
    onward = chain("onward", SHARED, cert("shared", "table"), "five")
    rows = make_lineage_table({"onward": [onward]})
    assert [row.ref for row in rows][:3] == ["onward", "onward:table", "shared"]
    assert len(rows) == 2 + 6
    assert {row.imported for row in rows[1:]} == {"onward"}


def test_a_resource_that_was_written_as_a_whole_has_one_row() -> None:
    whole = ImportedLineage("shared", (step("one", RAW.cert, cert("shared")), RAW))
    assert [row.ref for row in make_lineage_table({"shared": [whole]})] == ["shared", "raw:a.csv"]


def test_old_data_are_not_said_to_be_current() -> None:
    code = CodeLineage(cert("code"))
    lineages: dict[str, list[LineageEntry]] = {"raw": [RAW], "code": [code], "shared": [SHARED]}
    refs = refs_to_compare(lineages)
    assert set(refs) == {RAW.cert.ref, code.cert.ref, ResourceRef("shared")}
    same: Contents = {RAW.cert.ref: "git:1", code.cert.ref: "git:1", ResourceRef("shared"): "git:whole"}
    assert {row.state.kind for row in table(lineages, same)} == {"current"}
    changed = table(lineages, dict.fromkeys(refs, "git:other"))
    assert {row.state.kind for row in changed} == {"out of date"}
    assert [row.state.reasons for row in changed[:4]] == [
        ("it has changed since",), ("it has changed since",), ("it has changed since",), ("shared has changed since",),
    ]  # fmt: skip
    assert {row.state.reasons for row in table({"raw": [RAW]}, {RAW.cert.ref: "nothing"})} == {("it is gone",)}
    # What nobody can tell is no change.
    assert {row.state.kind for row in table(lineages, {})} == {"current"}


def test_in_a_snapshot_the_hash_tells_which_data_were_read() -> None:
    raw = SourceDataLineage(cert("raw"))
    for hashval, state in (("raw1", "current"), ("raw2", "out of date")):
        states = States({"raw": [raw]}, {}, {"raw": hashval})
        assert [row.state.kind for row in make_lineage_table({"raw": [raw]}, states)] == [state]


def test_who_reads_a_part_of_an_imported_place_has_read_that_place(store: FileLineageStore) -> None:
    whole = cert("shared", "dir", "git:tree")
    store.update("shared", lambda _old: [ImportedLineage("shared", (step("one", RAW.cert, whole), RAW))])
    part, beside = ResourceRef("shared", "dir/f"), ResourceRef("shared", "other")
    found = store.certs_to_read([part, beside], [], {part: "git:blob", beside: "git:2"}, "")
    assert found[part].ref == whole.ref
    assert found[part].certificate.content == "git:tree"
    assert (found[beside].ref, found[beside].certificate.content) == (beside, "git:2")


def test_of_a_part_of_a_resource_the_hash_is_its_own(store: FileLineageStore) -> None:
    places = [ResourceRef("data"), ResourceRef("data", "a"), ResourceRef("data", "b"), ResourceRef("data", "big")]
    contents = dict(zip(places, ("git:whole", "git:blob-a", "git:blob-b", "size-and-time:1"), strict=True))
    resolve = store.resolver({"data": "snapshot"}, contents)
    found = [resolve(ResourceCert(ref, PlaceholderCertificate(1, "", content=contents[ref]))) for ref in places]
    assert [getattr(each.certificate, "hashval", None) for each in found] == [
        "snapshot", "blob-a", "blob-b", "snapshot",
    ]  # fmt: skip
