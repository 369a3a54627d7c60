"""Files that a step opens through the file systems of resources become its inputs and outputs."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dataworkspaces.lineage.places import contains
from dataworkspaces.workspace import ResourceRef
from dataworkspaces.workspace.file_access import watch

if TYPE_CHECKING:
    from dataworkspaces.lineage.step import Lineage


def track_files(lineage: Lineage, read: set[ResourceRef]) -> Callable[[], None]:
    """Until the function that is returned is called, or ``lineage`` is gone, tell it of each file that lies in none of
    its inputs, or in none of its outputs. Those that became inputs are put into ``read``.

    A file that the step itself has written is no input of it. What a copy of the process does, made by fork, is its
    own affair."""
    process = os.getpid()
    step = weakref.ref(lineage)
    one_at_a_time = threading.Lock()

    def note(ref: ResourceRef, is_written: bool) -> None:
        known = step()
        if known is None or os.getpid() != process:
            return
        with one_at_a_time:
            if _is_in(ref, known.output_refs):
                return
            if is_written:
                known.add_output_ref(ref)
            elif not _is_in(ref, known.input_refs):
                known.add_input_ref(ref)
                read.add(ref)

    end = watch(lineage.workspace, note)
    weakref.finalize(lineage, end)
    return end


def _is_in(ref: ResourceRef, places: Iterable[ResourceRef]) -> bool:
    return any(place.name == ref.name and contains(place.subpath, ref.subpath) for place in places)
