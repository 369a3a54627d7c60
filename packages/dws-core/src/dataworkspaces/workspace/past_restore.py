"""What a restore replaced, as one that undoes it needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

__all__ = ["PastRestore"]


class PastRestore(NamedTuple):
    """:ivar name: of the file.
    :ivar time: in local time.
    :ivar snapshot: what was restored; None if it undid another.
    :ivar came_from: the snapshot that the state came from before; None if nobody knew.
    :ivar prior: the versions that lay there, by resource.
    :ivar targets: those that lay there afterwards.
    :ivar lineage: of these resources before, as documents.
    :ivar is_whole: whether it restored a snapshot, or undid that, and not versions of some resources alone.
    """

    name: str
    time: datetime
    snapshot: str | None
    came_from: str | None
    prior: Mapping[str, str]
    targets: Mapping[str, str]
    lineage: Mapping[str, Any]
    is_whole: bool = True
