"""Who keeps content of versions, and can remove what none needs: the capability that ``dws gc`` asks for."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

__all__ = ["CollectMixin", "Collected"]


class Collected(NamedTuple):
    """:ivar contents, size: what is needed no more, and the bytes in it: removed, or to be removed.
    :ivar young: how many contents are not needed either, but kept for now.
    :ivar obstacles: what could not be looked at or removed, and stays, in words."""

    contents: int = 0
    size: int = 0
    young: int = 0
    obstacles: tuple[str, ...] = ()


class CollectMixin(ABC):
    """Who keeps content of versions in a place of its own, and can remove what no version needs: a resource, or a
    workspace for all resources that lie in it. ``dws gc`` asks for this."""

    @abstractmethod
    def collect(self, needed: Collection[str], before: datetime, *, dry_run: bool = False) -> Collected:
        """Remove what is kept of no version that is ``needed``, and was kept before a time. A version that another
        workspace needs is not named here: who shares a place with others asks them, or removes nothing. Doubt never
        removes: what cannot be told for sure raises a ConfigurationError, or is told as an obstacle. Idempotent.
        The workspace's lock is held, but with ``dry_run``.

        :param needed: versions to restore by, of this resource; of a workspace, those of all its resources, among them
            such as it knows nothing of.
        :param dry_run: say what would go, and change nothing."""
