"""Errors about values of any length can be read."""

from __future__ import annotations

from dataworkspaces.errors import ConfigurationError


def test_a_word_of_any_length_is_cut_in_its_middle() -> None:
    error = ConfigurationError(f"'{'9' * 5000}' is not a number", hint=f"See {'[' * 3000}/end")
    assert len(error.message) < 600
    assert error.message.endswith("9' is not a number")
    assert error.hint is not None
    assert error.hint.endswith("[/end")
    assert len(str(error)) < 1200


def test_others_are_as_they_are() -> None:
    text = "one\ttwo \n" + "three " * 500
    assert ConfigurationError(text).message == text
