"""What lies at a place, as one text: the same for the same content."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.filetree.building import build_tree
from dataworkspaces.filetree.hashing import SHA1, SIZE_AND_TIME
from dataworkspaces.filetree.scan import Scan, ScannedDirectory, ScannedFile, Skip, scan
from dataworkspaces.toolbox.content import CHEAP_BYTES, CHEAP_FILES


def is_cheap_to_read(scanned: Scan) -> bool:
    """Whether all content may be read just to have a look."""
    return scanned.total_size <= CHEAP_BYTES and scanned.file_count <= CHEAP_FILES


def content_of(place: Path, skip: Skip | None = None) -> str | None:
    """``sha1:HASH`` of a file or directory; ``size-and-time:HASH``, which says nothing on another machine, where
    reading takes long. None if nothing is there. Raises OSError, and ConfigurationError as :func:`scan` does."""
    if place.is_dir():
        scanned = scan(place, skip)
    elif place.is_file():
        status = place.stat()
        only = ScannedDirectory("", [ScannedFile(place.name, status.st_size, status.st_mtime_ns)])
        scanned = Scan(place.parent, [only])
    else:
        return None
    hasher = SHA1 if is_cheap_to_read(scanned) else SIZE_AND_TIME
    return f"{hasher.name}:{build_tree(scanned, hasher).hashval}"
