"""Notebooks with magics in real kernels, as nbconvert and papermill run them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from doc_examples import DOCS
from endtoend import User
from forked import Forked
from jupyter_notebooks import CELLS, LOAD, Executed, add_data, write_notebook

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parent.parent / "examples" / "quickstart"


def nbconvert(user: User, notebook: Path, *, check: bool = True) -> str:
    out = ("--to", "notebook", "--execute", "--output", "out.ipynb")
    return user.at(notebook.parent).run("jupyter", "nbconvert", *out, notebook.name, check=check).stderr


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """All magics, run once by nbconvert."""
    from endtoend import HOST, isolated_environment

    directory = tmp_path_factory.mktemp("jupyter")
    (directory / "ws").mkdir()
    user = Forked(directory / "ws", isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    add_data(user)
    notebook = write_notebook(user.cwd / "code" / "experiment.ipynb", CELLS)
    nbconvert(user, notebook)
    user.at(notebook.parent).run("jupyter", "nbconvert", "--to", "html", "out.ipynb")
    result = Executed(notebook.parent / "out.ipynb")
    result.page = (notebook.parent / "out.html").read_text()  # type: ignore[attr-defined]
    return result


def test_all_cells_run(executed: Executed) -> None:
    assert executed.text("end") == "reached the end\n"


def test_load_message(executed: Executed) -> None:
    message = executed.markdown("load")
    assert message.startswith("Ran DWS initialization. The following magic commands have been added to your notebook:")
    for name in ("info", "history", "snapshot", "lineage_table", "lineage_graph", "results"):
        assert f"- `%dws_{name}` - " in message
    assert "`DWS_JUPYTER_NOTEBOOK` has been added to your variables" in message


def test_a_notebook_without_a_server_has_no_name(executed: Executed) -> None:
    assert "is_notebook True step None variable None" in executed.text("runs")


def test_info(executed: Executed) -> None:
    assert re.search(r"^data +source-data +file ", executed.text("info"), re.MULTILINE)


def test_snapshots_are_told_with_their_tags(executed: Executed) -> None:
    assert re.findall(r"Took snapshot (\w+) \([0-9a-f]{8}\)", executed.text("runs")) == ["one", "two", "three"]


def cells_of(html: str) -> list[list[tuple[str, str]]]:
    """The style and text of each cell, by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r'<t[dh][^>]*style="([^"]*)">(.*?)</t[dh]>', row) for row in rows]


def test_heat_map_goes_from_red_to_green_in_the_direction_of_the_metric(executed: Executed) -> None:
    head, *rows = cells_of(executed.html("heatmap"))
    assert [text for _, text in head] == ["", "timestamp", "hash", "tags", "message", "accuracy", "slope", "units", "C"]
    hues = [[re.search(r"hsl\((\d+)", style) for style, _ in row[5:8]] for row in rows]
    assert [[h and int(h[1]) for h in row] for row in hues] == [[120, None, None], [0, 120, None], [60, 0, None]]
    assert [row[6][1] for row in rows] == ["nan", "0.200000", "1.500000"]


def test_baseline_marks_better_close_and_worse(executed: Executed) -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", executed.html("baseline"))[1:]
    assert [re.findall(r'class="dws-(\w+)"', row) for row in rows] == [
        ["better"],
        ["worse", "better"],
        ["close", "close"],
    ]


def test_values_in_tables_are_no_html(executed: Executed) -> None:
    assert "degrees &lt;b&gt;" in executed.html("heatmap")
    assert "<b>\n" not in executed.html("heatmap")
    assert "degrees <b>" not in executed.html("results")


def test_history_is_a_data_frame(executed: Executed) -> None:
    assert executed.text("tail") == "[3, 2, 1] 0.91\n"


def test_lineage_table_of_a_snapshot(executed: Executed) -> None:
    assert re.search(r"^results +Step +experiment at .* data ", executed.text("table"), re.MULTILINE)


