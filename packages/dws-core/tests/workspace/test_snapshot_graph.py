"""The order of snapshots, and what they have in common."""

from __future__ import annotations

import random

import pytest

from dataworkspaces.workspace.snapshot_graph import SnapshotGraph, SnapshotNode, microseconds_of, text_of


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
