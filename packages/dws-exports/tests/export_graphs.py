"""Graphs to export: one that a person could have made, and any at all."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dataworkspaces.lineage.graph import DataNode, Edge, LineageGraph, StepNode
from dataworkspaces.lineage.model import (
    Environment,
    HashCertificate,
    PlaceholderCertificate,
    ResourceCert,
    RunRecord,
    StepLineage,
)
from dataworkspaces.lineage.states import State
from dataworkspaces.workspace import ResourceRef

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def hashed(name: str, subpath: str | None, hashval: str) -> ResourceCert:
    return ResourceCert(ResourceRef(name, subpath), HashCertificate(hashval))


def placeholder(name: str, subpath: str | None, version: int, content: str | None = None) -> ResourceCert:
    return ResourceCert(ResourceRef(name, subpath), PlaceholderCertificate(version, content=content))


CODE = hashed("code", None, "c0de")
PYTHON = Environment("3.11.7", "CPython", "Linux-6.1-x86_64", {"numpy": "2.1.0", "pandas": "2.2.3"})
RUN = RunRecord("0f9c", "pipeline", ("make", "all"))


def example_graph() -> LineageGraph:
    """``prepare`` made ``middle`` of imported data; ``train`` made ``results`` of it, and then failed ``report``; all
    in a ``dws run``."""
    shared, raw = hashed("shared", None, "5a"), hashed("raw", "data.csv", "7a")
    middle, results = hashed("middle", "x/train set.csv", "3b"), placeholder("results", None, 3, content="f00d")
    collect = StepLineage("collect", datetime(2025, 12, 1, 9), 2.0, inputs=(raw,), outputs=(shared,))
    prepare = StepLineage("prepare", datetime(2026, 1, 1, 10, 0, 0, 250000), 60.5, {"share": 0.2}, run=RUN)
    train = StepLineage(
        "train",
        datetime(2026, 1, 1, 11),
        90,
        {"C": 1.5, "penalty": "l2", "grid": {"a": [1, None]}, "warm": True, "none": None},
        code=(CODE,),
        command_line=("python", "train.py", "--name", "two words"),
        working_directory="code",
        user="ada",
        exit_status=0,
        environment=PYTHON,
        random_seeds={"numpy.random": 17, "PYTHONHASHSEED": "0"},
        code_trees={"code": "7ee"},
        metrics={"accuracy": 0.9, "loss": float("nan"), "report": {"f1": None}},
        run=RUN,
    )
    report = StepLineage("report", datetime(2026, 1, 1, 12), None, code=(CODE,), exit_status=3, user="ada")
    return LineageGraph(
        "my ws",
        None,
        "9f",
        ("V1",),
        (
            DataNode("d1", shared, "source-data", True),
            DataNode("d2", raw, None, True),
            DataNode("d3", middle, "intermediate-data"),
            DataNode("d4", results, "results", state=State("out of date", ("middle has changed",))),
            DataNode("d5", hashed("notes", None, "10"), "source-data"),
        ),
        (
            StepNode("s1", collect, True),
            StepNode("s2", prepare),
            StepNode("s3", train, state=State("out of date", ("middle has changed",))),
            StepNode("s4", report),
        ),
        (
            Edge("d2", "s1"),
            Edge("s1", "d1"),
            Edge("d1", "s2"),
            Edge("s2", "d3"),
            Edge("d3", "s3"),
            Edge("s3", "d4"),
            Edge("d4", "s4"),
        ),
    )


# -- anything at all -------------------------------------------------------------------------------------------------

HOSTILE = (
    "..", ".", "../../etc/passwd", "/etc/passwd", "", " ", "a b", 'quo"te', "it's", "new\nline", "tab\t", "nul\0",
    "%2F", "a%", "@", "~1", "a@b", "a:b", "arcp://x", "http://x/y", "#x", "?q=1", "a#b?c", "données", "数据", "\u202e",
    "\udcff", "\ud83d", "😀", "-x", "x.", "x/", "//", "<script>", "{}", "[1]", "a,b;c=(d)", "\\", "@id", "prov:type",
    "_:b0", "$",
)  # fmt: skip
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=6))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
named = st.dictionaries(texts, values, max_size=3)
certificates = st.one_of(
    st.builds(HashCertificate, texts, texts, st.none() | st.integers(0, 9), st.none() | texts),
    st.builds(PlaceholderCertificate, st.integers(0, 9), texts, st.booleans(), st.none() | texts),
)
refs = st.builds(ResourceRef, texts, st.none() | texts)
certs = st.builds(ResourceCert, refs, certificates)
states = st.builds(
    State, st.sampled_from(["current", "out of date", "unknown"]), st.lists(texts, max_size=1).map(tuple)
)

# Of a named tuple itself, hypothesis would make up the fields that have defaults as well.
environments = st.builds(
    lambda *fields: Environment(*fields),
    st.none() | texts,
    st.none() | texts,
    st.none() | texts,
    st.dictionaries(texts, texts, max_size=2),
)
runs = st.builds(lambda *fields: RunRecord(*fields), texts, texts, st.lists(texts, max_size=2).map(tuple))
steps = st.builds(
    lambda *fields, **others: StepLineage(*fields, **others),
    texts,
    st.datetimes(),
    st.none() | st.floats() | st.integers(),
    named,
    code=st.lists(certs, max_size=2).map(tuple),
    command_line=st.none() | st.lists(texts, max_size=2).map(tuple),
    working_directory=st.none() | texts,
    user=st.none() | texts,
    exit_status=st.none() | st.integers(-9, 3),
    environment=st.none() | environments,
    random_seeds=named,
    code_trees=st.dictionaries(texts, texts, max_size=1),
    metrics=st.none() | named,
    run=st.none() | runs,
)


@st.composite
def graphs(draw: st.DrawFn) -> LineageGraph:
    roles = st.sampled_from([None, "source-data", "intermediate-data", "code", "results"])
    data = [
        DataNode(f"d{n}", cert, draw(roles), draw(st.booleans()), draw(states))
        for n, cert in enumerate(draw(st.lists(certs, max_size=4)))
    ]
    made = [
        StepNode(f"s{n}", step, draw(st.booleans()), draw(states))
        for n, step in enumerate(draw(st.lists(steps, max_size=3)))
    ]
    edges = [
        Edge(*((d.id, s.id) if is_input else (s.id, d.id)))
        for d in data
        for s in made
        for is_input in [draw(st.sampled_from([True, False, None]))]
        if is_input is not None
    ]
    resource = draw(st.none() | texts)
    return LineageGraph(
        draw(texts), resource, draw(st.none() | st.just("9f")), (), tuple(data), tuple(made), tuple(edges)
    )
