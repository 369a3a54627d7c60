"""What ``dws status`` says."""

from __future__ import annotations

import pytest

from dataworkspaces.cli.cmd_status import _print_status
from dataworkspaces.commands.report import ResourceStatus, StatusReport
from dataworkspaces.workspace import OriginState, ResourceChange, SnapshotMetadata


def snapshot(tag: str) -> SnapshotMetadata:
    return SnapshotMetadata("ab" * 20, [tag], "", "here", "2026-01-02T03:04:05", "snapshots/x", {})


def report(count: int, *, is_snapshot: bool = False, origin: OriginState | None = None) -> StatusReport:
    changes = [ResourceChange("changed", "1 added"), ResourceChange("missing", "it is not there")]
    changes += [ResourceChange("unchanged")] * count
    resources = [ResourceStatus(f"r{i}", "code", "git", {"url": "x" * 60}, change) for i, change in enumerate(changes)]
    return StatusReport("ws", tuple(resources), (), snapshot("B"), snapshot("A"), is_snapshot, origin, ("r1",))


def test_200_unchanged_resources_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    _print_status(report(200), list_all=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 15
    assert lines[-1] == "Unchanged: 200 resources (--all lists them)"
    assert any("changed: 1 added" in line for line in lines)
    _print_status(report(200), list_all=True)
    assert len(capsys.readouterr().out.splitlines()) > 200


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (OriginState(), []),
        (OriginState("main"), ["On branch main"]),
        (OriginState("main", True), ["On branch main", "What the origin has is not known yet (dws pull)"]),
        (OriginState("x", True, 0, 0, 0), ["On branch x", "The origin has everything, as when it was last asked"]),
        (OriginState("x", True, 1, 0, 1), ["On branch x", "The origin lacks 1 commit, with 1 snapshot (dws push)"]),
        (
            OriginState("x", True, 2, 1, 0),
            [
                "On branch x",
                "The origin lacks 2 commits (dws push)",
                "The origin has 1 commit that is not here (dws pull)",
            ],
        ),
    ],
)
def test_branch_and_origin(origin: OriginState, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    _print_status(report(0, origin=origin), list_all=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "rigin " in line or "branch" in line] == expected
    assert "The present state has changed since snapshot A (abababa) of 2026-01-02T03:04:05" in lines
    assert "The newest snapshot is B (abababa) of 2026-01-02T03:04:05" not in lines  # it is the same
    assert "Not yet at their own origins: r1 (dws push)" in lines
