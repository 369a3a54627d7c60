"""The order of snapshots, and what they have in common."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode, microseconds_of, text_of
from dataworkspaces.workspace.results import manifest_hash
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata


def node(hashval: str, time: str, parents: str | None = "", zone: str | None = "+00:00", **of: str) -> SnapshotNode:
    named = None if parents is None else tuple(parents)
    return SnapshotNode(hashval, f"2026-10-{time}", zone, named, {name: tuple(text) for name, text in of.items()})


def order(*nodes: SnapshotNode) -> str:
    found = {"".join(SnapshotGraph(random.sample(nodes, len(nodes))).newest_first()[::-1]) for _ in range(5)}
    assert len(found) == 1, found
    return found.pop()


def test_a_snapshot_comes_after_its_parents_whatever_the_clocks_say() -> None:
    assert order(node("a", "02T10:00:00"), node("b", "02T06:00:00", "a"), node("c", "01T00:00:00", "b")) == "abc"


def test_time_decides_where_neither_came_after_the_other() -> None:
    berlin, new_york = node("b", "02T12:00:00", "a", "+02:00"), node("c", "02T07:00:00", "a", "-04:00")
    assert order(node("a", "01T00:00:00"), berlin, new_york) == "abc"
    assert order(node("a", "01T00:00:00"), node("c", "02T00:00:00", "a"), node("b", "02T00:00:00", "a")) == "abc"


def test_the_hour_that_comes_twice_in_autumn() -> None:
    assert order(node("b", "25T02:30:00", "", "+02:00"), node("a", "25T02:15:00", "", "+01:00")) == "ba"


def test_those_of_release_1_6_come_after_each_other_by_time() -> None:
    old = [node("b", "02T00:00:00", None, None), node("a", "01T00:00:00", None, None)]
    new = node("c", "01T12:00:00", "b")
    assert order(*old, new) == "abc"
    graph = SnapshotGraph([*old, new])
    assert graph.heads() == ["c"]
    assert graph.ancestors(["c"]) == {"a", "b", "c"}


def test_a_resource_may_come_from_elsewhere() -> None:
    nodes = [node("a", "01T00:00:00"), node("b", "02T00:00:00", "a"), node("c", "03T00:00:00", "b", data="a")]
    graph = SnapshotGraph(nodes)
    assert graph.heads() == ["c"]
    assert graph.heads("data") == ["b", "c"]
    assert graph.in_common(["b"], ["c"], "data") == ["a"]
    assert graph.in_common(["b"], ["c"]) == ["b"]


def test_a_parent_that_was_deleted_is_known_all_the_same() -> None:
    graph = SnapshotGraph([node("a", "01T00:00:00"), node("c", "03T00:00:00", "ba")])
    assert graph.ancestors(["c"]) == {"a", "b", "c"}
    assert graph.heads() == ["c"]
    assert graph.children("b") == ["c"]


def test_what_somebody_made_up_has_an_order() -> None:
    assert order(node("a", "02T00:00:00", "b"), node("b", "01T00:00:00", "a")) == "ba"
    assert SnapshotGraph([node("a", "01T00:00:00", "a")]).newest_of(["a"]) == ["a"]


@pytest.mark.parametrize(("text", "zone"), [("2026-10-25T02:30:00.5", "+01:00"), ("1969-12-31T23:59:59", None)])
def test_times_as_texts(text: str, zone: str | None) -> None:
    assert microseconds_of(text_of(microseconds_of(text, zone)), None) == microseconds_of(text, zone)
    assert microseconds_of("no time", None) == 0


def test_what_came_after_a_deleted_snapshot_comes_after_its_parents(tmp_path: Path) -> None:
    workspace = MemoryWorkspace(tmp_path)
    hashes = []
    for number, (parents, of_data) in enumerate([([], None), ([0], [0]), ([1], None), ([1], []), ([2, 3], [1])]):
        manifest = f"[{number}]".encode()
        hashes.append(manifest_hash(manifest))
        metadata = SnapshotMetadata(
            hashes[-1], [], "", "host", f"2026-10-0{number + 1}", "", {},
            parents=[hashes[p] for p in parents],
            resource_parents={} if of_data is None else {"data": [hashes[p] for p in of_data]},
        )  # fmt: skip
        workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
    zero, one, two, three, four = hashes
    workspace.delete_snapshot(one)
    graph = workspace.get_snapshot_graph()
    assert graph.parents(two) == graph.parents(two, "data") == (one, zero)
    assert (graph.parents(three), graph.parents(three, "data")) == ((one, zero), ())
    assert graph.parents(four, "data") == (one, zero)
    assert [s.hashval for s in workspace.list_snapshots(reverse=False)] == [zero, two, three, four]


@pytest.mark.slow
def test_ten_thousand_snapshots() -> None:
    nodes = [SnapshotNode(f"{n:040x}", "2026-10-01", "+00:00", (f"{n - 1:040x}",)) for n in range(10_000)]
    graph = SnapshotGraph(nodes)
    assert graph.heads() == [nodes[-1].hashval]
    assert graph.in_common([nodes[-1].hashval], [nodes[-2].hashval]) == [nodes[-2].hashval]