def test_results_of_a_snapshot(executed: Executed) -> None:
    assert "snapshots/host1-two/results.json" in executed.text("results")
    assert re.search(r"^accuracy +0\.850000$", executed.text("results"), re.MULTILINE)


def test_help_is_printed_in_the_cell(executed: Executed) -> None:
    assert executed.text("help").startswith("usage: dws_snapshot [-h] [-m MESSAGE] [-t TAG]\n")
    assert "show this help message and exit" in executed.text("help")


def test_a_step_is_complete_at_the_snapshot(executed: Executed) -> None:
    assert "Step steps has begun" in executed.text("step")
    assert "Took snapshot four" in executed.text("step")


def test_a_cell_is_a_step_and_shows_its_value(executed: Executed) -> None:
    assert executed.text("run").startswith("42")
    assert executed.text("run").endswith("Recorded step cell\n")


def test_a_cell_that_awaits_is_a_step(executed: Executed) -> None:
    assert "Recorded step cell" in executed.text("await")


def test_graph_is_in_the_notebook_and_in_its_page(executed: Executed) -> None:
    for page in (executed.html("graph"), executed.page):  # type: ignore[attr-defined]
        assert 'sandbox="allow-scripts allow-downloads"' in page
        assert "cytoscape" in page


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%dws_history --baseline=nope", "UsageError: dws_history: No snapshot has the tag or hash nope."),
        ("%%dws_run --step-name broken\n1 / 0", "UsageError: dws_run: The cell failed, and so did step broken;"),
        (
            "from dataworkspaces.kits.jupyter import NotebookLineageBuilder\nNotebookLineageBuilder('../results')",
            "Name the step: NotebookLineageBuilder(RESULTS_DIR, step_name=NAME)",
        ),
    ],
)
def test_a_mistake_is_one_line_and_stops_the_run(workspace: User, cell: str, message: str) -> None:
    cells = {"load": LOAD, "mistake": cell, "after": "open('after', 'w')"}
    notebook = write_notebook(workspace.cwd / "code" / "mistake.ipynb", cells)
    said = nbconvert(workspace, notebook, check=False)
    if "NotebookLineageBuilder" in cell:
        # A call of Python is an exception as ever, of our own kind.
        assert "LineageError" in said
    assert message in re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert not (notebook.parent / "after").exists()


def test_papermill_disables_the_magics_by_a_parameter(workspace: User) -> None:
    cells = {
        "given": "DWS_MAGIC_DISABLE = False",
        "load": LOAD,
        "run": "%%dws_run --step-name cell\nawait __import__('asyncio').sleep(0)\nDWS_STEP.write_results({'a': 1})\nran = 1",
        "step": "%dws_step --step-name steps\nDWS_STEP.write_results({'a': ran})",
        "take": "%dws_snapshot -t one",
        "bad": "%dws_info --no",
    }
    notebook = write_notebook(workspace.cwd / "code" / "batch.ipynb", cells, parameters="given")
    here = workspace.at(notebook.parent)
    here.run("papermill", notebook.name, "out.ipynb", "-p", "DWS_MAGIC_DISABLE", "True")
    assert "disabled" in Executed(notebook.parent / "out.ipynb").markdown("load")
    assert json.loads(here.dws("report", "history", "--json").stdout)["total"] == 0
    assert not (workspace.cwd / "results" / "results.json").exists()
    assert here.run("papermill", notebook.name, "out.ipynb", check=False).returncode != 0
    assert json.loads(here.dws("report", "history", "--json").stdout)["total"] == 1


