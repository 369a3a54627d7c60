"""Two questions at once."""

from __future__ import annotations

import threading

import pytest

from dataworkspaces.gitrepo.both import both


def _fail(error: Exception) -> None:
    raise error


def test_they_are_asked_at_once() -> None:
    meet = threading.Barrier(2, timeout=60)
    assert both(lambda: meet.wait() >= 0, lambda: ("second", meet.wait())[0]) == (True, "second")


def test_the_error_of_one_comes_when_both_have_ended() -> None:
    ended = threading.Event()

    def wait_a_little() -> None:
        ended.wait(0.05)
        ended.set()

    with pytest.raises(KeyError):
        both(lambda: _fail(KeyError()), wait_a_little)
    assert ended.is_set()
    with pytest.raises(OSError, match="second"):
        both(lambda: None, lambda: _fail(OSError("second")))
    with pytest.raises(KeyError):
        both(lambda: _fail(KeyError()), lambda: _fail(OSError("second")))
