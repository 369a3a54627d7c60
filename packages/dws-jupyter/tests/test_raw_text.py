"""Text of somebody else's workspace, as a notebook and a terminal show it."""

from __future__ import annotations

import pytest

from dataworkspaces.api import ExperimentInfo, SnapshotInfo
from dataworkspaces.kits.jupyter.history import history_table
from dataworkspaces.kits.jupyter.tables import Shown, Table

ESC, BIDI, C1 = "\x1b[31m\x07", "\u202eabc\u2066", "\x9b2J"
RAW = f"a{ESC}{BIDI}{C1}b"
SHOWN = r"a\x1b[31m\x07\u202eabc\u2066\x9b2Jb"


def is_plain(text: str) -> bool:
    return all(char == "\n" or (char.isprintable() and char not in BIDI[0] + BIDI[-1]) for char in text)


@pytest.mark.parametrize(
    "value", [RAW, [RAW], {RAW: 1}, {"a": RAW}, (RAW, 1), {"a": {"b": [RAW]}}, RAW.encode("utf-8").decode("latin-1")]
)
def test_tables(value: object) -> None:
    shown = Shown(RAW, [Table(RAW, [RAW, "Value"], [["x", value]])], None)
    assert is_plain(repr(shown))
    assert is_plain(shown._repr_html_())
    assert SHOWN in repr(shown)


def test_the_history() -> None:
    snapshot = SnapshotInfo(1, "0" * 40, [RAW], f"2026-01-01T00:00:00{RAW}", RAW, {RAW: 0.5, "note": RAW})
    experiment = ExperimentInfo(snapshot, RAW, [RAW], {RAW: 0.5, "note": RAW}, {f"C{RAW}": RAW}, is_present=False)
    frame = history_table([experiment])
    assert is_plain(repr(frame))
    assert is_plain(str(frame))
    assert is_plain(frame._repr_html_())
    assert repr(frame).count(r"\x1b") >= 1
    assert frame["message"].iloc[0] == RAW  # for programs it is what it is
