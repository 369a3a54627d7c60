"""Results that a snapshot has moved are brought back, with nothing but what the manual asks of a resource."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dataworkspaces.toolbox.names import LINEAGE_FILE

if TYPE_CHECKING:
    from dataworkspaces.workspace.files import FileResourceMixin


def bring_back(resource: FileResourceMixin, rel_dest_root: str, files: Iterable[str]) -> None:
    """See :meth:`FileResourceMixin.results_undo_move`."""
    for file in files:
        moved = f"{rel_dest_root}/{file}"
        if not resource.does_subpath_exist(moved, must_be_file=True):
            continue
        if not resource.does_subpath_exist(file):
            with tempfile.NamedTemporaryFile() as copy:
                with resource.open(moved, "rb") as content:
                    shutil.copyfileobj(content, copy)
                copy.flush()
                resource.upload_file(copy.name, file)
        if _are_equal(resource, moved, file):
            resource.delete_file(moved)
    lineage = f"{rel_dest_root}/{LINEAGE_FILE}"
    if resource.does_subpath_exist(lineage, must_be_file=True):
        resource.delete_file(lineage)


def _are_equal(resource: FileResourceMixin, one: str, other: str) -> bool:
    if not resource.does_subpath_exist(other, must_be_file=True):
        return False
    with resource.open(one, "rb") as first, resource.open(other, "rb") as second:
        while True:
            block = first.read(1 << 20)
            if block != second.read(1 << 20):
                return False
            if not block:
                return True
