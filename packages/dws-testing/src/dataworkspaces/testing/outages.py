"""What every suite for a resource type asks while its storage fails, one call after the other."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    InternalError,
    NotFoundError,
    NotSupportedError,
    kind_of_os_error,
)
from dataworkspaces.testing.faults import failing_below
from dataworkspaces.workspace import Workspace

EACH = os.environ.get("DWS_FAULTS") == "each"
"""Let every call fail, whatever a suite says: ``make test-faults``."""


@dataclass
class Outage:
    """What came of something of which one call has failed.

    :ivar call: which, as text for a failed assertion.
    :ivar lasts: all calls after it have failed, too: those that clean up among them.
    :ivar error: what it raised; None if it has done without that call, or tried again, and has an ``answer``."""

    call: str
    answer: Any = None
    error: Exception | None = None
    lasts: bool = False

    def check(self, *answers: Any) -> None:
        """That the answer is one of those that are true, or the error says that there was none."""
        if self.error is None:
            assert not answers or self.answer in answers, f"{self.call}: answered {self.answer!r}"
        else:
            assert is_no_answer(self.error), f"{self.call}: raised {self.error!r}"


def is_no_answer(error: Exception) -> bool:
    """Whether an error leaves open what is there: no *no*, no fault of the user, no bug."""
    if isinstance(error, DwsError):
        return type(error) is not ConfigurationError and not isinstance(
            error, (NotFoundError, InternalError, NotSupportedError)
        )
    return isinstance(error, OSError) and not issubclass(kind_of_os_error(error), NotFoundError)


def outages(
    directory: Path,
    workspace: Workspace,
    act: Callable[[], Any],
    *,
    before: Callable[[int], object] = lambda number: None,
    count: int | None = None,
    for_good: Sequence[bool] = (False, True),
) -> Iterator[Outage]:
    """Do something again and again, and let another one of its calls fail each time: that one, or it and all after it.

    :param before: sets the scene for a try; not part of what fails.
    :param count: how many of its calls are to fail, spread evenly; None for each.
    :param for_good: whether all calls after it fail, too; both, by default."""
    before(0)
    with failing_below(directory, workspace, None) as calls:
        act()
    wanted = len(calls.made) if EACH or count is None else min(count, len(calls.made))
    tries = itertools.count(1)
    for number in range(wanted):
        for is_for_good in for_good:
            before(next(tries))
            at = number * len(calls.made) // wanted
            with failing_below(directory, workspace, at, for_good=is_for_good) as made:
                outage = _done(act)
            if made.failed is not None:
                outage.call = f"call {at}{' and all after it' if is_for_good else ''}, {made.failed}"
                outage.lasts = is_for_good
                yield outage


def _done(act: Callable[[], Any]) -> Outage:
    try:
        return Outage("", act())
    except Exception as error:
        return Outage("", error=error)