def test_papermill_names_the_step_by_its_parameter(workspace: User) -> None:
    cells = {
        "given": "PAPERMILL_INPUT_PATH = None",
        "name": "from dataworkspaces.kits.jupyter import get_step_name_for_notebook\nprint(get_step_name_for_notebook())",
    }
    notebook = write_notebook(workspace.cwd / "code" / "named.ipynb", cells, parameters="given")
    here = workspace.at(notebook.parent)
    here.run("papermill", notebook.name, "out.ipynb", "-p", "PAPERMILL_INPUT_PATH", str(notebook))
    assert Executed(notebook.parent / "out.ipynb").text("name") == "named\n"


def test_a_plain_ipython_runs_the_magics(workspace: User) -> None:
    lines = "%load_ext dataworkspaces.kits.jupyter\n%dws_info\n%dws_snapshot -t one\n%dws_history\n"
    said = workspace.run("ipython", "--simple-prompt", "--colors=NoColor", "--no-banner", input=lines).stdout
    assert "Ran DWS initialization" in said
    assert "Took snapshot one (" in said


STEP = """\
from dataworkspaces.kits.jupyter import NotebookLineageBuilder
with NotebookLineageBuilder("../results").with_input_path("../data").eval() as step:
    step.write_results({"accuracy": 0.5})
"""


def test_a_notebook_is_the_code_of_its_step_by_its_sources(workspace: User) -> None:
    add_data(workspace)
    cells = {"first": "print('outputs ' + 'change')", "step": STEP, "later": "1 + 1"}
    notebook = write_notebook(workspace.cwd / "code" / "experiment.ipynb", cells)
    here = workspace.at(notebook.parent, JPY_SESSION_NAME=str(notebook))
    here.run("jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", notebook.name)
    assert "outputs change" in Executed(notebook).text("first")  # so the file is another than that which ran
    (entry,) = json.loads((workspace.cwd / ".dataworkspace/current_lineage/results.json").read_text())["lineages"]
    assert entry["step_name"] == "experiment"
    record = entry["notebook"]
    assert record["place"] == ["code", "experiment.ipynb"]
    assert (record["executed"], record["top_to_bottom"]) == ([1, 2], True)
    assert state_of_results(workspace) == ("current", [])

    workspace.dws("snapshot", "ONE")
    assert state_of_results(workspace) == ("current", [])

    write_notebook(notebook, {**cells, "later": "1 + 2"})
    state, reasons = state_of_results(workspace)
    assert state == "out of date"
    assert reasons in ([f"its code in code{name} has changed"] for name in ("", ":experiment.ipynb"))


def state_of_results(user: User) -> tuple[str, list[str]]:
    graph = json.loads(user.dws("lineage", "graph", "--format", "json", "-").stdout)
    (node,) = [node for node in graph["nodes"] if node["kind"] == "data" and node["resource"] == "results"]
    return node["state"], node["reasons"]


def test_docs(workspace: User) -> None:
    add_data(workspace)
    blocks = re.findall(r"^```python jupyter\n(.*?)^```", (DOCS / "jupyter.md").read_text(), re.MULTILINE | re.DOTALL)
    cells = {f"cell-{i}": block.rstrip() for i, block in enumerate(blocks)}
    notebook = write_notebook(workspace.cwd / "code" / "slopes.ipynb", cells)
    nbconvert(workspace, notebook)
    shown = Executed(notebook.parent / "out.ipynb")
    assert shown.html(f"cell-{len(blocks) - 2}").count('class="dws-') == 5  # and the run with C=3
    assert re.search(r"C-5 +0\.96 +0\.6$", shown.text(f"cell-{len(blocks) - 1}"), re.MULTILINE)


@pytest.fixture
def quickstart(user: User, digits: Path) -> User:
    """At the root of the Quick Start's workspace, before its code."""
    (user.cwd / "quickstart").mkdir()
    here = user.at(user.cwd / "quickstart")
    here.batch("init", "--hostname", "host1", "--create-resources", "code,results")
    here.git("clone", "--quiet", digits, "sklearn-digits-dataset")
    here.batch("add", "git", "--role=source-data", "--read-only", "./sklearn-digits-dataset")
    return here


