"""Contents that are damaged or missing in the object store, taken again from files of the workspace that hold them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.filetree.hashing import OPEN_FLAGS
from dataworkspaces.filetree.objects.quarantine import set_aside
from dataworkspaces.toolbox.logs import log

if TYPE_CHECKING:
    from pathlib import Path

    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.objects.store import ObjectStore

_CHUNK = 4 << 20


def mend(resource: FileTreeMixin, ids: Collection[ObjectId], *, damaged: bool = False) -> set[ObjectId]:
    """Keep again what the store lacks of these contents, where a file of the workspace holds it; returns what is not
    here after that.

    :param damaged: all of them are read, and set aside where they are damaged."""
    store = resource.kept_content.store
    if damaged:
        set_aside(store, ids)
    missing = store.missing(ids)
    for each in (resource, *resource.others_that_keep()) if missing else ():
        with suppress(DwsError, OSError):  # one that is not here, or cannot be read
            _take_from(each, store, missing)
        missing = store.missing(missing)
        if not missing:
            break
    if len(missing) < len(ids):
        store.sync()
    return missing


def _take_from(resource: FileTreeMixin, store: ObjectStore, missing: Collection[ObjectId]) -> None:
    root = resource.local_root()
    for object_id, path in all_objects(resource.present_tree()).items():
        if object_id in missing:
            with suppress(DwsError, OSError):  # the file is another since it was last read
                store.add_stream(object_id, _read(root / path))
                log.info("kept the content %s again, from %s", object_id.hex, root / path)


def _read(path: Path) -> Iterator[bytes]:
    if path.is_symlink():
        yield os.fsencode(path.readlink())
        return
    with os.fdopen(os.open(path, OPEN_FLAGS), "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
