"""Text from outside, and how values are written."""

from __future__ import annotations

import pytest

from dataworkspaces.cli.text import escape, number, plural, value_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 数", "plain é 数"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("line\u2028separator", "line\\u2028separator"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
    ],
)
def test_nothing_that_a_terminal_acts_on_is_left(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.9688542825361512, "0.969"),
        (0.13, "0.13"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (0.99996, "1.0"),
        (0.0001, "0.0001"),
        (0.00123456, "0.00123"),
        (-0.98765, "-0.988"),
        (12345.678912, "12345.679"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_floats_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_dictionary_is_written_with_its_keys() -> None:
    assert value_text({"precision": 1.0, "support": 88}) == "precision: 1.0, support: 88"


def test_exact_values_keep_their_digits() -> None:
    assert value_text({"recall": 0.9886363636363636}, exact=True) == "recall: 0.9886363636363636"


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_plural(count: int, text: str) -> None:
    assert plural(count, "file") == text
