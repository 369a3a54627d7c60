"""Removing from a remote what nobody needs any more, while a :class:`Lease` keeps all others from sending.

Lists of chunks go before chunks, and packs that are written anew are there before the old ones go: a process that is
killed anywhere leaves too much, never too little. First of all a mark tells everybody that what they noted of the
remote counts no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from dataworkspaces.errors import MetadataError, NotSupportedError
from dataworkspaces.filetree.objects.chunks import digests_in, read_list
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import PackWriter, Slot
from dataworkspaces.filetree.remotes.chunk_lists import DIRECTORY
from dataworkspaces.filetree.remotes.leases import Lease
from dataworkspaces.filetree.remotes.parts import in_parts
from dataworkspaces.filetree.remotes.places import FileInfo
from dataworkspaces.filetree.remotes.store import COLLECTED, RemotePack, RemoteStore

_DEAD_SHARE = 0.3
_PACK_BYTES = 32 << 20
_AT_ONCE = 500


@dataclass
class RemoteGarbage:
    """What a collection removes at a remote.

    :ivar objects, size: contents, and the bytes that they occupy. Those in packs that are not worth rewriting are not
        counted.
    :ivar young: contents that nobody needs either, but that are too young to go.
    :ivar damaged: packs that cannot be read, which stay as they are; and such as could not be written anew."""

    objects: int = 0
    size: int = 0
    young: int = 0
    damaged: list[str] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _rewritten: list[tuple[RemotePack, list[tuple[ObjectId, Slot]]]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self._files or self._rewritten)


def find_remote_garbage(store: RemoteStore, live: Container[bytes], before: float) -> RemoteGarbage:
    """What can go. Changes nothing.

    :param live: the digests of the contents that are needed.
    :param before: in seconds since 1970 by the clock of the remote; what is younger stays, since somebody may be about
        to refer to it.

    Raises MetadataError for a list of chunks that is needed and damaged, NotSupportedError where nobody knows how old
    anything is; then nothing may be removed."""
    found = RemoteGarbage()
    store.look_again()
    packs, listed = store.packs(), store.place.list("packs")
    lists, loose = store.place.list(DIRECTORY), store.place.list("loose")
    for info in (*listed.values(), *lists.values(), *loose.values()):
        if info.changed is None:
            raise NotSupportedError(
                f"The remote {store.url} does not tell when its files changed, so that it is not known what is old",
                hint="Nothing was removed",
            )
    chunks, parts = _look_at_lists(store, lists, live, before, found)
    for name, info in loose.items():
        digest = _digest(name)
        if digest is not None and digest not in live:
            _take(found, f"loose/{name}", info, before)
    for pack in packs:
        if pack.name in listed:
            _look_into(pack, listed[pack.name], before, lambda digest: digest in live or digest in chunks, parts, found)
    found.damaged = list(store.damaged_packs.values())
    return found


def _look_at_lists(
    store: RemoteStore, lists: dict[str, FileInfo], live: Container[bytes], before: float, found: RemoteGarbage
) -> tuple[set[bytes], set[bytes]]:
    """The chunks of the lists that stay, and those that only others need."""
    kept: set[bytes] = set()
    parts: set[bytes] = set()
    for name, info in lists.items():
        digest = _digest(name)
        if digest is None:
            continue
        path = f"{DIRECTORY}/{name}"
        try:
            data = store.place.read(path, "reading a list of chunks")
        except FileNotFoundError:
            continue
        if digest in live:
            what = f"The list of the chunks of {digest.hex()} at the remote {store.url}"
            kept.update(read_list(data, digest.hex(), what).digests())
        elif _take(found, path, info, before):
            parts.update(digests_in(data))
        else:
            kept.update(digests_in(data))
    return kept, parts - kept


def _digest(name: str) -> bytes | None:
    """Of which content a file of its own is; None if it is none."""
    with suppress(ValueError):
        digest = bytes.fromhex(name.replace("/", "", 1))
        return digest if len(digest) == 32 and name[2:3] == "/" else None
    return None


def _take(found: RemoteGarbage, path: str, info: FileInfo, before: float) -> bool:
    """Take a file of one content, unless it is young."""
    if info.changed is None or info.changed >= before:
        found.young += 1
        return False
    found._files.append(path)
    found.objects += 1
    found.size += info.size
    return True


def _look_into(
    pack: RemotePack,
    info: FileInfo,
    before: float,
    is_needed: Callable[[bytes], bool],
    parts: Collection[bytes],
    found: RemoteGarbage,
) -> None:
    entries = list(pack.index)
    good = [(object_id, slot) for object_id, slot in entries if is_needed(object_id.digest)]
    dead = len(entries) - len(good)
    if not dead:
        return
    if info.changed is None or info.changed >= before:
        found.young += dead
        return
    total = sum(object_id.size for object_id, _ in entries)
    share = 1 - sum(object_id.size for object_id, _ in good) / max(1, total)
    if max(share, dead / len(entries)) <= _DEAD_SHARE:
        return
    found.objects += sum(i.digest not in parts and not is_needed(i.digest) for i, _ in entries)
    found.size += round(share * pack.size) if good else pack.size
    if good:
        found._rewritten.append((pack, good))
    else:
        found._files.append(f"packs/{pack.name}")


def remove_remote_garbage(
    store: RemoteStore, garbage: RemoteGarbage, lease: Lease, temporary: Path, advance: Callable[[int], None]
) -> None:
    """Remove what was found. May be called again after a kill, with what is found then.

    :param lease: that of this collection, which keeps everybody else from sending.
    :param temporary: a directory of this machine.
    :param advance: is told the files that are done with; there are :func:`steps`."""
    lease.check()
    _mark(store)
    files = iter(garbage._files)
    while batch := list(islice(files, _AT_ONCE)):
        lease.check()
        store.place.remove(batch, "removing what nobody needs")
        advance(len(batch))
    for group in _groups(garbage):
        _write_anew(store, group, garbage, lease, temporary)
        advance(len(group))
    store.look_again()


def steps(garbage: RemoteGarbage) -> int:
    """The files that are removed, or written anew."""
    return len(garbage._files) + len(garbage._rewritten)


def _mark(store: RemoteStore) -> None:
    old = store.listing().collected
    store.place.write(f"packs/{os.urandom(16).hex()}{COLLECTED}", b"", "noting a collection of garbage")
    if old:
        store.place.remove([f"packs/{name}" for name in old], "noting a collection of garbage")


_Group = list[tuple[RemotePack, list[tuple[ObjectId, Slot]]]]


def _groups(garbage: RemoteGarbage) -> Iterator[_Group]:
    """Packs whose good contents make one new pack together."""
    rewritten = sorted(garbage._rewritten, key=lambda each: each[0].size)
    return in_parts(rewritten, lambda each: sum(object_id.size for object_id, _ in each[1]), _PACK_BYTES)


def _write_anew(store: RemoteStore, group: _Group, garbage: RemoteGarbage, lease: Lease, temporary: Path) -> None:
    """Put what is good of packs into a new one, and remove them. One in which anything good is damaged stays."""
    done: list[RemotePack] = []
    writer = PackWriter(temporary)
    path: Path | None = None
    try:
        for pack, good in group:
            try:
                contents = list(store.contents(pack, good))
            except FileNotFoundError:
                continue
            except MetadataError as e:
                garbage.damaged.append(e.message)
                continue
            for object_id, content in contents:
                writer.add(object_id, content)
            done.append(pack)
        if not done:
            return
        path = writer.finish(temporary)
        lease.check()
        store.upload(path, f"packs/{path.name}", tell=False)
        lease.check()
        old = [f"packs/{pack.name}" for pack in done if pack.name != path.name]
        store.place.remove(old, "removing packs that were written anew")
    finally:
        writer.discard()
        if path is not None:
            path.unlink(missing_ok=True)
