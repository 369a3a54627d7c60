"""The messages of the commits that are ours, in a user's own repositories."""

from __future__ import annotations

PREFIX = "dws: "
"""By it ``git log --invert-grep --grep='^dws: '`` leaves them out."""


def commit_message(text: str) -> str:
    """A message as git takes it, which refuses NUL."""
    return PREFIX + text.replace("\0", " ")
