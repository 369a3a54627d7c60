"""The table of experiments, kept while nothing changes: in memory, and in the machine directory for the next start.

A table of many thousand snapshots takes seconds to make. A page that is opened therefore gets at once what was kept
last, and asks afterwards whether that still holds."""

from __future__ import annotations

import gzip
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.commands.experiments import ExperimentReader
from dataworkspaces.commands.present import present_state
from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.toolbox.version import get_version
from dataworkspaces.web.experiments import all_rows, as_read

if TYPE_CHECKING:
    from dataworkspaces.commands.experiment_table import ExperimentTable
    from dataworkspaces.workspace import Workspace

FILE = "web-table.json.gz"
_LEVEL = 4
_LONGEST_KEY = 256
_MOST_BYTES = 1 << 28


class TableCache:
    """That of one workspace. One thread at a time may use it."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._table: ExperimentTable | None = None
        self._body: bytes | None = None

    @property
    def last(self) -> bytes | None:
        """What was made last, by this process or an earlier one, as JSON compressed by gzip; None if nothing was. Any
        thread may ask."""
        return self._body

    def recall(self, workspace: Workspace) -> None:
        """Take what an earlier process has kept."""
        self._read(_file(workspace))

    def body(self, workspace: Workspace, *, anew: bool = False) -> bytes:
        """The table as it is now, likewise.

        :param anew: read all, even if nothing seems to have changed: results may have come to this machine."""
        key = _key(workspace)
        if anew or key is None or key != self._key or self._body is None:
            self._make(workspace, key)
        assert self._body is not None
        return self._body

    def table(self, workspace: Workspace) -> ExperimentTable:
        """The same, with its rows."""
        key = _key(workspace)
        if self._table is None or key is None or key != self._key:
            self._make(workspace, key)
        assert self._table is not None
        return self._table

    def _make(self, workspace: Workspace, key: str | None) -> None:
        self._table = all_rows(workspace)
        text = json.dumps(as_read(workspace, self._table), separators=(",", ":"), allow_nan=False)
        self._body = gzip.compress(text.encode("utf-8"), _LEVEL, mtime=0)
        self._key = key
        kept = f"{get_version()} {key or ''}".encode().ljust(_LONGEST_KEY) + self._body
        with suppress(OSError):  # it is only a cache
            write_bytes(_file(workspace), kept, is_cache=True)

    def _read(self, file: Path) -> None:
        try:
            content = read_regular(file, _MOST_BYTES)
            key = content[:_LONGEST_KEY].decode()
            if not key.startswith(f"{get_version()} "):
                return  # another version may have had other columns
            json.loads(gzip.decompress(content[_LONGEST_KEY:]))
        except (OSError, EOFError, ValueError, RecursionError):
            return  # nothing is kept, or it is damaged
        self._key, self._body = key.partition(" ")[2].strip() or None, content[_LONGEST_KEY:]


def tag_of(body: bytes) -> str:
    """By which a browser says what it has."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _file(workspace: Workspace) -> Path:
    return workspace.get_machine_directory() / FILE


def _key(workspace: Workspace) -> str | None:
    """Of all that the table depends on; None where that cannot be told cheaply."""
    history = workspace.as_snapshot_ws().get_history_state()
    if history is None:
        return None
    try:
        state = present_state(workspace)
        present = None if state.is_snapshot else ExperimentReader(workspace, quiet=True).read(None)
    except DwsError:
        return None
    comes_from = None if state.snapshot is None else state.snapshot.hashval
    told = repr((get_version(), history, workspace.name, comes_from, present))
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()
