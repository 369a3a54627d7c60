"""What rclone says, and which rclone it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataworkspaces.errors import ToolError
from dataworkspaces.resources.rclone import program
from dataworkspaces.resources.rclone.plan import Plan
from dataworkspaces.resources.rclone.run import Report, parse_event


@pytest.fixture(autouse=True)
def _forget_program() -> Iterator[None]:
    program.find_rclone.cache_clear()
    yield
    program.find_rclone.cache_clear()


def put_on_path(directory: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    file = directory / "rclone"
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


@pytest.mark.parametrize("version", ["v1.60.1-DEV", "v1.75.2", "v2.0.0"])
def test_a_program_that_is_new_enough(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path, monkeypatch, f"rclone {version}")
    assert program.find_rclone() == str(tmp_path / "rclone")


@pytest.mark.parametrize(("says", "told"), [("rclone v1.53.3", "rclone 1.53, which is too old"), ("hello", "version")])
def test_another_program(says: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path, monkeypatch, says)
    with pytest.raises(ToolError, match=told) as caught:
        program.find_rclone()
    assert "dws-rclone[bin]" in str(caught.value.hint)


def test_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(program, "_BINARY_DISTRIBUTION", "no-such-distribution")
    with pytest.raises(ToolError, match="was not found") as caught:
        program.find_rclone()
    assert "dws-rclone[bin]" in str(caught.value.hint)


def test_what_failed_at_the_last_attempt() -> None:
    report = Report()
    for path in ("a", "b"):
        report.take({"level": "error", "object": path, "objectType": "*s3.Object", "msg": "Failed to copy: gone"})
    report.take({"level": "error", "msg": "Attempt 1/2 failed with 2 errors and: gone"})
    report.take({"level": "error", "object": "b.1a2b3c4d.partial", "objectType": "*s3.Object", "msg": "gone again"})
    report.take({"level": "error", "msg": "Attempt 2/2 failed with 1 errors and: gone again"})
    assert report.failed == {"b": "gone again"}


def test_passwords_in_what_it_says_are_left_out() -> None:
    report = Report()
    report.take({"level": "error", "msg": "GET https://ada:secret@example.com/x: no"})
    assert report.reason == "GET https://example.com/x: no"


def test_lines_that_are_no_json() -> None:
    assert parse_event(b"2026/11/23 17:15:12 Failed to copy: no\n") == {"level": "error", "msg": "Failed to copy: no"}
    assert parse_event(b'2026/11/23 17:15:12 NOTICE: Config file "x" not found\n')["level"] == "notice"
    assert parse_event(b'{"level": "info"}') == {"level": "info"}


def test_a_plan() -> None:
    plan = Plan()
    plan.take({"level": "debug", "object": "old", "msg": "Sizes differ"})
    plan.take({"level": "debug", "object": "new", "msg": "Need to transfer - File not found at Destination"})
    plan.take({"level": "notice", "object": "old", "skipped": "copy", "size": 3, "msg": "Skipped copy"})
    plan.take({"level": "notice", "object": "new", "skipped": "copy", "size": 4, "msg": "Skipped copy"})
    plan.take({"level": "notice", "object": "gone", "skipped": "delete", "size": 9, "msg": "Skipped delete"})
    plan.take({"level": "warning", "object": "link", "msg": "Can't follow symlink without -L/--copy-links"})
    assert [(c.status, c.path) for c in plan.changes()] == [("deleted", "gone"), ("added", "new"), ("modified", "old")]
    assert (plan.total_size, plan.links) == (7, 1)
