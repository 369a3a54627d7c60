"""The page of `dws lineage graph`, in Chromium: what a person sees and does, with a workspace, and with 500 steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from endtoend import User, write_files
from PIL import Image
from playwright.sync_api import Browser, Page
from web_pages import CHROMIUM

from dataworkspaces.lineage.graph import DataNode, Edge, LineageGraph, StepNode
from dataworkspaces.lineage.model import HashCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.states import State
from dataworkspaces.web.lineage_page import page as make_page
from dataworkspaces.workspace import ResourceRef

SECONDS_FOR_500_STEPS = 20
"""For a machine that does other things too; alone, two cores take 3."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

# Cytoscape keeps its object at the element that it draws in.
CY = "document.getElementById('graph')._cyreg.cy"


class Shown:
    """A page in the browser, with what it asked the network for and what it complained of."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        self.page: Page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("body[data-ready]", timeout=1000 * SECONDS_FOR_500_STEPS)

    def evaluate(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def ids(self, selector: str) -> list[str]:
        return sorted(self.evaluate(f"{CY}.elements('{selector}').map((element) => element.id())"))

    def names(self, selector: str) -> list[str]:
        """The first lines of nodes."""
        return sorted(self.evaluate(f"{CY}.nodes('{selector}').map((node) => node.data('label').split('\\n')[0])"))

    def click_node(self, node_id: str) -> None:
        place = self.evaluate(f"{CY}.getElementById('{node_id}').renderedPosition()")
        box = self.page.locator("#graph").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + place["x"], box["y"] + place["y"])

    def panel(self) -> str:
        return self.page.locator("#panel").inner_text()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Make a graph's page and look at it."""
    opened: list[Shown] = []

    def show(graph: LineageGraph | Path, width: int | None = None, height: int | None = None, **options: Any) -> Shown:
        file = tmp_path / "page.html"
        if isinstance(graph, Path):
            file = graph
        else:
            file.write_text(make_page(graph, width, height), encoding="utf-8")
        opened.append(Shown(browser, file, **options))
        return opened[-1]

    yield show
    for shown in opened:
        shown.page.close()


def data(number: int, name: str, role: str, state: str = "current", **more: Any) -> DataNode:
    cert = ResourceCert(ResourceRef(name), HashCertificate(f"{number:040x}"))
    return DataNode(f"d{number}", cert, role, state=State(state, ("because",) if state != "current" else ()), **more)


def step(number: int, name: str, **known: Any) -> StepNode:
    return StepNode(f"s{number}", StepLineage(name, datetime(2026, 1, 1, 10, number), **known))


def edges(*pairs: str) -> tuple[Edge, ...]:
    return tuple(Edge(*pair.split(">")) for pair in pairs)


@pytest.fixture
def pipeline() -> LineageGraph:
    """raw -> clean -> tidy -> train -> model, and tidy -> plot -> figures."""
    return LineageGraph(
        "project", None, None, (),
        (data(1, "raw", "source-data"), data(2, "tidy", "intermediate-data"), data(3, "model", "results", "out of date"),
         data(4, "figures", "results", "unknown")),
        (step(1, "clean"), step(2, "train", parameters={"rate": 0.5}, metrics={"rmse": 3.25}), step(3, "plot")),
        edges("d1>s1", "s1>d2", "d2>s2", "s2>d3", "d2>s3", "s3>d4"),
    )  # fmt: skip


# -- a real workspace -----------------------------------------------------------------------------------------------


def test_page_of_a_workspace_shows_its_steps(workspace: User, show: Any) -> None:
    root = workspace.cwd
    write_files(
        root, {"raw/a.txt": "3\n", "code/double.sh": "mkdir -p ../tidy && cat ../raw/a.txt > ../results/b.txt\n"}
    )
    workspace.batch("add", "git", "--role", "source-data", "raw")
    workspace.batch(
        "run", "--name", "double", "--input", "raw", "--output", "results", "--", "cp", "raw/a.txt", "results/b.txt"
    )
    said = workspace.dws("lineage", "graph", "lineage.html").stdout
    assert said == "Graph of 1 step written to lineage.html\n"
    shown = show(root / "lineage.html")
    assert shown.names(".step") == ["double"]
    assert "raw" in shown.names(".source")
    assert [name for name in shown.names(".result") if name.startswith("results")]


