"""What people who come from release 1.6 rely on."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dataworkspaces.errors import ConfigurationError, LineageError, NotSupportedError
from dataworkspaces.operations.results import destination_variables


@pytest.mark.parametrize("zone", [None, timezone.utc])
@pytest.mark.parametrize("microsecond", [0, 123456])
def test_the_time_of_a_template_has_19_characters(zone: timezone | None, microsecond: int) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=zone)
    assert destination_variables("host", 1, None, now)["ISO_TIMESTAMP"] == "2026-01-02T03:04:05"


@pytest.mark.parametrize("error", [LineageError, NotSupportedError])
def test_configuration_error_catches_those_of_lineage_and_of_what_cannot_be_done(error: type[Exception]) -> None:
    assert issubclass(error, ConfigurationError)
