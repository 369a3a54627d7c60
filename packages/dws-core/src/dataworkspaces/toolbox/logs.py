"""The log of all that is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logging import Logger

__all__ = ["log"]


class _LoggerWhenNeeded:
    """The logger; :mod:`logging` is imported when it is first used, which in most commands it is not."""

    def __getattr__(self, name: str) -> Any:
        import logging

        return getattr(logging.getLogger("dataworkspaces"), name)


log: Logger = _LoggerWhenNeeded()  # type: ignore[assignment]
"""Each thing done is logged here, at INFO; calls of other programs at DEBUG. ``--verbose`` shows both."""
