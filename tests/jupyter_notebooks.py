"""Notebooks for the tests of dws-jupyter, and what running them left in their cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from endtoend import User, write_files

LOAD = "import dataworkspaces.kits.jupyter\n%load_ext dataworkspaces.kits.jupyter"
THREE_RUNS = """\
from dataworkspaces.kits.jupyter import NotebookLineageBuilder, get_step_name_for_notebook, is_notebook
print("is_notebook", is_notebook(), "step", get_step_name_for_notebook(), "variable", DWS_JUPYTER_NOTEBOOK)
for accuracy, slope, tag in ((0.91, 1.5, "one"), (0.85, 0.2, "two"), (0.97, float("nan"), "three")):
    builder = NotebookLineageBuilder("../results", step_name="experiment").with_input_path("../data")
    with builder.with_parameters({"C": accuracy}).eval() as step:
        step.write_results({"accuracy": accuracy, "slope": slope, "units": "degrees <b>"})
    %dws_snapshot -t {tag} -m "snapshot {tag}"
"""
CELLS = {
    "load": LOAD,
    "info": "%dws_info",
    "runs": THREE_RUNS,
    "heatmap": "%dws_history --heatmap --minimize-metrics slope",
    "baseline": "%dws_history --baseline=one --minimize-metrics slope",
    "tail": "table = %dws_history --tail\nprint(list(table.index), round(table['accuracy'].mean(), 2))",
    "table": "%dws_lineage_table --snapshot one",
    "results": "%dws_results --snapshot two",
    "help": "%dws_snapshot --help",
    "step": "%dws_step --step-name steps --input data --param C=3\nDWS_STEP.write_results({'accuracy': 0.5})\n%dws_snapshot -t four",
    "run": "%%dws_run --step-name cell --input data\nDWS_STEP.write_results({'loss': 0.5})\n41 + 1",
    "await": "%%dws_run --step-name cell --input data\nimport asyncio\nawait asyncio.sleep(0)\nDWS_STEP.write_results({'loss': 0.4})",
    "graph": "%dws_lineage_graph",
    "web": "%dws_web --live",
    "end": "print('reached ' + 'the end')",
}


def write_notebook(path: Path, cells: dict[str, str], *, parameters: str | None = None) -> Path:
    """A notebook with these cells of code; ``parameters`` names the one with papermill's parameters."""
    document = {
        "cells": [
            {
                "cell_type": "code",
                "id": name,
                "metadata": {"tags": ["parameters"]} if name == parameters else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for name, source in cells.items()
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document))
    return path


def add_data(workspace: User) -> None:
    write_files(workspace.cwd, {"data/d.csv": "1\n"})
    workspace.batch("add", "local-files", "--role", "source-data", "data")


class Executed:
    """A notebook that was run: the outputs of its cells."""

    def __init__(self, path: Path) -> None:
        self.cells: dict[str, list[dict[str, Any]]] = {
            cell["id"]: cell["outputs"] for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"
        }

    def text(self, cell: str) -> str:
        return "".join(self._of(cell, "text/plain"))

    def html(self, cell: str) -> str:
        return "".join(self._of(cell, "text/html"))

    def markdown(self, cell: str) -> str:
        return "".join(self._of(cell, "text/markdown"))

    def _of(self, cell: str, kind: str) -> list[str]:
        found = []
        for output in self.cells[cell]:
            value = output.get("data", {}).get(kind, output.get("text", "") if kind == "text/plain" else "")
            found.append(value if isinstance(value, str) else "".join(value))
        return found
