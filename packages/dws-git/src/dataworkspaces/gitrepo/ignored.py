"""What git's ignore files do to a resource, which is said before anything moves or is committed."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.both import both
from dataworkspaces.gitrepo.plumbing import is_tracked, list_paths, records
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some

_PROBE = "dws-ignored"
"""A file that a resource could hold. What hits it is meant for all of them."""
_SNAPSHOTS = f"snapshots/{_PROBE}"


class Looked(NamedTuple):
    """A resource in a repository.

    :ivar what: names it in messages.
    :ivar place: its directory, relative to the root, which is ``""``.
    :ivar results: files that a snapshot is going to move, relative to the place.
    :ivar may_ignore: whether nobody is surprised by files that are left out, as in code."""

    what: str
    place: str
    results: Sequence[str] = ()
    may_ignore: bool = False


def check_ignored(root: Path, resources: Iterable[Looked]) -> list[str]:
    """What has to be told of files that git is not going to keep.

    Raises ConfigurationError for a resource of which it would keep nothing at all."""
    wanted = list(resources)
    if not wanted:
        return []
    asked = [name for looked in wanted for name in _asked(looked)]
    surprising = [looked for looked in wanted if not looked.may_ignore and not looked.results]
    rules, ignored = both(lambda: ignoring_rules(root, asked), lambda: _ignored_in(root, surprising))
    told = []
    for looked in wanted:
        probe, *files = _asked(looked)
        if looked.results:
            hit = {name: rules[file] for name, file in zip(looked.results, files, strict=True) if file in rules}
            if len(hit) == len(looked.results):
                raise _nothing_kept(root, looked.what, "any of its results", next(iter(hit.values())))
            if hit:
                told.append(f"{looked.what}: git ignores {some(hit)}, so other copies do not get it with the snapshot")
        elif probe in rules:
            if not _holds_tracked(root, looked.place):
                raise _nothing_kept(root, looked.what, "anything in it", rules[probe])
            told.append(f"{looked.what}: git ignores new files in it ({rules[probe]}), so a snapshot does not keep it")
    return told + _left_out([looked for looked in surprising if _asked(looked)[0] not in rules], ignored)


def ignoring_rules(root: Path, paths: Sequence[str]) -> dict[str, str]:
    """For each path that git would ignore, the line that says so: ``FILE:LINE: PATTERN``."""
    names = records(f"./{path}" for path in paths)  # what begins so has no magic
    arguments = ["--no-literal-pathspecs", "check-ignore", "--no-index", "--verbose", "-z", "--stdin"]
    fields = os.fsdecode(run_git(root, arguments, stdin=names, ok=(0, 1)).stdout).split("\0")
    rules = {}
    for source, line, pattern, path in zip(*(fields[start::4] for start in range(4)), strict=False):
        if not pattern.startswith("!"):
            rules[path.removeprefix("./")] = f"{source}:{line}: {pattern}"
    return rules


def _asked(looked: Looked) -> list[str]:
    """A file that could be in the resource, and the files that are going to be in the directory of a snapshot."""
    return [posixpath.join(looked.place, name) for name in (_PROBE, *(f"{_SNAPSHOTS}/{r}" for r in looked.results))]


def _ignored_in(root: Path, resources: Sequence[Looked]) -> list[str]:
    """Files and directories in resources that git ignores."""
    if not resources:
        return []
    options = ["--others", "--ignored", "--exclude-standard", "--directory"]
    return list_paths(root, options, [looked.place or "." for looked in resources])


def _left_out(resources: Sequence[Looked], ignored: Iterable[str]) -> list[str]:
    found = [path for path in ignored if not _is_usual(path)]
    whole = tuple(path for path in found if path.endswith("/"))
    found = [path for path in found if path in whole or not path.startswith(whole)]
    told = []
    for looked in resources:
        prefix = f"{looked.place}/" if looked.place else ""
        names = [path[len(prefix) :] for path in found if path.startswith(prefix)]
        if names:
            told.append(f"{looked.what}: git ignores {some(names)}, so a snapshot does not keep them")
    return told


def _is_usual(path: str) -> bool:
    name = posixpath.basename(path.rstrip("/"))
    return name.startswith(".") or name in ("__pycache__", "Thumbs.db") or name.endswith((".pyc", "~", ".swp"))


def _holds_tracked(root: Path, place: str) -> bool:
    """Whether git keeps something of a directory all the same, or there is nothing to keep."""
    directory = root / place
    if not directory.is_dir() or not any(directory.iterdir()):
        return True
    return is_tracked(root, place)


def _nothing_kept(root: Path, what: str, which: str, rule: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what}: git ignores it, so a snapshot would not keep {which}",
        hint=f"Change the line {rule} (in {root})",
    )
