"""Names of files that keep the order in which they came, although a clock is set back, as each autumn does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

MOMENT_RE = re.compile(r"(\d{8}T)(\d{12})")
"""The day, and the time of day to the microsecond."""


def moment_after(earlier: Iterable[str], now: datetime) -> str:
    """A name for a moment that comes after all earlier ones in their order."""
    name, latest = f"{now:%Y%m%dT%H%M%S%f}", max(earlier, default="")
    before = MOMENT_RE.fullmatch(latest)
    if before is None or name > latest:
        return name
    day, time = before.groups()
    return f"{day}{int(time) + 1:012}"
