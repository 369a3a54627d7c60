"""Merging trees of files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.filetree import Entry, Tree, format_manifest, manifest_name
from dataworkspaces.filetree.merged_tree import MergedTree, empty_tree, entry_at, merge_trees, rename_entry

Files = dict[str, str]
NAMES = ("a", "b", "d/a", "d/b", "d/e/f", "f", "f/x")
CONTENTS = ("1:" + "1" * 64, "2:" + "2" * 64, "3:" + "3" * 64)


def tree(files: Files) -> Tree:
    """A tree of files; a path that ends with ``/`` is an empty directory."""
    made: dict[str, bytes] = {}

    def build(inside: Files) -> str:
        entries, below = [], {}
        for path, value in inside.items():
            first, slash, rest = path.partition("/")
            if slash:
                below.setdefault(first, {}).update({rest: value} if rest else {})
            else:
                entries.append(Entry(value, "blob", first))
        entries += [Entry(build(found), "tree", name) for name, found in below.items()]
        manifest = format_manifest(entries)
        made[manifest_name(manifest)] = manifest
        return manifest_name(manifest)

    return Tree(build(files), made.get)


def files_of(found: Tree, hashval: str | None = None, prefix: str = "") -> Files:
    files: Files = {}
    for entry in found.entries(hashval or found.hashval):
        if entry.kind == "tree":
            inside = files_of(found, entry.value, f"{prefix}{entry.name}/")
            files.update(inside or {f"{prefix}{entry.name}/": ""})
        else:
            files[prefix + entry.name] = entry.value
    return files


def merged(base: Files, ours: Files, theirs: Files, suffix: str | None = "ben") -> MergedTree:
    return merge_trees(tree(base), tree(ours), tree(theirs), suffix)


ONE, TWO, THREE = CONTENTS
CASES = {
    "theirs adds": ({"a": ONE}, {"a": ONE}, {"a": ONE, "b": TWO}, {"a": ONE, "b": TWO}, []),
    "each adds another": ({}, {"d/a": ONE}, {"d/b": TWO}, {"d/a": ONE, "d/b": TWO}, []),
    "each changes another": (
        {"a": ONE, "b": ONE}, {"a": TWO, "b": ONE}, {"a": ONE, "b": THREE}, {"a": TWO, "b": THREE}, [],
    ),
    "theirs deletes": ({"a": ONE, "b": ONE}, {"a": ONE, "b": ONE, "f": TWO}, {"b": ONE}, {"b": ONE, "f": TWO}, []),
    "ours deletes": ({"a": ONE, "b": ONE}, {"b": ONE}, {"a": ONE, "b": ONE, "f": TWO}, {"b": ONE, "f": TWO}, []),
    "both delete": ({"a": ONE, "b": ONE}, {"b": ONE}, {"b": ONE}, {"b": ONE}, []),
    "both the same": ({}, {"a": ONE}, {"a": ONE}, {"a": ONE}, []),
    "both change one": ({"a": ONE}, {"a": TWO}, {"a": THREE}, {"a": TWO, "a.ben": THREE}, ["a (theirs: a.ben)"]),
    "both add one": ({}, {"d/a": TWO}, {"d/a": THREE}, {"d/a": TWO, "d/a.ben": THREE}, ["d/a (theirs: d/a.ben)"]),
    "the name is taken": (
        {}, {"a": TWO, "a.ben": ONE}, {"a": THREE},
        {"a": TWO, "a.ben": ONE, "a.ben-2": THREE}, ["a (theirs: a.ben-2)"],
    ),
    "their copy is of an earlier merge": (
        {"a": ONE}, {"a": TWO, "a.ben": ONE}, {"a": THREE}, {"a": TWO, "a.ben": THREE}, ["a (theirs: a.ben)"],
    ),
    "their copy is here": ({}, {"a": TWO, "a.ben": THREE}, {"a": THREE}, {"a": TWO, "a.ben": THREE}, []),
    "ours changes, theirs deletes": ({"a": ONE}, {"a": TWO}, {}, {"a": TWO}, ["a (deleted on one side)"]),
    "ours deletes, theirs changes": ({"a": ONE}, {}, {"a": TWO}, {"a": TWO}, ["a (deleted on one side)"]),
    "a directory goes but for what changed": (
        {"d/a": ONE, "d/e/f": ONE}, {}, {"d/a": ONE, "d/e/f": TWO}, {"d/e/f": TWO}, ["d/e/f (deleted on one side)"],
    ),
    "a directory goes but for what came": ({"d/a": ONE}, {}, {"d/a": ONE, "d/b": TWO}, {"d/b": TWO}, []),
    "a file and a directory": ({}, {"f": ONE}, {"f/x": TWO}, {"f": ONE, "f.ben/x": TWO}, ["f (theirs: f.ben)"]),
    "empty directories": ({"d/": ""}, {"d/": "", "e/": ""}, {}, {"e/": ""}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_file_by_file(case: str) -> None:
    base, ours, theirs, expected, conflicts = CASES[case]
    found = merged(base, ours, theirs)
    assert files_of(found.tree) == expected
    assert [str(conflict) for conflict in found.conflicts] == conflicts


def test_a_long_name_is_cut() -> None:
    name = "ä" * 127
    found = files_of(merged({}, {name: ONE}, {name: TWO}).tree)
    assert sorted(found.values()) == [ONE, TWO]
    assert all(len(path.encode("utf-8", "surrogateescape")) <= 255 for path in found)


def test_what_is_of_an_earlier_version_is_no_conflict() -> None:
    found = merge_trees(empty_tree(), tree({"a": ONE}), tree({"a": TWO}), "ben", lambda path, _entry: path == "a")
    assert files_of(found.tree) == {"a": TWO}
    assert not found.conflicts


def without_clashes(files: Files) -> Files:
    return {path: value for path, value in files.items() if path != "f" or "f/x" not in files}


SIDES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CONTENTS)).map(without_clashes)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(SIDES, SIDES, SIDES)
def test_nothing_is_lost_that_the_other_side_did_not_delete_or_replace(base: Files, ours: Files, theirs: Files) -> None:
    found = files_of(merged(base, ours, theirs).tree)
    for side, other in ((ours, theirs), (theirs, ours)):
        for path, value in side.items():
            if base.get(path) != value or other.get(path) == value:  # added, changed, or in both
                assert any(
                    there == value and place.startswith(path.partition("/")[0]) for place, there in found.items()
                )
    for path, value in ours.items():
        if base.get(path) != value:
            assert found[path] == value, "what is on this machine, and in no version, is where it was"


@settings(max_examples=100, deadline=None)
@given(SIDES, SIDES)
def test_of_a_side_that_changed_nothing_the_other_counts(base: Files, side: Files) -> None:
    assert files_of(merged(base, base, side).tree) == side
    assert files_of(merged(base, side, base).tree) == side
    assert files_of(merged(base, side, side).tree) == side


def test_a_directory_gets_another_name() -> None:
    before = tree({"s/a/x": ONE, "s/b/x": TWO, "y": THREE})
    assert files_of(rename_entry(before, "s/a", "c")) == {"s/c/x": ONE, "s/b/x": TWO, "y": THREE}
    for path, name in (("s/a", "b"), ("s/d", "c"), ("y/a", "c"), ("s/a", "../c"), ("s/a", "..")):
        assert rename_entry(before, path, name) is before
    assert entry_at(before, "s/b/x") == Entry(TWO, "blob", "x")
    assert entry_at(before, "y/b") is entry_at(before, "z") is None
