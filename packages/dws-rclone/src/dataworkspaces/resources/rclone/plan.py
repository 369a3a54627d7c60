"""What rclone would do, as it says itself: one listing of each side, and nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dataworkspaces.resources.rclone.run import Event, Rclone, parse_answer, size_of
from dataworkspaces.workspace import FileChange

Mode = Literal["copy", "sync"]
_NOT_THERE = "Need to transfer - File not found at Destination"


@dataclass
class Plan:
    """What would change at the destination.

    :ivar copies: the sizes of the files that would be written, by path.
    :ivar deletions: files that the source does not have.
    :ivar links: how many symbolic links are left out, since rclone does not copy them.
    :ivar compared: those of ``copies`` that are there and differ, if the plan was made with ``compared``.
    :ivar unseen: those of ``copies`` that rclone takes for the same, though they are not.
    """

    copies: dict[str, int] = field(default_factory=dict)
    deletions: list[str] = field(default_factory=list)
    links: int = 0
    compared: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)

    def add_unseen(self, sizes: Mapping[str, int]) -> None:
        for path in sizes.keys() - self.copies.keys():
            self.copies[path] = sizes[path]
            self.compared.add(path)
            self.unseen.add(path)

    @property
    def is_empty(self) -> bool:
        return not self.copies and not self.deletions

    @property
    def total_size(self) -> int:
        return sum(self.copies.values())

    def changes(self) -> list[FileChange]:
        """By path."""
        found = [FileChange("modified" if p in self.compared else "added", p) for p in self.copies]
        found += [FileChange("deleted", path) for path in self.deletions]
        return sorted(found, key=lambda change: change.path)

    def take(self, event: Event) -> None:
        path = str(event.get("object", ""))
        action = event.get("skipped")
        if action == "copy":
            self.copies[path] = size_of(event.get("size"))
        elif action == "delete":
            self.deletions.append(path)
        elif event.get("level") == "debug":
            if path and event.get("msg") != _NOT_THERE:
                self.compared.add(path)
        elif str(event.get("msg", "")).startswith("Can't follow symlink"):
            self.links += 1


def make_plan(
    rclone: Rclone,
    mode: Mode,
    source: str,
    destination: str,
    *,
    doing: str,
    options: Sequence[str] = (),
    tell_compared: bool = False,
) -> Plan:
    """What ``rclone copy`` or ``sync`` would do. Raises RemoteError, which begins with ``doing``."""
    plan = Plan()
    report = rclone.run(
        [mode, "--dry-run", "--retries=1", "--stats=0", *options],
        [source, destination],
        level="DEBUG" if tell_compared else "NOTICE",
        watch=plan.take,
    )
    if report.status != 0:
        raise rclone.error(report, f"{doing} failed")
    return plan


def count_files(rclone: Rclone, place: str) -> int:
    """How many files there are at a place, which has to be listed."""
    doing = f"Counting the files of {place}"
    return size_of(parse_answer(rclone.read(["size", "--json"], [place], doing=doing), dict, doing).get("count"))
