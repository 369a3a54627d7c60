"""Large lineages: what is done for each step does not grow with their number."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dataworkspaces.lineage.graph import GraphBuilder
from dataworkspaces.lineage.model import LineageEntry, PlaceholderCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.states import States
from dataworkspaces.workspace import ResourceRef

STEPS = 3000


def cert(number: int) -> ResourceCert:
    return ResourceCert(ResourceRef("data", f"file{number}"), PlaceholderCertificate(number + 1, "made", True))


@pytest.fixture(scope="module")
def lineages() -> dict[str, list[LineageEntry]]:
    """A pipeline in which each step reads what the one before it wrote, and what the one half way back did."""
    entries: list[LineageEntry] = []
    for number in range(STEPS):
        inputs = tuple(cert(n) for n in {number - 1, number // 2} if 0 <= n < number)
        start = datetime(2026, 1, 1) + timedelta(minutes=number)
        entries.append(StepLineage(f"step{number}", start, 1.0, {}, inputs, (), (cert(number),)))
    return {"data": entries}


@pytest.mark.slow
def test_a_graph_is_walked_once(lineages: dict[str, list[LineageEntry]], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    data_node = GraphBuilder._data_node

    def counted(*args: object) -> object:
        nonlocal calls
        calls += 1
        return data_node(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(GraphBuilder, "_data_node", counted)
    states = States(lineages, {}).all()
    graph = GraphBuilder(lineages, {"data": "intermediate-data"}, states).build("ws", None, None)
    assert (len(graph.steps), len(graph.data)) == (STEPS, STEPS)
    edges = STEPS + sum(len(step.step.inputs) for step in graph.steps)
    assert len(graph.edges) == edges
    assert calls < 3 * edges


def test_each_place_is_judged_once(lineages: dict[str, list[LineageEntry]], monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []
    judge = States._judge
    monkeypatch.setattr(States, "_judge", lambda self, place: judged.append(place.cert.ref) or judge(self, place))
    assert len(States(lineages, {}).all()) == STEPS
    assert len(judged) == len(set(judged)) == STEPS
