"""What a step ran on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.lineage.environment import this_environment, this_machine, this_user


def run(program: str, *, cwd: Path, **env: str) -> Any:
    """What a program prints as JSON."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONHASHSEED"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, env={**environment, **env}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_environment_names_what_was_imported(tmp_path: Path) -> None:
    environment = this_environment(tmp_path)
    assert environment.python is not None
    assert environment.python.split(".")[:2] == [str(n) for n in sys.version_info[:2]]
    assert environment.implementation == sys.implementation.name.replace("cpython", "CPython")
    assert environment.distributions["pytest"] == version("pytest")
    assert list(environment.distributions) == sorted(environment.distributions, key=str.lower)


def test_environment_is_that_of_this_moment(tmp_path: Path) -> None:
    program = """
import json
from pathlib import Path
from dataworkspaces.lineage.environment import this_environment
before = "pytest" in this_environment(Path("cache")).distributions
import pytest
print(json.dumps([before, "pytest" in this_environment(Path("cache")).distributions]))
"""
    assert run(program, cwd=tmp_path) == [False, True]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"places": [], "modules": {}}', '{"places": 1, "modules": 1}']
)
def test_damaged_cache_is_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "distributions.json").write_text(content)
    assert "pytest" in this_environment(tmp_path).distributions
    assert "pytest" in json.loads((tmp_path / "distributions.json").read_text())["modules"]


def test_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "pytest" in this_environment(tmp_path / "file").distributions


def test_new_distribution_is_seen(tmp_path: Path) -> None:
    place = tmp_path / "site-packages"
    place.mkdir()
    program = """
import json
from pathlib import Path
from dataworkspaces.lineage.environment import this_environment
try:
    import somebodys
except ImportError:
    pass
print(json.dumps(this_environment(Path("cache")).distributions.get("Somebody-s")))
"""
    assert run(program, cwd=tmp_path, PYTHONPATH=str(place)) is None
    (place / "somebodys.py").write_text("")
    info = place / "somebody_s-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Somebody-s\nVersion: 1.5\n")
    (info / "top_level.txt").write_text("somebodys\n")
    assert run(program, cwd=tmp_path, PYTHONPATH=str(place)) == "1.5"


def test_machine_of_a_command_has_no_python() -> None:
    machine = this_machine()
    assert machine.python is None
    assert machine.platform
    assert machine.distributions is None


def test_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: {}["nobody"])
    assert this_user() is None
