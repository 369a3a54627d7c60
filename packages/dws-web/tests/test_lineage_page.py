"""The page of a lineage, without a browser: `tests/test_lineage_graph_page.py` looks at it in one."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dataworkspaces.lineage import drawing
from dataworkspaces.lineage.drawing.looks import visible
from dataworkspaces.lineage.exporter import load_drawing
from dataworkspaces.lineage.graph import DataNode, LineageGraph, StepNode
from dataworkspaces.lineage.model import Environment, HashCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.states import State
from dataworkspaces.web.built import APP
from dataworkspaces.web.lineage_page import json_for_script, page
from dataworkspaces.workspace import ResourceRef


class Reader(HTMLParser):
    """The elements of a page, with their attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and data.strip():
            self.texts.append((self.elements[-1][0], data))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def within(self, tag: str) -> list[str]:
        return [data for element, data in self.texts if element == tag]

    @property
    def policy(self) -> dict[str, str]:
        found = [attributes for tag, attributes in self.elements if tag == "meta" and attributes.get("http-equiv")]
        content = found[0]["content"] or ""
        return {rule.split()[0]: rule.partition(" ")[2] for rule in content.split("; ")}

    def data(self) -> dict[str, object]:
        loaded: dict[str, object] = json.loads(self.within("script")[0])
        return loaded


def graph(*names: str, **more: object) -> LineageGraph:
    nodes = [
        DataNode(f"d{i}", ResourceCert(ResourceRef(n), HashCertificate("ab")), "results") for i, n in enumerate(names)
    ]
    return LineageGraph("project", None, None, (), tuple(nodes), **more)  # type: ignore[arg-type]


def source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_page_refers_to_nothing_outside() -> None:
    found = Reader(page(graph("model")))
    for tag, attributes in found.elements:
        assert not {"src", "href", "action", "srcset", "onload", "onclick"} & attributes.keys(), tag
    assert not {"link", "img", "iframe", "base", "object"} & {tag for tag, _ in found.elements}


def test_policy_allows_the_scripts_and_the_style_and_nothing_else() -> None:
    found = Reader(page(graph("model")))
    _, *scripts = found.within("script")
    assert found.policy["default-src"] == "'none'"
    assert found.policy["script-src"].split() == [source(script) for script in scripts]
    assert found.policy["style-src"].split() == [source(style) for style in found.within("style")]
    assert found.policy["img-src"] == "data:"
    assert set(found.policy) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}


def test_no_developer_tool_looks_for_a_source_map() -> None:
    assert "sourceMappingURL" not in page(graph("model"))


SOURCES = Path(__file__).parents[1] / "frontend/src"
WAYS_TO_MARKUP = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "srcdoc")


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the sources of the front end are in the repository only")
def test_own_scripts_make_no_html_and_no_code() -> None:
    files = [file for file in SOURCES.rglob("*") if file.suffix in (".ts", ".tsx")]
    assert len(files) > 30
    for file in files:
        text = file.read_text(encoding="utf-8")
        for word in (*WAYS_TO_MARKUP, "dangerouslySetInnerHTML"):
            assert word not in text, f"{word} in {file.name}"


@pytest.mark.parametrize(
    "name",
    [
        "</script><img src=x onerror=alert(1)>",
        "<!--<script>",
        "]]>",
        "&lt;",
        "'\"\\",
        "\u2028\u2029",
        "\n\x00",
        "\ud800",
        "@DATA@",
        "\\1",
    ],
)
def test_names_are_data_and_come_back_as_they_were(name: str) -> None:
    text = page(LineageGraph(name, name, name, (name,), graph(name).data))
    text.encode("utf-8")
    harmless = Reader(page(LineageGraph("x", "x", "x", ("x",), graph("x").data)))
    found = Reader(text)
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in harmless.elements]
    data = found.data()["graph"]
    assert isinstance(data, dict)
    assert [data["workspace"], data["resource"], data["snapshot"], *data["tags"], data["nodes"][0]["resource"]] == [
        name
    ] * 5


def test_json_in_a_script_has_none_of_the_characters_that_could_end_it() -> None:
    text = json_for_script({"<>&\u2028": "</script>"})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"<>&\u2028": "</script>"}


