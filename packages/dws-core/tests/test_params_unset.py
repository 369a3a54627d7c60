"""`none` takes the value of a parameter away that need not have one."""

from __future__ import annotations

import pytest

from dataworkspaces.params import ParamDef, StringType


@pytest.mark.parametrize(
    ("optional", "text", "value"), [(True, "none", None), (True, "nones", "nones"), (False, "none", "none")]
)
def test_none_is_no_value(optional: bool, text: str, value: str | None) -> None:
    assert ParamDef("place", None, True, "", StringType(), optional).parse(text) == value
