"""Files that a step opens through the file systems of resources become its inputs and outputs."""

from __future__ import annotations

import os
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from dataworkspaces.errors import LineageError
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.filesystems.watchers import watch
from dataworkspaces.lineage.directories import gather
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.lineage.places import Place, contains, covering, overlap, places
from dataworkspaces.workspace import FileResourceMixin, ResourceRef

if TYPE_CHECKING:
    from dataworkspaces.lineage.step import Lineage

MANY = 32
"""Of one resource; where there are more, directories stand for them."""


class FileTracker:
    """Tells a step of each file that lies in none of its inputs, or in none of its outputs.

    A file that the step itself has written is no input of it. What a copy of the process does, made by fork, is its
    own affair."""

    def __init__(self, step: Lineage) -> None:
        self._step = weakref.ref(step)
        self._process = os.getpid()
        self._one_at_a_time = threading.Lock()
        self.forget()

    def begin(self) -> Callable[[], None]:
        """Do so until the function that is returned is called, or the step is gone."""
        step = self._step()
        assert step is not None
        end = watch(step.workspace, self._note)
        weakref.finalize(step, end)
        return end

    @property
    def inputs(self) -> Collection[ResourceRef]:
        """Those that it has told of."""
        return self._inputs.refs

    def forget(self) -> None:
        """What was told is of an earlier execution."""
        self._inputs, self._outputs = _Inputs(), _Outputs()

    def _note(self, ref: ResourceRef, is_written: bool) -> None:
        step = self._step()
        if step is None or os.getpid() != self._process:
            return
        with self._one_at_a_time:
            if _is_in(ref, step.output_refs):
                return
            if is_written:
                self._inputs.make_way(step, ref)
                self._outputs.add(step, ref)
            else:
                self._inputs.add(step, ref)


class _Inputs:
    """The files that were read, and what of them are inputs: themselves, or directories that hold them."""

    def __init__(self) -> None:
        self.refs: set[ResourceRef] = set()
        self._files: dict[str, dict[str, None]] = defaultdict(dict)
        self._limits: dict[str, int] = defaultdict(lambda: MANY)

    def add(self, step: Lineage, ref: ResourceRef) -> None:
        if ref.subpath is not None and not _is_in(ref, step.input_refs, but=self.refs):
            self._files[ref.name][ref.subpath] = None
        if _is_in(ref, step.input_refs):
            return
        step.add_input_ref(ref)
        self.refs.add(ref)
        if len(self._of(ref.name)) > self._limits[ref.name]:
            self._gather(step, ref.name, step.output_refs)

    def make_way(self, step: Lineage, written: ResourceRef) -> None:
        """A directory into which the step writes stands for nothing any more: what it wrote would be its input."""
        if any(contains(ref.subpath, written.subpath) and ref != written for ref in self._of(written.name)):
            self._gather(step, written.name, (*step.output_refs, written))

    def _of(self, name: str) -> list[ResourceRef]:
        return [ref for ref in self.refs if ref.name == name]

    def _gather(self, step: Lineage, name: str, outputs: Iterable[ResourceRef]) -> None:
        written = [ref.subpath for ref in outputs if ref.name == name]
        by_steps = [r.subpath for r, place in _known(step, name).items() if isinstance(place.entry, StepLineage)]

        def may_stand(directory: str | None) -> bool:
            if any(overlap(directory, place) for place in written):
                return False
            return not any(directory != place and contains(directory, place) for place in by_steps)

        new = {ResourceRef(name, place) for place in gather(self._files[name], may_stand, MANY // 2)}
        old = set(self._of(name))
        self._limits[name] = max(MANY, 2 * len(new))
        try:
            step.replace_inputs(old - new, sorted(new - old, key=str))
        except LineageError:  # a directory of which another version was read: its files are not
            self._limits[name] *= 2
            return
        self.refs.difference_update(old)
        self.refs.update(new)


class _Outputs:
    """The files that were written, and what of them are outputs."""

    def __init__(self) -> None:
        self._refs: set[ResourceRef] = set()
        self._limits: dict[str, int] = defaultdict(lambda: MANY)

    def add(self, step: Lineage, ref: ResourceRef) -> None:
        step.add_output_ref(ref)
        self._refs.add(ref)
        files = {r for r in self._refs if r.name == ref.name}
        if len(files) > self._limits[ref.name]:
            self._gather(step, ref.name, files)

    def _gather(self, step: Lineage, name: str, old: set[ResourceRef]) -> None:
        """A directory stands for its files if the step wrote all that is in it, now or the last time."""
        resource = step.workspace.get_resource(name)
        if not isinstance(resource, FileResourceMixin):
            return
        fs = ResourceFileSystem(resource)
        known = _known(step, name)
        read = [ref.subpath for ref in step.input_refs if ref.name == name]
        others = [ref.subpath for ref in step.output_refs if ref.name == name and ref not in old]

        def is_own(path: str) -> bool:
            place = covering(known, ResourceRef(name, path))
            return ResourceRef(name, path) in old or (place is not None and _is_of(place, step))

        def may_stand(directory: str | None) -> bool:
            if any(overlap(directory, place) for place in (*read, *others)):
                return False
            by_others = (r for r, place in known.items() if not _is_of(place, step) and r.subpath != directory)
            if any(overlap(directory, ref.subpath) for ref in by_others):
                return False
            return all(is_own(path) for path in fs.find(directory or ""))

        new = {ResourceRef(name, p) for p in gather({str(ref.subpath) for ref in old}, may_stand, MANY // 2)}
        self._limits[name] = max(MANY, 2 * len(new))
        step.replace_outputs(old - new, sorted(new - old, key=str))
        self._refs.difference_update(old)
        self._refs.update(new)


def _known(step: Lineage, name: str) -> dict[ResourceRef, Place]:
    """The places of a resource of which the current lineage says something."""
    return places(name, step.workspace.as_lineage_ws().get_lineage_store().entries(name))


def _is_of(place: Place, step: Lineage) -> bool:
    return isinstance(place.entry, StepLineage) and place.entry.step_name == step.step_name


def _is_in(ref: ResourceRef, found: Iterable[ResourceRef], but: Iterable[ResourceRef] = ()) -> bool:
    return any(place.name == ref.name and contains(place.subpath, ref.subpath) for place in found if place not in but)
