"""A command that can be neither completed nor undone, however often it is tried: there is always a way out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from endtoend import FAILED, isolated_environment
from forked import Forked


@pytest.fixture(autouse=True)
def somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in isolated_environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LANG", raising=False)


def dws(place: Path, *arguments: str, status: int = 0) -> str:
    done = Forked(place, {**os.environ}).batch(*arguments, check=False)
    said = done.stdout + done.stderr
    assert done.returncode in (FAILED if status == 1 else [status]), said
    assert "Traceback" not in said
    return said


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "ws"
    place.mkdir()
    dws(place, "init", "--create-resources=source-data,results")
    (place / "results" / "out.txt").write_text("one")
    return place


def refuse_commits(place: Path) -> Path:
    hook = place / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    return hook


JOURNALS = [
    "[]",
    "{",
    '{"operation": 3, "data": {}}',
    '{"operation": "snapshot", "data": []}',
    '{"operation": "snapshot", "data": {"moved": 7, "destination": null}}',
    '{"operation": "from-the-future", "data": {}}',
    '{"operation": "restore", "data": {"targets": {"results": "0000"}, "prior": {}, "snapshot": null}}',
]


@pytest.mark.slow
def test_journals_that_nobody_can_carry_out(workspace: Path) -> None:
    journal = workspace / ".git" / "dws" / "journal.json"
    for content in JOURNALS:
        journal.parent.mkdir(exist_ok=True)
        journal.write_text(content)
        dws(workspace, "report", "status")  # who reads goes on reading
        assert "dws recover --abandon" in dws(workspace, "config", "results.move_exclude_files", "[]", status=1)
        found = json.loads(dws(workspace, "recover", "--abandon", "--json"))
        assert Path(found["kept_as"]).read_text() == content
        assert not journal.exists()
    dws(workspace, "snapshot", "S1")
    assert (workspace / "results" / "snapshots").is_dir()
    assert "nothing is unfinished" in dws(workspace, "recover").lower()


def test_a_lock_that_nobody_holds_is_shown_and_removed(workspace: Path) -> None:
    lock = workspace / ".git" / "dws" / "lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{os.getpid()}\nelsewhere\n")
    said = dws(workspace, "unlock", status=1)
    assert "elsewhere" in said
    assert lock.exists()  # the default is no
    assert "Removed the lock" in dws(workspace, "unlock", "--force")
    assert not lock.exists()
    others = [lock.with_name(name) for name in ("lineage.lock", "run.lock")]
    for other in others:
        other.write_text("17\nelsewhere\n")
    found, _ = json.JSONDecoder().raw_decode(dws(workspace, "unlock", "--force", "--json"))
    assert [each["lock"] for each in found["locks"]] == [str(path) for path in others]
    assert not any(path.exists() for path in others)


# -- results directories ---------------------------------------------------------------------------------------------


def results_of(place: Path) -> dict[str, str]:
    root = place / "results" / "snapshots"
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.txt")}


@pytest.mark.slow
def test_a_directory_of_results_belongs_to_one_snapshot(workspace: Path) -> None:
    """A snapshot that moves nothing takes over nobody's directory, and its deletion leaves it."""
    dws(workspace, "config", "results.dir_template", "snapshots/{YEAR}-{MONTH}")
    dws(workspace, "snapshot", "S1")
    kept = results_of(workspace)
    assert list(kept.values()) == ["one"]
    (workspace / "source-data" / "more").write_text("2")
    dws(workspace, "snapshot", "S2")  # nothing to move
    dws(workspace, "delete-snapshot", "S2")
    assert results_of(workspace) == kept


@pytest.mark.slow
def test_a_tag_that_is_used_again_has_a_directory_of_its_own(workspace: Path) -> None:
    dws(workspace, "snapshot", "R1")
    dws(workspace, "delete-snapshot", "--no-include-resources", "R1")
    (workspace / "results" / "out.txt").write_text("two")
    dws(workspace, "snapshot", "R1", status=1)  # the directory is that of the snapshot that was deleted
    assert "one" in results_of(workspace).values()
    (workspace / "results" / "out.txt").unlink(missing_ok=True)
    (workspace / "source-data" / "more").write_text("2")
    dws(workspace, "snapshot", "R1")
    dws(workspace, "delete-snapshot", "R1")
    assert "one" in results_of(workspace).values()
