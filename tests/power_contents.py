"""What a recorded state of a workspace holds, found out without laying it out: all states of a command in seconds."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from power_model import State

from dataworkspaces.errors import DwsError
from dataworkspaces.filetree.objects.pack import SUFFIX, Pack

OBJECTS = ".dataworkspace/objects/"
MAY_BE_LOST = (
    "/dws/stat-cache/", "/dws/remote-index/", "/dws/snapshots.sqlite", "/dws/identity", "/dws/flushed", "/dws/unsaved",
    "/dws/lock", "/dws/lineage.lock", "/FETCH_HEAD", "/COMMIT_EDITMSG", ".git/logs/", "/objects/generation",
)  # fmt: skip
"""Of ours and of git's: caches and notes. Parts of their paths."""


class Reader:
    """Reads contents once, however many states hold them."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._known: dict[tuple[int, str], frozenset[str]] = {}
        self._held: list[bytes] = []
        """So that no other content gets the number of one that is known."""

    def digests(self, path: str, content: bytes) -> frozenset[str]:
        """The SHA-256 of what a file keeps: itself, or the contents in a pack or in an object of git."""
        kind = (
            "pack" if path.startswith(OBJECTS) and path.endswith(SUFFIX) else "git" if ".git/objects/" in path else ""
        )
        key = id(content), kind
        if key not in self._known:
            self._held.append(content)
            self._known[key] = frozenset(map(_sha256, self._contents(kind, content)))
        return self._known[key]

    def _contents(self, kind: str, content: bytes) -> list[bytes]:
        if kind == "pack":
            self._scratch.write_bytes(content)
            pack = Pack(self._scratch)
            try:
                return [pack.read_at(object_id, start) for object_id, start in pack.index]
            except (DwsError, ValueError, OSError):
                return []
            finally:
                pack.close()
        if kind == "git":
            try:
                header, _, body = zlib.decompress(content).partition(b"\0")
            except zlib.error:
                return []
            return [body] if header.startswith(b"blob ") else []
        return [content]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def problems_of(state: State, reader: Reader, had: Iterable[str], snapshots: Mapping[str, set[str]]) -> list[str]:
    """What does not hold.

    :param had: the SHA-256 of all that was there, in the working tree or kept.
    :param snapshots: by tag the beginnings (16 digits) of those of a snapshot's files."""
    kept: set[str] = set()
    tree: set[str] = set()
    tags: set[str] = set()
    found = []
    names = {entry.path for entry in state.entries}
    for path, _, content, is_empty in state.entries:
        if content is None:
            continue
        is_ours = path.startswith(".dataworkspace/") and not path.startswith(OBJECTS)
        is_temporary = path.rpartition("/")[2].startswith((".", "tmp_")) or "/tmp/" in path or "/tmp_objdir" in path
        if ".git/objects/" in path or path.startswith(OBJECTS):
            if not is_temporary:
                kept |= reader.digests(path, content)
        elif ".git/" not in path and not is_ours:
            tree |= reader.digests(path, content)
        if is_ours and ".git/dws/advance.json" in names:
            continue  # git was writing it; the next command writes it again
        must_be_whole = is_ours or path.startswith(OBJECTS) or ".git/" in path
        is_lost = not content and not is_empty and not is_temporary
        if is_lost and must_be_whole and not any(part in path for part in MAY_BE_LOST):
            found.append(f"{path} is empty")
        if content and path.startswith(".dataworkspace/snapshot_metadata/") and not is_temporary:
            tags.update(json.loads(content)["tags"])
    lost = set(had) - kept - tree
    if lost:
        found.append(f"{len(lost)} contents are lost")
    beginnings = {digest[:16] for digest in kept}
    for tag in tags & snapshots.keys():
        missing = snapshots[tag] - beginnings
        if missing:
            found.append(f"snapshot {tag} lacks {len(missing)} contents")
    return found
