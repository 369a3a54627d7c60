"""Texts that people give: what can be written can be read."""

from __future__ import annotations

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.toolbox.names import check_text, readable
from dataworkspaces.workspace import SnapshotMetadata


@pytest.mark.parametrize("text", ["", "plain", "two\nlines\t", "ü \U0001f600", "\x1b[1m", "x" * 300_000])
def test_texts_that_are_stored(text: str) -> None:
    assert check_text(text, "It") == text == readable(text)


@pytest.mark.parametrize(("text", "problem"), [("gr\udcfc", "not UTF-8"), ("\ud800", "not UTF-8"), ("a\0b", "NUL")])
def test_texts_that_nobody_could_read(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        check_text(text, "The message")
    str(raised.value).encode("utf-8")


def test_a_message_of_an_earlier_release_can_be_read() -> None:
    data = {"hash": "a", "tags": [], "hostname": "h", "timestamp": "2026-01-01T00:00:00",
            "relative_destination_path": "", "restore_hashes": {}, "message": "gr\udcfc \ud83d\ude00"}  # fmt: skip
    assert SnapshotMetadata.from_json(data).message == "gr\ufffd \U0001f600"
