"""A workspace one of whose plug-ins is not installed shows everything else, and changes nothing of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from endtoend import FAILED, User, write_files


@pytest.fixture
def without(workspace: User, tmp_path: Path) -> User:
    """A snapshot of code and of data whose type nobody has heard of since."""
    write_files(workspace.cwd / "code", {"train.py": "1\n"})
    write_files(tmp_path / "data", {"a.csv": "1\n"})
    workspace.batch("add", "local-files", "--role", "source-data", "--name", "data", str(tmp_path / "data"))
    workspace.batch("snapshot", "S1")
    path = workspace.cwd / ".dataworkspace" / "resources" / "data.json"
    content = json.loads(path.read_text())
    content["parameters"]["resource_type"] = "mystery"
    path.write_text(json.dumps(content))
    return workspace


@pytest.mark.parametrize(
    "command",
    [["status"], ["history"], ["diff", "S1", "S1"], ["report", "lineage"], ["du"], ["ls", "code:"], ["verify"]],
)
def test_what_only_looks_shows_the_rest(without: User, command: list[str]) -> None:
    without.batch(*command)


def test_the_status_says_it(without: User) -> None:
    assert "its type is not installed" in without.batch("report", "status").stdout


def test_a_restore_brings_back_the_rest_and_says_why_not_that(without: User) -> None:
    write_files(without.cwd / "code", {"train.py": "2\n"})
    said = without.batch("restore", "S1").stdout
    assert "Will leave data: There is no resource type 'mystery'" in said
    assert (without.cwd / "code" / "train.py").read_text() == "1\n"


@pytest.mark.parametrize("command", [["snapshot", "S2"], ["gc"], ["push"]])
def test_what_would_be_wrong_without_it_is_refused(without: User, command: list[str]) -> None:
    refused = without.batch(*command, check=False)
    assert refused.returncode in FAILED
    assert "There is no resource type 'mystery'" in refused.stderr
