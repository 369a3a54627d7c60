"""What a workspace may ask of, and tell, the person in front of it.

Resource types, backends and command functions never print or prompt. They call the :class:`Interaction` of their
workspace, which the command line replaces with one that prompts. The default one never asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from dataworkspaces.errors import BatchModeError
from dataworkspaces.toolbox.logs import log

Advance = Callable[[int], None]
"""Called with the number of units done since the last call."""

_NOT_ASKED = "--batch and --json ask nothing"


class Interaction(Protocol):
    """How to reach the user. ``option`` is the command-line option that would have answered a question."""

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there who could answer a question, that of another program too."""
        ...

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        """Ask a yes/no question. Without a user: ``default`` if True, else BatchModeError if an ``option`` is named,
        else False."""
        ...

    def ask(self, question: str, *, default: str | None = None, option: str | None = None) -> str:
        """Ask for a text. Without a user: ``default``, or BatchModeError if there is none."""
        ...

    def warn(self, message: str) -> None:
        """Tell something that the user should know; never lost in a pipe."""
        ...

    def tell(self, message: str) -> None:
        """Tell what was done."""
        ...

    def progress(self, description: str, total: int | None, unit: str = "files") -> AbstractContextManager[Advance]:
        """A progress bar for what takes long; ``total`` in ``unit``, or None if unknown."""
        ...


class BatchInteraction:
    """Never asks; warnings go to the log."""

    can_ask = False

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        if default or option is None:
            return default
        raise BatchModeError(f"An answer is needed: {question}", hint=f"Answer with {option}: {_NOT_ASKED}")

    def ask(self, question: str, *, default: str | None = None, option: str | None = None) -> str:
        if default is not None:
            return default
        how = f"Answer with {option}: {_NOT_ASKED}" if option else _NOT_ASKED.capitalize()
        raise BatchModeError(f"An answer is needed: {question}", hint=how)

    def warn(self, message: str) -> None:
        log.warning(message)

    def tell(self, message: str) -> None:
        log.info(message)

    @contextmanager
    def progress(self, description: str, total: int | None, unit: str = "files") -> Iterator[Advance]:
        yield lambda _n: None
