"""What is damaged: what ``dws fsck`` tells, and what it does about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dataworkspaces.errors import DwsError

__all__ = ["AREAS", "UNEXPECTED", "Area", "Problem", "one_line", "problem_of"]

Area = Literal["metadata", "snapshot", "manifest", "results", "lineage", "resource", "local state", "interrupted"]
AREAS: tuple[Area, ...] = (
    "interrupted", "metadata", "resource", "snapshot", "manifest", "results", "lineage", "local state"
)  # fmt: skip
"""In the order in which they are told."""

UNEXPECTED = (DwsError, OSError, TypeError, ValueError, KeyError, AttributeError, RecursionError)
"""What code that expects sound metadata may raise when somebody else wrote it."""


@dataclass(frozen=True)
class Problem:
    """Something that is damaged.

    :ivar where: a file of the workspace, or the name of a snapshot or resource.
    :ivar what: one line.
    :ivar remedy: one line: what to do.
    :ivar severity: a warning harms nothing that is kept, or the next command mends it.
    :ivar repair: does what is safe, so that nothing is lost, and says what it did. The caller holds the workspace's
        lock. None if only a person can decide.
    :ivar comes_first: until it is mended, an interrupted command cannot be completed (or the workspace not opened), so
        the repair must do without either.
    """

    area: Area
    where: str
    what: str
    remedy: str
    severity: Literal["error", "warning"] = "error"
    repair: Callable[[], str] | None = field(default=None, compare=False, repr=False)
    comes_first: bool = False


def one_line(error: BaseException) -> str:
    """What an exception says, short enough for a list."""
    text = error.message if isinstance(error, DwsError) else f"{type(error).__name__}: {error}"
    line = " ".join(text.split())
    return line if len(line) <= 400 else f"{line[:397]}..."


def problem_of(area: Area, where: str, error: BaseException, remedy: str = "") -> Problem:
    """The problem that an exception stands for; its hint is the remedy, if it has one."""
    hint = error.hint if isinstance(error, DwsError) else None
    return Problem(area, where, one_line(error), hint or remedy or "Restore it from the workspace's history")
