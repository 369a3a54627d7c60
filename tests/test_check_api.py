"""The check of the public interface finds what it is there for."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from endtoend import User, write_files

SCRIPT = Path(__file__).parent.parent / "scripts" / "check_api.py"
MODULE = "packages/dws-commands/src/dataworkspaces/api.py"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("def add(a, b): ...\ndef more(): ...\n", None),
        ("def add(a, b, *, c=None): ...\n", None),
        ("def added(a, b): ...\n", "Public object was removed"),
        ("def add(a): ...\n", "Parameter was removed"),
        ("def add(a, b, c): ...\n", "Parameter was added as required"),
    ],
)
def test_what_breaks_callers_is_named(
    user: User, check: dict[str, Any], monkeypatch: pytest.MonkeyPatch, now: str, said: str | None
) -> None:
    write_files(user.cwd, {MODULE: "def add(a, b): ...\n"})
    user.git("init", "--quiet")
    user.git("add", "--all")
    user.git("commit", "--quiet", "--message", "release")
    user.git("tag", "2.0.0")
    write_files(user.cwd, {MODULE: now})
    find = check["breakages"]
    monkeypatch.setitem(find.__globals__, "ROOT", user.cwd)
    found = list(find(user.cwd / "packages" / "dws-commands", "2.0.0"))
    assert found == [] if said is None else any(said in line for line in found)
