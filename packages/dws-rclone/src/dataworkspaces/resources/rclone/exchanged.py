"""What the remote is known to hold: the content of the files here when they were last sent, or fetched.

rclone takes a file for the same that has the same size and time, or at some remotes just the same size. What was
changed here since is known all the same: the content is compared with that which went over, or came.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from dataworkspaces.filetree import BLAKE3, StatCache, Work, build_tree
from dataworkspaces.filetree.scan import scan
from dataworkspaces.resources.rclone.run import Rclone, parse_answer
from dataworkspaces.toolbox.atomic import write_bytes

Contents = Mapping[str, str]
"""By path the size and the hash of a file, as a manifest has them."""
Compares = Literal["times", "hashes", "sizes"]
"""By what rclone can tell two files of one size apart."""
_NO_TIMES_NS = 100 * 365 * 24 * 60 * 60 * 10**9
"""What rclone says of a remote that keeps no times of files."""


@dataclass(frozen=True)
class Known:
    """:ivar compares: by what rclone compares files of the remote."""

    compares: Compares
    contents: Contents


class Exchanged:
    """The contents that went to or came from a remote, in a file on this machine. What cannot be read of it is not
    known.

    :param directory: for what the resource keeps on this machine."""

    def __init__(self, directory: Path, remote_origin: str) -> None:
        self._file = directory / "exchanged.json.gz"
        self._remote_origin = remote_origin

    def load(self) -> Known | None:
        """None if nothing is known of this remote."""
        with suppress(OSError, EOFError, ValueError, RecursionError, KeyError, TypeError, zlib.error):
            found = json.loads(gzip.decompress(self._file.read_bytes()))
            if found["remote_origin"] == self._remote_origin and found["compares"] in get_args(Compares):
                contents = {path: value for path, value in found["files"].items() if isinstance(value, str)}
                return Known(found["compares"], contents)
        return None

    def store(self, known: Known) -> None:
        text = json.dumps({"remote_origin": self._remote_origin, "compares": known.compares, "files": known.contents})
        write_bytes(self._file, gzip.compress(text.encode("ascii"), 1, mtime=0), durable=True)

    def forget(self, paths: Collection[str]) -> None:
        """Before they go over: if that is cut short, what the remote has of them is not known."""
        known = self.load()
        if known is not None and not known.contents.keys().isdisjoint(paths):
            left = {path: value for path, value in known.contents.items() if path not in paths}
            self.store(replace(known, contents=left))


def read_contents(root: Path, cache: StatCache | None, work: Work | None = None) -> dict[str, str]:
    """The contents of the files below a directory whose names rclone can be told. What a stat cache knows is not
    read."""
    tree = build_tree(scan(root), BLAKE3, cache, work)
    found: dict[str, str] = {}
    pending = [(tree.hashval, "")]
    while pending:
        hashval, prefix = pending.pop()
        for entry in tree.entries(hashval):
            path = f"{prefix}{entry.name}"
            if entry.kind == "tree":
                pending.append((entry.value, f"{path}/"))
            elif entry.kind != "link" and _can_be_listed(path):
                found[path] = entry.value
    return found


def size_in(value: str) -> int:
    """The size that a content begins with."""
    return int(value.partition(":")[0])


def _can_be_listed(path: str) -> bool:
    """A list of files is UTF-8, a line each."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\n" not in path and "\r" not in path


@dataclass(frozen=True)
class Abilities:
    """What a remote knows of its files."""

    has_hashes: bool
    has_times: bool

    @property
    def compares(self) -> Compares:
        return "times" if self.has_times else "hashes" if self.has_hashes else "sizes"


def ask_abilities(rclone: Rclone, remote: str, *, doing: str) -> Abilities:
    """Raises RemoteError, which begins with ``doing``."""
    told = parse_answer(rclone.read(["backend", "features"], [f"{remote}:"], doing=doing), dict, doing)
    precision = told.get("Precision")
    has_times = not isinstance(precision, int) or precision < _NO_TIMES_NS
    return Abilities(bool(told.get("Hashes")), has_times)


def compare_contents(rclone: Rclone, source: str, destination: str, *, downloads: bool, doing: str) -> set[str]:
    """The files that both sides have, with other contents: by their hashes, or with ``downloads`` byte by byte. Raises
    RemoteError, which begins with ``doing``."""
    how = ["--download"] if downloads else []
    report = rclone.run(["check", "--combined=-", *how], [source, destination])
    lines = report.output.decode("utf-8", "replace").splitlines()
    if any(line.startswith("! ") for line in lines) or (report.status != 0 and not lines):
        raise rclone.error(report, f"{doing} failed")
    return {line[2:] for line in lines if line.startswith("* ")}


def existing(rclone: Rclone, address: str, list_file: str, *, doing: str) -> set[str]:
    """Which of the files in a list are at the remote. Raises RemoteError, which begins with ``doing``."""
    command = ["lsf", "-R", "--files-only", f"--files-from-raw={list_file}"]
    return set(rclone.read(command, [address], doing=doing).decode("utf-8", "replace").splitlines())
