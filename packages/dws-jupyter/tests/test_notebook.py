"""Which notebook runs, and as what step."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import LineageError
from dataworkspaces.kits.jupyter import NotebookLineageBuilder, builder, get_step_name_for_notebook, is_notebook
from dataworkspaces.kits.jupyter.notebook import choose
from dataworkspaces.kits.jupyter.sessions import _ask, has_collaboration


def nobody() -> None:
    return None


def test_a_script_is_no_notebook() -> None:
    assert not is_notebook()
    assert get_step_name_for_notebook() is None


def test_front_ends_tell_in_their_ways(tmp_path: Path) -> None:
    here, there = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    here.touch()
    assert choose({"__vsc_ipynb_file__": str(there)}, {"JPY_SESSION_NAME": str(here)}, nobody) == there
    assert choose({"PAPERMILL_INPUT_PATH": str(there)}, {}, nobody) == there
    assert choose({}, {"JPY_SESSION_NAME": str(here)}, lambda: there) == here
    assert choose({}, {"JPY_SESSION_NAME": "console-1"}, nobody) is None
    assert choose({"__vsc_ipynb_file__": 3}, {}, nobody) is None


def test_after_a_rename_the_server_knows_better(tmp_path: Path) -> None:
    gone, there = tmp_path / "gone.ipynb", tmp_path / "b.ipynb"
    assert choose({}, {"JPY_SESSION_NAME": str(gone)}, lambda: there) == there
    assert choose({}, {"JPY_SESSION_NAME": str(gone)}, nobody) == gone


@pytest.fixture
def server() -> Iterator[dict[str, Any]]:
    """Stands in for a Jupyter server with jupyter-collaboration; the end-to-end tests have a real one without it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/base/api/collaboration/session/":
                self.send_error(405)
                return
            ok = (self.path, self.headers["Authorization"]) == ("/base/api/sessions", "token secret")
            self.send_response(200 if ok else 403)
            self.end_headers()
            self.wfile.write(json.dumps([{"kernel": {"id": "k1"}, "path": "code/new.ipynb"}]).encode())

        def log_message(self, *args: Any) -> None:
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield {"url": f"http://127.0.0.1:{httpd.server_port}/base/", "token": "secret", "root_dir": "/srv/notebooks"}
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.slow
def test_the_sessions_of_a_server_are_asked_with_its_token(server: dict[str, Any]) -> None:
    assert _ask(server, "k1") == Path("/srv/notebooks/code/new.ipynb")
    assert _ask(server, "k2") is None
    assert _ask({**server, "token": "wrong"}, "k1") is None
    assert _ask({**server, "url": "file:///"}, "k1") is None


@pytest.mark.slow
def test_a_server_with_collaboration_saves_notebooks_itself(server: dict[str, Any]) -> None:
    assert has_collaboration(server)
    assert not has_collaboration({**server, "url": server["url"] + "another/"})
    assert not has_collaboration({**server, "url": "http://127.0.0.1:1/"})


@pytest.mark.slow
def test_the_builder_names_the_step_by_the_notebook(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "find_notebook", lambda: workspace.root / "code" / "exp.ipynb")
    with (
        NotebookLineageBuilder(str(workspace.root / "results"), run_description="first").with_no_inputs().eval() as step
    ):
        step.write_results({"accuracy": 1})
    entry = workspace.read_lineage()
    assert entry["step_name"] == "exp"
    assert [code["resource_name"] for code in entry["code_resources"]] == ["code"]
    assert workspace.read_results()["run_description"] == "first"


def test_a_given_name_wins(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "find_notebook", lambda: workspace.root / "code" / "exp.ipynb")
    assert NotebookLineageBuilder("../results", "mine").with_no_inputs().eval().step_name == "mine"


def test_no_name_is_an_error_that_says_how_to_give_one() -> None:
    with pytest.raises(LineageError, match="name of the notebook is not known") as caught:
        NotebookLineageBuilder("../results")
    assert "step_name=NAME" in str(caught.value.hint)
