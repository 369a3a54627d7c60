"""The lock on a full disk: an empty file that others respect while its process lives."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from memory_workspace import MemoryWorkspace

from dataworkspaces.commands.storage import hold_all
from dataworkspaces.errors import ConfigurationError, LockedError
from dataworkspaces.workspace import locking
from dataworkspaces.workspace.lock_without_space import hold_empty_lock


def test_others_wait_for_it_though_it_is_empty(tmp_path: Path) -> None:
    with hold_empty_lock(tmp_path):
        time.sleep(2.2)  # by then an empty lock without a process would be taken over
        with pytest.raises(LockedError), locking.hold_lock(tmp_path, "other", timeout=0.3):
            pass
    with locking.hold_lock(tmp_path, "other", timeout=0):
        pass


def test_it_waits_for_others(tmp_path: Path) -> None:
    entered = threading.Event()
    with locking.hold_lock(tmp_path, "snapshot"):

        def wait() -> None:
            with hold_empty_lock(tmp_path):
                entered.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not entered.wait(0.5)
    thread.join()
    assert entered.is_set()


@pytest.mark.parametrize(("code", "is_sure"), [(errno.ENOSPC, True), (errno.EACCES, None)])
def test_a_collection_takes_it_where_there_is_no_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: MemoryWorkspace, code: int, is_sure: bool | None
) -> None:
    directory = workspace.get_machine_directory()
    directory.mkdir(parents=True, exist_ok=True)

    def full(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(locking, "acquire", full)
    with ExitStack() as stack:
        if is_sure is None:  # one's own workspace has to be locked
            with pytest.raises(ConfigurationError):
                hold_all(stack, [workspace], "gc")
            return
        assert hold_all(stack, [workspace], "gc") is is_sure
        assert (directory / "lock").stat().st_size == 0
    assert not (directory / "lock").exists()