# -- network and untrusted text -------------------------------------------------------------------------------------


def test_nothing_is_fetched_and_nothing_complained_of(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    shown.click_node("s2")
    own = shown.page.url
    assert [url for url in shown.requests if url != own and not url.startswith("data:image/svg+xml,")] == []
    assert shown.complaints == []


def test_network_is_forbidden(show: Any, pipeline: LineageGraph) -> None:
    """The policy holds for the page's own scripts, too."""
    shown = show(pipeline)
    answer = shown.evaluate("fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused')")
    assert answer == "refused"
    assert any("Content Security Policy" in text for text in shown.complaints)


HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "'\"quoted\\",
    "line\nbreak\r\t\x00\x1b[31m",
    "x" * 5000,
    "שלום עולם",
    "\u202eevil\u2066",
    "\ud800 half",
    "__proto__",
    "",
]


def test_text_from_outside_is_text(show: Any) -> None:
    nodes = [
        DataNode(f"d{i}", ResourceCert(ResourceRef(bad, bad), HashCertificate(bad)), bad)
        for i, bad in enumerate(HOSTILE)
    ]
    steps = [
        StepNode(
            f"s{i}",
            StepLineage(bad, datetime(2026, 1, 1), parameters={bad: {bad: bad}}, command_line=(bad,), user=bad,
                        metrics={bad: float("nan")}, code_trees={bad: bad}, random_seeds={bad: bad}),
            state=State("unknown", (bad,)),
        )
        for i, bad in enumerate(HOSTILE)
    ]  # fmt: skip
    pairs = [Edge(f"d{i}", f"s{i}") for i in range(len(HOSTILE))]
    bad = HOSTILE[0]
    shown = show(LineageGraph(bad, bad, bad, tuple(HOSTILE), tuple(nodes), tuple(steps), tuple(pairs)))
    for node_id in shown.ids("node"):
        shown.evaluate(f"() => {{ {CY}.getElementById('{node_id}').emit('tap'); }}")
    assert shown.complaints == []
    assert shown.page.locator("img").count() == 0
    shown.evaluate(f"() => {{ {CY}.getElementById('s0').emit('tap'); }}")
    assert bad in shown.panel()
    shown.evaluate(f"() => {{ {CY}.getElementById('s6').emit('tap'); }}")
    assert "\\u202eevil\\u2066" in shown.panel()
    assert "\u202e" not in shown.panel()


# -- what is seen ---------------------------------------------------------------------------------------------------


