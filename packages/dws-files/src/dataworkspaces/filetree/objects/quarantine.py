"""What becomes of damage: it is set aside, never removed, and from then on the content counts as missing.

So whoever has the content keeps it again: a snapshot whose working tree holds it, a fetch, a repair. What is set aside
lies in ``quarantine/`` of the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import Pack
from dataworkspaces.filetree.objects.store import LARGE, ObjectStore
from dataworkspaces.toolbox.shared_directories import make_directory

DIRECTORY = "quarantine"


def set_aside(store: ObjectStore, ids: Iterable[ObjectId]) -> set[ObjectId]:
    """Set aside what holds these contents, where it is damaged; the good contents of a pack are packed anew before.

    Returns the contents that were damaged, which may be more than those that were asked for."""
    damaged: set[ObjectId] = set()
    for object_id in ids:
        if object_id in damaged or store.damage(object_id) is None:
            continue
        if not damaged:
            store.start_generation()
        loose = store.loose_path(object_id)
        if loose.exists():
            _move(store, loose, object_id.hex)
            damaged.add(object_id)
        elif object_id.size >= LARGE and store.chunk_lists.has(object_id):
            damaged |= {object_id, *_set_chunks_aside(store, object_id)}
        elif (found := store.find(object_id)) is not None:
            damaged |= _set_pack_aside(store, found[0])
    if damaged:
        store.start_generation()  # once more: somebody may have asked for it meanwhile
    return damaged


def set_damaged_packs_aside(store: ObjectStore) -> list[Path]:
    """Set aside the packs whose index cannot be read, so that nobody knows what they hold; their new places."""
    damaged = store.damaged_packs()
    if not damaged:
        return []
    store.start_generation()
    moved = [_move(store, store.packs_directory / name, name) for name in damaged]
    store.start_generation()
    return moved


def _set_chunks_aside(store: ObjectStore, object_id: ObjectId) -> set[ObjectId]:
    """Of a content in chunks: what holds damaged ones is set aside; if there is none, then its list."""
    chunks = store.chunk_lists.whole(object_id)
    found: set[ObjectId] = set()
    for chunk in () if chunks is None else chunks:
        if chunk not in found and store.find(chunk) is not None and store.damage(chunk) is not None:
            found |= set_aside(store, [chunk])
    if not found and (chunks is None or not store.missing_chunks(chunks)):
        _move(store, store.chunk_lists.path(object_id), f"{object_id.hex}.chunks")
    return found


def _set_pack_aside(store: ObjectStore, pack: Pack) -> set[ObjectId]:
    damaged: set[ObjectId] = set()
    writer = store.pack_writer()
    try:
        for object_id, place in pack.contents():
            try:
                writer.add(object_id, pack.read_at(object_id, place))
            except MetadataError:
                damaged.add(object_id)
        if damaged and len(writer):
            writer.finish(store.packs_directory)
            store.sync()  # the move may reach the disk before the new name does
    finally:
        writer.discard()
    if damaged:
        _move(store, pack.path, pack.path.name)
    return damaged


def _move(store: ObjectStore, path: Path, name: str) -> Path:
    directory = store.root / DIRECTORY
    make_directory(directory)
    target = directory / name
    if target.exists():
        target = directory / f"{name}.{os.urandom(4).hex()}"
    try:
        return path.replace(target)
    except FileNotFoundError:  # another process was faster
        return target
