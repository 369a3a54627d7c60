"""What was read of the experiments of snapshots, so that a table of all of them need not read each file again.

A cache in the machine directory, which may be lost at any time; where it cannot be written, it costs only time. What a
snapshot holds does not change, so that its hash is the key, with the names of resources that were renamed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from dataworkspaces.commands.experiments import Experiment, Part
from dataworkspaces.toolbox.sqlite_cache import SqliteCache
from dataworkspaces.workspace.resource_names import AS_STORED, ResourceNames

FILE = "experiments.sqlite"
_VERSION = 1
_COLUMNS = "(hash TEXT PRIMARY KEY, parts TEXT) WITHOUT ROWID"
_MOST = 500
"""Keys of one query."""


class ExperimentCache:
    """The cache in a directory."""

    def __init__(self, directory: Path, names: ResourceNames = AS_STORED) -> None:
        self._cache = SqliteCache(directory / FILE, "experiments", _COLUMNS, _VERSION)
        self._names = names.fingerprint

    def get(self, hashvals: Iterable[str]) -> dict[str, Experiment]:
        wanted = [hashval + self._names for hashval in hashvals]

        def ask(connection: sqlite3.Connection) -> dict[str, Experiment]:
            found: dict[str, Experiment] = {}
            for start in range(0, len(wanted), _MOST):
                some = wanted[start : start + _MOST]
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT hash, parts FROM experiments WHERE hash IN ({marks})", some)
                found.update((key.removesuffix(self._names), _from_text(text)) for key, text in rows)
            return found

        return self._cache.use(ask) or {} if wanted and self._cache.path.exists() else {}

    def put(self, experiments: dict[str, Experiment]) -> None:
        rows = [(hashval + self._names, _text(experiment)) for hashval, experiment in experiments.items()]
        if rows:
            self._cache.use(
                lambda connection: connection.executemany("INSERT OR REPLACE INTO experiments VALUES(?,?)", rows)
            )


def _text(experiment: Experiment) -> str:
    return json.dumps(
        [[p.step, p.place, p.metrics, p.parameters, p.wrote_results] for p in experiment.parts], separators=(",", ":")
    )


def _from_text(text: str) -> Experiment:
    return Experiment(tuple(Part(*part) for part in json.loads(text)))
