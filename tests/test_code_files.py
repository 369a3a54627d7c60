"""A comment in a script makes out of date what imports it, and nothing else; for each way to record a step."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from endtoend import User
from forked import Forked

pytestmark = pytest.mark.slow

BY_ITSELF = """
import helper
from dataworkspaces.lineage import LineageBuilder
with LineageBuilder().as_script_step().with_input_path("data/a").eval() as lineage:
    lineage.add_output_path("middle/out")
    open("middle/out", "w").write("1")
"""
PLAIN = "import helper\nopen('middle/out', 'w').write(open('data/a').read())\n"


def reasons(user: User) -> list[str]:
    (step,) = json.loads(user.dws("steps", "--json").stdout)
    found: list[str] = step["reasons"]
    return found


@pytest.mark.parametrize("kind", ["git", "local-files"])
@pytest.mark.parametrize("way", ["by itself", "run", "both"])
def test_step_depends_on_what_it_imported(user: Forked, kind: str, way: str) -> None:
    user.dws("init", "--hostname", "here")
    for path, text in {
        "code/train.py": PLAIN if way == "run" else BY_ITSELF,
        "code/helper.py": "",
        "code/unrelated.py": "",
        "data/a": "a",
        "middle/.gitkeep": "",
    }.items():
        place = Path(user.cwd, path)
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    user.dws("add", "--batch", kind, "--role", "code", "code")
    user.dws("add", "--batch", "local-files", "--role", "source-data", "data")
    user.dws("add", "--batch", "local-files", "--role", "intermediate-data", "middle")
    command = [sys.executable, "code/train.py"]
    if way == "by itself":
        user.in_new_processes().run(*command)
    else:
        user.dws("run", "--input", "data/a", "--", *command)
    assert reasons(user) == []
    Path(user.cwd, "code/unrelated.py").write_text("# x\n")
    assert reasons(user) == []
    user.dws("snapshot", "first")
    Path(user.cwd, "code/unrelated.py").write_text("# y\n")
    assert reasons(user) == []
    Path(user.cwd, "code/helper.py").write_text("# x\n")
    assert reasons(user) == ["its code in code:helper.py has changed"]
