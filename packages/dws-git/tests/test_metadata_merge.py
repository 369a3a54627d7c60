"""Merging metadata: pure functions of what the two sides and their last common state hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataworkspaces.backends.git.metadata_merge import MetadataMerge, merge_metadata
from dataworkspaces.backends.git.snapshot_index import has_right_types
from dataworkspaces.errors import MetadataError
from dataworkspaces.gitrepo.plumbing import TreeEntry
from dataworkspaces.gitrepo.sides import Sides
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata

META = ".dataworkspace/"
A, B, C = "a" * 40, "b" * 40, "c" * 40


def merge(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], tags: tuple[str, ...] = ()
) -> tuple[dict[str, Any], MetadataMerge]:
    """The merged files, with JSON read, and the whole outcome. Values that are no bytes are written as JSON."""
    blobs: dict[str, bytes] = {}

    def entry(files: Mapping[str, Any], path: str) -> TreeEntry | None:
        if path not in files:
            return None
        content = files[path] if isinstance(files[path], bytes) else json.dumps(files[path]).encode()
        name = f"{abs(hash(content)):040x}"[:40]
        blobs[name] = content
        return TreeEntry("100644", name)

    sides = {}
    for path in sorted({*base, *ours, *theirs}):
        side = Sides(entry(base, path), entry(ours, path), entry(theirs, path))
        if not side.base == side.ours == side.theirs:
            sides[META + path] = side
    names = [path[len("resources/") : -len(".json")] for path in ours if path.startswith("resources/")]
    outcome = merge_metadata(sides, blobs.__getitem__, tags, names)
    merged = {}
    for path, content in outcome.contents.items():
        raw = blobs[content.name] if isinstance(content, TreeEntry) else content
        if raw is not None:
            merged[path[len(META) :]] = raw if path.endswith(".gitignore") else json.loads(raw)
    return merged, outcome


def config(**params: Any) -> dict[str, Any]:
    return {"name": "w", "dws-version": "2", "global_params": params}


def resource(name: str, position: int, **params: Any) -> dict[str, Any]:
    return {"position": position, "parameters": {"resource_type": "git", "name": name, "role": "code", **params}}


def snapshot(hashval: str, tags: list[str], **other: Any) -> dict[str, Any]:
    return {
        "hash": hashval, "tags": tags, "message": "", "hostname": "h", "timestamp": "2026-01-01T00:00:00",
        "relative_destination_path": "", "restore_hashes": {}, "metrics": None, **other,
    }  # fmt: skip


def md(hashval: str) -> str:
    return f"snapshot_metadata/{hashval}_md.json"


def test_parameters_go_one_by_one() -> None:
    merged, outcome = merge(
        {"config.json": config(a=1, b=1, gone=1)},
        {"config.json": config(a=2, b=1, ours=1)},
        {"config.json": config(a=1, b=3, gone=1, theirs=1)},
    )
    assert merged["config.json"]["global_params"] == {"a": 2, "b": 3, "ours": 1, "theirs": 1}
    assert outcome.notes == []


def test_of_one_parameter_the_origins_value_stands_and_a_note_says_so() -> None:
    merged, outcome = merge({"config.json": config(a=1)}, {"config.json": config(a=2)}, {"config.json": config(a=3)})
    assert merged["config.json"]["global_params"] == {"a": 3}
    assert len(outcome.notes) == 1
    assert "'a'" in outcome.notes[0]
    assert "3" in outcome.notes[0]
    assert "2" in outcome.notes[0]


def test_ignored_paths_are_united() -> None:
    merged, _ = merge(
        {".gitignore": b"old\nkept\n"}, {".gitignore": b"kept\nours\n"}, {".gitignore": b"old\nkept\ntheirs\n"}
    )
    assert merged[".gitignore"] == b"kept\ntheirs\nours\n"


def test_resources_of_both_sides_are_there() -> None:
    merged, outcome = merge({}, {"resources/x.json": resource("x", 0)}, {"resources/y.json": resource("y", 0)})
    assert set(merged) == {"resources/x.json", "resources/y.json"}
    assert outcome.notes == []


def test_the_same_resource_added_by_both_is_one() -> None:
    merged, outcome = merge(
        {}, {"resources/x.json": resource("x", 0, url="u")}, {"resources/x.json": resource("x", 3, url="u")}
    )
    assert merged == {"resources/x.json": resource("x", 3, url="u")}
    assert outcome.renamed_resources == {}


def test_another_resource_of_the_same_name_gets_a_new_one() -> None:
    mine, other = resource("x", 0, url="mine"), resource("x", 3, url="other")
    merged, outcome = merge(
        {}, {"resources/x.json": mine, "resources/x-2.json": resource("x-2", 1)}, {"resources/x.json": other}
    )
    assert merged["resources/x.json"] == other
    assert merged["resources/x-3.json"] == resource("x-3", 0, url="mine")
    assert outcome.renamed_resources == {"x": "x-3"}
    assert "'x-3'" in outcome.notes[0]


def test_parameters_of_one_resource_are_merged() -> None:
    merged, _ = merge(
        {"resources/x.json": resource("x", 0, branch="m", export=False)},
        {"resources/x.json": resource("x", 0, branch="m", export=True)},
        {"resources/x.json": resource("x", 0, branch="n", export=False)},
    )
    assert merged["resources/x.json"] == resource("x", 0, branch="n", export=True)


@pytest.mark.parametrize("who_converted", ["ours", "theirs"])
def test_a_list_of_release_1_6_that_the_other_side_added_to(who_converted: str) -> None:
    old, new = resource("old", 0), resource("new", 1)
    listed = {"resources.json": [old["parameters"], new["parameters"]]}
    converted = {"resources/old.json": old, "resources/more.json": resource("more", 1)}
    sides = (converted, listed) if who_converted == "ours" else (listed, converted)
    merged, _ = merge({"resources.json": [old["parameters"]]}, *sides)
    assert set(merged) == {"resources/old.json", "resources/more.json", "resources/new.json"}
    assert merged["resources/new.json"]["parameters"] == new["parameters"]


def test_tags_are_united_and_a_removed_one_is_gone() -> None:
    merged, _ = merge(
        {md(A): snapshot(A, ["x", "y"])}, {md(A): snapshot(A, ["y", "mine"])}, {md(A): snapshot(A, ["x", "y", "other"])}
    )
    assert sorted(merged[md(A)]["tags"]) == ["mine", "other", "y"]


def test_a_tag_that_both_gave_away_stays_with_the_origin() -> None:
    merged, outcome = merge({}, {md(A): snapshot(A, ["v"], hostname="me")}, {md(B): snapshot(B, ["v"])}, ("v", "v-me"))
    assert merged[md(B)]["tags"] == ["v"]
    assert merged[md(A)]["tags"] == ["v-me-2"]
    assert "'v-me-2'" in outcome.notes[0]


def test_a_snapshot_that_both_took_is_one_with_both_tags() -> None:
    ours = snapshot(A, ["mine"], message="m", restore_hashes={"r": C, "s": C}, metrics={"a": 1})
    theirs = snapshot(A, ["other"], restore_hashes={"r": B, "s": None})
    lineage = f"snapshot_lineage/{A}/r.json"
    merged, _ = merge({}, {md(A): ours, lineage: {"by": "me"}}, {md(A): theirs, lineage: {"by": "them"}})
    assert merged[md(A)]["tags"] == ["other", "mine"]
    assert merged[md(A)]["message"] == "m"
    assert merged[md(A)]["restore_hashes"] == {"r": B, "s": C}
    assert merged[md(A)]["metrics"] == {"a": 1}
    assert merged[lineage] == {"by": "them"}


def test_labels_are_merged_one_by_one_and_notes_united() -> None:
    early, late = (
        {"text": t, "time": f"2026-01-0{d}T00:00:00+00:00", "hostname": "h"} for t, d in (("a", 1), ("b", 2))
    )
    base = snapshot(A, [], labels={"stage": "test", "owner": "ann"})
    ours = snapshot(A, [], labels={"stage": "production", "owner": "ann"}, notes=[late])
    theirs = snapshot(A, [], labels={"stage": "test", "paper": "yes"}, notes=[early])
    merged, outcome = merge({md(A): base}, {md(A): ours}, {md(A): theirs})
    assert merged[md(A)]["labels"] == {"stage": "production", "paper": "yes"}
    assert merged[md(A)]["notes"] == [early, late]
    assert outcome.notes == []
    both = snapshot(A, [], labels={"stage": "archived"})
    merged, outcome = merge({md(A): base}, {md(A): ours}, {md(A): both})
    assert merged[md(A)]["labels"] == {"stage": "archived"}
    assert "label 'stage'" in outcome.notes[0]


@pytest.mark.parametrize("who_deleted", ["ours", "theirs"])
def test_a_snapshot_deleted_on_one_side_and_tagged_on_the_other_stays_whole(who_deleted: str) -> None:
    manifest, lineage = f"snapshots/snapshot-{A}.json", f"snapshot_lineage/{A}/r.json"
    whole = {md(A): snapshot(A, [], relative_destination_path="snapshots/s"), manifest: [], lineage: {}}
    tagged = {**whole, md(A): snapshot(A, ["v"], relative_destination_path="snapshots/s")}
    sides: tuple[dict[str, Any], dict[str, Any]] = ({}, tagged) if who_deleted == "ours" else (tagged, {})
    merged, outcome = merge(whole, *sides)
    assert set(merged) == {md(A), manifest, lineage}
    assert merged[md(A)]["tags"] == ["v"]
    assert outcome.kept_results == {"snapshots/s": who_deleted == "theirs"}


def test_a_snapshot_deleted_on_one_side_and_left_alone_on_the_other_is_deleted() -> None:
    whole = {md(A): snapshot(A, ["v"]), f"snapshots/snapshot-{A}.json": []}
    merged, outcome = merge(whole, {}, whole)
    assert merged == {}
    assert outcome.notes == []


_SIDE = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from(["flat", "sharded"]),
        st.sets(st.sampled_from(["P", "Q", "R"]), max_size=2),
        st.sampled_from(["", "x", "y"]),
    ),
)
_SNAPSHOT = st.tuples(_SIDE, _SIDE, _SIDE)


_FLAT, _SHARDED = ("flat", {"P", "Q"}, "x"), ("sharded", {"P", "Q"}, "x")


@given(st.fixed_dictionaries({A: _SNAPSHOT, B: _SNAPSHOT, C: _SNAPSHOT}))
@example({A: (None, None, None), B: (None, None, ("flat", {"P"}, "")), C: (_FLAT, _FLAT, _SHARDED)})
@example({A: (None, None, None), B: (None, ("flat", {"P"}, ""), None), C: (_FLAT, _FLAT, _SHARDED)})
def test_where_each_side_has_the_metadata_makes_no_difference(snapshots: dict[str, Any]) -> None:
    """A snapshot may lie at one place here and at another at the origin; then one file of it is left."""

    def side(which: int, *, is_flat: bool) -> dict[str, Any]:
        found = {}
        for hashval, sides in snapshots.items():
            if sides[which] is not None:
                place, tags, message = sides[which]
                path = md(hashval) if is_flat or place == "flat" else f"snapshot_shards/{hashval[:2]}/{hashval}_md.json"
                found[path] = snapshot(hashval, sorted(tags), message=message)
        return found

    def merged(*, is_flat: bool) -> tuple[dict[str, Any], list[str]]:
        base, ours, theirs = (side(which, is_flat=is_flat) for which in range(3))
        changed, outcome = merge(base, ours, theirs)
        kept = {path: content for path, content in ours.items() if META + path not in outcome.contents}
        return {**kept, **changed}, outcome.notes

    flat, notes = merged(is_flat=True)
    found, other_notes = merged(is_flat=False)
    assert len({content["hash"] for content in found.values()}) == len(found)
    wanted = {content["hash"]: SnapshotMetadata.from_json(content) for content in flat.values()}
    assert {content["hash"]: SnapshotMetadata.from_json(content) for content in found.values()} == wanted
    assert other_notes == notes


def test_results_that_both_moved_to_one_place_are_separated() -> None:
    place = "snapshots/h-v"
    merged, outcome = merge(
        {},
        {md(A): snapshot(A, [], relative_destination_path=place)},
        {md(B): snapshot(B, [], relative_destination_path=place)},
    )
    assert merged[md(B)]["relative_destination_path"] == place
    assert merged[md(A)]["relative_destination_path"] == f"{place}-2"
    assert outcome.moved_results == {place: f"{place}-2"}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[" * 100_000),
        ("config.json", []),
        (md(A), b"null"),
        (md(A), {"hash": A}),
        (md(A), snapshot(A, [], restore_hashes=[])),
        ("resources/x.json", {"position": "1", "parameters": {}}),
        ("resources/x.json", resource("y", 1)),
        ("resources/x.json", []),
        ("resources.json", {"a": 1}),
        ("resources.json", [1]),
    ],
)
def test_what_the_origin_must_not_hold_is_named(path: str, content: Any) -> None:
    good = {
        "config.json": config(), md(A): snapshot(A, []), "resources/x.json": resource("x", 0), "resources.json": [],
    }  # fmt: skip
    changed = {
        "config.json": config(a=1), md(A): snapshot(A, ["t"]), "resources/x.json": resource("x", 0, a=1),
        "resources.json": [resource("z", 0)["parameters"]],
    }  # fmt: skip
    with pytest.raises(MetadataError) as caught:
        merge({path: good[path]}, {path: changed[path]}, {path: content})
    assert path in caught.value.message


# -- of somebody else --------------------------------------------------------------------------------------------------

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
DEEP = json.loads("[" * 600 + "]" * 600)
OF_SNAPSHOT = {
    "hash leads out": {"hash": "../../../outside/file"},
    "hash with a slash": {"hash": "a/b"},
    "tag is an option": {"tags": ["--output=x", "-x"]},
    "tag for the terminal": {"tags": [ESCAPE]},
    "tag with half a character": {"tags": ["\ud800"]},
    "tags are numbers": {"tags": [3]},
    "tag is an object": {"tags": [{}]},
    "results outside": {"relative_destination_path": "../.."},
    "results outside, below": {"relative_destination_path": "snapshots/../../../../outside"},
    "results absolute": {"relative_destination_path": "/etc"},
    "results are no text": {"relative_destination_path": ["snapshots"]},
    "results of half a character": {"relative_destination_path": "snapshots/\ud800"},
    "commit is an option": {"restore_hashes": {"code": "--output=x", "results": "-x"}},
    "commit is a name": {"restore_hashes": {"code": "HEAD", "results": "main"}},
    "commit is unknown": {"restore_hashes": {"code": "f" * 40, "results": "f" * 40}},
    "commit is not a string": {"restore_hashes": {"code": 3, "results": {}}},
    "commit of an unknown resource": {"restore_hashes": {"../x": "f" * 40}},
    "message for the terminal": {"message": ESCAPE},
    "message is not a string": {"message": 3},
    "time is not a string": {"timestamp": 3},
    "time is a text": {"timestamp": ESCAPE},
    "update is not a string": {"updated_timestamp": 3},
    "host leads out": {"hostname": "../../x"},
    "host is not a string": {"hostname": ["x"]},
    "metrics are nested": {"metrics": {"a": DEEP}},
    "metrics are for the terminal": {"metrics": {ESCAPE: ESCAPE}},
    "metrics are no object": {"metrics": [1]},
    "metrics are no numbers": {"metrics": {"a": float("nan"), "b": float("inf"), "c": 10**400}},
    "more": {"x": DEEP},
}


@pytest.mark.parametrize("change", OF_SNAPSHOT.values(), ids=OF_SNAPSHOT)
def test_a_snapshot_that_somebody_else_has_changed_is_merged_or_refused(change: dict[str, Any]) -> None:
    """There is no other error; and what is merged has the types that it should have."""
    mine = {**snapshot(A, ["t"]), "message": "mine", "updated_timestamp": "2026-01-01T00:00:00"}
    theirs = {**snapshot(A, ["t"]), "message": "theirs", **change}
    try:
        merged, _ = merge({md(A): snapshot(A, ["t"])}, {md(A): mine}, {md(A): theirs}, ("t",))
    except MetadataError as e:
        said = str(e)
    else:
        said = md(A)
        assert has_right_types(SnapshotMetadata.from_json(merged[md(A)]))
    assert md(A) in said or "nested too deeply" in said


# -- names ----------------------------------------------------------------------------------------------------------


def names_after(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> tuple[dict[str, Any], MetadataMerge]:
    """The parameters of one resource that both sides changed."""
    path = "resources/x.json"
    sides = ({path: resource("x", 0, **params)} for params in (base, ours, theirs))
    merged, outcome = merge(*sides)
    return merged[path]["parameters"], outcome


def test_of_two_new_names_the_origins_stands_and_ours_leads_to_it() -> None:
    params, outcome = names_after({}, {"shown_as": "ours"}, {"shown_as": "theirs"})
    assert (params["shown_as"], params["formerly"]) == ("theirs", ["ours"])
    assert outcome.notes == []  # of what is called otherwise the pull tells


@pytest.mark.parametrize("swapped", [False, True])
def test_a_new_name_and_another_change(swapped: bool) -> None:
    one, other = {"shown_as": "y", "formerly": ["z"]}, {"branch": "main"}
    params, outcome = names_after({}, *((other, one) if swapped else (one, other)))
    assert (params["shown_as"], params["formerly"], params["branch"]) == ("y", ["z"], "main")
    assert outcome.notes == []


def test_a_name_that_one_side_took_back() -> None:
    params, _outcome = names_after({"shown_as": "y"}, {"formerly": ["y"]}, {"shown_as": "y", "branch": "main"})
    assert "shown_as" not in params
    assert (params["formerly"], params["branch"]) == (["y"], "main")


def test_all_former_names_stay() -> None:
    ours, theirs = {"shown_as": "c", "formerly": ["a"]}, {"shown_as": "d", "formerly": ["b"]}
    params, _outcome = names_after({"shown_as": "b"}, ours, theirs)
    assert params["shown_as"] == "d"
    assert set(params["formerly"]) == {"a", "b", "c"}


def test_one_resource_that_both_added_and_one_renamed() -> None:
    """It is one resource all the same."""
    path = "resources/x.json"
    merged, outcome = merge({}, {path: resource("x", 0, shown_as="y")}, {path: resource("x", 0)})
    assert merged[path]["parameters"]["shown_as"] == "y"
    assert outcome.renamed_resources == {}


@pytest.mark.parametrize("names", [{"shown_as": "../x"}, {"shown_as": 1}, {"formerly": "y"}, {"formerly": [""]}])
def test_names_that_name_nothing_are_refused(names: dict[str, Any]) -> None:
    with pytest.raises(MetadataError, match=r"resources/x\.json"):
        names_after({}, {"branch": "main"}, names)
