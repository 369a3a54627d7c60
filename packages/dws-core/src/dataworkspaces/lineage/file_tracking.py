"""Files that a step opens through the file systems of resources become its inputs and outputs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from dataworkspaces.workspace import ResourceRef
from dataworkspaces.workspace.file_access import watch

if TYPE_CHECKING:
    from dataworkspaces.lineage.step import Lineage


def track_files(lineage: Lineage) -> Callable[[], None]:
    """Until the function that is returned is called, tell ``lineage`` of each file, once.

    A file that the step itself has written is no input of it. What a copy of the process does, made by fork, is its
    own affair."""
    process = os.getpid()
    written: set[ResourceRef] = set()
    read: set[ResourceRef] = set()

    def note(ref: ResourceRef, is_written: bool) -> None:
        if os.getpid() != process or ref in written or (ref in read and not is_written):
            return
        if is_written:
            lineage.add_output_ref(ref)
            written.add(ref)
        else:
            lineage.add_input_ref(ref)
            read.add(ref)

    return watch(note)
