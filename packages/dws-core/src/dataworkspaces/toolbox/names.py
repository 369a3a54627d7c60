"""Names of resources, and paths from outside: what is safe to use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from dataworkspaces.errors import ConfigurationError

__all__ = [
    "LINEAGE_FILE",
    "METADATA_DIR",
    "check_relative_path",
    "check_resource_name",
    "check_text",
    "clean_resource_name",
    "is_resource_name",
    "readable",
    "some",
]

METADATA_DIR = ".dataworkspace"
"""A local directory that holds a directory of this name is a workspace."""
LINEAGE_FILE = "lineage.json"
"""The lineage of a results or exported resource, in the resource itself."""
_NAME_RE = r"[A-Za-z0-9_][A-Za-z0-9._ +@-]*\Z"


def is_resource_name(name: str) -> bool:
    """Whether ``name`` can name a resource: names become file names and options' values."""
    return re.match(_NAME_RE, name) is not None and not name.endswith((" ", ".")) and len(name) <= 200


def check_resource_name(name: str) -> None:
    """Raise ConfigurationError if ``name`` cannot name a resource."""
    if not is_resource_name(name):
        raise ConfigurationError(
            f"'{name}' cannot name a resource",
            hint="A name starts with a letter, a digit or '_', and consists of letters, digits, blanks and . _ + @ -",
        )


def clean_resource_name(text: str) -> str:
    """The nearest valid name; may be empty."""
    cleaned = re.sub(r"[^A-Za-z0-9._ +@-]+", "-", text).strip("-. ")
    return cleaned if re.match(_NAME_RE, cleaned) else ""


def check_text(text: str, what: str) -> str:
    """Return ``text`` if all that reads what we write can read it.

    Raises ConfigurationError, in which ``what`` names it, for a NUL, or bytes of the command line that are no UTF-8."""
    try:
        text.encode("utf-8")
        problem = "holds a NUL" if "\0" in text else None
    except UnicodeEncodeError:
        problem = "is not UTF-8 text"
    if problem is not None:
        hint = "Check the encoding of the terminal or script with 'locale'"
        raise ConfigurationError(f"{what} {readable(text)[:80]!r} {problem}", hint=hint)
    return text


def readable(text: str) -> str:
    """A text that may hold what no encoding can write, as it can be shown and stored."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def some(items: Iterable[object], most: int = 3) -> str:
    """The first of many, and how many more there are, for a message: ``a, b, c and 4 more``."""
    listed = list(map(str, items))
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def check_relative_path(path: str, what: str) -> str:
    """Return ``path`` if it is a relative path with ``/`` that stays below its root.

    Raises ConfigurationError, in which ``what`` names where the path stands, for an absolute path, ``..``, an empty
    part, a NUL or what no file name can hold. ``""`` is the root itself."""
    parts = path.split("/")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        parts.append("")
    if path and (path.startswith("/") or "\0" in path or any(p in ("", ".", "..") for p in parts)):
        raise ConfigurationError(f"{what}: '{path}' is not a plain relative path")
    return path
