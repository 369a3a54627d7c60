"""What a disk may hold after a power cut, and how that is found out for a command that runs in this process.

The strictest file system is assumed. Content is there if its file was flushed since it changed; else the file is empty,
or holds what was flushed before. A change of names (a new file, a rename, a removal) is there if a directory that it
changed was flushed since; else it may be there or not. A rename happens in both places or in none. Git flushes its own
files where it is told to (`core.fsync`), and does its work in order; names are ours to flush.

`AFTER` says which of the changes that nobody flushed are there after the cut:

``nothing``  none
``names``    all, without the contents that nobody flushed
``newest``   the last one alone, with its content: it overtook all others on the way to the disk
"""

from __future__ import annotations

import os
import pickle
import stat
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

AFTER = ("nothing", "names", "newest")
_YOUNG_SECONDS = 0.1
"""So long the times of a file do not tell whether it has changed."""
_OF_GIT = ("index", "HEAD", "ORIG_HEAD", "packed-refs")


class Entry(NamedTuple):
    """Something below the root: ``content`` is None for a directory, and what it leads to for a link. ``is_empty``: it
    held nothing before the cut, either."""

    path: str
    mode: int
    content: bytes | None
    is_empty: bool


class State(NamedTuple):
    """What the disk holds if the power is cut right before something happens."""

    before: str
    after: str
    entries: tuple[Entry, ...]


@dataclass(eq=False)
class Node:
    """A file, link or directory.

    :ivar flushed: the content that is on the disk; None if none is.
    :ivar durable: the names in it that are on the disk.
    :ivar told: what a state says of it, which nearly all say alike."""

    mode: int
    content: bytes = b""
    flushed: bytes | None = None
    entries: dict[str, Node] = field(default_factory=dict)
    durable: dict[str, Node] = field(default_factory=dict)
    stamp: tuple[int, int] = (-1, -1)
    told: Entry | None = None

    def entry(self, path: str, content: bytes | None) -> Entry:
        """What a state says of it; the same object as long as that is the same."""
        is_empty = content is not None and not self.content
        told = self.told
        if (
            told is None
            or told.content is not content
            or told.mode != self.mode
            or told.is_empty is not is_empty
            or told.path != path
        ):
            told = self.told = Entry(path, self.mode, content, is_empty)
        return told


Change = list[tuple[Node, str, "Node | None"]]
"""What became of names in directories, all of it at once: the directory, the name, and what it names now."""


class Disk:
    """The file system below ``root``. What is there at first is on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.nodes: dict[int, Node] = {}
        self.pending: list[tuple[Change, bool]] = []
        self.top = Node(root.lstat().st_mode)
        self.nodes[root.lstat().st_ino] = self.top
        self.look()
        self.pending.clear()
        for node in self.nodes.values():
            node.flushed, node.durable = node.content, dict(node.entries)

    def look(self, by_git: bool = False) -> None:
        """See what has changed since; with ``by_git`` git did it, and has flushed what it flushes."""
        change: Change = []
        seen = {self.root.lstat().st_ino}
        self._look(os.fspath(self.root), self.top, change, seen, by_git)
        self.nodes = {number: node for number, node in self.nodes.items() if number in seen}
        if change:
            self.pending.append((change, by_git))

    def _look(self, path: str, node: Node, change: Change, seen: set[int], by_git: bool) -> None:
        found: dict[str, Node] = {}
        with os.scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            try:
                status = entry.stat(follow_symlinks=False)
                inside = self._node(entry, status, node, by_git)
            except FileNotFoundError:
                continue  # another thread
            found[entry.name] = inside
            is_known = status.st_ino in seen
            seen.add(status.st_ino)
            if stat.S_ISDIR(status.st_mode):
                self._look(entry.path, inside, change, seen, by_git)
            elif by_git and not is_known and is_flushed_by_git(Path(entry.path)):
                inside.flushed = inside.content
        for name in node.entries.keys() | found.keys():
            if node.entries.get(name) is not found.get(name):
                change.append((node, name, found.get(name)))
        node.entries = found

    def _node(self, entry: os.DirEntry[str], status: os.stat_result, above: Node, by_git: bool) -> Node:
        known = self.nodes.get(status.st_ino)
        stamp = (status.st_size, status.st_mtime_ns)
        is_other = known is not None and (
            stat.S_IFMT(known.mode) != stat.S_IFMT(status.st_mode)
            # Git may have removed a file and made another one, which got its number.
            or (by_git and above.entries.get(entry.name) is not known and not entry.is_dir() and known.stamp != stamp)
        )
        if known is None or is_other:
            known = self.nodes[status.st_ino] = Node(status.st_mode)
        known.mode = status.st_mode
        if entry.is_symlink():
            known.content = known.flushed = os.fsencode(os.readlink(entry.path))
        elif entry.is_file():
            is_young = time.time_ns() - status.st_mtime_ns < _YOUNG_SECONDS * 1e9
            if known.stamp != stamp or is_young:
                content = Path(entry.path).read_bytes()
                if content != known.content:
                    known.content = content
            known.stamp = stamp
        return known

    def flush(self, inode: int) -> None:
        """A file or directory was flushed right now."""
        node = self.nodes.get(inode)
        if node is None:
            return
        if stat.S_ISDIR(node.mode):
            done = self._with_what_they_need([c for c in self.pending if any(side[0] is node for side in c[0])])
            for change, _ in done:
                for directory, name, inside in change:
                    _set(directory.durable, name, inside)
            self.pending = [c for c in self.pending if c not in done]
        else:
            node.flushed = node.content

    def _with_what_they_need(self, changes: Iterable[tuple[Change, bool]]) -> list[tuple[Change, bool]]:
        """Changes with those before them of the same names; git's with what git did before."""
        numbers = {place for place, change in enumerate(self.pending) if change in changes}
        names = {(id(side[0]), side[1]) for place in numbers for side in self.pending[place][0]}
        for place in reversed(range(max(numbers, default=-1) + 1)):
            change, by_git = self.pending[place]
            later_git = by_git and any(self.pending[n][1] and n > place for n in numbers)
            if place in numbers or later_git or any((id(side[0]), side[1]) in names for side in change):
                numbers.add(place)
                names.update((id(side[0]), side[1]) for side in change)
        return [self.pending[place] for place in sorted(numbers)]

    def after_cut(self, after: str) -> tuple[Entry, ...]:
        """What is there after a power cut right now."""
        changes = {"nothing": [], "names": self.pending, "newest": self._with_what_they_need(self.pending[-1:])}[after]
        names: dict[int, dict[str, Node]] = {}
        for change, _ in changes:
            for directory, name, inside in change:
                _set(names.setdefault(id(directory), dict(directory.durable)), name, inside)
        whole = {id(s[2]) for s in self.pending[-1][0]} if after == "newest" and self.pending else set()
        found: list[Entry] = []

        def walk(node: Node, above: str) -> None:
            for name, inside in sorted(names.get(id(node), node.durable).items()):
                path = f"{above}{name}"
                if stat.S_ISDIR(inside.mode):
                    found.append(inside.entry(path, None))
                    walk(inside, f"{path}/")
                else:
                    content = inside.content if id(inside) in whole else _on_disk(inside, after)
                    found.append(inside.entry(path, content))

        walk(self.top, "")
        return tuple(found)


