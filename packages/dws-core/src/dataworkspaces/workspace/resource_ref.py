"""A place in a resource."""

from __future__ import annotations

from typing import NamedTuple, Optional


class ResourceRef(NamedTuple):
    """The name of a resource, and a relative path in it (None for the whole resource).

    Parts of a path are separated by ``/``, on every platform.
    """

    name: str
    subpath: Optional[str] = None  # noqa: UP045 - the manual's signature

    def __str__(self) -> str:
        return self.name if self.subpath is None else f"{self.name}:{self.subpath}"
