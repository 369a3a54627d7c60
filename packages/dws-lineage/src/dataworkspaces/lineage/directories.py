"""Directories that stand for the files in them, so that a step that reads a million files has a few inputs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator


def gather(places: Collection[str], may_stand: Callable[[str | None], bool], at_most: int) -> set[str | None]:
    """Places that hold all of ``places``: no more than ``at_most``, as far as directories may stand for what is in
    them. Those that hold most of them do, and lower ones before higher ones. None is the root."""
    found: set[str | None] = set(places)
    refused: set[str | None] = set()
    while len(found) > at_most:
        members = _lowest(found, refused)
        if not members:
            break
        for directory in sorted(members, key=lambda d: (-len(members[d]), d or "")):
            if len(found) <= at_most:
                break
            if may_stand(directory):
                found.difference_update(members[directory])
                found.add(directory)
            else:
                refused.add(directory)
    return found


def _lowest(places: Collection[str | None], refused: Collection[str | None]) -> dict[str | None, list[str]]:
    """The directories that hold two or more places, and no such directory; with these places."""
    inside = Counter(directory for place in places for directory in _above(place))
    homes: dict[str | None, list[str]] = defaultdict(list)
    for place in places:
        home = next((d for d in _above(place) if inside[d] > 1 and d not in refused), place)
        if place is not None and home != place:
            homes[home].append(place)
    higher = {directory for home in homes for directory in _above(home)}
    return {home: members for home, members in homes.items() if home not in higher}


def _above(place: str | None) -> Iterator[str | None]:
    """The directories that hold a place, the lowest first."""
    while place is not None:
        place = place.rpartition("/")[0] or None
        yield place
