"""Sets of places in resources, and what a command line and a directory hold."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.lineage.places import contains, places
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, Workspace, is_own_files


class PlaceSet:
    """Places, of which there may be thousands."""

    def __init__(self, refs: Iterable[ResourceRef]) -> None:
        self.refs: set[ResourceRef] = set()
        self._above: set[ResourceRef] = set()
        self.add(refs)

    def add(self, refs: Iterable[ResourceRef]) -> None:
        for ref in refs:
            self.refs.add(ref)
            self._above.update(_above(ref))

    def overlaps(self, ref: ResourceRef) -> bool:
        """Whether one of the places holds a reference, or lies in it."""
        return self.is_above(ref) or ref in self.refs or any(outer in self.refs for outer in _above(ref))

    def is_above(self, ref: ResourceRef) -> bool:
        """Whether a reference holds one of the places, and is none of them."""
        return ref in self._above


def _above(ref: ResourceRef) -> Iterator[ResourceRef]:
    subpath = ref.subpath
    while subpath:
        subpath = subpath.rpartition("/")[0] or None
        yield ResourceRef(ref.name, subpath)


def rest_of(workspace: Workspace, ref: ResourceRef, apart: PlaceSet) -> list[ResourceRef]:
    """A reference, in parts where it holds places of ``apart``, which are left out."""
    return [part for part in divided(workspace, ref, apart) if part not in apart.refs]


def divided(workspace: Workspace, ref: ResourceRef, apart: PlaceSet) -> list[ResourceRef]:
    """The same with the places of ``apart`` that are there."""
    if not apart.is_above(ref):
        return [ref]
    resource = workspace.get_resource(ref.name)
    if not isinstance(resource, FileResourceMixin):
        return [part for part in apart.refs if part.name == ref.name and contains(ref.subpath, part.subpath)]
    found: list[ResourceRef] = []
    for name in resource.ls(ref.subpath or ""):
        found += divided(workspace, ResourceRef(ref.name, f"{ref.subpath}/{name}" if ref.subpath else name), apart)
    return found


def inputs_to_read(
    workspace: Workspace, refs: Iterable[ResourceRef], written: Sequence[ResourceRef] = ()
) -> list[ResourceRef]:
    """The inputs that were named, in places that can be read each as one version: of a directory that holds what steps
    wrote, the parts. What the command itself writes inside an input is none."""
    store = workspace.as_lineage_ws().get_lineage_store()
    named, own = list(refs), set(written)
    parts: dict[str, PlaceSet] = {}
    found: dict[ResourceRef, None] = {}
    for ref in named:
        if ref.name not in parts:
            known = places(ref.name, store.entries(ref.name))
            steps = [part for part, place in known.items() if isinstance(place.entry, StepLineage)]
            parts[ref.name] = PlaceSet([*steps, *own])
        found.update(
            (part, None) for part in divided(workspace, ref, parts[ref.name]) if part == ref or part not in own
        )
    return list(found)


def named_paths(command: Sequence[str], directory: str | None) -> Iterator[tuple[str, str]]:
    """The texts on a command line that name something that is there, as arguments or as values of options
    (``--data=PATH``), with its path."""
    for number, argument in enumerate(command):
        for text in (argument, argument.partition("=")[2]):
            path = os.path.join(directory or "", text)  # noqa: PTH118 - may be as long as a program, or no path
            if text and (number > 0 or os.sep in text) and is_present(path):
                yield text, path


class Roots:
    """The directories of the resources, for looking up many paths. What is ignored in the workspace's own directory is
    in no resource."""

    def __init__(self, workspace: Workspace) -> None:
        self._names = {os.path.realpath(local): name for name, local in workspace.get_local_paths()}
        own = workspace.own_files_resource() if workspace.has_own_files() else None
        self._own = own if own is not None and is_own_files(own) else None

    @property
    def places(self) -> Collection[str]:
        """The real paths of the resources that were added."""
        return self._names.keys()

    def ref(self, path: str) -> ResourceRef | None:
        """As ``map_local_path_to_resource`` has it; None for a path that lies in no resource."""
        real = os.path.realpath(path)
        return self.in_added(real) or self._own_ref(real)

    def in_added(self, real: str) -> ResourceRef | None:
        """The same of a real path, among the resources that were added."""
        place = real
        subpath: list[str] = []
        while place not in self._names:
            above, name = os.path.split(place)
            if above == place:
                return None
            place = above
            subpath.append(name)
        return ResourceRef(self._names[place], "/".join(reversed(subpath)) or None)

    def _own_ref(self, real: str) -> ResourceRef | None:
        ref = None if self._own is None else self._own.ref_of(real)
        if ref is None or self._own is None or (ref.subpath is not None and self._own.is_excluded(ref.subpath)):
            return None
        return ref

    def is_root(self, path: str) -> bool:
        return path in self._names

    @property
    def own_name(self) -> str | None:
        """The name of the workspace's own files, if there are some."""
        return None if self._own is None else self._own.name

    def written_own_files(self) -> PlaceSet:
        """What steps wrote among the workspace's own files: data, where all others are code."""
        own = self._own
        return PlaceSet([] if own is None else (ResourceRef(own.name, path) for path in own.written_by_steps()))
