"""Kinds of errors: what their text says, their exit statuses, and the table of these."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataworkspaces import errors
from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    LineageError,
    NotFoundError,
    NotSupportedError,
    StorageError,
    UnavailableError,
    kind_of_os_error,
)

TABLE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"


def kinds(below: type[DwsError] = DwsError) -> Iterator[type[DwsError]]:
    for kind in below.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from kinds(kind)


@pytest.mark.skipif(not TABLE.exists(), reason="the documentation is not here")
def test_each_status_is_in_the_table_with_its_kind() -> None:
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| `(\w+)`[^|]*\|", TABLE.read_text(encoding="utf-8"), re.M)
    documented = {name: int(status) for status, name in rows}
    own = {kind.__name__: kind.exit_code for kind in kinds() if kind.exit_code != 1}
    assert documented == {**own, "ConfigurationError": 1}
    assert len(set(documented.values())) == len(documented)


def test_the_text_has_the_hint() -> None:
    assert str(ConfigurationError("It is gone", hint="Look elsewhere")) == "It is gone. Look elsewhere"
    assert str(ConfigurationError("Is it gone?", hint="Look")) == "Is it gone? Look"
    assert str(ConfigurationError("It is gone")) == "It is gone"


def test_what_the_readers_of_the_manual_catch() -> None:
    assert issubclass(LineageError, ConfigurationError)
    assert issubclass(NotSupportedError, ConfigurationError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOENT, NotFoundError), (errno.ENOTDIR, NotFoundError), (errno.ENOSPC, StorageError),
        (errno.EROFS, StorageError), (errno.EISDIR, ConfigurationError), (errno.ENAMETOOLONG, ConfigurationError),
        (errno.EACCES, UnavailableError), (errno.EIO, UnavailableError),
    ],
)  # fmt: skip
def test_system_calls_that_fail(code: int, kind: type[DwsError]) -> None:
    assert kind_of_os_error(OSError(code, "x")) is kind
