"""PROV-JSON is what the library prov writes of the same records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from export_graphs import graphs
from hypothesis import given, settings
from prov.serializers.provjson import ProvJSONEncoder

from dataworkspaces.exports import LineageView, formats
from dataworkspaces.exports.prov import to_document
from dataworkspaces.lineage.graph import LineageGraph

pytestmark = pytest.mark.slow


def records(text: str) -> dict[str, list[str]]:
    """Those of each kind, with the identifiers that have a meaning: the library gives equal relations one."""
    content: dict[str, Any] = json.loads(text)
    found: dict[str, list[str]] = {"prefix": [f"{content.pop('prefix')}"]}
    for kind, named in content.items():
        listed = [(n, r) for n, known in named.items() for r in (known if isinstance(known, list) else [known])]
        found[kind] = sorted(f"{'' if n.startswith('_:') else n} {sorted(r.items())}" for n, r in listed)
    return found


def check(graph: LineageGraph) -> None:
    expected = json.dumps(to_document(LineageView(graph)), cls=ProvJSONEncoder)
    assert records(formats.PROV.text(graph)) == records(expected)


def test_library_writes_the_same(graph: LineageGraph) -> None:
    check(graph)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_library_writes_the_same_of_any_names(graph: LineageGraph) -> None:
    check(graph)