def _set(names: dict[str, Node], name: str, node: Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _on_disk(node: Node, after: str) -> bytes:
    if node.flushed is None or node.flushed == node.content:
        return node.flushed or b""
    is_longer = node.content.startswith(node.flushed)
    return node.flushed if is_longer or after == "nothing" else b""  # else it was emptied, and written anew


def is_flushed_by_git(path: Path) -> bool:
    if ".git" not in path.parent.parts:
        return False
    inside = path.parts[len(path.parts) - path.parts[::-1].index(".git") :]
    return inside[0] in ("objects", "refs") or (len(inside) == 1 and inside[0] in _OF_GIT)


class Recorder:
    """Notes at each point of a command what a power cut would leave: an audit hook, and in the place of `os.fsync`.

    :ivar root: what is recorded. Processes that are started change it as one, between two points."""

    POINTS = frozenset((
        "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
        "subprocess.Popen",
    ))  # fmt: skip

    def __init__(self, root: Path) -> None:
        self.disk = Disk(root)
        self.states: list[State] = []
        self.last: dict[str, tuple[Entry, ...]] = {}
        self.lock = threading.RLock()
        self.is_busy = False
        self.by_git = False
        self.really_flush = os.fsync

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
            self.point(f"opening {os.fsdecode(path)}")
        elif event in self.POINTS:
            self.point(f"{event} {arguments[:2]!r}")
            if event == "subprocess.Popen":
                self.by_git = any("core.fsync=all" in os.fsdecode(argument) for argument in arguments[1])

    def fsync(self, file: int) -> None:
        number = file if isinstance(file, int) else file.fileno()  # type: ignore[unreachable]
        with self.lock:
            self.really_flush(number)
            self.point(f"flushing {os.readlink(f'/proc/self/fd/{number}') if os.path.isdir('/proc/self') else number}")
            self.disk.flush(os.fstat(number).st_ino)

    def point(self, what: str) -> None:
        with self.lock:
            if self.is_busy:
                return
            self.is_busy = True
            try:
                self.disk.look(self.by_git)
                self.by_git = False
                for after in AFTER:
                    entries = self.disk.after_cut(after)
                    if self.last.get(after) != entries:
                        self.last[after] = entries
                        self.states.append(State(what, after, entries))
            finally:
                self.is_busy = False

    def write(self, path: Path) -> None:
        self.point("the end")
        self.is_busy = True
        path.write_bytes(pickle.dumps(self.states))


def read_states(path: Path) -> list[State]:
    states: list[State] = pickle.loads(path.read_bytes())
    return states


def lay_out(root: Path, entries: Iterable[Entry], change: Callable[[str, bytes], bytes] = lambda _, text: text) -> None:
    """Make an empty directory what the disk held."""
    modes: list[tuple[Path, int]] = []
    for path, mode, content, _ in entries:
        place = root / path
        if content is None:
            place.mkdir()
            modes.append((place, mode))
        elif stat.S_ISLNK(mode):
            place.symlink_to(os.fsdecode(content))
        else:
            place.write_bytes(change(path, content))
            place.chmod(stat.S_IMODE(mode))
    for place, mode in reversed(modes):
        place.chmod(stat.S_IMODE(mode))