def test_steps_go_from_left_to_right(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    at = shown.evaluate(f"Object.fromEntries({CY}.nodes().map((node) => [node.id(), node.position('x')]))")
    assert at["d1"] < at["s1"] < at["d2"] < at["s2"] < at["d3"]


def test_kinds_and_states_differ_in_shape_colour_and_line(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    style = "['shape', 'shape-polygon-points', 'background-color', 'border-style', 'border-color', 'background-image']"
    looks = {
        i: shown.evaluate(f"{style}.map((name) => {CY}.getElementById('{i}').style(name)).join()")
        for i in ("s1", "d1", "d2", "d3", "d4")
    }
    assert len(set(looks.values())) == len(looks)
    legend = shown.page.locator("#legend").inner_text()
    for text in ("Step", "Source data", "Intermediate data", "Result", "Out of date", "Unknown"):
        assert text in legend
    assert "Imported" not in legend  # there is nothing imported here


def test_empty_graph_says_so(show: Any) -> None:
    shown = show(LineageGraph("project", "results", None))
    assert "No lineage is recorded" in shown.page.locator("body").inner_text()
    assert shown.complaints == []


def test_page_in_a_frame_that_is_shown_later_is_fitted(show: Any, pipeline: LineageGraph, tmp_path: Path) -> None:
    """As JupyterLab does with cells that are out of sight."""
    frame = f'<iframe srcdoc="{escape(make_page(pipeline))}" style="display: none" width="800" height="600"></iframe>'
    (tmp_path / "outer.html").write_text(f"<body data-ready>{frame}</body>", encoding="utf-8")
    shown = show(tmp_path / "outer.html")
    inner = shown.page.frames[1]
    inner.wait_for_selector("body[data-ready]", state="attached")
    shown.evaluate("document.querySelector('iframe').style.display = 'block'")
    inside = f"(() => {{ const cy = frames[0].{CY}; const b = cy.elements().renderedBoundingBox(); "
    inside += "return b.x1 >= 0 && b.x2 <= cy.width() && b.y1 >= 0 && b.y2 <= cy.height() && b.w > 300; })()"
    shown.page.wait_for_function(inside)


def test_page_in_a_frame_that_is_hidden_for_a_moment_is_drawn(
    show: Any, pipeline: LineageGraph, tmp_path: Path
) -> None:
    """As JupyterLab does with cells that it moves. No observer is told, but Cytoscape may look just then."""
    frame = f'<iframe srcdoc="{escape(make_page(pipeline))}" width="800" height="600" style="border: 0"></iframe>'
    (tmp_path / "outer.html").write_text(f"<body data-ready>{frame}</body>", encoding="utf-8")
    shown = show(tmp_path / "outer.html")
    inner = shown.page.frames[1]
    inner.wait_for_selector("body[data-ready]")
    width = shown.evaluate(
        "(() => { const frame = document.querySelector('iframe'); frame.style.display = 'none';"
        f" frame.contentWindow.{CY}.resize(); const inside = frame.contentDocument.querySelector('#graph canvas').width;"
        " frame.style.display = ''; return inside; })()"
    )
    assert width == 0
    # In the frame, whose policy forbids to evaluate texts, nothing can be waited for.
    shown.page.wait_for_function("frames[0].document.querySelector('#graph canvas').width === 800")


def test_one_node_is_drawn_in_its_size(show: Any) -> None:
    shown = show(LineageGraph("project", None, None, (), (data(1, "raw", "source-data"),)))
    assert 0.5 < shown.evaluate(f"{CY}.zoom()") < 1.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_those_that_the_reader_prefers(show: Any, pipeline: LineageGraph, scheme: str) -> None:
    shown = show(pipeline, color_scheme=scheme)
    assert shown.evaluate("document.documentElement.dataset.theme") == scheme
    before = shown.evaluate(f"{CY}.getElementById('d1').style('background-color')")
    shown.page.click("#theme")
    assert shown.evaluate("document.documentElement.dataset.theme") != scheme
    assert shown.evaluate(f"{CY}.getElementById('d1').style('background-color')") != before


def test_width_and_height_are_those_of_the_drawing(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline, 640, 480)
    box = shown.page.locator("#graph").bounding_box()
    assert (box["width"], box["height"]) == (640, 480)


def test_drawing_fills_the_window(show: Any, pipeline: LineageGraph) -> None:
    box = show(pipeline).page.locator("#graph").bounding_box()
    assert box["width"] == 1280
    assert box["y"] + box["height"] == pytest.approx(800, abs=1)


# -- what a person does ---------------------------------------------------------------------------------------------


def test_click_on_a_step_shows_it_and_its_lineage(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    shown.click_node("s2")
    panel = shown.panel()
    for text in ("train", "2026-01-01 10:02:00", "rate", "0.5", "rmse", "3.25"):
        assert text in panel
    assert shown.ids("node.behind") == ["d1", "d2", "s1"]
    assert shown.ids("node.ahead") == ["d3"]
    assert shown.ids("node.faded") == ["d4", "s3"]


def test_click_on_data_shows_version_and_reasons(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    shown.click_node("d3")
    panel = shown.panel()
    for text in ("model", f"{3:040x}", "out of date", "because", "results"):
        assert text in panel


def test_panel_leads_to_the_neighbours(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    shown.click_node("d3")
    shown.page.click("#panel .link:has-text('train')")
    assert shown.page.locator("#panel h2").inner_text() == "train"
    assert shown.ids("node.chosen") == ["s2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("TRAIN", ["s2"]), ("tid", ["d2"]), ("rate=0.5", ["s2"]), ("r", ["d1", "d4", "s2"]), ("nix", [])],
)
def test_search_finds_steps_resources_and_parameters(
    show: Any, pipeline: LineageGraph, text: str, expected: list[str]
) -> None:
    shown = show(pipeline)
    shown.page.fill("#search", text)
    assert shown.ids("node.found") == expected


def test_enter_goes_to_the_next_match_and_around(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    shown.page.fill("#search", "r")
    seen = []
    for _ in range(4):
        shown.page.press("#search", "Enter")
        seen += shown.ids("node.cursor")
    assert seen == ["d1", "s2", "d4", "d1"]
    assert shown.page.locator("#count").inner_text() == "1 of 3"


def test_keyboard_alone_is_enough(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    shown.page.focus("#graph")
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        shown.page.keyboard.press(key)
    assert shown.page.locator("#panel h2").inner_text() == "clean"
    assert "clean" in shown.page.locator("#live").inner_text()
    shown.page.keyboard.press("Escape")
    assert not shown.page.locator("#panel").is_visible()
    assert shown.ids(".faded") == []


def test_zoom_and_fit(show: Any, pipeline: LineageGraph) -> None:
    shown = show(pipeline)
    whole = shown.evaluate(f"{CY}.zoom()")
    shown.page.click("#zoom-in")
    assert shown.evaluate(f"{CY}.zoom()") > whole
    shown.page.click("#fit")
    assert shown.evaluate(f"{CY}.zoom()") == pytest.approx(whole)


# -- files, metrics, what was made from a node ----------------------------------------------------------------------


@pytest.fixture
def files() -> LineageGraph:
    """A step that wrote a directory, and two that each read a file of it."""

    def version(path: str | None, content: str) -> ResourceCert:
        return ResourceCert(ResourceRef("tidy", path), HashCertificate("7" * 40, content=f"sha1:{content * 40}"))

    whole = DataNode("d1", version(None, "a"), "intermediate-data")
    results = [data(2, "first", "results"), data(3, "second", "results")]
    readers = [step(2, "one", inputs=[version("x.csv", "b")]), step(3, "two", inputs=[version("y.csv", "c")])]
    return LineageGraph(
        "project", None, None, (), (whole, *results), (step(1, "clean"), *readers),
        edges("s1>d1", "d1>s2", "d1>s3", "s2>d2", "s3>d3"), metrics={"d2": {"accuracy": 0.91234, "loss": 0.3}},
    )  # fmt: skip


def test_files_that_steps_read_have_versions_of_their_own(show: Any, files: LineageGraph) -> None:
    shown = show(files)
    labels = f"{CY}.nodes('.part').map((node) => node.data('label').split('\\n'))"
    assert sorted(shown.evaluate(labels)) == [["tidy", "x.csv", "b" * 8], ["tidy", "y.csv", "c" * 8]]
    shown.page.click("#files")
    assert shown.evaluate(labels) == []
    shown.click_node("d1")
    assert "tidy:x.csv" in shown.panel()
    assert "b" * 40 in shown.panel()


def test_results_show_their_metrics(show: Any, files: LineageGraph) -> None:
    shown = show(files)
    assert shown.evaluate(f"{CY}.getElementById('d2').data('label')").split("\n")[1] == "accuracy 0.9123"
    shown.click_node("d2")
    assert "0.91234" in shown.panel()


def test_results_that_were_made_from_a_node_are_listed(show: Any, files: LineageGraph) -> None:
    shown = show(files)
    shown.click_node("s1")
    section = shown.page.locator("#panel section:has-text('Results made from it')")
    assert section.locator(".link .name").all_inner_texts() == ["first", "second"]
    shown.click_node("s2")
    shown.page.click("#panel button:has-text('Show only this')")
    assert "second" not in shown.names("*")
    shown.page.click("button:has-text('Show all')")
    assert "second" in shown.names("*")


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_drawing_is_downloaded(show: Any, tmp_path: Path, kind: str) -> None:
    bad = "</text><script>alert(1)</script>"
    shown = show(LineageGraph("project", None, None, (), (data(1, bad, "results", "unknown"),), (step(1, bad),), ()))
    with shown.page.expect_download() as download:
        shown.page.click(f"button:has-text('{kind}')")
    content = Path(download.value.path()).read_bytes()
    if kind == "PNG":
        with Image.open(BytesIO(content)) as picture:
            assert picture.width > 300
        return
    texts = [element.text for element in ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text and text.startswith("</text>")]
    assert b"<script" not in content
    (tmp_path / "drawing.svg").write_bytes(content)
    shown.page.goto((tmp_path / "drawing.svg").as_uri())
    assert shown.evaluate("document.documentElement.getBBox().width") > 180


# -- size -----------------------------------------------------------------------------------------------------------


def generated(kind: str, count: int) -> LineageGraph:
    """Steps that each write a version: one after the other, all from the same and into one, or at random."""
    chance = random.Random(1)
    nodes, steps, lines = [data(0, "v0", "source-data")], [], []
    for i in range(1, count + 1):
        fan = list(range(1, i)) if i == count else [0]
        sources = {
            "chain": [i - 1],
            "fan": fan,
            "random": sorted({chance.randrange(i) for _ in range(chance.choice([1, 2, 3]))}),
            "near": sorted({chance.randrange(max(0, i - 40), i) for _ in range(chance.choice([1, 2, 3]))}),
        }[kind]
        start = datetime(2026, 1, 1) + timedelta(minutes=i)
        steps.append(StepNode(f"s{i}", StepLineage(f"step{i}", start, parameters={"number": i})))
        nodes.append(data(i, f"v{i}", "intermediate-data"))
        lines += [*(Edge(f"d{source}", f"s{i}") for source in sources), Edge(f"s{i}", f"d{i}")]
    return LineageGraph("large", None, None, (), tuple(nodes), tuple(steps), tuple(lines))


@pytest.mark.parametrize("kind", ["chain", "fan", "random", "near"])
def test_500_steps_are_laid_out_and_do_not_overlap(show: Any, kind: str) -> None:
    shown = show(generated(kind, 500))  # which waits for so many seconds
    places = shown.evaluate(
        f"{CY}.nodes().map((node) => [Math.round(node.position('x')), Math.round(node.position('y'))])"
    )
    assert len(places) == 1001
    columns: dict[int, list[int]] = {}
    for x, y in places:
        columns.setdefault(x, []).append(y)
    height = shown.evaluate(f"{CY}.nodes()[0].height()")
    for ys in columns.values():
        ys.sort()
        assert all(below - above >= height for above, below in pairwise(ys))
    xs = sorted(columns)
    width = shown.evaluate(f"{CY}.nodes()[0].width()")
    assert all(right - left >= width for left, right in pairwise(xs))
    assert shown.complaints == []


def test_labels_are_hidden_where_nobody_could_read_them(show: Any) -> None:
    shown = show(generated("random", 500))
    assert shown.evaluate(f"{CY}.zoom() * {CY}.nodes()[0].numericStyle('font-size')") < 5
    assert shown.evaluate(f"{CY}.nodes()[0].numericStyle('min-zoomed-font-size')") >= 5
    assert shown.ids("node.far") == shown.ids("node")


def test_search_in_500_steps_leads_to_a_readable_node(show: Any) -> None:
    shown = show(generated("chain", 500))
    shown.page.fill("#search", "step250")
    shown.page.press("#search", "Enter")
    box = shown.evaluate(f"{CY}.getElementById('s250').renderedBoundingBox()")
    assert 0 <= box["x1"] < box["x2"] <= 1280
    assert shown.evaluate(f"{CY}.zoom()") > 0.45