def test_values_that_json_does_not_have_are_words() -> None:
    step = StepLineage("x", datetime(2026, 1, 1), float("inf"), {"p": float("nan")})
    text = Reader(page(LineageGraph("w", None, None, (), (), (StepNode("s1", step),)))).within("script")[0]
    (node,) = json.loads(text, parse_constant=pytest.fail)["graph"]["nodes"]
    assert (node["execution_time_seconds"], node["parameters"]) == ("Infinity", {"p": "NaN"})


def test_same_environment_is_there_once() -> None:
    def step(number: int, version: str) -> StepNode:
        environment = Environment("3.11", distributions={"numpy": version})
        return StepNode(f"s{number}", StepLineage("x", datetime(2026, 1, number), environment=environment))

    steps = (step(1, "2.0"), step(2, "2.1"), step(3, "2.0"))
    data = Reader(page(LineageGraph("w", None, None, (), (), steps))).data()
    assert [environment["distributions"] for environment in data["environments"]] == [
        {"numpy": "2.0"},
        {"numpy": "2.1"},
    ]  # type: ignore[attr-defined]
    assert [node["environment"] for node in data["graph"]["nodes"]] == [0, 1, 0]  # type: ignore[index]


def test_looks_follow_role_and_origin() -> None:
    cert = ResourceCert(ResourceRef("x"), HashCertificate("ab"))
    roles = ["source-data", "intermediate-data", "results", "code", None]
    nodes = [DataNode(f"d{i}", cert, role) for i, role in enumerate(roles)]
    nodes.append(DataNode("d9", cert, "results", imported=True))
    data = Reader(page(LineageGraph("w", None, None, (), tuple(nodes)))).data()
    looks = [node["look"] for node in data["graph"]["nodes"]]  # type: ignore[index]
    assert looks == ["source", "intermediate", "result", "other", "other", "imported"]


def test_state_and_reasons_are_there() -> None:
    node = DataNode(
        "d1", ResourceCert(ResourceRef("x"), HashCertificate("ab")), None, state=State("unknown", ("it failed",))
    )
    data = Reader(page(LineageGraph("w", None, None, (), (node,)))).data()
    (shown,) = data["graph"]["nodes"]  # type: ignore[index]
    assert (shown["state"], shown["reasons"]) == ("unknown", ["it failed"])


def test_size_is_left_to_the_window_or_given() -> None:
    assert [Reader(page(graph())).data()[key] for key in ("width", "height")] == [None, None]
    assert [Reader(page(graph(), 640, 480)).data()[key] for key in ("width", "height")] == [640, 480]


def test_page_is_the_same_for_the_same_graph() -> None:
    assert page(graph("model")) == page(graph("model"))


# -- libraries ------------------------------------------------------------------------------------------------------


def test_all_of_the_front_end_is_small() -> None:
    """Compressed, as the server sends it."""
    files = [file for file in APP.iterdir() if file.name.endswith((".js", ".css", ".html", ".svg"))]
    assert {"app.js", "lineage.js"} <= {file.name for file in files}
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= 400_000
    first = [file for file in files if not file.name.startswith("lineage")]  # what the first page needs
    assert sum(len(gzip.compress(file.read_bytes())) for file in first) <= 150_000


def test_page_holds_the_licences_of_the_libraries() -> None:
    (licences, *_) = Reader(page(graph())).comments
    assert licences.count("Permission is hereby granted") == 4
    for owner in ("The Cytoscape Consortium", "Chris Pettitt"):
        assert owner in licences


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("plain", None, "plain"),
        ("a\x1bb", None, "a\\x1bb"),
        ("\u202e", None, "\\u202e"),
        ("abcdefgh", 5, "ab…gh"),
        ("abcde", 5, "abcde"),
    ],
)
def test_visible(text: str, limit: int | None, expected: str) -> None:
    assert visible(text, limit) == expected


def test_drawing_of_a_lineage_is_the_page_in_its_size() -> None:
    drawn = graph("model")
    assert drawing.draw(drawn, "html", 640, 800) == page(drawn, 640, 800)
    assert '"width":640,"height":800' in drawing.draw(drawn, "html", 640, 800)
    assert load_drawing("html").text(drawn) == page(drawn)
