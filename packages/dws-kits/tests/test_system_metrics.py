"""System metrics: off unless they are asked for, and never in the way of a training."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from dataworkspaces.kit_support.system import SECONDS, seconds_between, start_monitor


@pytest.mark.parametrize(
    ("text", "asked", "seconds"),
    [
        (None, None, None), ("", None, None), ("0", None, None), ("no", None, None), ("1", None, SECONDS),
        ("yes", None, SECONDS), ("0.5", None, 0.5), ("30", None, 30.0), ("-3", None, SECONDS), ("1", False, None),
        (None, True, SECONDS), ("2", True, 2.0),
    ],
)  # fmt: skip
def test_who_asks_for_them(
    monkeypatch: pytest.MonkeyPatch, text: str | None, asked: bool | None, seconds: float | None
) -> None:
    monkeypatch.delenv("DWS_SYSTEM_METRICS", raising=False)
    if text is not None:
        monkeypatch.setenv("DWS_SYSTEM_METRICS", text)
    assert seconds_between(asked) == seconds


def test_what_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")
    monkeypatch.setenv("DWS_SYSTEM_METRICS", "0.05")
    found: list[Mapping[str, float]] = []
    two = threading.Event()

    def tell(values: Mapping[str, float]) -> None:
        found.append(values)
        if len(found) == 1:
            raise OSError(28, "No space left on device")  # costs one look, and no more
        two.set()

    monitor = start_monitor(tell)
    assert monitor is not None
    assert two.wait(30)
    monitor.stop()
    monitor.stop()
    assert found[-1].keys() >= {"process_cpu_percent", "process_memory_bytes", "cpu_percent", "memory_percent"}
    assert found[-1]["process_memory_bytes"] > 1_000_000
    count = len(found)
    assert not any(thread.name == "dws-system-metrics" and thread.is_alive() for thread in threading.enumerate())
    assert len(found) == count


def test_without_psutil_a_warning_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psutil", None)
    assert start_monitor(lambda values: None, True) is None
    assert "pip install 'dws-kits[system]'" in caplog.text
