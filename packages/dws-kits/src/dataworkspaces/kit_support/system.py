"""How much of the machine a training uses: CPU, memory, and GPU where there is one. Off unless it is asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from dataworkspaces.toolbox.logs import log

VARIABLE = "DWS_SYSTEM_METRICS"
"""Of the environment: ``1`` or the number of seconds between two looks; empty or ``0`` for none."""
SECONDS = 10.0


def seconds_between(asked: bool | None = None) -> float | None:
    """How long to wait between two looks; None if nobody asks for any. ``asked`` None leaves it to the environment."""
    text = os.environ.get(VARIABLE, "").strip().lower()
    if asked is False or (asked is None and text in ("", "0", "false", "no")):
        return None
    with suppress(ValueError):
        seconds = float(text)
        if seconds > 0 and seconds != 1:
            return seconds
    return SECONDS


class SystemMonitor:
    """Looks at this process and its machine in a thread, at once and every so often, until it is stopped."""

    def __init__(self, tell: Callable[[Mapping[str, float]], object], seconds: float) -> None:
        """Raises ImportError if psutil is missing."""
        import psutil

        self._psutil = psutil
        self._process = psutil.Process()
        self._owner = os.getpid()
        self._tell = tell
        self._seconds = seconds
        self._gpus = _gpus()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dws-system-metrics", daemon=True)
        self._process.cpu_percent()  # what the next look compares with
        self._thread.start()

    def stop(self) -> None:
        """After a last look. May be called twice."""
        if self._owner == os.getpid() and not self._stopped.is_set():
            self._stopped.set()
            self._thread.join(timeout=5)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._stopped.wait(self._seconds)
            try:
                self._tell(self.look())
            except Exception as e:  # of the system, of a driver, of the disk
                log.info("system metrics: %s", e)

    def look(self) -> dict[str, float]:
        """``process_cpu_percent`` is of one core, so it may be above 100."""
        memory = self._psutil.virtual_memory()
        return {
            "process_cpu_percent": self._process.cpu_percent(),
            "process_memory_bytes": self._process.memory_info().rss,
            "cpu_percent": self._psutil.cpu_percent(),
            "memory_percent": memory.percent,
            **self._gpus(),
        }


def start_monitor(tell: Callable[[Mapping[str, float]], object], asked: bool | None = None) -> SystemMonitor | None:
    """If it is asked for, and can be done; a warning says if it cannot."""
    seconds = seconds_between(asked)
    if seconds is None:
        return None
    try:
        return SystemMonitor(tell, seconds)
    except ImportError:
        log.warning("System metrics are not recorded: psutil is not installed (pip install 'dws-kits[system]')")
    except Exception as e:  # of the system
        log.warning("System metrics are not recorded: %s", e)
    return None


def _gpus() -> Callable[[], dict[str, float]]:
    """What tells of the GPUs of NVIDIA; of none, where there is none."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    except Exception as e:  # it is not installed, or has no driver
        log.info("no GPU is looked at: %s", e)
        return dict
    return lambda: _look_at_gpus(pynvml, handles)


def _look_at_gpus(pynvml: Any, handles: list[Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, handle in enumerate(handles):
        with suppress(Exception):  # of the driver: one of these it may not tell
            found[f"gpu_{number}_percent"] = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
        with suppress(Exception):
            found[f"gpu_{number}_memory_bytes"] = pynvml.nvmlDeviceGetMemoryInfo(handle).used
    return found
