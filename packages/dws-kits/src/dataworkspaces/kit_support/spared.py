"""Training is never lost to bookkeeping: what cannot be stored or recorded is said, and costs only itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dataworkspaces.errors import (
    ApiParamError,
    ConflictError,
    DwsError,
    InternalError,
    LineageError,
    LockedError,
    MetadataError,
    NotAWorkspaceError,
    NotSupportedError,
    RefusedError,
    StorageError,
    ToolError,
    UnavailableError,
    message_of,
)
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.plain_text import escape

P = TypeVar("P")
T = TypeVar("T")

NOT_STORED = "not_stored: "
"""Before the name of a file, the parameter of a step that says why there is no such file."""

NOT_RECORDED = "not_recorded: "
"""Before what a step did, the parameter that says why nothing of it was recorded."""

REFUSALS = (ApiParamError, ConflictError, LineageError, LockedError, NotSupportedError, RefusedError)
"""What says before a training that it should not begin like this."""

_OF_THE_WORKSPACE = (InternalError, MetadataError, NotAWorkspaceError, StorageError, ToolError, UnavailableError)


def is_of_an_argument(error: Exception) -> bool:
    """Whether an error, from looking for the places that a user names, is of what the user said: not of the workspace,
    which has vanished, or cannot be read now."""
    return isinstance(error, DwsError) and not isinstance(error, _OF_THE_WORKSPACE)


def says_not_to(error: Exception, refusals: tuple[type[Exception], ...] = ()) -> bool:
    """Whether an error says that what was to begin should not begin like this."""
    return is_of_an_argument(error) or isinstance(error, (*REFUSALS, *refusals))


def reason_of(error: Exception) -> str:
    """An error in a line."""
    return escape(" ".join(f"{type(error).__name__}: {message_of(error)}".split())[:500])


@contextmanager
def spared(lineage: ResultsLineage, name: str) -> Iterator[None]:
    """The file ``name`` is made and stored within. If that fails, a warning and a parameter of the step say why."""
    try:
        yield
    except Exception as e:  # of any library, or of somebody else's class
        reason = reason_of(e)
        lineage.add_param(NOT_STORED + name, reason)
        warnings.warn(
            f"'{escape(name)}' is not stored ({reason}). Everything else about the training is recorded", stacklevel=3
        )


@contextmanager
def spared_record(what: str, note: Callable[[str], object] = lambda reason: None) -> Iterator[None]:
    """``what`` (a training, a score) is recorded within. If that fails, a warning says why, and so is ``note`` told."""
    try:
        yield
    except Exception as e:  # as above; also of a parameter's ``repr``, and of the system
        note(warn_unrecorded(what, e))


def warn_unrecorded(what: str, error: Exception) -> str:
    """Say that something is done, but not recorded, and return why."""
    reason = reason_of(error)
    warnings.warn(f"{what} is not recorded ({reason}). It continues nevertheless", stacklevel=4)
    return reason


def begin_unless_it_fails(
    find: Callable[[], P], begin: Callable[[P], T], refusals: tuple[type[Exception], ...] = ()
) -> tuple[T | None, str | None]:
    """What ``begin`` makes of the places that ``find`` returns. If a training cannot be recorded, None with the
    reason, and a warning.

    What says that it should not begin like this is raised: errors of :func:`is_of_an_argument` from ``find``,
    :data:`REFUSALS`, and ``refusals``."""
    try:
        places = find()
    except Exception as e:
        if is_of_an_argument(e) or isinstance(e, refusals):
            raise
        return None, warn_unrecorded("This training", e)
    try:
        return begin(places), None
    except REFUSALS:
        raise
    except Exception as e:
        return None, warn_unrecorded("This training", e)
