"""The lineage in the language of Graphviz, and `dws lineage graph` with its files. Graphviz itself reads what was
written, if it is there."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dataworkspaces import api, plugins
from dataworkspaces.cli.main import dws
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage import FileLineageStore, drawing
from dataworkspaces.lineage.drawing.dot import LABEL_LIMIT, dot
from dataworkspaces.lineage.exporter import Drawing
from dataworkspaces.lineage.graph import DataNode, Edge, LineageGraph, StepNode
from dataworkspaces.lineage.model import HashCertificate, PlaceholderCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.states import State
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceRef

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz: apt-get install graphviz")


def data(node_id: str, name: str, role: str | None = "results", **more: object) -> DataNode:
    return DataNode(node_id, ResourceCert(ResourceRef(name), HashCertificate("0123456789abcdef")), role, **more)  # type: ignore[arg-type]


def graph(*nodes: DataNode | StepNode, edges: tuple[Edge, ...] = ()) -> LineageGraph:
    return LineageGraph(
        "project", None, None, (),
        tuple(node for node in nodes if isinstance(node, DataNode)),
        tuple(node for node in nodes if isinstance(node, StepNode)),
        edges,
    )  # fmt: skip


def svg(text: str) -> ElementTree.Element:
    done = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return ElementTree.fromstring(done.stdout)


def texts(element: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in element.iter() if node.tag.endswith("}text")]


STEP = StepNode("s1", StepLineage("train", datetime(2026, 1, 14, 12, 54), parameters={"rate": 0.5}))


def test_it_goes_from_left_to_right() -> None:
    assert 'rankdir="LR"' in dot(graph())


@needs_graphviz
def test_graphviz_draws_nodes_and_edges() -> None:
    drawn = svg(dot(graph(data("d1", "model"), STEP, edges=(Edge("s1", "d1"),))))
    assert texts(drawn) == ["model", "01234567", "train", "2026-01-14 12:54"]
    assert [element.get("class") for element in drawn.iter() if element.get("class") == "edge"] == ["edge"]


@needs_graphviz
@pytest.mark.parametrize(
    "name",
    ['"', "\\", "a\\nb", "\\N", "<b>", "&lt;", '"];x[label="', "\\\"", "שלום", "%s {} |", "//", "-> ;", "{a|b}", "]]>"],
)  # fmt: skip
def test_graphviz_shows_names_as_they_are(name: str) -> None:
    assert texts(svg(dot(graph(data("d1", name)))))[0] == name


@needs_graphviz
@pytest.mark.parametrize(
    ("name", "shown"), [("a\nb", "a\\nb"), ("\x00\x1b", "\\x00\\x1b"), ("\u202ex", "\\u202ex"), ("\udc80", "\\x80")]
)
def test_what_would_not_be_seen_is_told(name: str, shown: str) -> None:
    assert texts(svg(dot(graph(data("d1", name)))))[0] == shown


@needs_graphviz
def test_long_names_lose_their_middle() -> None:
    (first, *_) = texts(svg(dot(graph(data("d1", "begin" + "x" * 5000 + "end")))))
    assert len(first) == LABEL_LIMIT
    assert first.startswith("begin")
    assert first.endswith("end")


def look_of(*nodes: DataNode | StepNode) -> list[str]:
    """All of the lines of nodes but for names and words."""
    lines = [line for line in dot(graph(*nodes)).splitlines() if line.startswith(('  "d', '  "s'))]
    return [line.partition("shape=")[2] for line in lines]


def test_kinds_and_states_look_different() -> None:
    looks = look_of(
        data("d1", "x", "source-data"),
        data("d2", "x", "intermediate-data"),
        data("d3", "x", "results"),
        data("d4", "x", "results", imported=True),
        data("d5", "x", None),
        data("d6", "x", "results", state=State("out of date", ("why",))),
        data("d7", "x", "results", state=State("unknown", ("why",))),
        STEP,
        StepNode("s2", STEP.step, imported=True),
    )
    assert len(set(looks)) == len(looks) == 9


def test_tooltip_says_why_and_with_which_parameters() -> None:
    text = dot(graph(StepNode("s1", STEP.step, state=State("out of date", ("raw has changed",)))))
    assert r'tooltip="train\nraw has changed\nrate = 0.5"' in text


def test_size_is_in_inches_of_96_pixels() -> None:
    assert ' size="10,5"' in dot(graph(), 960, 480)
    assert " size=" not in dot(graph())


@needs_graphviz
def test_width_alone_limits_the_width() -> None:
    nodes = [data(f"d{i}", "x" * 30) for i in range(9)]
    edges = tuple(Edge(f"d{i}", f"d{i + 1}") for i in range(8))
    width = svg(dot(graph(*nodes, edges=edges), width=480)).get("width") or ""
    assert float(width.removesuffix("pt")) <= 480 * 72 / 96 + 1


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.dot", "dot"), ("a.GV", "dot"), ("a.json", "json"), ("a.html", "html"), ("a", "html"), (".dot", "html")],
)
def test_suffix_chooses_the_format(name: str, expected: str) -> None:
    assert drawing.format_of(Path(name)) == expected


def test_json_is_that_of_the_graph() -> None:
    drawn = graph(data("d1", "model"), STEP, edges=(Edge("s1", "d1"),))
    text = drawing.draw(drawn, "json")
    assert json.loads(text) == json.loads(json.dumps(drawn.to_json()))
    assert text.startswith('{\n  "workspace"')


def test_json_has_no_nan() -> None:
    text = drawing.draw(
        graph(StepNode("s1", StepLineage("x", datetime(2026, 1, 1), parameters={"p": float("nan")}))), "json"
    )
    assert json.loads(text, parse_constant=pytest.fail)["nodes"][0]["parameters"] == {"p": "NaN"}


def test_directory_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"directory of .*none/a\.html does not exist"):
        drawing.write_drawing(tmp_path / "none" / "a.html", "")


def test_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory"):
        drawing.write_drawing(tmp_path, "")


def test_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        drawing.write_drawing(tmp_path / ("x" * 300), "")
    assert list(tmp_path.iterdir()) == []


def test_write_that_fails_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.html").write_text("before")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        drawing.write_drawing(tmp_path / "a.html", "after")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.html", "before")]


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to("real.html")
    drawing.write_drawing(tmp_path / "link.html", "text")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "text"


def test_device_is_not_replaced() -> None:
    drawing.write_drawing(Path("/dev/null"), "text")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(project: MemoryWorkspace, store: FileLineageStore, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """`dws lineage graph` in a workspace in which `train` has made the results from the source."""
    source = ResourceCert(ResourceRef("source", "a.csv"), PlaceholderCertificate(1))
    made = ResourceCert(ResourceRef("results"), PlaceholderCertificate(1, "", True))
    step = StepLineage("train", datetime(2026, 1, 1), inputs=(source,), outputs=(made,))
    store.update("results", lambda _old: [step])
    monkeypatch.setattr("dataworkspaces.workspace.find_and_load_workspace", lambda *_: project)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(dws, ["lineage", "graph", *arguments])

    return run


def test_command_says_where_and_how_much(command) -> None:  # type: ignore[no-untyped-def]
    done = command("a.dot")
    assert (done.exit_code, done.output) == (0, "Graph of 1 step written to a.dot\n")
    assert Path("a.dot").read_text().startswith("digraph")


def test_page_is_made_by_a_plugin(command, project: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    class Sizes(Drawing):
        def draw(self, graph: LineageGraph, width: int | None, height: int | None) -> str:
            return f"{len(graph.steps)} {width} {height}"

    monkeypatch.setattr(api, "find_and_load_workspace", lambda *_: project)
    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda group, *more: Sizes() if group == plugins.EXPORTERS else load(group, *more)
    )
    assert command("a.html", "--width", "640").exit_code == 0
    assert Path("a.html").read_text() == "1 640 None"
    api.make_lineage_graph("b", width=640)
    assert Path("b").read_text() == "1 640 800"
    no_drawing = "no drawing"
    monkeypatch.setattr(
        plugins, "load", lambda group, *more: no_drawing if group == plugins.EXPORTERS else load(group, *more)
    )
    assert "is not an instance of dataworkspaces.lineage.exporter." in command("c.html").stderr
    assert not Path("c.html").exists()


def test_command_takes_the_format_from_the_suffix_or_the_option(command) -> None:  # type: ignore[no-untyped-def]
    command("a.dot")
    command("b.txt", "--format", "dot")
    command("c.json")
    assert Path("a.dot").read_text() == Path("b.txt").read_text()
    assert Path("a.dot").read_text().startswith("digraph")
    assert json.loads(Path("c.json").read_text())["resource"] == "results"


def test_stdout_gets_the_graph_and_nothing_else(command) -> None:  # type: ignore[no-untyped-def]
    done = command("-", "--format", "json", "--all")
    assert json.loads(done.stdout)["resource"] is None
    assert not Path("-").exists()


def test_command_reports_a_missing_directory_in_one_line(command) -> None:  # type: ignore[no-untyped-def]
    done = command("none/a.html")
    assert done.exit_code == 4
    assert done.stderr == "error: The directory of none/a.html does not exist. Create it first\n"
    assert "Traceback" not in done.output


def test_command_refuses_all_with_a_resource(command) -> None:  # type: ignore[no-untyped-def]
    done = command("a.html", "--all", "--resource", "results")
    assert done.exit_code == 2
    assert not Path("a.html").exists()


@pytest.mark.parametrize("option", ["--width", "--height"])
def test_command_refuses_a_size_that_is_none(command, option: str) -> None:  # type: ignore[no-untyped-def]
    assert command("a.html", option, "0").exit_code == 2


# -- the API --------------------------------------------------------------------------------------------------------


def test_api_takes_the_format_from_the_suffix(
    command, project: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(api, "find_and_load_workspace", lambda *_: project)
    api.make_lineage_graph("a.json", resource_name="source")
    assert json.loads(Path("a.json").read_text())["resource"] == "source"


def test_api_refuses_a_size_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="height is 0"):
        api.make_lineage_graph(str(tmp_path / "a.html"), height=0)
