"""What git is about to keep for the first time and can never be made to forget: large files, and what looks secret.

Both are told before anything is committed. A file that looks secret and that nobody has given to git is left out,
unless somebody says that it is kept: its name goes to ``info/exclude`` of the repository, so that git, and all that
asks git, takes it for a file that is not its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import RefusedError
from dataworkspaces.gitrepo.both import both
from dataworkspaces.gitrepo.ignore_lines import add_lines, literally
from dataworkspaces.gitrepo.large_index import is_large
from dataworkspaces.gitrepo.layout import git_directories, git_directory
from dataworkspaces.gitrepo.plumbing import list_labelled, list_paths, parse_labelled, records
from dataworkspaces.gitrepo.repo import RepoStatus, git_without, not_below
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.gitrepo.secret_names import looks_secret
from dataworkspaces.params import LARGE_FILE
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import Interaction

_HEADING = "# Left out by dws, since they look like secrets; 'git add --force FILE' adds one:"

_OTHERS = ("--others", "--exclude-standard")
_CHANGED, _OTHER = "C", "?"
"""How ``git ls-files -t`` labels files."""
_DOING = "Looking for new files"


class Part(NamedTuple):
    """A part of a repository that is about to be committed.

    :ivar paths: relative to the root; all of it if there are none.
    :ivar without: places that are no part of it, if there are no ``paths``.
    :ivar within: the directory of which it is all then.
    :ivar results: directories (``""`` is the root) whose files a snapshot moves to directories below them."""

    root: Path
    paths: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    within: str = ""
    results: tuple[str, ...] = ()


class _Found:
    """Files of a part by the repository that they lie in: one of its own may lie below it. ``untracked`` are those that
    nobody has given to git."""

    def __init__(self) -> None:
        self.changed: dict[Path, list[str]] = {}
        self.untracked: dict[Path, list[str]] = {}


def check_new_files(
    part: Part, interaction: Interaction, what: str, limit: int, status: RepoStatus | None = None
) -> list[str]:
    """Leave out what looks secret, and raise RefusedError if a file of more than ``limit`` bytes would be committed
    that nobody wants there. ``what`` names the repository.

    Returns the paths in it that differ from git's index, of repositories below it their places.

    :param status: how the part stands, with each file, if somebody has asked git already."""
    found = _find(part, status)
    left_out = _leave_out(part, found, interaction, what)
    large = _large(part.root, found, left_out, limit)
    changed = [path for path in found.changed.get(part.root, ()) if part.root / path not in left_out]
    changed += [place.relative_to(part.root).as_posix() for place in found.changed if place != part.root]
    if not large:
        return changed
    told = some(f"{path} ({size / 1e6:,.0f} MB)" for path, size in large.items())
    if not interaction.confirm(f"{what}: {told} would be committed permanently. Commit it?", default=False):
        raise RefusedError(
            f"{what}: {told} would be committed to its git repository permanently; files of more than "
            f"{limit / 1e6:,.0f} MB are not committed without asking",
            hint="Track it with git-lfs ('git lfs track'), add its directory as local files with a remote ('dws "
            f"add local-files'), or name it in .gitignore. To allow larger files: dws config {LARGE_FILE} "
            f"{_rounded_up(max(large.values()))}MB",
        )
    return changed


def leave_out_secrets(part: Part, interaction: Interaction, what: str) -> None:
    """Leave out what looks secret: before a tree is kept of which a colleague may get a copy, say."""
    _leave_out(part, _find(part), interaction, what)


def _find(part: Part, status: RepoStatus | None = None) -> _Found:
    found = _Found()
    listed: Iterable[tuple[str, str]]
    if status is not None:
        listed = [*((_CHANGED, path) for path in status.unstaged), *((_OTHER, path) for path in status.untracked)]
    elif part.paths:
        listed = list_labelled(part.root, ["-t", "--modified", *_OTHERS], b" ", part.paths, doing=_DOING)
    else:
        listed = parse_labelled(_changed_without(part, ["ls-files", "-t", "-z", "--modified", *_OTHERS]), b" ")
    _add(found, part.root, listed)
    return found


def _changed_without(part: Part, listing: list[str]) -> bytes:
    """As ``git ls-files -t`` lists it, which looks at each file before it asks whether that is wanted."""
    apart = not_below(part.without)
    if not is_large(part.root):
        return git_without(part.root, [*listing, *apart], part.without, within=part.within)
    arguments = [*(word for word in listing if word != "--modified"), *apart]
    changed, others = both(
        lambda: git_without(part.root, ["diff-files", "-z", "--name-only"], part.without, within=part.within),
        lambda: git_without(part.root, arguments, part.without, within=part.within),
    )
    return b"".join(b"C %s\0" % path for path in changed.split(b"\0")[:-1]) + others


def _add(found: _Found, root: Path, listed: Iterable[tuple[str, str]]) -> None:
    for kind, path in listed:
        if path.endswith("/"):  # a repository of its own: all of its files are new to the one around it
            nested = root / path.rstrip("/")
            if git_directory(nested) is not None:
                _add(found, nested, list_labelled(nested, ["-t", "--cached", *_OTHERS], b" ", doing=_DOING))
            continue
        found.changed.setdefault(root, []).append(path)
        if kind == _OTHER:
            found.untracked.setdefault(root, []).append(path)


# -- what looks secret ---------------------------------------------------------------------------------------------


def _leave_out(part: Part, found: _Found, interaction: Interaction, what: str) -> set[Path]:
    """Returns the files that are left out."""
    secret = {root: [path for path in paths if looks_secret(path)] for root, paths in found.untracked.items()}
    secret = {root: paths for root, paths in secret.items() if paths}
    names = _relative(part.root, secret)
    if not names:
        return set()
    question = (
        f"{what}: {some(names)} looks like a secret. Commit it, for everybody who gets a copy?"
        if len(names) == 1
        else f"{what}: {some(names, 10)} look like secrets. Commit them, for everybody who gets a copy?"
    )
    if interaction.confirm(question, default=False):
        for root, paths in secret.items():
            run_git(root, ["add", "--force", "--", *paths], doing="Staging changes")
        return set()
    for root, paths in secret.items():
        _exclude(root, paths, part.results if root == part.root else ())
    interaction.warn(
        f"{what}: left out {some(names, 10)}, which {'looks like a secret' if len(names) == 1 else 'look like secrets'}"
        f" (noted in {_exclude_file(part.root)}; 'git add --force FILE' adds one, .gitignore excludes one for "
        "everybody)"
    )
    return {root / path for root, paths in secret.items() for path in paths}


def _exclude(root: Path, paths: Sequence[str], results: Sequence[str]) -> None:
    file = _exclude_file(root)
    add_lines(file, [_HEADING, *(_line(path, results) for path in paths)])
    if still := list_paths(root, ["--others", "--exclude-standard"], paths):
        raise RefusedError(
            f"{some(still)} in {root} looks like a secret, but a line with '!' in .gitignore includes it",
            hint="Change that line, or, to commit it: git add FILE",
        )


def _line(path: str, results: Iterable[str]) -> str:
    """The line that stands for a file, also where a snapshot moves it."""
    above = next((place for place in results if not place or path.startswith(f"{place}/")), None)
    if above is not None:
        top = f"/{literally(above)}" if above else ""
        line = f"{top}/**/{literally(path.removeprefix(above).removeprefix('/'))}"
    else:
        line = f"/{literally(path)}"
    return line.replace("\n", "?").replace("\r", "?")


def _exclude_file(root: Path) -> Path:
    return git_directories(root)[-1] / "info" / "exclude"


# -- what is large -------------------------------------------------------------------------------------------------


def _large(root: Path, found: _Found, left_out: set[Path], limit: int) -> dict[str, int]:
    """The files beyond a size that git would take as they are, with their sizes."""
    sizes = {}
    for top, paths in found.changed.items():
        for path in paths:
            place = top / path
            if place not in left_out and (size := _size(place)) > limit:
                sizes[place.relative_to(root).as_posix()] = size
    if not sizes:
        return {}
    filtered = _filtered(root, sizes)
    return {path: size for path, size in sorted(sizes.items()) if path not in filtered}


def _size(place: Path) -> int:
    return place.stat().st_size if place.is_file() and not place.is_symlink() else 0


def _filtered(root: Path, paths: Iterable[str]) -> set[str]:
    """Those that a filter (of git-lfs, git-fat) replaces by something small."""
    told = run_git(root, ["check-attr", "-z", "--stdin", "filter"], stdin=records(paths)).stdout
    fields = os.fsdecode(told).split("\0")
    return {path for path, value in zip(fields[::3], fields[2::3], strict=False) if value not in _NO_FILTER}


_NO_FILTER = ("unspecified", "unset")


def _relative(root: Path, files: Mapping[Path, Sequence[str]]) -> list[str]:
    return [(top / path).relative_to(root).as_posix() for top, paths in files.items() for path in paths]


def _rounded_up(size: int) -> int:
    return -(-size // 10**8) * 100
