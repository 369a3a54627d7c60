"""What is sent to a remote together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def in_parts(items: Iterable[Item], size_of: Callable[[Item], int], enough: int) -> Iterator[list[Item]]:
    """Items in their order, in as many lists as there have to be if each ends as soon as it has ``enough`` bytes."""
    part: list[Item] = []
    size = 0
    for item in items:
        part.append(item)
        size += size_of(item)
        if size >= enough:
            yield part
            part, size = [], 0
    if part:
        yield part
