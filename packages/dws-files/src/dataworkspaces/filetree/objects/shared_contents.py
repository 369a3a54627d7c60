"""Contents of one store in another.

Packs and loose contents are immutable, and removed by their names: so a hard link serves both stores, and what one
removes stays in the other. Where there are no such links, files are copied, as reflinks if the file system can.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from dataworkspaces.durability import flush_files
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.objects.stored_files import copy_content
from dataworkspaces.toolbox.shared_directories import make_directory, sealed_mode

_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})


def take_contents(
    source: ObjectStore, target: ObjectStore, wanted: Collection[ObjectId], *, may_copy: bool = True
) -> None:
    """Have in ``target`` the contents that are wanted, and that ``source`` has; on disk on return. Idempotent.

    :param may_copy: also where the file system cannot share them; otherwise they are left then."""
    missing = target.missing(wanted) if wanted else set()
    if not missing:
        return
    target.temporary  # noqa: B018 - makes the store
    for path in _files_with(source, missing):
        _take(path, target.root / path.relative_to(source.root), target, may_copy)
    target.sync()


def _files_with(source: ObjectStore, wanted: Collection[ObjectId]) -> Iterator[Path]:
    located = source.locate(wanted)
    yield from (source.packs_directory / name for name in sorted(located.pack_names))
    yield from (source.loose_path(id_) for id_ in located.lacking(wanted))


def _take(path: Path, target: Path, store: ObjectStore, may_copy: bool) -> None:
    make_directory(target.parent)
    with suppress(FileExistsError, FileNotFoundError):  # what is missing, whoever reads it tells of
        try:
            os.link(path, target, follow_symlinks=False)
        except OSError as e:
            if e.errno not in _NO_LINKS:
                raise
            if may_copy:
                _copy(path, target, store)


def _copy(path: Path, target: Path, store: ObjectStore) -> None:
    temporary = store.temporary / os.urandom(12).hex()
    try:
        with path.open("rb") as source, temporary.open("xb") as copy:
            copy_content(source.fileno(), copy.fileno(), os.fstat(source.fileno()).st_size)
        flush_files([temporary])
        temporary.chmod(sealed_mode(store.root))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
