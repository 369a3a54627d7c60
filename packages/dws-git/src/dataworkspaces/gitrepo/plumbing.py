"""What git's plumbing commands say, each read in one place: objects, trees, the index, and names of files.

All of it is asked with NUL between names, so that names may hold anything but that; they are decoded as Python decodes
file names, and nothing is lost of one that is no UTF-8.

No other module calls ``cat-file`` or ``ls-tree``, but :class:`~dataworkspaces.gitrepo.objects.BlobReader`, which keeps
one ``cat-file --batch`` running and reads it with :func:`read_object`. A repository that may be damaged is asked for
each object by itself (:func:`read_alone`, :func:`holds`), since git ends at the first damage and answers nothing after
it. ``ls-files`` is called elsewhere only where ``git_without`` adds what is left out, or a pathspec is no path; what it
says is parsed here. A test keeps it so.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

from dataworkspaces.errors import MetadataError, ToolError
from dataworkspaces.gitrepo.checks import is_object_name
from dataworkspaces.gitrepo.run import run_git

LINK, SUBMODULE, TREE = "120000", "160000", "040000"
"""Modes of what is not a plain file."""

Environment = Mapping[str, str]


class TreeEntry(NamedTuple):
    """What a tree holds at a path: its mode in octal digits, and the name of the object; the size of a file's content,
    where it was asked for."""

    mode: str
    name: str
    size: int | None = None

    @property
    def kind(self) -> str:
        """Of the object."""
        return {TREE: "tree", SUBMODULE: "commit"}.get(self.mode, "blob")

    @property
    def is_plain_file(self) -> bool:
        return self.mode.startswith("100")


class IndexEntry(NamedTuple):
    """What the index holds at a path; ``stage`` is 0 but in conflicts."""

    path: str
    mode: str
    name: str
    stage: int

    @property
    def is_plain_file(self) -> bool:
        return self.mode.startswith("100")


class ObjectInfo(NamedTuple):
    """What kind of object it is, and how many bytes it has."""

    name: str
    kind: str
    size: int


# -- objects -------------------------------------------------------------------------------------------------------


def resolve(root: Path, names: Sequence[str], *, env: Environment | None = None) -> list[str | None]:
    """The object that each of ``names`` (``HEAD``, ``COMMIT:path``) stands for, or None. An object of which a complete
    name is given is there, but need not be readable."""
    if names and _READ_HERE.issuperset(env or ()):
        from dataworkspaces.gitrepo.loose_objects import resolve_loose

        elsewhere = (env or {}).get("GIT_OBJECT_DIRECTORY")
        known = resolve_loose(root, names, None if elsewhere is None else Path(elsewhere))
        if known is not None:
            return known
    answers = _batch_check(root, names, "%(objectname)", env)
    return [None if _is_none(line) else line for line in answers]


def names_at(root: Path, tree: str, paths: Sequence[str], *, env: Environment | None = None) -> list[str | None]:
    """The object that a tree or commit has at each path (``""`` is its root), or None."""
    if len(paths) <= _FEW:  # for more, git reads each tree above a path again and again
        return resolve(root, [f"{tree}:{path}" for path in paths], env=env)
    (top,) = resolve(root, [f"{tree}^{{tree}}"], env=env)
    if top is None:
        return [None] * len(paths)
    listed = run_git(root, ["ls-tree", "-r", "-t", "-z", "--full-tree", "--end-of-options", top], env=env).stdout
    found = {"": top, **{path: entry.name for path, entry in parse_tree(listed)}}
    return [found.get(path) for path in paths]


def names_beside(
    root: Path, names: Sequence[str], tree: str, paths: Sequence[str], *, env: Environment | None = None
) -> list[str | None]:
    """What :func:`resolve` says of names, and after that :func:`names_at` of paths, of a few at once."""
    if len(paths) <= _FEW:
        return resolve(root, [*names, *(f"{tree}:{path}" for path in paths)], env=env)
    return [*resolve(root, names, env=env), *names_at(root, tree, paths, env=env)]


def describe(root: Path, names: Sequence[str], *, env: Environment | None = None) -> list[ObjectInfo | None]:
    """As :func:`resolve`, with kind and size."""
    return [parse_header(os.fsencode(line)) for line in _batch_check(root, names, _HEADER, env)]


def describe_all(root: Path, *, env: Environment | None = None) -> Iterator[ObjectInfo]:
    """All objects that git has, whether or not anything refers to them."""
    listed = run_git(root, ["cat-file", "--batch-check", "--batch-all-objects", "--unordered"], env=env).stdout
    return (info for line in listed.splitlines() if (info := parse_header(line)) is not None)


_READ_HERE = frozenset({"GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"})
"""What an environment may say without changing what a name stands for, other than where objects lie."""
_HEADER = "%(objectname) %(objecttype) %(objectsize)"
_FEW = 500
_NO_NAME = ":\1"
"""Stands for no object."""


def _batch_check(root: Path, names: Sequence[str], form: str, env: Environment | None) -> list[str]:
    if not names:
        return []
    # Git takes a line for a name, and thinks no part of it of a carriage return at the end.
    strange = {name for name in names if "\n" in name or name.endswith("\r")}
    resolved = {name: _resolve_alone(root, name, env) for name in strange}
    text = "".join(f"{resolved.get(name, name) or _NO_NAME}\n" for name in names)
    output = run_git(root, ["cat-file", f"--batch-check={form}"], stdin=os.fsencode(text), env=env).stdout
    return os.fsdecode(output).split("\n")[:-1]  # not splitlines: names hold other breaks of lines


def _resolve_alone(root: Path, name: str, env: Environment | None) -> str | None:
    arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", name]
    done = run_git(root, arguments, ok=(0, 1, 128), env=env)
    return done.stdout.decode("ascii").strip() if done.returncode == 0 else None


def _is_none(line: str) -> bool:
    return line.endswith((" missing", " ambiguous"))


def parse_header(line: bytes) -> ObjectInfo | None:
    """What ``cat-file`` says of an object in one line; None if it has none."""
    fields = line.rstrip(b"\n").rsplit(b" ", 2)
    if len(fields) != 3 or not fields[2].isdigit():
        return None
    return ObjectInfo(fields[0].decode("ascii"), fields[1].decode("ascii"), int(fields[2]))


def read_object(stream: IO[bytes]) -> tuple[ObjectInfo | None, bytes]:
    """The next object of what ``cat-file --batch`` says."""
    info = parse_header(stream.readline())
    if info is None:
        return None, b""
    content = stream.read(info.size)
    return (None, b"") if stream.read(1) != b"\n" else (info, content)


def read_blobs(root: Path, names: Iterable[str], *, env: Environment | None = None) -> dict[str, bytes]:
    """The contents of blobs, by name."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    asked = "".join(f"{name}\n" for name in wanted).encode("ascii")
    stream = io.BytesIO(run_git(root, ["cat-file", "--batch"], stdin=asked, env=env).stdout)
    found = {}
    for name in wanted:
        info, found[name] = read_object(stream)
        if info is None or info.kind != "blob":
            raise lacking(root, name)
    return found


