"""The notebook that is running, as its front end tells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from dataworkspaces.lineage import infer_step

TELL = "from dataworkspaces.lineage import infer_step; print(infer_step())"


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A kernel of Jupyter: no script, no name."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    for name in ("JPY_SESSION_NAME", "PAPERMILL_INPUT_PATH"):
        monkeypatch.delenv(name, raising=False)
    set_namespace(monkeypatch, {})
    return monkeypatch


def set_namespace(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    ipython = ModuleType("IPython")
    ipython.__dict__["get_ipython"] = lambda: SimpleNamespace(user_ns=variables)
    monkeypatch.setitem(sys.modules, "IPython", ipython)


def python(*args: str, cwd: Path) -> str:
    return subprocess.run([sys.executable, *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("variable", ["JPY_SESSION_NAME", "PAPERMILL_INPUT_PATH"])
def test_notebook_gives_its_name_and_path(notebook: pytest.MonkeyPatch, variable: str) -> None:
    notebook.setenv(variable, "/notebooks/digits-svc.ipynb")
    assert infer_step() == ("digits-svc", Path("/notebooks/digits-svc.ipynb"))


def test_notebook_of_vs_code_gives_its_name_and_path(notebook: pytest.MonkeyPatch) -> None:
    set_namespace(notebook, {"__vsc_ipynb_file__": "/notebooks/digits-lr.ipynb"})
    assert infer_step() == ("digits-lr", Path("/notebooks/digits-lr.ipynb"))


def test_console_of_jupyter_has_no_name(notebook: pytest.MonkeyPatch) -> None:
    notebook.setenv("JPY_SESSION_NAME", "/notebooks/console-1-5f2c")
    assert infer_step() == (None, None)


def test_notebook_whose_server_does_not_say_has_no_name(notebook: pytest.MonkeyPatch) -> None:
    assert infer_step() == (None, None)


def test_script_that_a_notebook_starts_is_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/digits-svc.ipynb")
    (tmp_path / "helper.py").write_text(TELL)
    assert python("helper.py", cwd=tmp_path).startswith("('helper',")
