"""An index of the snapshots' metadata, so that history and tags cost the same however many snapshots there are.

A cache in the machine directory: it can be deleted at any time, and a place where it cannot be written costs only time.
The metadata files are the truth. The index is trusted while the directory that holds them is as it was when the index
was made; else files whose size, time or inode changed are read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.paths import SHARD_RE
from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import MAX_JSON_BYTES, read_json_object
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace import SnapshotMetadata

if TYPE_CHECKING:
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode

SUFFIX = "_md.json"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots(
    hash TEXT PRIMARY KEY, position INTEGER NOT NULL, node TEXT NOT NULL,
    names_parents INTEGER NOT NULL, is_head INTEGER NOT NULL,
    place TEXT NOT NULL, mtime INTEGER, size INTEGER, inode INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_place ON snapshots(place);
CREATE INDEX IF NOT EXISTS by_position ON snapshots(position, hash);
CREATE INDEX IF NOT EXISTS by_head ON snapshots(is_head, position, hash);
CREATE TABLE IF NOT EXISTS parents(parent TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(parent, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_child ON parents(hash);
CREATE TABLE IF NOT EXISTS tags(tag TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(tag, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_hash ON tags(hash);
CREATE TABLE IF NOT EXISTS labels(
    label TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(label, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_labelled ON labels(hash);
CREATE TABLE IF NOT EXISTS places(
    place TEXT PRIMARY KEY, mtime INTEGER NOT NULL, inode INTEGER NOT NULL) WITHOUT ROWID;
"""
_TABLES = ("snapshots", "tags", "labels", "parents")
"""Each knows the snapshots by ``hash``."""
_HEADS = """
UPDATE snapshots SET is_head = 1 - is_head WHERE is_head <> (hash NOT IN (SELECT parent FROM parents) AND
    (names_parents = 1 OR hash =
    (SELECT hash FROM snapshots WHERE names_parents = 0 ORDER BY position DESC, hash DESC LIMIT 1)))
"""
"""Those that none came after. Of snapshots that name no parents, each came after the one before it."""
_VERSION = 7
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


_Key = tuple[str, int, int, int]
"""Of a file: its place, its time, its size and its inode."""
_FLAT = ""
"""The place that release 1.6 knows. A shard has its name for one."""


_Time = tuple[int, int]
"""When a directory changed, and its inode."""
_UNSETTLED: _Time = (-1, -1)
"""Of a directory that is to be looked at again."""


def _is_settled(changed: _Time) -> bool:
    return time.time_ns() - changed[0] > _CLOCK_TICK_NS


