"""An index of the snapshots' metadata, so that history and tags cost the same however many snapshots there are.

A cache in the machine directory: it can be deleted at any time, and a place where it cannot be written costs only time.
The metadata files are the truth. The index is trusted while the directory that holds them is as it was when the index
was made; else files whose size, time or inode changed are read again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import MAX_JSON_BYTES, read_json_object
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode, position_after
from dataworkspaces.workspace import SnapshotMetadata

SUFFIX = "_md.json"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots(
    hash TEXT PRIMARY KEY, position INTEGER NOT NULL, node TEXT NOT NULL,
    names_parents INTEGER NOT NULL, is_head INTEGER NOT NULL,
    mtime INTEGER, size INTEGER, inode INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_position ON snapshots(position, hash);
CREATE INDEX IF NOT EXISTS by_head ON snapshots(is_head, position, hash);
CREATE TABLE IF NOT EXISTS parents(parent TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(parent, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_child ON parents(hash);
CREATE TABLE IF NOT EXISTS tags(tag TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(tag, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_hash ON tags(hash);
CREATE TABLE IF NOT EXISTS labels(
    label TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(label, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_labelled ON labels(hash);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_TABLES = ("snapshots", "tags", "labels", "parents")
"""Each knows the snapshots by ``hash``."""
_HEADS = """
UPDATE snapshots SET is_head = 1 - is_head WHERE is_head <> (hash NOT IN (SELECT parent FROM parents) AND
    (names_parents = 1 OR hash =
    (SELECT hash FROM snapshots WHERE names_parents = 0 ORDER BY position DESC, hash DESC LIMIT 1)))
