"""Moving and copying files within a local directory, so that a crash at any point can be undone."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dataworkspaces.durability import flush_directories, flush_files, make_directories
from dataworkspaces.toolbox.atomic import written_beside
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.regular import is_present

__all__ = [
    "copy_file",
    "copy_out",
    "delete_tree",
    "move_out",
    "move_tree",
    "remove_empty_directories",
    "set_aside",
    "undo_move",
]

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def move_out(root: Path, destination: Path, files: Iterable[str]) -> None:
    """Move ``files`` (relative to ``root``) below ``destination``, a rename each, and make them read-only.

    Directories that lose their last entry are removed. All is on disk in the end, in both places' directories."""
    touched: dict[Path, None] = {}
    moved = []
    for file in files:
        source, target = root / file, destination / file
        make_directories(target.parent)
        source.rename(target)
        _make_read_only(target)
        remove_empty_directories(source.parent, root)
        touched.update({target.parent: None, source.parent: None})
        moved.append(target)
    flush_files(moved)  # they may have been written just now
    flush_directories(touched)


def copy_out(root: Path, destination: Path, files: Iterable[str]) -> None:
    """Copy ``files`` (relative to ``root``) below ``destination`` and make the copies read-only."""
    copied = []
    for file in files:
        target = destination / file
        copy_file(root / file, target, keep_links_and_times=True)
        _make_read_only(target)
        copied.append(target)
    flush_directories(target.parent for target in copied)


def copy_file(source: Path, target: Path, *, keep_links_and_times: bool = False) -> None:
    """Replace ``target`` by a copy, as a whole or not at all. The directories above it are made."""
    import shutil

    with written_beside(target) as temporary:
        if keep_links_and_times:
            shutil.copy2(source, temporary, follow_symlinks=False)
        else:
            shutil.copy(source, temporary)
        flush_files([temporary])


def undo_move(root: Path, destination: Path, pairs: Iterable[tuple[Path, Path]]) -> None:
    """Bring files back from ``destination``; a pair says where one was moved to and where it was. Idempotent.

    Where both places are taken, the moved one is removed if the two are equal, and stays otherwise."""
    kept = set()
    touched: dict[Path, None] = {}
    for moved, original in pairs:
        if not is_present(moved):
            continue
        if not is_present(original):
            make_directories(original.parent)
            _make_writable(moved)
            moved.rename(original)
            touched.update({original.parent: None, moved.parent: None})
        elif _are_equal(moved, original):
            moved.unlink()
        else:
            kept.add(moved)
    flush_directories(touched)
    if not destination.is_dir() or destination.is_symlink():
        return
    if (lineage := destination / LINEAGE_FILE) not in kept:
        lineage.unlink(missing_ok=True)
    emptied: dict[Path, None] = {destination: None}
    for directory, _, names in os.walk(destination, topdown=False):
        emptied.update({Path(directory): None, Path(directory).parent: None})
        for path in (Path(directory, name) for name in names):
            if path.name.startswith(".") and path.name.endswith(".tmp") and path not in kept:
                path.unlink()  # results of such names are back by now: this is what a killed write left
        remove_empty_directories(Path(directory), root)
    flush_directories(emptied)


def remove_empty_directories(directory: Path, root: Path) -> None:
    """Remove ``directory`` and those above it, as far as they are empty; ``root`` stays."""
    while directory != root and root in directory.parents:
        try:
            directory.rmdir()
        except FileNotFoundError:
            pass
        except OSError:  # not empty, or not ours to remove
            return
        directory = directory.parent


def delete_tree(path: Path) -> None:
    """Delete a file, or a directory with all that is in it, read-only or not. Follows no link. Idempotent. It stays
    deleted after a power cut."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        for directory, _, _ in os.walk(path):
            _add_mode(Path(directory), stat.S_IRWXU)
        import shutil

        shutil.rmtree(path)
    else:
        return
    flush_directories([path.parent])


def move_tree(source: Path, target: Path) -> None:
    """Move a directory to a place that is free, to another file system, too. If it is cut short, all is in ``source``,
    or in ``target``. On disk on return."""
    make_directories(target.parent)
    if source.is_dir() and not source.is_symlink():
        _add_mode(source, stat.S_IRWXU)
    try:
        source.rename(target)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        import shutil

        with written_beside(target) as temporary:
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, temporary, symlinks=True)
            else:
                shutil.copy2(source, temporary, follow_symlinks=False)
            flush_files(path for path in temporary.rglob("*") if path.is_file() and not path.is_symlink())
        flush_directories([target.parent])
        delete_tree(source)
    flush_directories([source.parent, target.parent])


def _make_read_only(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        # In a directory that several people share, another's file can be moved but not changed.
        with suppress(PermissionError):
            path.chmod(stat.S_IMODE(mode) & ~_WRITE_BITS)


def _make_writable(path: Path) -> None:
    if stat.S_ISREG(path.lstat().st_mode):
        _add_mode(path, stat.S_IWUSR)


def _add_mode(path: Path, bits: int) -> None:
    with suppress(PermissionError):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | bits)


def _are_equal(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    import filecmp

    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def set_aside(path: Path, machine_directory: Path) -> Path:
    """Move what is damaged or strange to where it harms nothing and nothing of it is lost; returns its new place."""
    directory = machine_directory / "set-aside"
    directory.mkdir(parents=True, exist_ok=True)
    number = 1
    while (target := directory / f"{number}-{path.name}").exists() or target.is_symlink():
        number += 1
    path.rename(target)
    return target
