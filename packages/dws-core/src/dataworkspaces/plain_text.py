"""Text from outside, made harmless before somebody sees it."""

from __future__ import annotations

import re

_UNSAFE_RE = (
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c"  # what reverses the direction of text
    "\u2028\u2029\ufeff\ud800-\udfff]"  # line separators, byte-order mark, bytes of file names that are no UTF-8
)
_CONTROL_RE = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


def has_control_characters(text: str) -> bool:
    """Whether a text holds what no name, path or address of ours has. Those that turn the direction of writing are a
    part of some languages, and only shown otherwise."""
    return not text.isprintable() and re.search(_CONTROL_RE, text) is not None


def escape(text: object) -> str:
    """One line without anything that a terminal would act on: such characters are shown as ``\\n``, ``\\x1b``, ..."""
    shown = str(text)
    return shown if shown.isprintable() else re.sub(_UNSAFE_RE, _escape_one, shown)


def _escape_one(match: re.Match[str]) -> str:
    char = match.group()
    if 0xDC80 <= ord(char) <= 0xDCFF:
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
