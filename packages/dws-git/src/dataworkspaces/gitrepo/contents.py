"""What lies in a working tree now, told by the names of git's objects, committed or not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import DwsError, UnavailableError
from dataworkspaces.gitrepo.kept_trees import KEPT_TREES
from dataworkspaces.gitrepo.layout import git_directory, objects_directory
from dataworkspaces.gitrepo.nested import add_all
from dataworkspaces.gitrepo.notebooks import holds_notebooks, names_notebooks, put_sources
from dataworkspaces.gitrepo.objects import index_info
from dataworkspaces.gitrepo.plumbing import SUBMODULE, TreeEntry, list_index, names_at, names_beside, records
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.gitrepo.stripped import tree_without
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.regular import is_present

_MANY = 500


class PresentObjects(NamedTuple):
    """:ivar names: of the object (blob or tree) at each path you asked for it; of what git ignores as
        :func:`content_of` has it; None where nothing lies.
    :ivar tree: of the whole working tree, where it was asked to be kept and no commit holds it (else None).
    :ivar commit: HEAD, if it holds just this tree.
    """

    names: list[str | None]
    tree: str | None
    commit: str | None


def present_objects(
    root: Path,
    paths: Sequence[str],
    within: Sequence[str],
    leave_out: Sequence[str] = (),
    *,
    keep: bool = False,
    sources_only: bool = False,
    without: Sequence[str] = (),
    unreadable: dict[str, DwsError] | None = None,
) -> PresentObjects:
    """The objects that a commit of everything ``within`` would hold at ``paths`` (``""`` is the root), which lie there.

    Neither index nor objects of the repository change, unless ``keep`` asks for it: then the tree stays, by a
    reference of its own, if HEAD has another. ``leave_out`` are files that do not count. With ``sources_only`` the
    names are those of objects in which notebooks have no outputs; these objects are nowhere. What lies at the places
    ``without`` is not part of them; ``within`` are then just the paths that differ from the index.

    Raises DwsError for what git cannot read, unless some of the paths can be read, and ``unreadable`` is there to be
    told why the others cannot: these have no name then."""
    directory = git_directory(root)
    if directory is None:
        return PresentObjects([None] * len(paths), None, None)
    try:
        return _present_objects(root, directory, paths, within, leave_out, keep, sources_only, without, unreadable)
    except OSError as e:
        raise explain_os_error(e, f"Reading what lies in {root}") from e


def _present_objects(
    root: Path,
    directory: Path,
    paths: Sequence[str],
    within: Sequence[str],
    leave_out: Sequence[str],
    keep: bool,
    sources_only: bool,
    without: Sequence[str],
    unreadable: dict[str, DwsError] | None,
) -> PresentObjects:
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        index = Path(temporary) / "index"
        if (directory / "index").exists():
            shutil.copy2(directory / "index", index)  # with its time, by which git knows which files to read again
        env = {"GIT_INDEX_FILE": str(index)}
        if not keep:
            env |= objects_elsewhere(root, Path(temporary) / "objects")
        places = list(within) if without else [path or "." for path in within if is_present(root / path)]
        if places:
            places = _add(root, places, env, exactly=keep or bool(without), unreadable=unreadable)
        _set_dirty_submodules(root, places, env, keep)
        if leave_out:
            run_git(root, ["update-index", "--force-remove", "-z", "--stdin"], stdin=records(leave_out), env=env)
        tree = compared = _write_tree(root, env)
        if sources_only and names_notebooks(index):
            compared, env = _tree_of_sources(root, env, Path(temporary))
        if without:
            compared = tree_without(root, compared, without, env)
        head, head_tree, *objects = names_beside(root, ["HEAD", "HEAD^{tree}"], compared, paths, env=env)
    unknown = {*(unreadable or ())}
    names = [
        None if (path or ".") in unknown else _name_of(root / path, name)
        for path, name in zip(paths, objects, strict=True)
    ]
    is_committed = head_tree == tree and not unknown
    if keep and not is_committed:
        run_git(root, ["update-ref", f"{KEPT_TREES}/{tree}", tree], doing="Keeping the code that runs")
        flush_repository(root)
    return PresentObjects(names, tree if keep and not is_committed else None, head if is_committed else None)


def version_objects(root: Path, tree: str, paths: Sequence[str], without: Sequence[str] = ()) -> list[str | None]:
    """The objects at paths of a tree or commit, as :func:`present_objects` names them with ``sources_only``."""
    if without:
        tree = tree_without(root, tree, without)
    if not holds_notebooks(root):
        return names_at(root, tree, paths)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        run_git(root, ["read-tree", tree], env=env, doing="Reading a version")
        compared, env = _tree_of_sources(root, env, Path(temporary))
        return names_at(root, compared, paths, env=env)


def _add(
    root: Path, places: list[str], env: dict[str, str], *, exactly: bool, unreadable: dict[str, DwsError] | None
) -> list[str]:
    """Bring an index to what lies at places, and returns these. Git compares each file with each place, so of many
    places the directories that hold them are added, unless just these places are wanted in the tree."""
    options = ["-c", "core.looseCompression=0"]
    fewer = places if exactly else _holding(places)
    if fewer != places:
        try:
            add_all(root, fewer, env=env, options=options)
        except DwsError:
            pass  # of something beside the places that nobody asked for
        else:
            return fewer
    if exactly or unreadable is None:
        add_all(root, places, env=env, options=options)
        return places
    added = _add_readable(root, places, env, options, unreadable)
    if not added:
        raise next(iter(unreadable.values()))
    return added


def _add_readable(
    root: Path, places: list[str], env: dict[str, str], options: Sequence[str], unreadable: dict[str, DwsError]
) -> list[str]:
    """One half and then the other, where git cannot read all of them."""
    try:
        add_all(root, places, env=env, options=options)
    except UnavailableError:
        raise
    except DwsError as e:
        if len(places) == 1:
            unreadable[places[0]] = e
            return []
        half = len(places) // 2
        parts = (places[:half], places[half:])
        return [place for part in parts for place in _add_readable(root, part, env, options, unreadable)]
    return places


def _holding(places: list[str]) -> list[str]:
    """The directories of places, as near as there are no longer many; never the root."""
    while len(places) > _MANY:
        above = list(dict.fromkeys(path.rpartition("/")[0] or path for path in places))
        if len(above) == len(places):
            break
        places = above
    return places


def _tree_of_sources(root: Path, env: dict[str, str], temporary: Path) -> tuple[str, dict[str, str]]:
    """The tree of an index in which notebooks have no outputs, and where git finds it."""
    elsewhere = env if "GIT_OBJECT_DIRECTORY" in env else env | objects_elsewhere(root, temporary / "objects")
    sources = temporary / "sources"
    sources.mkdir()
    put_sources(root, elsewhere, sources)
    return _write_tree(root, elsewhere), elsewhere


def _set_dirty_submodules(root: Path, places: Sequence[str], env: dict[str, str], keep: bool) -> None:
    """Git has a submodule in a tree by its commit, whatever lies in it. Where that is something else, its tree stands
    in the commit's place (and is kept in the submodule's own repository)."""
    if not places or not (root / ".gitmodules").exists():
        return
    changed: dict[str, TreeEntry | None] = {}
    for path, mode, _name, _stage in list_index(root, places, env=env):
        directory = root / path
        if mode == SUBMODULE and git_directory(directory) is not None:
            found = present_objects(directory, [""], [""], keep=keep)
            if found.commit is None and found.names[0] is not None:
                changed[path] = TreeEntry(SUBMODULE, found.names[0])
    if changed:
        lines = index_info(root, changed)
        run_git(root, ["update-index", "-z", "--index-info"], stdin=lines, env=env, doing="Reading files")


def _write_tree(root: Path, env: dict[str, str]) -> str:
    """A conflict that lies elsewhere cannot be written to a tree, and has nothing to do with the places: it is left
    out."""
    done = run_git(root, ["write-tree"], env=env, ok=(0, 128), doing="Reading files")
    if done.returncode:
        names = dict.fromkeys(entry.path for entry in list_index(root, unmerged=True, env=env))
        run_git(root, ["update-index", "--force-remove", "-z", "--stdin"], stdin=records(names), env=env)
        done = run_git(root, ["write-tree"], env=env, doing="Reading files")
    return os.fsdecode(done.stdout.strip())


def _name_of(place: Path, name: str | None) -> str | None:
    """The name of what lies at a place; None for what only the index holds. What git ignores has a name too."""
    if not is_present(place):
        return None
    if name is not None:
        return name
    from dataworkspaces.toolbox.content import content_of

    return content_of(place)


def _quoted(path: str) -> str:
    """As git reads an item of a list of paths: like a text in C, if it holds what separates them."""
    if os.pathsep not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def objects_elsewhere(root: Path, objects: Path) -> dict[str, str]:
    """Git writes its objects to a directory that is thrown away, and finds the repository's all the same."""
    objects.mkdir()
    others = [_quoted(str(objects_directory(root) or "")), os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")]
    return {
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, others)),
    }