class SnapshotIndex:
    """The index of the metadata files in ``directory`` and in the directories below ``shards``, kept in the file
    ``database``. A file in the first counts before one in a shard."""

    def __init__(self, directory: Path, shards: Path, database: Path) -> None:
        self._directory = directory
        self._shards = shards
        self._database = database

    def count(self) -> int:
        return int(self._query("SELECT count(*) FROM snapshots")[0][0])

    def state(self) -> str | None:
        """The times of the directories; None if they may change without that telling. All metadata files are replaced,
        and none is written to."""
        times = sorted(self._times().items())
        is_settled = all(_is_settled(changed) for _, changed in times)
        return hashlib.sha256(repr(times).encode()).hexdigest() if is_settled else None

    def hashes(self, *, reverse: bool, limit: int | None) -> list[str]:
        """In the order of :meth:`SnapshotGraph.positions`."""
        order = "DESC" if reverse else "ASC"
        sql = f"SELECT hash FROM snapshots ORDER BY position {order}, hash {order} LIMIT ?"
        return [row[0] for row in self._query(sql, -1 if limit is None else limit)]

    def graph(self, called: Callable[[str], str]) -> SnapshotGraph:
        """:param called: what a resource is called that is stored with a name."""
        from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph

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
        times = self._times()
        listed = connection.execute("SELECT place, mtime, inode FROM places")
        known_times: dict[str, _Time] = {place: (mtime, inode) for place, mtime, inode in listed}
        if times == known_times:
            return
        from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, SnapshotNode

        changed = {place for place in {*times, *known_times} if times.get(place) != known_times.get(place)}
        is_new = connection.execute("SELECT 1 FROM snapshots LIMIT 1").fetchone() is None
        known: dict[str, _Key] = {}
        there: dict[str, _Key] = {}
        if _FLAT in changed:
            known |= _known(connection, _FLAT)
            there |= self._files(_FLAT)
            # What goes from there may be in a shard, too.
            changed |= {name[:2] for name in known.keys() - there.keys()} & times.keys()
        for place in sorted(changed - {_FLAT}):
            known |= _known(connection, place)
            there |= {name: key for name, key in self._files(place).items() if name not in there}
        gone = known.keys() - there.keys()
        other = [name for name, key in there.items() if known.get(name) != key]
        if not is_new:
            elsewhere = {name: _place_of(connection, name) for name in other if name not in known}
            other = [name for name in other if elsewhere.get(name) != _FLAT]
            gone |= {name for name in other if name in known or elsewhere[name] is not None}
        for name in gone:
            _forget(connection, name[: -len(SUFFIX)])
        new: dict[str, SnapshotNode] = {}
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        for name in other:
            place, *key = there[name]
            metadata = _read_listed(f"{self._directory_of(place)}/{name}")
            hashval = metadata.hashval
            node = new[hashval] = SnapshotNode.of(metadata)
            rows["snapshots"].append((hashval, 0, _text(node), node.parents is not None, 0, place, *key))
            rows["tags"] += ((tag, hashval) for tag in {*metadata.tags})
            labels = {f"{key}={value}" for key, value in metadata.labels.items()}
            rows["labels"] += ((label, hashval) for label in labels)
            rows["parents"] += ((parent, hashval) for parent in {*(node.parents or ())})
        if is_new:  # as in a clone: so each row is written once
            positions = SnapshotGraph(new.values()).positions()
            rows["snapshots"] = [(hashval, positions[hashval], *rest) for hashval, _, *rest in rows["snapshots"]]
        for table, of_table in rows.items():
            if of_table:
                marks = ",".join("?" * len(of_table[0]))
                connection.executemany(f"INSERT INTO {table} VALUES({marks})", sorted(of_table))
        if not is_new:
            _place(connection, new, all_anew=bool(gone))
        elif new:
            connection.execute(_HEADS)
        for place in changed:
            connection.execute("DELETE FROM places WHERE place = ?", (place,))
            if place in times:
                seen = times[place] if _is_settled(times[place]) else _UNSETTLED
                connection.execute("INSERT INTO places VALUES(?, ?, ?)", (place, *seen))

    def _times(self) -> dict[str, _Time]:
        """When each of the directories changed."""
        places = [_FLAT]
        with suppress(FileNotFoundError):
            places += filter(partial(re.fullmatch, SHARD_RE), os.listdir(self._shards))  # noqa: PTH208
        found: dict[str, _Time] = {}
        for place in places:
            try:
                status = os.stat(self._directory_of(place))  # noqa: PTH116 - there are hundreds
            except FileNotFoundError:
                continue
            found[place] = status.st_mtime_ns, status.st_ino
        return found

    def _directory_of(self, place: str) -> str:
        return f"{self._shards}/{place}" if place else str(self._directory)

    def _files(self, place: str) -> dict[str, _Key]:
        try:
            with os.scandir(self._directory_of(place)) as entries:
                return {
                    e.name: _key(place, e.stat())
                    for e in entries
                    if e.name.endswith(SUFFIX) and e.name.startswith(place)
                }
        except FileNotFoundError:
            return {}


def _known(connection: sqlite3.Connection, place: str) -> dict[str, _Key]:
    sql = f"SELECT hash || '{SUFFIX}', mtime, size, inode FROM snapshots WHERE place = ?"
    return {name: (place, mtime, size, inode) for name, mtime, size, inode in connection.execute(sql, (place,))}


def _place_of(connection: sqlite3.Connection, name: str) -> str | None:
    sql = "SELECT place FROM snapshots WHERE hash = ?"
    row = connection.execute(sql, (name[: -len(SUFFIX)],)).fetchone()
    return None if row is None else str(row[0])


def _key(place: str, stat: os.stat_result) -> _Key:
    return place, stat.st_mtime_ns, stat.st_size, stat.st_ino


def _place(connection: sqlite3.Connection, new: Mapping[str, SnapshotNode], *, all_anew: bool) -> None:
    """Say where snapshots stand, and which are the last of their line: one that is new after its parents, or all,
    where others came after new ones."""
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph, position_after

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
    from dataworkspaces.toolbox.snapshot_graph import SnapshotNode

    hashval, timestamp, utc_offset, parents, of_resources = json.loads(text)
    named = {called(name): tuple(hashes) for name, hashes in of_resources.items()}
    return SnapshotNode(hashval, timestamp, utc_offset, None if parents is None else tuple(parents), named)


def _forget(connection: sqlite3.Connection, hashval: str) -> None:
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE hash = ?", (hashval,))


def _connect(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=2.0)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != _VERSION:
            dropped = "".join(f"DROP TABLE IF EXISTS {table};" for table in (*_TABLES, "places", "state"))
            # In one transaction: each waits for the disk.
            connection.executescript(f"BEGIN IMMEDIATE;{dropped}{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection
