"""Which seeds a step set. They are those of a process, so each test has one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


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
from dataworkspaces.lineage.probe import random_seeds, watch
watch()
{later}
print(json.dumps(random_seeds()))
"""


def seeds(cwd: Path, before: str = "", after: str = "", later: str = "", **env: str) -> dict[str, Any]:
    found: dict[str, Any] = run(SEEDS.format(before=before, after=after, later=later), cwd=cwd, **env)
    return found


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


@pytest.mark.slow
def test_seeding_gives_the_same_numbers_as_without_us(tmp_path: Path) -> None:
    program = "import json, random\n{}random.seed(7)\nprint(json.dumps(random.random()))"
    watched = run(program.format("import dataworkspaces.lineage.builder\n"), cwd=tmp_path)
    assert watched == run(program.format(""), cwd=tmp_path)


@pytest.mark.slow
def test_watching_twice_wraps_once(tmp_path: Path) -> None:
    later = "watch(); watch(); random.seed(1); assert not hasattr(random.seed.__wrapped__, '_dws_watched')"
    assert seeds(tmp_path, before="import random", later=later) == {"random": 1}


@pytest.mark.slow
def test_wrong_seed_is_refused_as_without_us(tmp_path: Path) -> None:
    after = "import random\nwatch = None\ntry:\n    random.seed([])\n    raise SystemExit(1)\nexcept TypeError: pass"
    assert seeds(tmp_path, before="import random", after=after) == {}


@pytest.fixture
def numpy(tmp_path: Path) -> None:
    """The tests of dws-kits run without the real one; those of dws-sklearn and the end-to-end tests have it."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("class int64(int): item = int.__int__\nfrom numpy import random\n")
    (tmp_path / "numpy" / "random.py").write_text("def seed(seed=None): pass\n")


@pytest.mark.slow
@pytest.mark.usefixtures("numpy")
def test_seed_of_numpy(tmp_path: Path) -> None:
    before = "import numpy.random"
    assert seeds(tmp_path, before=before, after="numpy.random.seed(3)") == {"numpy.random": 3}
    assert seeds(tmp_path, before=before, after="numpy.random.seed(seed=numpy.int64(3))") == {"numpy.random": 3}
    assert seeds(tmp_path, before=before, after="numpy.random.seed([1, 2])") == {"numpy.random": [1, 2]}


@pytest.mark.slow
@pytest.mark.parametrize(("value", "expected"), [("0", {"PYTHONHASHSEED": "0"}), ("random", {})])
def test_hash_seed(tmp_path: Path, value: str, expected: dict[str, Any]) -> None:
    assert seeds(tmp_path, PYTHONHASHSEED=value) == expected


@pytest.mark.slow
def test_module_that_is_imported_after_us_is_watched(tmp_path: Path) -> None:
    """As linters sort imports: d before n and r."""
    assert seeds(tmp_path, after="import random; random.seed(7)") == {"random": 7}
    assert seeds(tmp_path, after="from random import seed; seed(7)") == {"random": 7}


@pytest.mark.slow
@pytest.mark.usefixtures("numpy")
def test_numpy_that_is_imported_after_us_is_watched(tmp_path: Path) -> None:
    assert seeds(tmp_path, after="import numpy as np; np.random.seed(3)") == {"numpy.random": 3}
    assert seeds(tmp_path, before="import numpy as np", after="np.random.seed(3)") == {"numpy.random": 3}
