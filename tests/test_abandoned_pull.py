"""A pull that was cut short while git wrote files, and that can be neither completed nor undone: `dws recover
--abandon` sets aside what says how to finish it, in each repository, and says what lies where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, isolated_environment, write_files
from forked import Forked

pytestmark = pytest.mark.slow

NOWHERE = "1" * 40
"""A commit that is not there, so that nobody can go on to it."""


@pytest.fixture
def user(tmp_path: Path) -> Forked:
    """At a workspace with a repository as a resource, whose origin has a commit that is not here."""
    user = Forked(tmp_path / "ws", isolated_environment(tmp_path / "home"))
    user.cwd.mkdir()
    user.batch("init", "--hostname", HOST, "--create-resources", "code")
    user.make_repository(user.cwd / "data", {"a.csv": "1"})
    user.batch("add", "git", "--role", "source-data", "--name", "data", "data")
    user.batch("snapshot", "A", "-m", "snapshot A")
    user.git("clone", "-q", "--bare", user.cwd, tmp_path / "origin.git")
    user.git("remote", "add", "origin", tmp_path / "origin.git")
    other = user.at(tmp_path / "other")
    user.at(tmp_path).git("clone", "-q", user.cwd / "data.git", "other")
    write_files(other.cwd, {"a.csv": "2"})
    other.git("commit", "-q", "-a", "-m", "theirs")
    other.git("push", "-q")
    return user


def leave_marker(user: Forked, root: Path, content: str | None = None) -> Path:
    """As a pull leaves it that was killed on its way to a commit which is nowhere any more."""
    marker = root / ".git" / "dws" / "advance.json"
    marker.parent.mkdir(exist_ok=True)
    head = user.at(root).git("rev-parse", "HEAD").strip()
    marker.write_text(content or json.dumps({"from": head, "to": NOWHERE, "then": "complete"}))
    return marker


def leave_journal(user: Forked) -> Path:
    journal = user.cwd / ".git" / "dws" / "journal.json"
    journal.write_text(json.dumps({"operation": "pull", "data": {"known": []}, "command": "pull", "started": "2030"}))
    return journal


@pytest.mark.parametrize(
    ("where", "content", "has_journal"),
    [("", None, True), ("", "{", False), ("data", "{", True), ("data", None, False)],
)
def test_a_pull_that_cannot_be_finished_is_given_up(
    user: Forked, where: str, content: str | None, has_journal: bool
) -> None:
    marker = leave_marker(user, user.cwd / where, content)
    journal = leave_journal(user) if has_journal else marker
    write_files(user.cwd, {f"{where or 'code'}/a.csv": "half writ"})
    for command in ("pull", "recover"):
        refused = user.batch(command, check=False)
        assert refused.returncode in FAILED
        assert "dws recover --abandon" in refused.stderr
        assert "Traceback" not in refused.stderr
    text = marker.read_text()
    found = user.json("--batch", "recover", "--abandon")
    assert not marker.exists()
    assert not journal.exists()
    told = "\n".join(found["places"])
    kept = next((user.cwd / where / ".git" / "dws" / "abandoned").glob("*advance*"))
    assert kept.read_text() == text
    assert str(kept) in told
    assert f"git -C {user.cwd / where} status" in told
    assert (user.cwd / (where or "code") / "a.csv").read_text() == "half writ"
    user.batch("snapshot", "B", "-m", "what lay there")
    user.git("push", "-q", "origin", "HEAD")
    user.batch("pull", check=not where)  # both have changed the file
    assert user.json("--batch", "recover")["unfinished"] is None


def test_a_workspace_that_opens_no_more_has_a_way_out(user: Forked) -> None:
    marker = leave_marker(user, user.cwd)
    leave_journal(user)
    config = user.cwd / ".dataworkspace" / "config.json"
    config.write_text(config.read_text()[:20])
    refused = user.batch("report", "status", check=False)
    assert refused.returncode in FAILED
    assert "dws recover --abandon" in refused.stderr
    assert "abandoned" in user.batch("recover", "--abandon").stdout
    assert not marker.exists()
    user.batch("fsck", "--repair", check=False)
    user.batch("recover", "--abandon")
    user.batch("snapshot", "B", "-m", "goes on")
    assert user.json("fsck")["errors"] == 0
