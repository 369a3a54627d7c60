"""Objects of a repository: read one after the other, compared, and made."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from dataworkspaces.gitrepo.layout import uses_sha256
from dataworkspaces.gitrepo.plumbing import TreeEntry, lacking, read_object
from dataworkspaces.gitrepo.run import run_git, start_git

if TYPE_CHECKING:
    import subprocess


class BlobReader:
    """Reads blobs one after the other, with one git process that ends with this object. For any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, name: str) -> bytes:
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(f"{name}\n".encode("ascii"))
                process.stdin.flush()
                info, content = read_object(process.stdout)
            except BrokenPipeError:
                info, content = None, b""
            if info is None or info.kind != "blob":
                raise lacking(self._root, name)
            return content

    def _running(self) -> subprocess.Popen[bytes]:
        """A process of this one's own: a copy made by fork must not read the answers to another."""
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._process = start_git(self._root, ["cat-file", "--batch"])
            self._owner = os.getpid()
            weakref.finalize(self, _end, self._process, self._owner)
        return self._process


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if owner == os.getpid():
        process.terminate()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def write_blobs(root: Path, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Store contents, by any key; their names by the same keys."""
    import tempfile

    if not contents:
        return {}
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        places = [Path(temporary) / str(number) for number in range(len(contents))]
        for place, content in zip(places, contents.values(), strict=True):
            place.write_bytes(content)
        names = "".join(f"{place}\n" for place in places).encode("utf-8", "surrogateescape")
        arguments = ["hash-object", "-w", "--no-filters", "--stdin-paths"]
        found = run_git(root, arguments, stdin=names, doing="Storing files").stdout.decode("ascii").split()
    return dict(zip(contents, found, strict=True))


def changed_entries(
    root: Path, old: str, new: str, paths: Iterable[str] = ()
) -> dict[str, tuple[TreeEntry | None, TreeEntry | None]]:
    """By path, what it was and what it is, of all files that differ between two commits or trees."""
    arguments = ["diff-tree", "-r", "-z", "--no-renames", "--raw", "--end-of-options", old, new, "--", *paths]
    output = run_git(root, arguments).stdout
    fields = iter(os.fsdecode(output).split("\0"))
    changes = {}
    for header in fields:
        if header.startswith(":"):
            old_mode, new_mode, old_name, new_name, _ = header[1:].split(" ")
            before = None if set(old_mode) == {"0"} else TreeEntry(old_mode, old_name)
            after = None if set(new_mode) == {"0"} else TreeEntry(new_mode, new_name)
            changes[next(fields)] = (before, after)
    return changes


def build_tree(root: Path, base: str, entries: Mapping[str, TreeEntry | None]) -> str:
    """The tree ``base`` with other entries at some paths (None: nothing is there)."""
    import tempfile

    if not entries:
        return base
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        run_git(root, ["read-tree", base], env=env, doing="Merging")
        run_git(root, ["update-index", "-z", "--index-info"], stdin=index_info(root, entries), env=env, doing="Merging")
        tree = run_git(root, ["write-tree"], env=env, doing="Merging").stdout
    return tree.decode("ascii").strip()


def no_object(root: Path) -> bytes:
    """What stands for no object where git wants a name."""
    return b"0" * (64 if uses_sha256(root) else 40)


def index_info(root: Path, entries: Mapping[str, TreeEntry | None]) -> bytes:
    """What ``git update-index -z --index-info`` reads."""
    nothing = no_object(root)
    # Removals first: a file may stand where a directory was.
    removed = [b"0 %s\t%s\0" % (nothing, os.fsencode(path)) for path, entry in entries.items() if entry is None]
    added = [
        b"%s %s\t%s\0" % (entry.mode.encode("ascii"), entry.name.encode("ascii"), os.fsencode(path))
        for path, entry in entries.items()
        if entry is not None
    ]
    return b"".join(removed + added)
