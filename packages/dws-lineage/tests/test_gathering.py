"""Directories that stand for the files in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.lineage.directories import gather
from dataworkspaces.lineage.places import contains

paths = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map("/".join), min_size=1, max_size=40)
directories = st.sets(st.one_of(st.none(), st.sampled_from(["a", "b", "a/b", "c/d/a"])))


def files_of(found: list[str]) -> set[str]:
    return {f"{path}/file" for path in found}


def test_the_directory_with_most_files_comes_first() -> None:
    files = {*(f"images/{n}" for n in range(30)), "labels.csv", "more/a", "more/b"}
    assert gather(files, lambda _: True, 5) == {"images", "labels.csv", "more/a", "more/b"}
    assert gather(files, lambda _: True, 3) == {"images", "labels.csv", "more"}
    assert gather(files, lambda _: True, 2) == {None}


def test_a_directory_holds_two_files_at_least() -> None:
    files = {f"{n}/x" for n in range(10)}
    assert gather(files, lambda directory: directory is not None, 2) == files
    assert gather({"a/b/c/x", "a/b/d/x"}, lambda _: True, 1) == {"a/b"}


@pytest.mark.slow
@given(paths, directories, st.integers(1, 10))
def test_all_are_in_them(found: list[str], refused: set[str | None], at_most: int) -> None:
    files = files_of(found)
    places = gather(files, lambda directory: directory not in refused, at_most)
    assert all(sum(contains(place, file) for place in places) == 1 for file in files)
    assert all(place in files or place not in refused for place in places)
    assert all(place in files or sum(contains(place, file) for file in files) > 1 for place in places)
    assert len(places) <= at_most or refused
    assert len(files) > at_most or places == files
