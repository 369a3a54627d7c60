"""What was read of the experiments of snapshots, so that a table of all of them need not read each file again.

A cache in the machine directory, which may be lost at any time; where it cannot be written, it costs only time. What a
snapshot holds does not change, so that its hash is the key, with the names of resources that were renamed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from dataworkspaces.commands.experiments import Experiment, Part
from dataworkspaces.workspace.resource_names import AS_STORED, ResourceNames

FILE = "experiments.sqlite"
_VERSION = 1
_MOST = 500
"""Keys of one query."""


class ExperimentCache:
    """The cache in a directory."""

    def __init__(self, directory: Path, names: ResourceNames = AS_STORED) -> None:
        self._path = directory / FILE
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

        return self._with(ask) or {} if wanted and self._path.exists() else {}

    def put(self, experiments: dict[str, Experiment]) -> None:
        rows = [(hashval + self._names, _text(experiment)) for hashval, experiment in experiments.items()]
        if rows:
            self._with(
                lambda connection: connection.executemany("INSERT OR REPLACE INTO experiments VALUES(?,?)", rows)
            )

    def _with(self, use: Callable[[sqlite3.Connection], Any]) -> Any:
        try:
            with closing(sqlite3.connect(str(self._path), timeout=0.5)) as connection, connection:
                if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                    connection.execute("DROP TABLE IF EXISTS experiments")
                    connection.execute("CREATE TABLE experiments(hash TEXT PRIMARY KEY, parts TEXT) WITHOUT ROWID")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
                return use(connection)
        except sqlite3.OperationalError:
            return None  # somebody else writes, or nobody can
        except (sqlite3.DatabaseError, OSError, ValueError, TypeError):
            with suppress(OSError):
                self._path.unlink(missing_ok=True)  # damaged, and only a cache
            return None


def _text(experiment: Experiment) -> str:
    return json.dumps(
        [[p.step, p.place, p.metrics, p.parameters, p.wrote_results] for p in experiment.parts], separators=(",", ":")
    )


def _from_text(text: str) -> Experiment:
    return Experiment(tuple(Part(*part) for part in json.loads(text)))
