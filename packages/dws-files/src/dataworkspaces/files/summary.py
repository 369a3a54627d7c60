"""Changes of files in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dataworkspaces.filetree import Change
from dataworkspaces.toolbox.names import some


def summary(changes: Sequence[Change]) -> str:
    """How many entries changed, and the first of them."""
    counts = Counter(change.status for change in changes)
    told = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return f"{told}: {some(change.path for change in changes)}"
