"""What a command may have depended on beside what lineage compares: the rest of the workspace, and files outside of it.

A step is skipped only if it is certain that nothing has changed that it may have read. Lineage is certain of the
inputs that the user named, of code, and of most outputs. For all else the entries of a run hold texts, which are the
same as long as nothing has changed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataworkspaces.commands.params_file import paths_of
from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_changes import HIDDEN, is_left_out, local_root, walk
from dataworkspaces.commands.run_places import PlaceSet, Roots, inputs_to_read, named_paths, rest_of
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.model import RunRecord, StepLineage
from dataworkspaces.lineage.places import NOTHING
from dataworkspaces.toolbox.content import content_of
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles, Workspace, is_own_files

KEY = "surroundings"
"""In which the entries of a run hold them."""
_MOST_FILES = 10_000
"""Of a directory outside of the resources with more files than this nobody can tell whether it has changed."""
KNOWN = "known"
"""In place of a text: what has changed is told otherwise."""
Texts = Mapping[str, "str | None"]
"""None where nobody can tell."""


@dataclass(frozen=True)
class Surroundings:
    """:ivar resources: of those of which nobody said whether the command reads them, without what it wrote.
    :ivar files: of what the command line names, or a link in an input, outside of code and data: in no resource, or in
        results that are not its own.
    :ivar results: of what it wrote to results, of which lineage records no content.
    """

    resources: Texts
    files: Texts
    results: Texts

    def to_json(self) -> dict[str, dict[str, str | None]]:
        return {"resources": dict(self.resources), "files": dict(self.files), "results": dict(self.results)}

    @classmethod
    def of(cls, entry: StepLineage) -> Surroundings | None:
        """What an entry holds; None if it holds none, or somebody else wrote nonsense there."""
        data = entry.other.get(KEY)
        parts: list[Any] = [data.get(f) if isinstance(data, dict) else None for f in ("resources", "files", "results")]
        if all(isinstance(p, dict) and all(isinstance(v, (str, type(None))) for v in p.values()) for p in parts):
            return cls(*parts)
        return None

    @classmethod
    def of_run(cls, entries: Iterable[StepLineage]) -> Surroundings | None:
        """Those that an entry of a run holds; None if none does."""
        return next((found for entry in entries if (found := cls.of(entry)) is not None), None)

    @classmethod
    def unknown(cls, resources: Iterable[str]) -> Surroundings:
        """Those of a command that failed."""
        return cls(dict.fromkeys(resources), {}, {})

    def changes_to(self, now: Surroundings) -> Iterator[str]:
        """What is not certain to be unchanged, in a few words each."""
        for name in _differing(self.resources, now.resources):
            yield f"{name} has changed, and neither --input nor --code says whether the step reads it"
        for name in _differing(self.files, now.files):
            yield f"what {name} names has changed"
        for name in _differing(self.results, now.results):
            yield f"{name} is no longer what the step wrote"


def _differing(then: Texts, now: Texts) -> list[str]:
    return [name for name in {**then, **now} if then.get(name) is None or then.get(name) != now.get(name)]


def look_around(
    workspace: Workspace,
    record: RunRecord,
    directory: str | None,
    unnamed: Iterable[str],
    written: Sequence[ResourceRef],
    around: Around | None = None,
) -> Surroundings:
    """The surroundings of a command that wrote ``written``.

    :param directory: in which the command runs; None is the current one.
    :param unnamed: the resources of which nobody said whether the command reads them.
    :param around: what is known of the workspace, of which nothing has changed since."""
    around = around or Around(workspace)
    names = [name for name in unnamed if name in around.names]
    params = _params_refs(around.roots, record, directory)
    parts, results = _places(around, record, directory, names, written)
    contents = _contents(around, [*results, *(ref for refs in parts.values() for ref in refs)])
    contents.update(_own_files(workspace, contents, [*written, *params]))
    resources = {name: _digest([[ref.subpath, contents[ref]] for ref in refs]) for name, refs in parts.items()}
    files = files_outside(workspace, record, directory, names, written, around)
    return Surroundings(resources, files, {str(ref): contents[ref] for ref in results})


def expect_look(
    around: Around, record: RunRecord, directory: str | None, unnamed: Iterable[str], written: Sequence[ResourceRef]
) -> None:
    """:func:`look_around` is going to be asked for these, and can share a look with what is asked before."""
    names = [name for name in unnamed if name in around.names]
    parts, results = _places(around, record, directory, names, written)
    around.expect([*results, *(ref for refs in parts.values() for ref in refs)])


def _places(
    around: Around, record: RunRecord, directory: str | None, names: Sequence[str], written: Sequence[ResourceRef]
) -> tuple[dict[str, list[ResourceRef]], list[ResourceRef]]:
    """What of resources may have been read, without what a command wrote; and what it wrote to results."""
    params = _params_refs(around.roots, record, directory)  # of which the parameters say what counts
    made = around.made_from(written) if names else ()
    apart = PlaceSet([*written, *made, *record.inputs, *params])  # of inputs lineage says it
    parts = {name: _rest(around.workspace, name, apart) for name in names}
    return parts, [ref for ref in written if _is_results(around.workspace, ref)]


def results_now(workspace: Workspace, written: Iterable[ResourceRef]) -> dict[str, str | None]:
    """What lies in the results among what a command wrote, as :class:`Surroundings` tell it."""
    contents = _contents(Around(workspace), [ref for ref in written if _is_results(workspace, ref)])
    return {str(ref): content for ref, content in contents.items()}


def files_outside(
    workspace: Workspace,
    record: RunRecord,
    directory: str | None,
    unnamed: Sequence[str],
    written: Iterable[ResourceRef] = (),
    around: Around | None = None,
) -> dict[str, str | None]:
    """Those of :class:`Surroundings`. A directory counts only if no inputs are named."""
    roots = (around or Around(workspace)).roots
    own = PlaceSet(written)
    found = {}
    params = {os.path.realpath(path) for path in paths_of(record.params_files, directory)}
    for argument, path in named_paths(record.command, directory):
        if os.path.realpath(path) in params:
            continue
        ref, real = roots.ref(path), os.path.realpath(path)
        is_outside = ref is None or (_is_results(workspace, ref) and not own.overlaps(ref))
        if is_outside and (unnamed or not Path(real).is_dir()):
            found[argument] = _text_of(real, roots)
    for ref in (*record.inputs, *record.code, *(ResourceRef(name) for name in unnamed)):
        for place, real in _links_out(workspace, roots, ref):
            found[str(place)] = _text_of(real, roots)
    return found


def _params_refs(roots: Roots, record: RunRecord, directory: str | None) -> list[ResourceRef]:
    return [r for path in paths_of(record.params_files, directory) if (r := roots.ref(path)) is not None]


def _is_results(workspace: Workspace, ref: ResourceRef) -> bool:
    return workspace.get_resource_role(ref.name) == ResourceRoles.RESULTS


def new_inputs(workspace: Workspace, step: StepLineage) -> list[ResourceRef]:
    """The parts of the inputs of a run that were not there when it ran."""
    if step.run is None or step.command_line != step.run.command or step.step_name != step.run.name:
        return []  # recorded by a step within the command, which says itself what it reads
    read = {cert.ref for cert in step.inputs}
    written = [cert.ref for cert in step.outputs]
    return [ref for ref in inputs_to_read(workspace, step.run.inputs, written) if ref not in read]


def _rest(workspace: Workspace, name: str, apart: PlaceSet) -> list[ResourceRef]:
    own = workspace.own_files_resource()
    if own is not None and own.name == name and is_own_files(own):
        # The content of the whole is that of what no step wrote.
        made = [ResourceRef(name, path) for path in sorted(own.written_by_steps())]
        return [ResourceRef(name), *(ref for ref in made if not apart.overlaps(ref))]
    try:
        return [] if ResourceRef(name) in apart.refs else rest_of(workspace, ResourceRef(name), apart)
    except DwsError:  # it is not here
        return []


def _own_files(
    workspace: Workspace, refs: Collection[ResourceRef], written: Sequence[ResourceRef]
) -> dict[ResourceRef, str | None]:
    """What lies in the whole of the workspace's own files, if it is asked for, without what the command wrote, which
    may not be recorded yet."""
    own = workspace.own_files_resource()
    if own is None or ResourceRef(own.name) not in refs or not is_own_files(own):
        return {}
    mine = [ref.subpath for ref in written if ref.name == own.name and ref.subpath is not None]
    return {ResourceRef(own.name): own.content_without(mine)} if mine else {}


def _contents(around: Around, refs: Sequence[ResourceRef]) -> dict[ResourceRef, str | None]:
    """What lies at references: by content, or else by the sizes and times of files."""
    found = around.contents(refs)
    return {ref: _by_files(around.workspace, ref) if content is None else content for ref, content in found.items()}


def _by_files(workspace: Workspace, ref: ResourceRef) -> str | None:
    resource = workspace.get_resource(ref.name)
    root = local_root(resource)
    if root is None:
        return None if isinstance(resource, FileResourceMixin) else NOTHING
    prefix = f"{ref.subpath}/" if ref.subpath else ""
    return _content(root / (ref.subpath or ""), lambda path: is_left_out(resource, prefix + path))


def _links_out(workspace: Workspace, roots: Roots, ref: ResourceRef) -> Iterator[tuple[ResourceRef, str]]:
    """The links below a reference that lead out of all resources, with where they lead."""
    resource = workspace.get_resource(ref.name)
    root = local_root(resource)
    if root is None:
        return
    prefix = f"{ref.subpath}/" if ref.subpath else ""
    place = root / (ref.subpath or "")
    links = (
        [""]
        if place.is_symlink()
        else [
            path
            for path, status in walk(place, lambda path: is_left_out(resource, prefix + path))
            if stat.S_ISLNK(status.st_mode)
        ]
    )
    for path in links:
        target = os.path.realpath(place / path)
        if roots.ref(target) is None:
            yield ResourceRef(ref.name, (prefix + path).rstrip("/")), target


def _text_of(path: str, roots: Roots) -> str | None:
    """A file, or a directory without the resources in it."""
    place = Path(path)
    if place.is_char_device():
        return NOTHING  # /dev/null
    return _content(place, lambda below: below.rpartition("/")[2] in HIDDEN or roots.is_root(str(place / below)))


def _content(place: Path, skip: Callable[[str], bool]) -> str | None:
    try:
        if place.is_dir() and next(itertools.islice(walk(place, skip), _MOST_FILES, None), None) is not None:
            return None
        return content_of(place, skip) or (None if place.exists() else NOTHING)
    except (OSError, DwsError):
        return None


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()
