"""At which of its points a command is killed.

A command has hundreds of them, and each costs the seconds in which the workspace is looked at afterwards. A run of the
tests takes some, spread evenly from the first to the last; with ``DWS_KILL=each`` (``make test-kills``) it takes all.
"""

from __future__ import annotations

import os

EACH = os.environ.get("DWS_KILL") == "each"
SOME = 8


def kill_points(points: int, stripe: int = 0, stripes: int = 1, some: int = SOME) -> list[int]:
    """The points of 1 to ``points`` that are the turn of one test of ``stripes``, which share them out."""
    chosen = range(1, points + 1)
    if not EACH and points > some:
        chosen = sorted({1 + round(n * (points - 1) / (some - 1)) for n in range(some)})
    return list(chosen)[stripe::stripes]
