"""While a question is open, nobody holds the lock of the workspace."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from dataworkspaces.errors import LockedError, RefusedError
from dataworkspaces.operations.questions import ask_unlocked
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.workspace.interaction import Advance


class Present:
    """Answers yes, and notes whether the lock was free."""

    can_ask = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[tuple[str, bool]] = []
        self.told: list[str] = []

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        try:
            with hold_lock(self.directory, "other", timeout=0):
                self.asked.append((question, True))
        except LockedError:
            self.asked.append((question, False))
        return True

    def ask(self, question: str, *, default: str | None = None, option: str | None = None) -> str:
        return str(self.confirm(question, default=False))

    def warn(self, message: str) -> None:
        self.told.append(message)

    tell = warn

    def progress(self, description: str, total: int | None, unit: str = "files") -> AbstractContextManager[Advance]:
        return nullcontext(lambda _n: None)


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    workspace = MemoryWorkspace(tmp_path)
    workspace.batch = False
    workspace.interaction = Present(workspace.get_machine_directory())
    return workspace


def test_it_is_asked_without_the_lock_and_once(workspace: MemoryWorkspace) -> None:
    user = workspace.interaction
    assert isinstance(user, Present)
    attempts = []

    def attempt() -> list[object]:
        with workspace.transaction("test"):
            attempts.append("begun")
            workspace.interaction.tell("checked")
            first = workspace.interaction.confirm("One?", default=False)
            second = workspace.interaction.ask("Two?")
            workspace.interaction.warn("checked")
        return [first, second]

    assert ask_unlocked(workspace, attempt) == [True, "True"]
    assert user.asked == [("One?", True), ("Two?", True)]
    assert user.told == ["checked", "checked"]
    assert len(attempts) == 3
    assert workspace.interaction is user


def test_what_is_half_done_is_not_left(workspace: MemoryWorkspace) -> None:
    """Once the journal tells of a change, the question is asked at once."""
    user = workspace.interaction
    assert isinstance(user, Present)

    def attempt() -> bool:
        with workspace.transaction("test") as journal:
            journal.record("test")
            return workspace.interaction.confirm("One?", default=False)

    assert ask_unlocked(workspace, attempt)
    assert user.asked == [("One?", False)]


def test_what_resumes_is_asked_without_the_lock_at_any_time(workspace: MemoryWorkspace) -> None:
    """What it had begun is completed first, and it goes on where it was."""
    user = workspace.interaction
    assert isinstance(user, Present)
    done: list[str] = []
    completed: list[tuple[str, bool]] = []

    def recover(operation: str, _data: object, interrupted: bool) -> str:
        completed.append((operation, interrupted))
        return ""

    workspace.recover = recover  # type: ignore[method-assign]

    def attempt() -> list[str]:
        with workspace.transaction("test") as journal:
            journal.record("test")
            for step in ("one", "two"):
                if step not in done:
                    workspace.interaction.tell(f"At {step}")
                    workspace.interaction.confirm(f"{step}?", default=False)
                    done.append(step)
        return done

    assert ask_unlocked(workspace, attempt, resumes=True) == ["one", "two"]
    assert user.asked == [("one?", True), ("two?", True)]
    assert user.told == ["At one", "At two"]
    assert completed == [("test", False)] * 2


def test_no_is_an_error_of_the_attempt_and_the_lock_is_free(workspace: MemoryWorkspace) -> None:
    def attempt() -> None:
        with workspace.transaction("test"):
            if workspace.interaction.confirm("One?", default=False):
                raise RefusedError("no")

    with pytest.raises(RefusedError):
        ask_unlocked(workspace, attempt)
    with workspace.transaction("next"):
        pass


def test_in_a_batch_there_is_one_attempt(workspace: MemoryWorkspace) -> None:
    workspace.batch = True
    attempts = []
    ask_unlocked(workspace, lambda: attempts.append(1))
    assert attempts == [1]
