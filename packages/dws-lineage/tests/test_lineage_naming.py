"""The name of the running step, and its code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TELL = "from dataworkspaces.lineage import infer_step; print(infer_step())"


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


def test_import_is_cheap(tmp_path: Path) -> None:
    slow = "{'numpy', 'pandas', 'git', 'rich', 'IPython'}"
    code = f"import sys, dataworkspaces.lineage; print(sorted({slow} & set(sys.modules)))"
    assert python("-c", code, cwd=tmp_path) == "[]"
