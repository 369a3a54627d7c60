"""Questions that come up while a command holds the workspace's lock: nobody has the lock while they are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.interaction import Advance, BatchInteraction, Interaction
from dataworkspaces.workspace.journal import Journal

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

T = TypeVar("T")


def ask_unlocked(workspace: Workspace, attempt: Callable[[], T], *, resumes: bool = False) -> T:
    """What ``attempt`` returns, which takes the lock and may ask.

    A question that comes before the journal says of any change ends the attempt, is asked without the lock, and
    ``attempt`` is run again, which then has the answer; what it has told already is not told again. So its checks may
    run twice. After that a question is asked at once: what is half done is not to be left to others.

    :param resumes: ``attempt`` goes on where it was, and recovery completes what it had begun: so a question ends it
        whenever it comes."""
    interaction = workspace.interaction
    if workspace.batch or isinstance(interaction, BatchInteraction):
        return attempt()
    asking = _Asking(workspace, interaction, resumes)
    workspace.interaction = asking
    try:
        while True:
            try:
                return attempt()
            except _Question as question:
                asking.answer(question)
    finally:
        workspace.interaction = interaction


class _Question(BaseException):
    """Ends an attempt. No error: nobody who deals with errors may take it for one."""

    def __init__(self, text: str, ask: Callable[[], bool | str]) -> None:
        super().__init__(text)
        self.text = text
        self.ask = ask


class _Asking:
    """Has the answers to what was asked before, by the text of the question: if that is the same, so is what it is
    about."""

    def __init__(self, workspace: Workspace, interaction: Interaction, resumes: bool) -> None:
        self._workspace = workspace
        self._interaction = interaction
        self._resumes = resumes
        self._answers: dict[str, bool | str] = {}
        self._told: list[str] = []
        self._told_before: list[str] = []

    @property
    def can_ask(self) -> bool:
        return self._interaction.can_ask

    def answer(self, question: _Question) -> None:
        self._answers[question.text] = question.ask()
        self._told_before, self._told = self._told, []

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        return bool(self._asked(question, lambda: self._interaction.confirm(question, default=default, option=option)))

    def ask(self, question: str, *, default: str | None = None, option: str | None = None) -> str:
        return str(self._asked(question, lambda: self._interaction.ask(question, default=default, option=option)))

    def _asked(self, text: str, ask: Callable[[], bool | str]) -> bool | str:
        if text in self._answers:
            return self._answers[text]
        holds_lock = self._workspace.journal is not None
        if holds_lock and (self._resumes or not self._has_begun()):
            raise _Question(text, ask)
        return ask()

    def _has_begun(self) -> bool:
        return is_present(Journal.path(self._workspace.get_machine_directory()))

    def warn(self, message: str) -> None:
        if self._is_new(message):
            self._interaction.warn(message)

    def tell(self, message: str) -> None:
        if self._is_new(message):
            self._interaction.tell(message)

    def _is_new(self, message: str) -> bool:
        self._told.append(message)
        if message in self._told_before:
            self._told_before.remove(message)
            return False
        return True

    @contextmanager
    def progress(self, description: str, total: int | None, unit: str = "files") -> Iterator[Advance]:
        with self._interaction.progress(description, total, unit) as advance:
            yield advance