def read_named(root: Path, names: Sequence[str]) -> list[bytes | None]:
    """The contents of the blobs that names (``COMMIT:path``, of one line each) stand for, or None."""
    if not names:
        return []
    asked = os.fsencode("".join(f"{name}\n" for name in names))
    stream = io.BytesIO(run_git(root, ["cat-file", "--batch"], stdin=asked).stdout)
    found = [read_object(stream) for _ in names]
    return [content if info is not None and info.kind == "blob" else None for info, content in found]


def read_alone(root: Path, name: str, kind: str) -> bytes | None:
    """The content of one object, of a repository that may be damaged; None if it is not there, of another kind, or
    damaged."""
    done = run_git(root, ["cat-file", kind, name], ok=range(256))
    return done.stdout if done.returncode == 0 else None


def holds(root: Path, name: str) -> bool:
    """Whether an object is there that a name (``NAME^{commit}``) stands for, in a repository that may be damaged."""
    return run_git(root, ["cat-file", "-e", name], ok=range(256)).returncode == 0


def holds_any(root: Path, kind: str) -> bool:
    """Whether an object of a kind is there, in a repository that may be damaged."""
    arguments = ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]
    return f"{kind}\n".encode("ascii") in run_git(root, arguments, ok=range(256)).stdout


def lacking(root: Path, name: str) -> ToolError:
    return ToolError(f"{root} lacks the object {name}", hint=f"git -C {root} fsck")


# -- trees ---------------------------------------------------------------------------------------------------------


def list_tree(
    root: Path,
    tree_ish: str,
    paths: Iterable[str] = (),
    *,
    recursive: bool = True,
    sizes: bool = False,
    env: Environment | None = None,
) -> dict[str, TreeEntry]:
    """By path from the root, what a commit or tree holds at and below ``paths`` (all, if none are given): all files, or
    what lies directly there. Raises MetadataError for a tree that holds a name twice."""
    options = [*(["-r"] if recursive else []), *(["-l"] if sizes else [])]
    arguments = ["ls-tree", *options, "-z", "--full-tree", "--end-of-options", tree_ish, *paths]
    return _entries(root, tree_ish, run_git(root, arguments, env=env, doing="Reading a commit").stdout)