"""
"""Those that none came after. Of snapshots that name no parents, each came after the one before it."""
_VERSION = 6
_CLOCK_TICK_NS = 50_000_000
"""A directory that changed less than this before it was read may change again without its time telling."""


def read_metadata(path: Path) -> SnapshotMetadata:
    """A metadata file; raises MetadataError that names it if it is damaged."""
    return _metadata(read_json_object(path, *_KEYS), str(path), path.name)


def parse_metadata(content: bytes, path: str) -> SnapshotMetadata:
    """As :func:`read_metadata`, of what a branch has at a path."""
    try:
        data = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise MetadataError(f"{path} is not valid JSON: {e}") from e
    if not isinstance(data, dict) or not data.keys() >= {*_KEYS}:
        raise MetadataError(f"{path} does not hold valid snapshot metadata")
    return _metadata(data, path, path.rpartition("/")[2])


def _read_listed(path: str) -> SnapshotMetadata:
    """As :func:`read_metadata`, with fewer questions: a clone reads all that there are."""
    try:
        return parse_metadata(read_regular(path, MAX_JSON_BYTES), path)
    except (OSError, MetadataError):
        return read_metadata(Path(path))  # says what is wrong, and what to do


def _metadata(data: dict[str, Any], where: str, file_name: str) -> SnapshotMetadata:
    try:
        metadata = SnapshotMetadata.from_json(data)
    except (TypeError, ValueError, AttributeError) as e:
        raise MetadataError(f"{where} does not hold valid snapshot metadata: {e}") from e
    if not has_right_types(metadata) or file_name != metadata.hashval + SUFFIX:
        raise MetadataError(f"{where} does not hold valid snapshot metadata")
    return metadata


_KEYS = ("hash", "tags", "message", "hostname", "timestamp", "relative_destination_path", "restore_hashes")


def has_right_types(metadata: SnapshotMetadata) -> bool:
    """Whether all values are what they should be, and texts can be stored."""
    texts = [metadata.hashval, metadata.message, metadata.hostname, metadata.timestamp, *metadata.tags]
    texts += [*metadata.labels, *metadata.labels.values(), *(note.text for note in metadata.notes)]
    texts += [metadata.relative_destination_path, metadata.updated_timestamp or ""]
    hashes = metadata.restore_hashes.values()
    try:
        return all(text.encode() or True for text in texts) and all(h is None or isinstance(h, str) for h in hashes)
    except (AttributeError, UnicodeEncodeError):
        return False


_Key = list[int]
"""Of a file: its time, its size and its inode."""


class SnapshotIndex:
    """The index of the metadata files in ``directory``, kept in the file ``database``."""

    def __init__(self, directory: Path, database: Path) -> None:
        self._directory = directory
        self._database = database

    def count(self) -> int:
        return int(self._query("SELECT count(*) FROM snapshots")[0][0])

    def state(self) -> str | None:
        """The directory's time; None if it may change without that telling. All metadata files are replaced, and none
        is written to."""
        try:
            status = self._directory.stat()
        except FileNotFoundError:
            return "nothing"
        is_settled = time.time_ns() - status.st_mtime_ns >= _CLOCK_TICK_NS
        return f"{status.st_ino} {status.st_mtime_ns}" if is_settled else None

    def hashes(self, *, reverse: bool, limit: int | None) -> list[str]:
        """In the order of :meth:`SnapshotGraph.positions`."""
        order = "DESC" if reverse else "ASC"
        sql = f"SELECT hash FROM snapshots ORDER BY position {order}, hash {order} LIMIT ?"
        return [row[0] for row in self._query(sql, -1 if limit is None else limit)]

    def graph(self, called: Callable[[str], str]) -> SnapshotGraph:
        """:param called: what a resource is called that is stored with a name."""
        return SnapshotGraph(_node(text, called) for (text,) in self._query("SELECT node FROM snapshots"))

    def heads(self) -> list[str]:
        """As :meth:`SnapshotGraph.heads`."""
        return [row[0] for row in self._query("SELECT hash FROM snapshots WHERE is_head = 1 ORDER BY position, hash")]

    def with_tag(self, tag: str) -> list[str]:
        return [row[0] for row in self._query("SELECT hash FROM tags WHERE tag = ? ORDER BY hash", tag)]

    def with_prefix(self, prefix: str) -> list[str]:
        last = prefix + "g"  # sorts behind every hex digit
        return [row[0] for row in self._query("SELECT hash FROM snapshots WHERE hash >= ? AND hash < ?", prefix, last)]

    def tags(self) -> list[str]:
        return [row[0] for row in self._query("SELECT DISTINCT tag FROM tags ORDER BY tag")]

    def repeated_tags(self) -> list[str]:
        """Those of several snapshots."""
        return [row[0] for row in self._query("SELECT tag FROM tags GROUP BY tag HAVING COUNT(*) > 1 ORDER BY tag")]

    def with_label(self, label: str) -> list[str]:
        """:param label: ``KEY=VALUE``."""
        return [row[0] for row in self._query("SELECT hash FROM labels WHERE label = ? ORDER BY hash", label)]

    def labels(self) -> list[str]:
        return [row[0] for row in self._query("SELECT DISTINCT label FROM labels ORDER BY label")]

    def _query(self, sql: str, *arguments: str | int) -> list[tuple[Any, ...]]:
        try:
            return self._ask(self._open(), sql, arguments)
        except (OSError, sqlite3.DatabaseError):
            # A full or read-only disk, another process that writes for long: do without the cache.
            return self._ask(_connect(":memory:"), sql, arguments)

    def _ask(self, connection: sqlite3.Connection, sql: str, arguments: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        with closing(connection), connection:
            self._update(connection)
            return connection.execute(sql, arguments).fetchall()

    def _open(self) -> sqlite3.Connection:
        self._database.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(str(self._database))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._database.unlink(missing_ok=True)  # damaged, and only a cache
            return _connect(str(self._database))

    def _update(self, connection: sqlite3.Connection) -> None:
        try:
            before = self._directory.stat().st_mtime_ns
            if _state(connection, "directory") == str(before):
                return
            there = {e.name: _key(e.stat()) for e in os.scandir(self._directory) if e.name.endswith(SUFFIX)}
        except FileNotFoundError:
            before, there = 0, {}
        known: dict[str, _Key] = {
            name: key
            for name, *key in connection.execute(f"SELECT hash || '{SUFFIX}', mtime, size, inode FROM snapshots")
        }
        gone = known.keys() - there.keys()
        other = [name for name, key in there.items() if known.get(name) != key]
        for name in (*gone, *(name for name in other if name in known)):
            _forget(connection, name[: -len(SUFFIX)])
        new: dict[str, SnapshotNode] = {}
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        for name in other:
            metadata = _read_listed(f"{self._directory}/{name}")
            hashval = metadata.hashval
            node = new[hashval] = SnapshotNode.of(metadata)
            rows["snapshots"].append((hashval, 0, _text(node), node.parents is not None, 0, *there[name]))
            rows["tags"] += ((tag, hashval) for tag in {*metadata.tags})
            labels = {f"{key}={value}" for key, value in metadata.labels.items()}
            rows["labels"] += ((label, hashval) for label in labels)
            rows["parents"] += ((parent, hashval) for parent in {*(node.parents or ())})
        if not known:  # as in a clone: so each row is written once
            positions = SnapshotGraph(new.values()).positions()
            rows["snapshots"] = [(hashval, positions[hashval], *rest) for hashval, _, *rest in rows["snapshots"]]
        for table, of_table in rows.items():
            if of_table:
                marks = ",".join("?" * len(of_table[0]))
                connection.executemany(f"INSERT INTO {table} VALUES({marks})", sorted(of_table))
        if known:
            _place(connection, new, all_anew=bool(gone) or any(name in known for name in other))
        elif new:
            connection.execute(_HEADS)
        settled = time.time_ns() - before > _CLOCK_TICK_NS
        connection.execute("INSERT OR REPLACE INTO state VALUES('directory', ?)", (str(before) if settled else "",))


def _key(stat: os.stat_result) -> _Key:
    return [stat.st_mtime_ns, stat.st_size, stat.st_ino]


def _place(connection: sqlite3.Connection, new: Mapping[str, SnapshotNode], *, all_anew: bool) -> None:
    """Say where snapshots stand, and which are the last of their line: one that is new after its parents, or all,
    where others came after new ones."""
    positions: dict[str, int] = {}
    heads_are_known = False
    if len(new) == 1 and not all_anew:
        ((hashval, node),) = new.items()
        if connection.execute("SELECT 1 FROM parents WHERE parent = ? LIMIT 1", (hashval,)).fetchone() is None:
            marks = ",".join("?" * len(node.parents or ()))
            rows = connection.execute(f"SELECT position FROM snapshots WHERE hash IN ({marks})", node.parents or ())
            positions = {hashval: position_after(node, [row[0] for row in rows])}
            if node.parents is not None:
                connection.execute(f"UPDATE snapshots SET is_head = 0 WHERE hash IN ({marks})", node.parents)
                connection.execute("UPDATE snapshots SET is_head = 1 WHERE hash = ?", (hashval,))
                heads_are_known = True
    if not positions and (new or all_anew):
        rows = connection.execute("SELECT hash, node FROM snapshots")
        positions = SnapshotGraph(new.get(hashval) or _node(text) for hashval, text in rows).positions()
    connection.executemany("UPDATE snapshots SET position = ? WHERE hash = ?", [(p, h) for h, p in positions.items()])
    if positions and not heads_are_known:
        connection.execute(_HEADS)


def _text(node: SnapshotNode) -> str:
    return json.dumps(
        [node.hashval, node.timestamp, node.utc_offset, node.parents, node.resource_parents], separators=(",", ":")
    )


def _node(text: str, called: Callable[[str], str] = str) -> SnapshotNode:
    hashval, timestamp, utc_offset, parents, of_resources = json.loads(text)
    named = {called(name): tuple(hashes) for name, hashes in of_resources.items()}
    return SnapshotNode(hashval, timestamp, utc_offset, None if parents is None else tuple(parents), named)


def _forget(connection: sqlite3.Connection, hashval: str) -> None:
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE hash = ?", (hashval,))


def _state(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _connect(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=2.0)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != _VERSION:
            dropped = "".join(f"DROP TABLE IF EXISTS {table};" for table in (*_TABLES, "state"))
            # In one transaction: each waits for the disk.
            connection.executescript(f"BEGIN IMMEDIATE;{dropped}{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection
