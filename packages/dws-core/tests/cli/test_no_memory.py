"""Too little memory is no bug."""

from __future__ import annotations

import pytest

from dataworkspaces.cli.failures import report


def test_it_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(MemoryError(), verbose=False) == 1
    told = capsys.readouterr().err
    assert "There is not enough memory for this" in told
    assert "bug" not in told
