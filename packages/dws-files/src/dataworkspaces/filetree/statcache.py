"""The stat cache: what the files of a tree held when they were last read.

A file whose size, times and inode are as they were then is not read again. As in git's index, that is only believed
if its times lie before the moment of reading: a file that changes again within one tick of the clock keeps them. Nor is
it believed of a file that a process can write to through memory: see :mod:`dataworkspaces.filetree.mapped`.

One row a directory in a SQLite database. It may be deleted at any time; a cache that cannot be used is as none.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.filetree.scan import STATUS, ScannedDirectory

_SCHEMA = 1
_UNSURE = b"\xff" * 8  # as the size of a file: matches none
_SECOND = 1_000_000_000
_SELECT = "SELECT path, names, statuses, vals, others, manifest, kept_in FROM directories"
_IN_PART = "in part"
"""In the place of what of a manifest is not a file, where not all of the directory was seen: matches no directory."""

_TICK_NS = 100_000_000
_COARSE_TICK_NS = 2_100_000_000
"""Longer than the ticks of file systems that keep whole seconds, or every second one."""


class Row(NamedTuple):
    """What is remembered of a directory: its files by name, their statuses and values, what of its manifest is no
    file, its manifest's name, and the generation of the store that keeps all of the content (empty: none)."""

    names: str
    statuses: bytes
    values: str
    others: str
    manifest: str
    kept_in: str


class StatCache:
    """The cache of one tree.

    :param path: the database. Directories above it are made.
    :param context: what else the values depend on (the place of the tree, the way of hashing): a cache of another
        context is empty.
    """

    def __init__(self, path: Path, context: str) -> None:
        self._path = path
        self._context = f"{_SCHEMA} {context}"

    def load(self, paths: Iterable[str] | None = None) -> dict[str, Row] | None:
        """The rows of all directories, or of those at ``paths``, by path; None if there is no cache."""
        if not self._path.exists():
            return None
        try:
            with self._connect("BEGIN") as db:
                found = db.execute("SELECT context FROM about").fetchone()
                if found is None or found[0] != self._context:
                    return None
                if paths is None:
                    rows = db.execute(_SELECT).fetchall()
                else:
                    one = f"{_SELECT} WHERE path = ?"
                    rows = [row for path in paths for row in db.execute(one, (os.fsencode(path),))]
                return {os.fsdecode(p): Row(os.fsdecode(n), s, v, os.fsdecode(o), m, k) for p, n, s, v, o, m, k in rows}
        except (sqlite3.Error, UnicodeError, TypeError):
            return None

    def save(self, changed: Iterable[tuple[str, Row]], removed: Iterable[str], *, is_new: bool) -> None:
        """Replace rows, and remove others; with ``is_new`` all. What cannot be written is left."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._save(changed, removed, is_new)
        except sqlite3.OperationalError:  # locked, a full disk, read-only
            return
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
        except OSError:
            return

    def forget(self) -> None:
        """Remove the cache."""
        self._path.unlink(missing_ok=True)

    def _save(self, changed: Iterable[tuple[str, Row]], removed: Iterable[str], is_new: bool) -> None:
        with self._connect("BEGIN IMMEDIATE") as db:
            if is_new:
                db.execute("DROP TABLE IF EXISTS about")
                db.execute("DROP TABLE IF EXISTS directories")
                db.execute("CREATE TABLE about (context TEXT)")
                db.execute(
                    "CREATE TABLE directories (path BLOB PRIMARY KEY, names BLOB, statuses BLOB, vals TEXT,"
                    " others BLOB, manifest TEXT, kept_in TEXT)"
                )
                db.execute("INSERT INTO about VALUES (?)", (self._context,))
            db.executemany("DELETE FROM directories WHERE path = ?", ((os.fsencode(path),) for path in removed))
            db.executemany(
                "INSERT OR REPLACE INTO directories VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        os.fsencode(path),
                        os.fsencode(row.names),
                        row.statuses,
                        row.values,
                        os.fsencode(row.others),
                        row.manifest,
                        row.kept_in,
                    )
                    for path, row in changed
                ),
            )

    @contextmanager
    def _connect(self, begin: str) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=1.0, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(begin)
            yield db
            db.execute("COMMIT")


def known_values(row: Row, directory: ScannedDirectory) -> list[str | None]:
    """The value of each file of a directory, None for one that has to be read."""
    known = _by_name(row)
    nothing = (b"", "")
    found: list[str | None] = []
    for name, now in zip(directory.files.names, _split(directory.files.statuses), strict=True):
        status, value = known.get(name, nothing)
        found.append(value if status == now else None)
    return found


def _split(statuses: bytes | bytearray) -> Iterator[bytes]:
    return (bytes(statuses[start : start + STATUS.size]) for start in range(0, len(statuses), STATUS.size))


def _by_name(row: Row) -> dict[str, tuple[bytes, str]]:
    if not row.values:
        return {}
    return dict(zip(row.names.split("\0"), zip(_split(row.statuses), row.values.split("\n"), strict=True), strict=True))


def merge_rows(old: Row | None, new: Row) -> Row:
    """What is remembered of a directory, where ``new`` is of some of its files only."""
    files = {**({} if old is None else _by_name(old)), **_by_name(new)}
    names = sorted(files)
    statuses = b"".join([files[name][0] for name in names])
    values = "\n".join(files[name][1] for name in names)
    return Row("\0".join(names), statuses, values, _IN_PART, "", "")


def make_row(
    directory: ScannedDirectory,
    values: str,
    others: str,
    manifest: str,
    kept_in: str,
    sure_before_ns: int,
    mapped: Collection[int] = (),
) -> Row:
    """What to remember of a directory whose files were not read before ``sure_before_ns`` (nanoseconds since 1970).

    :param values: of the files, joined by line breaks.
    :param mapped: inodes of files that may be written to through memory."""
    files = directory.files
    statuses = files.statuses
    unsure = _unsure(directory, sure_before_ns)
    if mapped:
        unsure += [place for place, inode in enumerate(files.inodes) if inode in mapped]
    if unsure:
        statuses = bytearray(statuses)
        for place in unsure:
            statuses[place * STATUS.size : place * STATUS.size + len(_UNSURE)] = _UNSURE
    return Row("\0".join(files.names), bytes(statuses), values, others, manifest, kept_in)


def newest_time(directory: ScannedDirectory) -> int:
    """When the file in a directory was changed that was changed last; 0 if there is none."""
    numbers = directory.files.numbers
    return max(max(numbers[1::4]), max(numbers[2::4])) if numbers else 0


def _unsure(directory: ScannedDirectory, sure_before_ns: int) -> list[int]:
    """The places of files that may change again within the tick of the clock in which they were changed."""
    sure, coarse = sure_before_ns - _TICK_NS, sure_before_ns - _COARSE_TICK_NS
    if newest_time(directory) < coarse:
        return []
    changed, status_changed = directory.files.numbers[1::4], directory.files.numbers[2::4]
    return [
        place
        for place, (content, status) in enumerate(zip(changed, status_changed, strict=True))
        if content >= sure
        or status >= sure
        or (content % _SECOND == 0 == status % _SECOND and max(content, status) >= coarse)
    ]