def _entries(root: Path, tree_ish: str, listed: bytes) -> dict[str, TreeEntry]:
    entries: dict[str, TreeEntry] = {}
    for path, entry in parse_tree(listed):
        if entries.get(path, entry) != entry:
            raise MetadataError(
                f"{tree_ish:.50} of {root} holds '{path:.200}' twice, which git never writes",
                hint="Do not use it until its owner has explained this",
            )
        entries[path] = entry
    return entries


def list_named(root: Path, tree_ish: str, names: Collection[str]) -> dict[str, TreeEntry]:
    """By path from the root, the files of a commit or tree that are called so, in whichever directory."""
    wanted = {os.fsencode(name) for name in names}
    found = select(root, tree_ish, lambda path: path[path.rfind(b"/") + 1 :] in wanted)
    return {path: entry for path, entry in found.items() if entry.kind != "tree"}


def select(root: Path, tree_ish: str, is_wanted: Callable[[bytes], bool]) -> dict[str, TreeEntry]:
    """As :func:`list_tree`, of all files and directories whose path (as git has it) is wanted. What is asked again of
    one commit starts no process: a clone has several questions about it."""
    stays = is_object_name(tree_ish.partition(":")[0])
    listed = _everything_of_commit(root, tree_ish) if stays else _everything(root, tree_ish)
    records = listed.split(b"\0")[:-1]
    return _entries(root, tree_ish, b"\0".join(r for r in records if is_wanted(r[r.find(b"\t") + 1 :])))


def _everything(root: Path, tree_ish: str) -> bytes:
    arguments = ["ls-tree", "-r", "-t", "-z", "--full-tree", "--end-of-options", tree_ish]
    return run_git(root, arguments, doing="Reading a commit").stdout


_everything_of_commit = lru_cache(maxsize=1)(_everything)


def parse_tree(listed: bytes) -> Iterator[tuple[str, TreeEntry]]:
    """What ``ls-tree -z`` says, with ``-l`` or without."""
    for record in filter(None, os.fsdecode(listed).split("\0")):
        told, _, path = record.partition("\t")
        mode, _kind, name, *size = told.split()
        yield path, TreeEntry(mode, name, int(size[0]) if size and size[0].isdecimal() else None)


# -- the index and the working tree --------------------------------------------------------------------------------


def list_index(
    root: Path, paths: Iterable[str] = (), *, unmerged: bool = False, env: Environment | None = None
) -> list[IndexEntry]:
    """What the index holds at and below ``paths`` (all, if none are given), or of that the conflicts."""
    arguments = ["ls-files", "-z", "--unmerged" if unmerged else "--stage", "--", *paths]
    return list(parse_index(run_git(root, arguments, env=env, doing="Reading git's index").stdout))


def parse_index(listed: bytes) -> Iterator[IndexEntry]:
    """What ``ls-files -z --stage`` says."""
    for record in filter(None, listed.split(b"\0")):
        told, _, path = record.partition(b"\t")
        mode, name, stage = told.decode("ascii").split(" ")
        yield IndexEntry(os.fsdecode(path), mode, name, int(stage))


def list_paths(
    root: Path, options: Sequence[str] = (), paths: Iterable[str] = (), *, env: Environment | None = None
) -> list[str]:
    """The paths that ``ls-files`` names with some options (without any, what the index holds), at and below ``paths``;
    of directories with a slash at the end."""
    arguments = ["ls-files", "-z", *options, "--", *paths]
    return parse_names(run_git(root, arguments, env=env, doing="Listing files").stdout)


def list_labelled(
    root: Path, options: Sequence[str], separator: bytes, paths: Iterable[str] = (), *, doing: str = "Listing files"
) -> Iterator[tuple[str, str]]:
    """What ``ls-files`` says of each path, and the path: see :func:`parse_labelled`."""
    return parse_labelled(run_git(root, ["ls-files", "-z", *options, "--", *paths], doing=doing).stdout, separator)


def is_tracked(root: Path, path: str) -> bool:
    """Whether the index holds a path, or something below it; ``""`` is the root."""
    return bool(list_paths(root, (), [path or "."]))


def parse_names(listed: bytes) -> list[str]:
    """Names that end with NUL."""
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def parse_labelled(listed: bytes, separator: bytes) -> Iterator[tuple[str, str]]:
    """What ``ls-files`` says of each name, before a separator, and the name: with ``-t`` a letter and a blank, with
    ``--eol`` the ends of lines and a tab."""
    for record in filter(None, listed.split(b"\0")):
        label, _, path = record.partition(separator)
        yield label.decode("ascii", "replace"), os.fsdecode(path)


def records(paths: Iterable[str]) -> bytes:
    """Paths as git reads them with ``-z --stdin``."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)
