"""The files of code on which a step depends: those that it read, and those that it would read if they were there.

Of a code resource all counts that is no source of Python: whoever reads a file of data cannot always be seen. Of
sources those count that were opened, whatever for; those to which they lead by an import, even if that was not
reached; and those, there or not yet, whose name is that of a module that was looked for, and which might therefore be
found in its place. Where that is not known for certain, nothing is recorded, and the whole of the code counts.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.code_watch import SOURCES
from dataworkspaces.lineage.model import CodeFiles, StepLineage
from dataworkspaces.lineage.places import contains
from dataworkspaces.toolbox.content import CHEAP_BYTES, CHEAP_FILES
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.notebooks import SUFFIX as NOTEBOOK
from dataworkspaces.toolbox.notebooks import hash_of_sources, notebook_sources
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import (
    LocalStateResourceMixin,
    Resource,
    ResourceRef,
    SnapshotResourceMixin,
    Workspace,
    is_own_files,
)

__all__ = ["CodeNow", "CodeRead", "CodeScan", "Scans", "code_files_of"]

_HIDDEN = frozenset({".git", ".dataworkspace", ".ipynb_checkpoints", "__pycache__"})
_LEADS_TO_MODULES = r"(?m)(?:^|[\"\s;,])(?:import|from)[ \t]+([\w.]+)"
_BY_NAME = frozenset({"import_module", "__import__", "spec_from_file_location", "run_module", "run_path", "find_spec"})


class CodeRead(NamedTuple):
    """What the processes of a step have read: real paths of sources and of directories whose names they asked for, and
    the modules that they looked for."""

    files: frozenset[str]
    names: frozenset[str]
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CodeScan:
    """What lies in a resource that holds code, by path in it, without what snapshots leave out.

    :ivar root: real path of its directory.
    :ivar inner: real paths of other resources in it.
    :ivar statuses: the same as long as a file has not been touched."""

    root: str
    inner: tuple[str, ...]
    statuses: Mapping[str, tuple[int, ...]]
    _texts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def is_cheap(self) -> bool:
        """Whether all of it is read."""
        return len(self.statuses) <= CHEAP_FILES and sum(status[1] for status in self.statuses.values()) <= CHEAP_BYTES

    def places(self, of: CodePart) -> tuple[list[str], list[str]]:
        """The sources and the other files of a part."""
        paths = [path for path in self.statuses if of.holds(path)]
        return [p for p in paths if p.endswith(SOURCES)], [p for p in paths if not p.endswith(SOURCES)]

    def text(self, path: str) -> str:
        """The same for the same content; of notebooks the sources count. Raises OSError."""
        if path not in self._texts:
            self._texts[path] = _text(Path(self.root, path), self.statuses[path], self.is_cheap)
        return self._texts[path]

    def texts_of(self, statuses: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
        """What is known by now of files that have these statuses."""
        return {p: text for p, text in self._texts.items() if statuses.get(p) == self.statuses[p]}

    def text_of(self, paths: Iterable[str]) -> str:
        data = json.dumps(sorted((path, self.text(path)) for path in paths)).encode("ascii")
        return f"sha1:{_sha1(data)}"

    def below(self, places: Iterable[str]) -> set[str]:
        """Of real paths those that lie in the resource, as paths in it."""
        prefix = self.root.rstrip(os.sep) + os.sep
        return {
            "" if place == self.root else place[len(prefix) :].replace(os.sep, "/")
            for place in places
            if (place == self.root or place.startswith(prefix))
            and not any((place + os.sep).startswith(root + os.sep) for root in self.inner)
        }


class CodePart(NamedTuple):
    """A reference without some places in its resource: what the step writes, and files of which its parameters say what
    counts."""

    ref: ResourceRef
    without: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        return contains(self.ref.subpath, path) and not any(contains(place, path) for place in self.without)


class Scans:
    """What lies in the resources of a workspace, each of which is looked at when it is first asked for.

    :param earlier: what was read for these, and has not been touched since, is not read again.
    :param places: the real paths of all resources that were added; None: to be found out."""

    def __init__(
        self,
        workspace: Workspace,
        earlier: Mapping[str, CodeScan | None] = MappingProxyType({}),
        places: Collection[str] | None = None,
    ) -> None:
        self._workspace = workspace
        self._earlier = earlier
        self._places = places
        self._found: dict[str, CodeScan | None] = {}

    def of(self, name: str) -> CodeScan | None:
        """Of one resource; None if that cannot be told. No content is read yet."""
        if name not in self._found:
            if self._places is None:
                self._places = {os.path.realpath(local) for _, local in self._workspace.get_local_paths()}
            self._found[name] = _scan(self._workspace.get_resource(name), self._places, self._earlier.get(name))
        return self._found[name]


def _scan(resource: Resource, places: Collection[str], earlier: CodeScan | None) -> CodeScan | None:
    root = _root(resource)
    if root is None:
        return None
    try:
        found = dict(_walk(root, _skip(resource)))
        if isinstance(resource, SnapshotResourceMixin) and found:
            for path in resource.left_out(list(found)):
                found.pop(path, None)
    except (OSError, DwsError):
        return None
    real = os.path.realpath(root)
    inner = tuple(place for place in places if place.startswith(real + os.sep))
    return CodeScan(real, inner, found, {} if earlier is None else earlier.texts_of(found))


def find_code_files(part: CodePart, before: CodeScan, after: CodeScan, read: CodeRead) -> CodeFiles | None:
    """The files of a part on which a step depends that has ``read`` these. None if that is not certain: one has been
    touched while it ran."""
    files = {path for path in after.below(read.files) if part.holds(path)}
    listed = after.below(read.listed)
    sources, others = after.places(part)
    if any(not is_present(Path(after.root, path)) for path in files - set(sources)):
        return None  # what is left out of snapshots is no content that could have changed
    provided = {piece for path in sources for piece in path.rpartition(".")[0].split("/")}
    names = _module_names(read.names, provided)
    chosen: set[str] = set()
    try:
        while new := set(_relevant(sources, files | chosen, listed, names)) - chosen:
            chosen |= new
            for path in sorted(new):
                names |= _module_names(_leads_to(path, Path(after.root, path).read_bytes()), provided)
        were = {path for found in before.places(part) for path in found}
        gone = {path for path in were - {*sources, *others} if not path.endswith(SOURCES) or path in files}
        if gone or any(before.statuses.get(path) != after.statuses[path] for path in (*chosen, *others)):
            return None
        texts = {path: after.text(path) for path in sorted(chosen)}
        rest = after.text_of(others)
    except OSError:
        return None
    return CodeFiles(part.ref, texts, rest, tuple(sorted(names)), tuple(sorted(listed)), part.without)


def code_files_of(
    refs: Iterable[ResourceRef],
    apart: Sequence[ResourceRef],
    before: Mapping[str, CodeScan | None],
    after: Scans,
    read: CodeRead,
) -> list[CodeFiles]:
    """Those of references with code on which a step depends; one of which that is not certain is left out.

    :param apart: places that do not count: outputs, and files whose values are parameters.
    :param before: what lay in the resources when the step began.
    :param after: what lies there now."""
    found = []
    for ref in dict.fromkeys(refs):
        places = [other.subpath for other in apart if other.name == ref.name]
        then, now = before.get(ref.name), after.of(ref.name)
        if then is None or now is None or None in places:
            continue
        part = CodePart(ref, tuple(sorted({place for place in places if place is not None})))
        files = find_code_files(part, then, now, read)
        if files is not None:
            found.append(files)
    return found


class CodeNow:
    """Compares what steps depend on with what lies there now. Each resource is looked at once.

    :param scans: what lies there, if somebody else has looked, too."""

    def __init__(self, workspace: Workspace, scans: Scans | None = None) -> None:
        self._workspace = workspace
        self._scans = scans or Scans(workspace)

    def changes(self, step: StepLineage, ref: ResourceRef) -> list[str] | None:
        """The files at a reference that have changed since a step ran and on which it depends, as text; empty if there
        are none. None if nobody can tell, and so the whole reference counts."""
        then = next((found for found in step.code_files if found.ref == ref), None)
        if then is None or ref.name not in set(self._workspace.get_resource_names()):
            return None
        now = self._scans.of(ref.name)
        if now is None:
            return None
        sources, others = now.places(CodePart(ref, then.without))
        chosen = _relevant(sources, set(then.files), set(then.listed), set(then.names))
        try:
            files = {path: now.text(path) for path in chosen}
            is_same = now.text_of(others) == then.rest
        except OSError:
            return None
        paths = [path for path in sorted({*files, *then.files}) if files.get(path) != then.files.get(path)]
        return [*(str(ResourceRef(ref.name, path)) for path in paths), *([] if is_same else [str(ref)])]


# -- which sources count ---------------------------------------------------------------------------------------------


def _relevant(sources: Iterable[str], used: set[str], listed: set[str], names: set[str]) -> Iterator[str]:
    """Of sources, those that were read, or would be if they were new."""
    provided = {part for path in used for part in path.rpartition(".")[0].split("/")}
    elsewhere = names - provided
    for path in sources:
        *above, name = path.split("/")
        stem = name.rpartition(".")[0]
        module = above[-1] if stem == "__init__" and above else stem
        if (
            path in used
            or "/".join(above) in listed
            or module in names
            or module in sys.stdlib_module_names
            or any(directory in elsewhere for directory in above)
        ):
            yield path


def _module_names(names: Iterable[str], provided: set[str]) -> set[str]:
    """The parts of names that a file of the code could have: of the standard library nothing has to be noted."""
    found: set[str] = set()
    for name in names:
        top, *more = name.split(".")
        found.add(top)
        if top in provided or not top:
            found.update(more)
    return {name for name in found if name and name not in sys.stdlib_module_names and name != "__main__"}


def _leads_to(path: str, content: bytes) -> set[str]:
    """The modules that a source may import, whether it has done so or not."""
    if path.endswith(NOTEBOOK):
        sources = notebook_sources(content) or content
        return set(re.findall(_LEADS_TO_MODULES, json.dumps(sources.decode("utf-8", "replace")).replace("\\n", "\n")))
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(_LEADS_TO_MODULES, content.decode("utf-8", "replace")))
    found: set[str] = set()
    texts: set[str] = set()
    is_by_name = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.add(f".{module}" if node.level else module)
            prefix = "." if node.level else ""
            found.update(f"{prefix}{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            texts.add(node.value)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            is_by_name |= (node.id if isinstance(node, ast.Name) else node.attr) in _BY_NAME
    for text in texts:
        if text.endswith(SOURCES):
            found.add("." + text.rpartition("/")[2].rpartition(".")[0])
        elif is_by_name and re.fullmatch(r"[\w.]+", text):
            found.add("." + text)
    return found


# -- what lies there -------------------------------------------------------------------------------------------------


def _root(resource: Resource) -> Path | None:
    local = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    return Path(local) if local is not None and Path(local).is_dir() else None


def _skip(resource: Resource) -> Callable[[str], bool]:
    excluded = {*resource.excluded, *resource.written_by_steps()} if is_own_files(resource) else set()

    def skip(path: str) -> bool:
        return path.rpartition("/")[2] in _HIDDEN or path in excluded or path == LINEAGE_FILE

    return skip


def _walk(root: Path, skip: Callable[[str], bool]) -> Iterator[tuple[str, tuple[int, ...]]]:
    pending = [""]
    while pending:
        directory = pending.pop()
        with os.scandir(root / directory) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                if skip(path):
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                else:
                    mode = status.st_mode & (0o170000 | 0o111)
                    yield path, (mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _text(path: Path, status: tuple[int, ...], is_cheap: bool) -> str:
    mode, size, modified = status[:3]
    if stat.S_ISLNK(mode):
        return f"link:{_sha1(os.fsencode(path.readlink()))}"
    if not stat.S_ISREG(mode):
        return "special"
    if not is_cheap and not path.name.endswith(SOURCES):
        return f"size-and-time:{size}:{modified}"
    content = path.read_bytes()
    sources = hash_of_sources(content) if path.suffix == NOTEBOOK else None
    return sources or f"sha1:{_sha1(content)}"


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
