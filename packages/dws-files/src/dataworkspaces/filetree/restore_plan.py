"""What has to be done to files so that one tree becomes another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from dataworkspaces.filetree.contents import contents_if_plain, object_of, objects_of
from dataworkspaces.filetree.ignore import IGNORE_FILE, IgnoreRules
from dataworkspaces.filetree.manifest import Entry
from dataworkspaces.filetree.objects.checkout import WantedFiles
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.places import Places
from dataworkspaces.filetree.tree import Tree


@dataclass
class RestorePlan:
    """The steps, in their order. Paths are relative to the root; directories stand before those in them.

    :ivar remove: files and links that go away, or make place for a directory.
    :ivar remove_directories: those that go away, if nothing else is in them.
    :ivar make_directories: those that are not there yet.
    :ivar write: what is put in place, a directory at a time.
    :ivar places: where the contents are, once somebody has looked; not of very many, for it takes memory.
    """

    remove: list[str] = field(default_factory=list)
    remove_directories: list[str] = field(default_factory=list)
    make_directories: list[str] = field(default_factory=list)
    write: list[WantedFiles] = field(default_factory=list)
    places: Places | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.remove or self.remove_directories or self.make_directories or self.write)

    @property
    def file_count(self) -> int:
        """Of what is put in place."""
        return sum(map(len, self.write))

    def ids(self) -> Iterable[ObjectId]:
        """The contents of what is put in place."""
        return chain.from_iterable(files.ids for files in self.write)


def plan_restore(now: Tree, target: Tree) -> RestorePlan:
    """What makes ``target`` of ``now``. Equal directories are not looked at.

    Raises MetadataError if the target does not say what its files held."""
    plan = RestorePlan()
    pending: list[tuple[str, str | None, str | None]] = [("", now.hashval, target.hashval)]
    while pending:
        prefix, now_hash, target_hash = pending.pop()
        if now_hash == target_hash:
            continue
        if now_hash is None and target_hash is not None:
            _plan_new(plan, prefix, target, target_hash, pending)
            continue
        before, after = now.by_name(now_hash), target.by_name(target_hash)
        write: list[Entry] = []
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name), after.get(name)
            if old == new:
                continue
            path = prefix + name
            old_tree = old.value if old is not None and old.kind == "tree" else None
            new_tree = new.value if new is not None and new.kind == "tree" else None
            if old_tree is not None or new_tree is not None:
                pending.append((f"{path}/", old_tree, new_tree))
            if old_tree is not None and new_tree is None:
                plan.remove_directories.append(path)
            if new_tree is not None and old_tree is None:
                plan.make_directories.append(path)
            if old is not None and old_tree is None and (new is None or new_tree is not None):
                plan.remove.append(path)
            if new is not None and new_tree is None:
                write.append(new)
        if write:
            plan.write.append(_wanted(prefix, write, frozenset(before)))
    return plan


def _plan_new(
    plan: RestorePlan, prefix: str, target: Tree, hashval: str, pending: list[tuple[str, str | None, str | None]]
) -> None:
    """The same for a directory that is not there."""
    plain = contents_if_plain(target.manifest(hashval))
    if plain is not None:
        plan.write.append(WantedFiles(prefix[:-1], *plain))
        return
    entries = target.entries(hashval)
    inside = [(prefix + entry.name, entry.value) for entry in entries if entry.kind == "tree"]
    pending += [(f"{path}/", None, value) for path, value in inside]
    plan.make_directories += [path for path, _ in inside]
    if len(inside) < len(entries):
        plan.write.append(_wanted(prefix, [entry for entry in entries if entry.kind != "tree"]))


def _wanted(prefix: str, entries: Sequence[Entry], there: frozenset[str] = frozenset()) -> WantedFiles:
    """Entries that are not directories, to be put in place; raises MetadataError as :func:`objects_of` does."""
    names = [entry.name for entry in entries]
    ids = objects_of([entry.value for entry in entries], [prefix + name for name in names])
    return WantedFiles(prefix[:-1], names, [entry.kind for entry in entries], ids, there)


def ignore_files(tree: Tree, paths: Iterable[str]) -> dict[str, ObjectId]:
    """The ``.dwsignore`` files of a tree in the directories above some paths, by directory."""
    wanted = {""}.union(*({path[:at] for at, char in enumerate(path) if char == "/"} for path in paths))
    found: dict[str, ObjectId] = {}
    pending = [("", tree.hashval)]
    while pending:
        directory, hashval = pending.pop()
        for entry in tree.entries(hashval):
            path = f"{directory}/{entry.name}" if directory else entry.name
            if entry.kind == "tree" and path in wanted:
                pending.append((path, entry.value))
            elif entry.name == IGNORE_FILE and entry.kind in ("blob", "exec"):
                found[directory] = object_of(entry, path)
    return found


def leave_ignored(plan: RestorePlan, rules: IgnoreRules) -> None:
    """Do not remove what the tree that is restored leaves out: it tells nothing of it."""
    directories = set(plan.make_directories)
    plan.remove = [path for path in plan.remove if path in directories or not rules.leaves_out_file(path)]
