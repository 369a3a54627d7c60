"""Objects and other files of git that a power cut left empty, or without their end; and how they are written again.

Git takes a file of the right name for the object, and never writes it again: what is staged counts as kept, and cannot
be read. So such a file goes first; then contents come from the working tree, trees and the latest commits from index
and reflog, and the rest from the origin.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from dataworkspaces.durability import flush_directories
from dataworkspaces.errors import DwsError, ToolError
from dataworkspaces.gitrepo.damaged_references import damaged_references
from dataworkspaces.gitrepo.layout import git_directory, objects_directory
from dataworkspaces.gitrepo.lost_commits import make_lost_commits
from dataworkspaces.gitrepo.mended_references import mend_head, mend_references
from dataworkspaces.gitrepo.plumbing import LINK, SUBMODULE, IndexEntry, list_index, resolve
from dataworkspaces.gitrepo.remote import origin_url
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.restart import needs_a_look, note_look
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace.problem import Problem

_SMALL = 16 << 10
"""Compressed files up to this size are read to their end; of larger ones the beginning is looked at."""


def check_loose_objects(root: Path, where: str, *, only_empty: bool = False) -> Iterator[Problem]:
    """Objects that are files of their own, and cannot be what their names say. Empty ones are found by looking at sizes
    alone."""
    damaged = damaged_objects(root, only_empty=only_empty)
    files = [str(path) for path in damaged_references(root)] + (["its index"] if _has_empty_index(root) else [])
    if files:
        what = f"git files of {root} are empty or damaged, as after a power cut: {some(files)}"
        remedy = "dws fsck --repair writes them again from git's logs and what is there"
        yield Problem("resource", where, what, remedy, repair=lambda: mend(root))
        return
    if not damaged:
        return
    names = some(sorted(name[:12] for name in damaged))
    what = f"{len(damaged)} objects of git in {root} are empty or damaged, as after a power cut: {names}"
    remedy = "dws fsck --repair writes them again from the working tree or the origin"
    yield Problem("resource", where, what, remedy, repair=lambda: mend(root))


def damaged_objects(root: Path, *, only_empty: bool = False) -> dict[str, Path]:
    """By name, the files of objects that are empty, or that do not hold what git would have written."""
    directory = objects_directory(root)
    found: dict[str, Path] = {}
    for first in range(256) if directory is not None else ():
        assert directory is not None
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory / f"{first:02x}") as entries:
            for entry in entries:
                if not entry.name.startswith("tmp_") and _is_damaged(entry, only_empty):
                    found[f"{first:02x}{entry.name}"] = Path(entry.path)
    return found


def _is_damaged(entry: os.DirEntry[str], only_empty: bool) -> bool:
    size = entry.stat(follow_symlinks=False).st_size
    if size == 0 or only_empty:
        return size == 0
    reader = zlib.decompressobj()
    try:
        with Path(entry.path).open("rb") as file:
            content = reader.decompress(file.read(_SMALL))
    except OSError:
        return False  # nobody can tell
    except zlib.error:
        return True
    kind, _, length = content.partition(b"\0")[0].partition(b" ")
    if kind not in (b"blob", b"tree", b"commit", b"tag") or not length.isdigit():
        return True
    return size <= _SMALL and not reader.eof


def look_after_restart(root: Path, tell: Callable[[str], None]) -> None:
    """Once after each start of the machine, before which its power may have been cut: what git says that it has is
    there. What lies in the working tree is written again, so that nothing counts as kept which is not; `dws fsck` tells
    of the rest. No origin is asked."""
    if not needs_a_look(root):
        return
    if damaged_objects(root) or damaged_references(root) or _has_empty_index(root):
        tell(f"{root}: apparently after a power cut: {mend(root, ask_origin=False)}")
    note_look(root)


def mend(root: Path, *, ask_origin: bool = True) -> str:
    """Write damaged objects, references and an empty index again, and say what became of them. What was there is set
    aside, unless it is empty."""
    head = mend_head(root)  # before it git takes nothing here for a repository
    damaged = damaged_objects(root)
    directory = git_directory(root) or root / ".git"
    for path in damaged.values():
        if path.stat().st_size:
            set_aside(path, directory / "dws")
        else:
            path.unlink()
    flush_directories(path.parent for path in damaged.values())
    has_empty_index = _has_empty_index(root)
    if has_empty_index:
        (directory / "index").unlink()
    index = _index(root)
    if index is not None:
        _write_files(root, damaged, index)
        make_lost_commits(root, index)
    missing = _missing(root, damaged)
    from_tree = len(damaged) - len(missing)
    said = [f"{from_tree} of {len(damaged)} objects written again from the working tree"] if damaged else []
    if missing and ask_origin and (url := origin_url(root)) is not None:
        try:
            _take_from(root, url, missing)
        except DwsError as e:
            said.append(f"the origin cannot be asked: {e.message}")
        else:
            left = _missing(root, damaged)
            said.append(f"{len(missing) - len(left)} from the origin")
            missing = left
    if missing:
        lost = f"lost: {some(sorted(name[:12] for name in missing))}"
        said.append(lost if ask_origin else f"{lost}, unless the origin has them: dws fsck --repair")
    said = [*head, *said, *mend_references(root)]
    if has_empty_index:
        run_git(root, ["read-tree", "HEAD"], ok=range(256))
        said.append("the index is that of the last commit")
    flush_repository(root)
    return ", ".join(said)


def _has_empty_index(root: Path) -> bool:
    """Git writes none that is empty."""
    index = (git_directory(root) or root / ".git") / "index"
    with suppress(OSError):
        return index.stat().st_size == 0
    return False


def _index(root: Path) -> list[IndexEntry] | None:
    """None if it cannot be read."""
    try:
        return list_index(root)
    except ToolError:
        return None


def _missing(root: Path, names: Iterable[str], env: Mapping[str, str] | None = None) -> list[str]:
    asked = sorted(names)
    return [name for name, found in zip(asked, resolve(root, asked, env=env), strict=True) if found is None]


def _write_files(root: Path, wanted: Iterable[str], index: Iterable[IndexEntry]) -> None:
    """The contents of files that the index names, as far as they lie in the working tree."""
    names = set(wanted)
    files: list[str] = []
    for path, mode, name, _stage in index:
        if name not in names:
            continue
        place = root / path
        if mode == LINK and place.is_symlink():
            content = os.fsencode(place.readlink())
            run_git(root, ["hash-object", "-w", "--stdin"], stdin=content, doing="Writing an object again")
        elif mode != SUBMODULE and place.is_file() and not place.is_symlink():
            files.append(path)
    # Git reads a line for each, so what would not be one has a call of its own.
    strange = [path for path in files if "\n" in path or path.endswith("\r") or path.startswith('"')]
    for path in strange:
        run_git(root, ["hash-object", "-w", "--", path], doing="Writing an object again")
    if plain := [path for path in files if path not in strange]:
        text = b"".join(os.fsencode(path) + b"\n" for path in plain)
        run_git(root, ["hash-object", "-w", "--stdin-paths"], stdin=text, doing="Writing objects again")


def _take_from(root: Path, url: str, names: Iterable[str]) -> None:
    """Objects from another repository, whatever references there are here."""
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        elsewhere = {"GIT_DIR": temporary}
        form = "sha256" if any(len(name) == 64 for name in names) else "sha1"
        run_git(root, ["init", "--quiet", "--bare", f"--object-format={form}", temporary], doing="Asking the origin")
        refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/dws/*:refs/dws/*"]
        run_git(root, ["fetch", "--quiet", "--", url, *refs], env=elsewhere, doing="Asking the origin")
        there = sorted(set(names) - set(_missing(root, names, elsewhere)))
        if there:
            asked = "".join(f"{name}\n" for name in there).encode("ascii")
            pack = run_git(root, ["pack-objects", "--quiet", "--stdout"], stdin=asked, env=elsewhere).stdout
            run_git(root, ["unpack-objects", "-q"], stdin=pack, doing="Writing objects again")
