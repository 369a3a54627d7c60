"""The contract of a preview."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from dataworkspaces.web.previews.blocks import Block


class Preview(ABC):
    """What is shown of one kind of file. An entry point of the group ``dataworkspaces.previews`` names an instance.

    :cvar suffixes: of the names of its files, in lower case: ``(".csv", ".tsv")``.
    """

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        """The blocks that show a file. Nothing in it may be run, unpickled or fetched: it is somebody else's.

        :param name: of the file, without its directory.
        :param content: its first bytes, eight million at most.
        :param is_whole: whether that is all of it.

        Raises ValueError for content that is not of this kind; the file is shown as text then."""
