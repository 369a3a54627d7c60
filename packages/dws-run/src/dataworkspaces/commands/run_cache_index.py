"""Which snapshots hold runs of which calls, so that looking for one need not read the lineage of all of them.

A cache in the machine directory, which may be lost at any time; where it cannot be written, it costs only time. What a
snapshot holds does not change, so that its hash is the key, with the names of resources that were renamed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.model import RunRecord, StepLineage
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.sqlite_cache import SqliteCache
from dataworkspaces.workspace import SnapshotMetadata, Workspace

FILE = "runs.sqlite"
_VERSION = 1
_COLUMNS = "(hash TEXT, names TEXT, calls TEXT, PRIMARY KEY(hash, names))"


def text_of_call(record: RunRecord) -> str:
    """The same for two runs that were asked for the same. As JSON: to Python 1, 1.0 and True are equal."""
    return json.dumps(record._replace(run_id="").to_json(), sort_keys=True)


class RunIndex:
    """Of one copy of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._cache = SqliteCache(workspace.get_machine_directory() / FILE, "runs", _COLUMNS, _VERSION)
        self._names = workspace.resource_names.fingerprint

    def snapshots_with(self, record: RunRecord) -> Iterator[SnapshotMetadata]:
        """The snapshots, on whatever branch, that hold a run of this call, the newest of a branch first."""
        call = _digest(record)
        known = self._read()
        new: dict[str, list[str]] = {}
        try:
            for snapshot in self._snapshots():
                calls = known.get(snapshot.hashval)
                if calls is None:
                    try:
                        calls = new[snapshot.hashval] = self._calls_in(snapshot)
                    except DwsError as e:
                        log.info("runs of snapshot %s are not known: %s", snapshot.hashval, e.message)
                        continue
                if call in calls:
                    yield snapshot
        finally:
            self._write(new)

    def _snapshots(self) -> Iterator[SnapshotMetadata]:
        snapshots = self._workspace.as_lineage_ws()
        yield from snapshots.list_snapshots()
        yield from snapshots.list_elsewhere()

    def _calls_in(self, snapshot: SnapshotMetadata) -> list[str]:
        store = self._workspace.as_lineage_ws().get_lineage_store()
        return sorted(
            {
                _digest(entry.run)
                for name in names_of_all(self._workspace)
                for entry in store.entries(name, snapshot.hashval)
                if isinstance(entry, StepLineage) and entry.run is not None
            }
        )

    # -- the file --------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, list[str]]:
        def ask(connection: sqlite3.Connection) -> dict[str, list[str]]:
            rows = connection.execute("SELECT hash, calls FROM runs WHERE names = ?", (self._names,))
            return {hashval: json.loads(calls) for hashval, calls in rows}

        return (self._cache.use(ask) if self._cache.path.exists() else None) or {}

    def _write(self, calls: dict[str, list[str]]) -> None:
        rows = [(hashval, self._names, json.dumps(found)) for hashval, found in calls.items()]
        if rows:
            self._cache.use(
                lambda connection: connection.executemany("INSERT OR REPLACE INTO runs VALUES(?,?,?)", rows)
            )


def names_of_all(workspace: Workspace) -> list[str]:
    """Of the resources, also of those that were removed and may come back."""
    names = workspace.resource_names
    return list(dict.fromkeys([*workspace.get_resource_names(), *map(names.called, names.all_stored)]))


def _digest(record: RunRecord) -> str:
    return hashlib.sha256(text_of_call(record).encode("ascii")).hexdigest()[:20]
