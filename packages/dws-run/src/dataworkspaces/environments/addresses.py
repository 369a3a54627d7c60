"""Addresses of packages, without secrets, and none that makes a program do something else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_VCS_SCHEMES = ("git", "hg", "svn", "bzr")


def without_secrets(url: str) -> str:
    """A URL without user, password and query, any of which may be a token. ``git@``, which everybody is, stays."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if at and (user != "git" or "ssh" not in parts.scheme):
        host = host or parts.netloc
    elif at:
        host = parts.netloc
    fragment = "" if re.search(r"(?i)token|secret|password|key=", parts.fragment) else parts.fragment
    return urlunsplit((parts.scheme, host, parts.path, "", fragment))


def is_url(text: str, schemes: tuple[str, ...] = ("https", "http")) -> bool:
    """Whether a text from outside is a URL of one of these schemes, which cannot be read as anything else."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    has_host = bool(parts.hostname) and not str(parts.hostname).startswith("-")
    # '$' is where files of requirements have the value of a variable.
    is_clean = all(character.isprintable() and not character.isspace() and character != "$" for character in text)
    return parts.scheme in schemes and has_host and is_clean


def is_vcs_url(text: str) -> bool:
    """Of a repository that is contacted over a network."""
    return is_url(text, ("https", "http", "ssh", "git"))


def vcs_type(text: str) -> bool:
    return text in _VCS_SCHEMES
