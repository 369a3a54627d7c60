"""The encoding that a terminal has, where a ``dws`` takes all bytes for UTF-8."""

from __future__ import annotations

import os
import sys


def encoding_of_terminal() -> str | None:
    """What the locale says, where a ``dws`` in UTF-8 mode would take it for UTF-8."""
    if not sys.flags.utf8_mode or "PYTHONIOENCODING" in os.environ:
        return None
    import locale

    try:
        locale.setlocale(locale.LC_CTYPE, "")
        found = locale.nl_langinfo(locale.CODESET)
        "".encode(found)
    except (locale.Error, LookupError):
        return None
    return None if found.upper() in ("UTF-8", "ANSI_X3.4-1968") else found


def as_typed(text: str) -> str:
    """A text of the command line whose bytes are no UTF-8, in the encoding of the terminal that it was typed at; as it
    is, if there is none that has these bytes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        encoding = encoding_of_terminal()
        if encoding is not None:
            return text.encode("utf-8", "surrogateescape").decode(encoding, "surrogateescape")
    return text
