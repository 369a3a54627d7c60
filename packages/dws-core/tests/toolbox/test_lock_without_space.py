"""The lock on a full disk: an empty file that others respect while its process lives."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from dataworkspaces.errors import LockedError
from dataworkspaces.toolbox import lock
from dataworkspaces.toolbox.lock_without_space import hold_empty_lock


@pytest.mark.slow
def test_others_wait_for_it_though_it_is_empty(tmp_path: Path) -> None:
    with hold_empty_lock(tmp_path):
        time.sleep(2.2)  # by then an empty lock without a process would be taken over
        with pytest.raises(LockedError), lock.hold_lock(tmp_path, "other", timeout=0.3):
            pass
    with lock.hold_lock(tmp_path, "other", timeout=0):
        pass


@pytest.mark.slow
def test_it_waits_for_others(tmp_path: Path) -> None:
    entered = threading.Event()
    with lock.hold_lock(tmp_path, "snapshot"):

        def wait() -> None:
            with hold_empty_lock(tmp_path):
                entered.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not entered.wait(0.5)
    thread.join()
    assert entered.is_set()
