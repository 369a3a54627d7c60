"""The log of all that is done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logging import Logger

__all__ = ["log"]


class _LoggerWhenNeeded:
    """The logger. Nobody can have asked to see what it says before :mod:`logging` is imported, which in most commands
    it is not."""

    def __getattr__(self, name: str) -> Any:
        if name in ("debug", "info") and "logging" not in sys.modules:
            return _say_nothing
        import logging

        return getattr(logging.getLogger("dataworkspaces"), name)


def _say_nothing(*args: object, **kwargs: object) -> None: ...


log: Logger = _LoggerWhenNeeded()  # type: ignore[assignment]
"""Each thing done is logged here, at INFO; calls of other programs at DEBUG. ``--verbose`` shows both."""
