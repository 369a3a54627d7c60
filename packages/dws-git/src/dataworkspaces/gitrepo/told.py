"""What git and a remote said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class PushedReference(NamedTuple):
    """What became of one reference, or would become of it."""

    is_rejected: bool
    is_up_to_date: bool
    summary: str


class Told(NamedTuple):
    """:ivar status: of git; 0 if all went well.
    :ivar text: what git wrote for people, without its progress.
    :ivar pushed: what became of each reference."""

    status: int
    text: str
    pushed: tuple[PushedReference, ...] = ()

    @property
    def rejected(self) -> str | None:
        """Why the first reference that was not taken was not."""
        return next((reference.summary for reference in self.pushed if reference.is_rejected), None)

    def lacks_some_of(self, refspecs: Sequence[str]) -> bool:
        """Whether the remote had another state of what was pushed; also if git did not say so of all."""
        return len(self.pushed) < len(refspecs) or any(not reference.is_up_to_date for reference in self.pushed)


def parse_porcelain(output: str) -> tuple[PushedReference, ...]:
    """What ``git push --porcelain`` says of each reference: ``FLAG``, ``FROM:TO`` and ``SUMMARY (REASON)``, with tabs
    between them."""
    fields = [line.split("\t") for line in output.splitlines()]
    return tuple(PushedReference(f[0] == "!", f[0] == "=", f[2].strip()) for f in fields if len(f) == 3)
