"""What all suites have in common: cases that cite a behaviour, and leaving out what an implementation lacks."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest

_NUMBER_RE = re.compile(r"([A-Z]\d+):")


class ConformanceSuite:
    """:cvar entry_point: the name by which the implementation is announced.
    :cvar lacks: by number of a behaviour, why the implementation does not have it."""

    entry_point: ClassVar[str] = ""
    lacks: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _leave_out_what_is_lacking(self, request: pytest.FixtureRequest) -> None:
        number = behaviour_of(request.function)
        if number in self.lacks:
            pytest.skip(f"{number}: {self.lacks[number]}")


def behaviour_of(case: Any) -> str | None:
    """The number of the behaviour that a case cites at the beginning of its docstring."""
    found = _NUMBER_RE.match(case.__doc__ or "")
    return found[1] if found else None


def behaviours_of(suite: type[ConformanceSuite]) -> set[str]:
    """The numbers that the cases of a suite cite; raises ValueError for a case that cites none."""
    found = set()
    for name in dir(suite):
        if name.startswith("test_"):
            number = behaviour_of(getattr(suite, name))
            if number is None:
                raise ValueError(f"{suite.__name__}.{name} cites no behaviour")
            found.add(number)
    return found
