"""Which version a snapshot has of a resource that is not on the machine that takes it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dataworkspaces.operations.last_versions import last_versions
from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode
from dataworkspaces.workspace.versions import SnapshotVersion


class Snapshots:
    """Snapshots as (name, parents, version of the resource 'data' or None), in the order of their times."""

    def __init__(self, *snapshots: tuple[str, str, str | None]) -> None:
        self.versions = {name: version for name, _, version in snapshots}
        self.graph = SnapshotGraph(
            SnapshotNode(name, f"2026-01-{day:02}T00:00:00", "+00:00", tuple(parents))
            for day, (name, parents, _) in enumerate(snapshots, start=1)
        )

    def get_snapshot_graph(self) -> SnapshotGraph:
        return self.graph

    def get_snapshot_versions(self, name: str) -> dict[str, SnapshotVersion]:
        version = self.versions[name]
        return {} if version is None else {"data": SnapshotVersion(version, version)}


@pytest.mark.parametrize(
    ("snapshots", "expected"),
    [
        ([], None),
        ([("a", "", None)], None),
        ([("a", "", "1"), ("b", "a", "2")], ("b", "2", "b")),
        ([("a", "", "1"), ("b", "a", None)], ("a", "1", "a")),  # who took 'b' did not know of it yet
        # Somebody changed it, while somebody else carried it over: whichever came later.
        ([("a", "", "1"), ("b", "a", "2"), ("c", "a", "1")], ("b", "2", "bc")),
        ([("a", "", "1"), ("b", "a", "1"), ("c", "a", "2")], ("c", "2", "bc")),
        ([("a", "", "1"), ("b", "a", "2"), ("c", "b", "1"), ("d", "a", "1")], ("d", "1", "cd")),  # and back
        # Two changed it: both stay, for those who can merge them.
        ([("a", "", "1"), ("b", "a", "2"), ("c", "a", "3")], ("c", "3", "c")),
        ([("a", "", "1"), ("b", "a", "2"), ("c", "a", "2")], ("c", "2", "bc")),
        ([("a", "", "1"), ("b", "", "2")], ("b", "2", "b")),
        ([("a", "", "1"), ("b", "a", "2"), ("c", "a", "3"), ("d", "a", "1")], ("c", "3", "cd")),
    ],
)
def test_the_last_version(snapshots: list[tuple[str, str, str | None]], expected: tuple[str, str, str] | None) -> None:
    found = last_versions(cast(Any, Snapshots(*snapshots)), ["data"]).get("data")
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.snapshot, found.version.compare_hash, "".join(sorted(found.parents))) == expected
