"""What a command that was cut short has left besides its journal: a resource, or what a backend stores, that is between
two states by a note of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["RECOVER_HINT", "Abandoned", "UnfinishedPart"]

RECOVER_HINT = "'dws recover' tries again and says why it fails; 'dws recover --abandon' sets it aside, and keeps all"


class Abandoned(NamedTuple):
    """:ivar kept_as: where the note is now.
    :ivar places: what lies where, a line each."""

    kept_as: Path
    places: tuple[str, ...] = ()


class UnfinishedPart(NamedTuple):
    """:ivar what: which it is, in words.
    :ivar finish: completes or undoes it, and says which. Idempotent; raises UnfinishedError if it can be neither.
    :ivar abandon: sets the note aside, whatever it holds, and changes nothing else.

    Both are called with the workspace's lock held."""

    what: str
    finish: Callable[[], str]
    abandon: Callable[[], Abandoned]
