"""The errors that a user can meet.

Every one of them carries a message of one line that names the thing, says what is wrong with it and, where that is
not obvious, a ``hint`` with what to do. The command line prints ``LABEL: message`` and the hint, and ends with
``exit_code``, which each kind has of its own (``docs/reference/errors.md``); a traceback is shown for anything that is
not a :class:`DwsError`, since that is a bug.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "NO_ANSWER",
    "ApiParamError",
    "BatchModeError",
    "ConfigurationError",
    "ConflictError",
    "DwsError",
    "InternalError",
    "LineageError",
    "LockedError",
    "MetadataError",
    "NotAWorkspaceError",
    "NotFoundError",
    "NotSupportedError",
    "ParamNotFoundError",
    "ParamValidationError",
    "PathNotAResourceError",
    "PluginError",
    "RefusedError",
    "StorageError",
    "ToolError",
    "UnavailableError",
    "UnfinishedError",
    "UserAbort",
    "kind_of_os_error",
    "message_of",
    "with_hint",
]

_SPACE_RE = r"(\s+)"
_LONGEST_WORD = 600


class DwsError(Exception):
    """Base of all errors of Data Workspaces.

    :param message: one line that names the thing and what is wrong with it.
    :param hint: what the user can do about it, if the message does not say it.
    :cvar kind: what scripts tell errors apart by, beside the exit status.
    """

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        shown = _readable(message)
        super().__init__(shown)
        self.message = shown
        self.hint = None if hint is None else _readable(hint)

    def __str__(self) -> str:
        """As the command line shows it: the message, and the hint."""
        return with_hint(self.message, self.hint)


def _readable(text: str) -> str:
    """Somebody else's value may be a word of any length, which would hide what the error says of it."""
    if len(text) <= _LONGEST_WORD:
        return text
    words = re.split(_SPACE_RE, text)
    return "".join(w if len(w) <= _LONGEST_WORD else f"{w[:400]}…{w[-100:]}" for w in words)


def message_of(error: BaseException) -> str:
    """What an error says, without the hint of ours: for a line that has one of its own, or goes on."""
    return error.message if isinstance(error, DwsError) else str(error)


def with_hint(message: str, hint: str | None) -> str:
    """A message and what the user can do about it, as two sentences."""
    text = message.rstrip()
    return text if not hint else f"{text}{'' if text.endswith(('.', '?', '!')) else '.'} {hint}"


class ConfigurationError(DwsError):
    """Something that the user asked for does not fit the workspace, its resources or this machine."""

    kind = "configuration"


class NotFoundError(ConfigurationError):
    """It is certain that the thing is not there: what was asked has answered."""

    kind = "not-found"
    exit_code = 4


class UnavailableError(ConfigurationError):
    """Something could not be read or reached, so whether it is there is not known; a later try may help.

    Code that asks "is it there?" lets this error through: it is no *no*."""

    kind = "unavailable"
    exit_code = 5


class StorageError(ConfigurationError):
    """Nothing can be written there: the storage is full, or read-only."""

    kind = "storage"
    exit_code = 6


class ConflictError(ConfigurationError):
    """Two changes of the same thing cannot be used together; both are kept."""

    kind = "conflict"
    exit_code = 8


class RefusedError(ConfigurationError):
    """Somebody else's workspace asks for something that the user of this machine has not agreed to."""

    kind = "refused"
    exit_code = 9


_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_OF_THE_CALL = (
    errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOTEMPTY, errno.EXDEV, None,
)  # fmt: skip
"""Of what was asked for, not of the disk or the connection."""


def kind_of_os_error(error: BaseException) -> type[ConfigurationError]:
    """The kind of a system call that failed; any other error is of what was asked for."""
    number = error.errno if isinstance(error, OSError) else None
    if number in _ABSENT:
        return NotFoundError
    if number in _NO_ROOM:
        return StorageError
    return ConfigurationError if number in _OF_THE_CALL else UnavailableError


class ApiParamError(ConfigurationError):
    """An argument passed to the Python API is not valid."""

    kind = "parameter"


class ParamNotFoundError(ConfigurationError):
    """A parameter of that name is not defined."""


class ParamValidationError(ConfigurationError):
    """A value does not fit the type of the parameter that it was given to."""


class PathNotAResourceError(ConfigurationError):
    """A local path lies in no resource of the workspace."""


class NotAWorkspaceError(ConfigurationError):
    """No workspace was found at a place or above it."""


class NotSupportedError(ConfigurationError):
    """A workspace or resource lacks the capability that a command asked for."""

    kind = "not-supported"
    exit_code = 11


class PluginError(ConfigurationError):
    """A plug-in that is needed is not installed, or could not be loaded."""


class MetadataError(DwsError):
    """A file of the workspace's metadata cannot be read, or does not hold what it should."""

    kind = "metadata"
    exit_code = 10


class LineageError(ConfigurationError):
    """The lineage of a step is not consistent, or cannot be recorded as asked."""

    kind = "lineage"


class LockedError(DwsError):
    """Another command is changing the workspace."""

    kind = "locked"
    exit_code = 7


class UnfinishedError(DwsError):
    """An earlier command is unfinished, and can be neither completed nor undone now."""

    kind = "unfinished"


class UserAbort(DwsError):
    """The user answered no."""

    kind = "cancelled"


class BatchModeError(ConfigurationError):
    """An answer is needed, and ``--batch`` forbids asking for it."""


NO_ANSWER = (UnavailableError, StorageError, RefusedError, NotSupportedError, PluginError, BatchModeError)
"""What code that asks "is it there?" lets through: whether it is, is not known."""


@contextmanager
def suppress_negative() -> Iterator[None]:
    """Leaves the block at a ConfigurationError that says *no*, and lets :data:`NO_ANSWER` through."""
    try:
        yield
    except NO_ANSWER:
        raise
    except ConfigurationError:
        pass


class InternalError(DwsError):
    """A condition that the program should have made impossible."""

    kind = "internal"
    exit_code = 3


class ToolError(DwsError):
    """A program that does the work (git, rclone, ...) failed.

    :param output: what the program said on its standard error, for ``--verbose``.
    """

    kind = "program"

    def __init__(self, message: str, *, hint: str | None = None, output: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output
