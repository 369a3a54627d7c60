"""What resources are called: of each one name, that no other has, whatever several people have stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.names import is_resource_name
from dataworkspaces.workspace.resource_names import AS_STORED, FORMERLY, SHOWN_AS, ResourceNames, check_names

NAMES = ["a", "b", "c", "d", "a-2"]
some_names = st.sampled_from(NAMES)


@st.composite
def stored_resources(draw: st.DrawFn) -> list[dict[str, Any]]:
    """As several people may have left them: names that are given twice, and such as nobody can have."""
    found = []
    for name in draw(st.lists(some_names, unique=True)):
        params: dict[str, Any] = {"name": name}
        if draw(st.booleans()):
            params[SHOWN_AS] = draw(some_names | st.sampled_from(["../x", "", 1, None]))
        if draw(st.booleans()):
            params[FORMERLY] = draw(st.lists(some_names | st.just(2)) | st.just("no list"))
        found.append(params)
    return found


def listed(params: dict[str, Any]) -> list[Any]:
    formerly = params.get(FORMERLY)
    return formerly if isinstance(formerly, list) else []


@pytest.mark.slow
@given(stored_resources())
def test_each_has_one_name_and_no_two_have_the_same(stored: list[dict[str, Any]]) -> None:
    names = ResourceNames(stored)
    called = [names.called(params["name"]) for params in stored]
    assert len(set(called)) == len(called)
    assert all(map(is_resource_name, called))
    assert [names.stored(name) for name in called] == [params["name"] for params in stored]
    assert [names.present(name) for name in called] == called


@pytest.mark.slow
@given(stored_resources())
def test_a_former_name_is_that_of_a_resource_and_no_present_one(stored: list[dict[str, Any]]) -> None:
    names = ResourceNames(stored)
    called = {names.called(params["name"]) for params in stored}
    assert not names.reserved & called
    for name in names.reserved:
        assert names.renamed_to(name) in {*called, None}
        assert names.is_taken(name)
    assert names.is_as_stored == (not names.reserved and called == {params["name"] for params in stored})


@pytest.mark.slow
@given(stored_resources(), st.data())
def test_a_new_name_is_the_one_from_then_on(stored: list[dict[str, Any]], data: st.DataObject) -> None:
    """And all names that the resource had lead to it."""
    names = ResourceNames(stored)
    for params in stored:
        of_others = {name for each in stored if each is not params for name in (each.get(SHOWN_AS), *listed(each))}
        before = {name for name in NAMES if names.present(name) == names.called(params["name"])} - of_others
        new = data.draw(st.sampled_from([name for name in [*NAMES, "x", "y"] if not names.is_taken(name)] or ["z"]))
        after = [
            names.params_stored({**names.params_called(each), SHOWN_AS: new}, each) if each is params else each
            for each in stored
        ]
        renamed = ResourceNames(after)
        assert renamed.called(params["name"]) == new
        assert {renamed.present(name) for name in before} <= {new}
        given = [each.get(SHOWN_AS) for each in stored]
        for each in stored:
            if each is not params and given.count(each.get(SHOWN_AS)) == 1:  # else another may have wanted that name
                assert renamed.called(each["name"]) == names.called(each["name"])


@pytest.mark.slow
@given(stored_resources())
def test_parameters_are_stored_as_they_were(stored: list[dict[str, Any]]) -> None:
    names = ResourceNames(stored)
    for params in stored:
        assert names.params_stored(names.params_called(params), params) == params


def test_whoever_was_added_with_a_name_has_it() -> None:
    names = ResourceNames([{"name": "x", SHOWN_AS: "y"}, {"name": "z", SHOWN_AS: "y"}, {"name": "y"}])
    assert [names.called(name) for name in "xzy"] == ["x", "z", "y"]
    names = ResourceNames([{"name": "x", SHOWN_AS: "y"}, {"name": "y", SHOWN_AS: "x"}])
    assert [names.called(name) for name in "xy"] == ["x", "y"]
    names = ResourceNames([{"name": "x", SHOWN_AS: "z"}, {"name": "y", SHOWN_AS: "x"}, {"name": "z"}])
    assert [names.called(name) for name in "xyz"] == ["x", "y", "z"]


def test_those_of_a_backend_that_knows_no_others() -> None:
    assert AS_STORED.is_as_stored
    assert AS_STORED.called("a") == AS_STORED.stored("a") == AS_STORED.present("a") == "a"
    assert AS_STORED.fingerprint == ""


@pytest.mark.parametrize("params", [{SHOWN_AS: 1}, {SHOWN_AS: "../x"}, {FORMERLY: "x"}, {FORMERLY: ["a", "/"]}])
def test_stored_names_that_name_nothing(params: dict[str, Any]) -> None:
    with pytest.raises(MetadataError, match=r"resources/a\.json"):
        check_names({"name": "a", **params}, "resources/a.json")
