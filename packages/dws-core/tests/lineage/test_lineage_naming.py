"""The name of the running step, and its code."""

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


def test_script_gives_its_name_and_path(tmp_path: Path) -> None:
    (tmp_path / "digits-svc.py").write_text(TELL)
    assert python("digits-svc.py", cwd=tmp_path) == repr(("digits-svc", tmp_path / "digits-svc.py"))


def test_link_to_a_script_gives_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text(TELL)
    (tmp_path / "step.py").symlink_to("real.py")
    assert python("step.py", cwd=tmp_path) == repr(("step", tmp_path / "step.py"))


def test_module_gives_its_name_and_path(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "prepare.py").write_text(TELL)
    assert python("-m", "steps.prepare", cwd=tmp_path) == repr(("prepare", tmp_path / "steps" / "prepare.py"))


def test_package_that_is_run_gives_its_name(tmp_path: Path) -> None:
    (tmp_path / "prepare").mkdir()
    (tmp_path / "prepare" / "__main__.py").write_text(TELL)
    assert python("-m", "prepare", cwd=tmp_path) == repr(("prepare", tmp_path / "prepare"))


def test_command_in_an_argument_has_no_name(tmp_path: Path) -> None:
    assert python("-c", TELL, cwd=tmp_path) == "(None, None)"


@pytest.mark.parametrize("arguments", [["-m", "pytest"], [str(Path(sys.executable).with_name("pytest"))]])
def test_pytest_is_no_step(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "test_it.py").write_text(
        "from dataworkspaces.lineage import infer_step\ndef test_it():\n    assert infer_step() == (None, None)\n"
    )
    assert "1 passed" in python(*arguments, "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)


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


def test_import_is_cheap(tmp_path: Path) -> None:
    slow = "{'numpy', 'pandas', 'git', 'rich', 'IPython'}"
    code = f"import sys, dataworkspaces.lineage; print(sorted({slow} & set(sys.modules)))"
    assert python("-c", code, cwd=tmp_path) == "[]"