def test_quick_start_and_tutorial_as_notebooks(quickstart: User) -> None:
    here = quickstart
    for name in ("digits-svc", "digits-lr"):
        notebook = here.cwd / "code" / f"{name}.ipynb"
        notebook.write_text((EXAMPLES / notebook.name).read_text())
        nbconvert(here, notebook)
        shown = Executed(notebook.parent / "out.ipynb")
        score = shown.text("experiment")
        assert "Wrote results to results:results.json\n" in score
        assert "0.9688542825361512" in score or name != "digits-svc"
    assert [s["tags"] for s in json.loads(here.dws("report", "history", "--json").stdout)["snapshots"]] == [
        ["LR-1"],
        ["SVC-1"],
    ]
    assert "hsl(" in shown.html("history")


def test_a_notebook_is_reproduced(workspace: User) -> None:
    """In the checkout, without the snapshot that it takes itself."""
    add_data(workspace)
    write = "DWS_STEP.write_results({'rows': len(open('../data/' + os.listdir('../data')[0]).readlines())})"
    cells = {
        "load": LOAD + "\nimport os",
        "step": f"%dws_step --step-name count --input data\n{write}",
        "more": "print(DWS_JUPYTER_NOTEBOOK)",
        "snapshot": "%dws_snapshot -t N1",
    }
    notebook = write_notebook(workspace.cwd / "code" / "count.ipynb", cells)
    nbconvert(workspace.at(workspace.cwd, JPY_SESSION_NAME=str(notebook)), notebook)
    before = notebook.read_bytes()
    found = workspace.json("reproduce", "N1")
    assert found["reproduced"], (found["outputs"], found["steps"])
    assert found["steps"][0]["command"] == ["notebook", "code:count.ipynb"]
    assert notebook.read_bytes() == before
    assert len(workspace.json("history")["snapshots"]) == 1


def test_a_notebook_of_a_kit_is_reproduced(quickstart: User) -> None:
    here = quickstart
    notebook = here.cwd / "code" / "digits-svc.ipynb"
    notebook.write_text((EXAMPLES / notebook.name).read_text())
    nbconvert(here.at(here.cwd, JPY_SESSION_NAME=str(notebook)), notebook)
    found = here.json("reproduce", "SVC-1")
    assert found["reproduced"], (found["outputs"], found["steps"])
    assert found["steps"][0]["command"] == ["notebook", "code:digits-svc.ipynb"]


@pytest.mark.parametrize("name", ["digits-svc", "digits-lr"])
def test_notebooks_of_the_quick_start_hold_its_scripts(name: str) -> None:
    cells = {c["id"]: "".join(c["source"]) for c in json.loads((EXAMPLES / f"{name}.ipynb").read_text())["cells"]}
    script = (EXAMPLES / f"{name}.py").read_text().strip()
    body = re.sub(r"print\((classifier\.score\(X_test, y_test\))\)\Z", r"\1", script)
    assert body.endswith(cells["experiment"])


def test_a_graph_of_several_results_has_to_be_chosen(workspace: User) -> None:
    """As many as there are, or were in the snapshot."""
    (workspace.cwd / "more").mkdir()
    workspace.dws("snapshot", "ONE")
    workspace.batch("add", "git", "--role", "results", "more")
    workspace.dws("snapshot", "TWO")
    options = ("--snapshot ONE", "--snapshot TWO", "--resource more", "--snapshot TWO --resource more", "")
    load = "%load_ext dataworkspaces.kits.jupyter\nimport sys; sys.stderr = sys.stdout\n"
    lines = load + "".join(f"%dws_lineage_graph {option}\n" for option in options)
    said = workspace.run("ipython", "--simple-prompt", "--colors=NoColor", "--no-banner", input=lines).stdout
    graph, several = "HTML object", "results resources: results, more. Choose one with --resource"
    assert re.findall(f"{graph}|{several}", said) == [graph, several, graph, graph, several]
