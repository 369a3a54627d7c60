"""What the Python processes of a command imported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.commands.run_imports import watching_imports
from dataworkspaces.lineage.model import Environment

Watch = Callable[..., Environment]
IMPORT = "import somebodys_module"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of modules on the path of the user, with one distribution."""
    place = tmp_path / "their-packages"
    info = place / "somebody_s-1.5.dist-info"
    info.mkdir(parents=True)
    (place / "somebodys_module.py").write_text("")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Somebody-s\nVersion: 1.5\n")
    (info / "RECORD").write_text("somebodys_module.py,,\nsomebody_s-1.5.dist-info/METADATA,,\n")
    monkeypatch.setenv("PYTHONPATH", str(place))
    return place


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    def do(*command: str, stdout: str = "", stderr: str = "", returncode: int | None = 0) -> Environment:
        with watching_imports() as imports:
            environment = {**os.environ, **imports.variables}
            done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
            assert (done.stdout, done.stderr) == (stdout, stderr)
            assert returncode is None or done.returncode == returncode
            return imports.environment(tmp_path / "machine")

    return do


def test_what_a_script_imports(site: Path, watch: Watch) -> None:
    environment = watch(sys.executable, "-c", IMPORT)
    assert environment.distributions == {"Somebody-s": "1.5"}
    assert environment.python == ".".join(map(str, sys.version_info[:3]))
    assert environment.implementation == sys.implementation.name.replace("cpython", "CPython")
    # From the cache, with a module of the script's own that has the name of none.
    assert watch(sys.executable, "-c", "import json").distributions == {}
    assert watch(sys.executable, "-c", IMPORT).distributions == {"Somebody-s": "1.5"}


@pytest.mark.parametrize(
    "program",
    [
        f"import os, subprocess, sys; subprocess.run([sys.executable, '-c', '{IMPORT}'])",
        f"import os, sys\nif os.fork() == 0:\n    {IMPORT}\n    sys.exit()\nos.wait()",
        f"import sys\n{IMPORT}\nsys.exit(3)",
        f"{IMPORT}\nraise SystemExit",
        f"import os, sys\nos.chdir('/')\nos.environ.clear()\nsys.path.insert(0, 'x\\ny')\n{IMPORT}",
    ],
    ids=["child", "forked", "exit status", "exit", "all else is changed"],
)
def test_however_it_comes_about(site: Path, watch: Watch, program: str) -> None:
    assert watch(sys.executable, "-c", program, returncode=None).distributions == {"Somebody-s": "1.5"}


@pytest.mark.parametrize(
    "command",
    [
        ["true"],
        [sys.executable, "-I", "-c", "1"],
        [sys.executable, "-S", "-c", "1"],
        ["env", "-i", sys.executable, "-c", "1"],
        [sys.executable, "-c", "import os; os._exit(0)"],
    ],
    ids=["no Python", "isolated", "without site", "empty environment", "no end"],
)
def test_nobody_can_tell(site: Path, watch: Watch, command: list[str]) -> None:
    environment = watch(*command)
    assert environment.distributions is None
    assert environment.to_json()["distributions"] is None


def test_sitecustomize_of_the_user_runs(site: Path, watch: Watch) -> None:
    (site / "sitecustomize.py").write_text("import sys\nanswer = 42\nprint('theirs', __file__ == sys.argv)\n")
    program = f"import sitecustomize; print(sitecustomize.answer); {IMPORT}"
    environment = watch(sys.executable, "-c", program, stdout="theirs False\n42\n")
    assert environment.distributions == {"Somebody-s": "1.5"}


@pytest.mark.parametrize(
    "problem", ["import that_is_nowhere", "raise ImportError('no')", "raise ValueError('no')", "("]
)
def test_sitecustomize_that_fails_is_told_as_ever(site: Path, watch: Watch, problem: str) -> None:
    (site / "sitecustomize.py").write_text(problem)
    command = [sys.executable, "-c", IMPORT]
    alone = subprocess.run(command, capture_output=True, text=True)
    environment = watch(*command, stderr=alone.stderr)
    assert environment.distributions == {"Somebody-s": "1.5"}


def test_command_finds_its_path_as_without_us(site: Path, watch: Watch) -> None:
    program = "import sys; print(sys.path, 'dataworkspaces' in sys.modules, len(sys.modules))"
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    path, known, count = alone.stdout.rsplit(" ", 2)
    with watching_imports() as imports:
        environment = {**os.environ, **imports.variables}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.rsplit(" ", 2)[:2] == [path, known]
    assert int(done.stdout.rsplit(" ", 2)[2]) - int(count) <= 2  # atexit, sitecustomize


def test_directory_that_cannot_be_made_stops_nothing(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_options: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    assert watch(sys.executable, "-c", "1").distributions is None


def test_nothing_is_left(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert watch(sys.executable, "-c", "1").distributions == {}
    assert list((tmp_path / "tmp").iterdir()) == []
