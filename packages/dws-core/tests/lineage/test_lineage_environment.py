"""What a step ran on, and which seeds it set. Seeds are those of a process, so each test has one of its own."""

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


SEEDS = """
import json
{before}
import dataworkspaces.lineage.builder
{after}
from dataworkspaces.lineage.seeds import seeds_that_were_set, watch_seeds
watch_seeds()
{later}
print(json.dumps(seeds_that_were_set()))
"""


def seeds(cwd: Path, before: str = "", after: str = "", later: str = "", **env: str) -> dict[str, Any]:
    found: dict[str, Any] = run(SEEDS.format(before=before, after=after, later=later), cwd=cwd, **env)
    return found


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_without_seeds_there_are_none(tmp_path: Path) -> None:
    assert seeds(tmp_path, before="import random; random.random()") == {}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("random.seed(7)", {"random": 7}),
        ("random.seed('text')", {"random": "text"}),
        ("random.seed(a=7)", {"random": 7}),
        ("random.seed(7); random.seed(8)", {"random": 8}),
        ("random.seed(7); random.seed()", {}),
        ("random.seed(7); random.seed(None)", {}),
        ("random.Random(7)", {}),
    ],
)
def test_seed_of_random(tmp_path: Path, call: str, expected: dict[str, Any]) -> None:
    assert seeds(tmp_path, before="import random", after=call) == expected


def test_seeding_gives_the_same_numbers_as_without_us(tmp_path: Path) -> None:
    program = "import json, random\n{}random.seed(7)\nprint(json.dumps(random.random()))"
    watched = run(program.format("import dataworkspaces.lineage.builder\n"), cwd=tmp_path)
    assert watched == run(program.format(""), cwd=tmp_path)


def test_watching_twice_wraps_once(tmp_path: Path) -> None:
    later = "watch_seeds(); watch_seeds(); random.seed(1); assert not hasattr(random.seed.__wrapped__, '_dws_watched')"
    assert seeds(tmp_path, before="import random", later=later) == {"random": 1}


def test_wrong_seed_is_refused_as_without_us(tmp_path: Path) -> None:
    after = "import random\nwatch = None\ntry:\n    random.seed([])\n    raise SystemExit(1)\nexcept TypeError: pass"
    assert seeds(tmp_path, before="import random", after=after) == {}


@pytest.fixture
def numpy(tmp_path: Path) -> None:
    """Core's tests run without the real one; those of dws-sklearn and the end-to-end tests have it."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("class int64(int): item = int.__int__\nfrom numpy import random\n")
    (tmp_path / "numpy" / "random.py").write_text("def seed(seed=None): pass\n")


@pytest.mark.usefixtures("numpy")
def test_seed_of_numpy(tmp_path: Path) -> None:
    before = "import numpy.random"
    assert seeds(tmp_path, before=before, after="numpy.random.seed(3)") == {"numpy.random": 3}
    assert seeds(tmp_path, before=before, after="numpy.random.seed(seed=numpy.int64(3))") == {"numpy.random": 3}
    assert seeds(tmp_path, before=before, after="numpy.random.seed([1, 2])") == {"numpy.random": [1, 2]}


@pytest.mark.parametrize(("value", "expected"), [("0", {"PYTHONHASHSEED": "0"}), ("random", {})])
def test_hash_seed(tmp_path: Path, value: str, expected: dict[str, Any]) -> None:
    assert seeds(tmp_path, PYTHONHASHSEED=value) == expected


def test_module_that_is_imported_after_us_is_watched(tmp_path: Path) -> None:
    """As linters sort imports: d before n and r."""
    assert seeds(tmp_path, after="import random; random.seed(7)") == {"random": 7}
    assert seeds(tmp_path, after="from random import seed; seed(7)") == {"random": 7}


@pytest.mark.usefixtures("numpy")
def test_numpy_that_is_imported_after_us_is_watched(tmp_path: Path) -> None:
    assert seeds(tmp_path, after="import numpy as np; np.random.seed(3)") == {"numpy.random": 3}
    assert seeds(tmp_path, before="import numpy as np", after="np.random.seed(3)") == {"numpy.random": 3}


def test_torch_tells_its_seed(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("def initial_seed(): return SEED\nSEED = 67280421310721\n")
    assert seeds(tmp_path, before="import torch") == {}
    assert seeds(tmp_path, before="import torch; torch.SEED = 5") == {"torch": 5}


def test_library_that_fails_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "tensorflow.py").write_text("")
    assert seeds(tmp_path, before="import torch, tensorflow") == {}


# -- environment -------------------------------------------------------------------------------------------------------


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
    assert machine.distributions == {}


def test_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: {}["nobody"])
    assert this_user() is None
