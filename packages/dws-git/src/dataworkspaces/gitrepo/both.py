"""Two questions to git at once, each of which mostly waits for a process to start."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """What both answer; if both fail, the error of the first. The second is called in a thread, so it may use nothing
    that belongs to this one, as connections to databases do.

    :mod:`concurrent.futures` would do; to import it takes longer than a git."""
    answers: list[Second] = []
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(second())
        except BaseException as e:
            errors.append(e)

    thread = threading.Thread(target=ask, name="dws-both")
    thread.start()
    try:
        answer = first()
    finally:
        thread.join()
    if errors:
        raise errors[0]
    return answer, answers[0]
