"""Lines of the files that say what git ignores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.errors import kind_of_os_error
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.regular import read_regular

_MOST = 100_000_000
"""Bytes that git reads of such a file."""


def read_settings(path: Path) -> bytes:
    """A file with lines for git; empty if there is none. Raises ConfigurationError if it is none that can be read."""
    try:
        return read_regular(path, _MOST)
    except FileNotFoundError:
        return b""
    except OSError as e:
        raise kind_of_os_error(e)(f"{path} cannot be read: {e.strerror or e}", hint="Put a text file there") from e


def add_lines(path: Path, lines: Sequence[str]) -> bool:
    """Add the lines that an ignore file lacks, at its end; returns whether it changed."""
    old = read_settings(path)
    present = set(old.decode("utf-8", "surrogateescape").splitlines())
    missing = [line for line in lines if line not in present]
    if not missing:
        return False
    gap = b"\n" if old and not old.endswith(b"\n") else b""
    write_bytes(path, old + gap + "".join(f"{line}\n" for line in missing).encode("utf-8", "surrogateescape"))
    return True


def literally(path: str) -> str:
    """A path as a line of an ignore file has it, in which it stands for itself alone."""
    escaped = "".join("\\" + c if c in "\\*?[" else c for c in path)
    kept = escaped.rstrip(" ")
    return kept + "\\ " * (len(escaped) - len(kept))  # git takes no notice of blanks at the end of a line


def ignore_pattern(relative: str) -> str:
    """The line of an ignore file that stands for one directory; its name is taken literally."""
    return f"/{literally(relative)}/"
