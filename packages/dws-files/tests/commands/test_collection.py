"""A collection holds the locks of all workspaces that use the store."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.storage import hold_all
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.toolbox import lock


@pytest.mark.parametrize(("code", "is_sure"), [(errno.ENOSPC, True), (errno.EACCES, None)])
def test_a_collection_takes_it_where_there_is_no_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: MemoryWorkspace, code: int, is_sure: bool | None
) -> None:
    directory = workspace.get_machine_directory()
    directory.mkdir(parents=True, exist_ok=True)

    def full(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(lock, "acquire", full)
    with ExitStack() as stack:
        if is_sure is None:  # one's own workspace has to be locked
            with pytest.raises(ConfigurationError):
                hold_all(stack, [workspace], "gc")
            return
        assert hold_all(stack, [workspace], "gc") is is_sure
        assert (directory / "lock").stat().st_size == 0
    assert not (directory / "lock").exists()
