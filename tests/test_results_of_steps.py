"""`dws report results` where several steps have directories of their own in the results."""

from __future__ import annotations

import json

import pytest
from endtoend import HOST, User, write_files
from forked import Forked
from json_schemas import faults


@pytest.fixture
def here(user: User) -> Forked:
    root = user.cwd / "ws"
    root.mkdir()
    found = Forked(root, user.env)
    found.batch("init", "--hostname", HOST, "--create-resources", "results")
    return found


def results(loss: float) -> str:
    return json.dumps({"step": f"step{loss}", "parameters": {}, "metrics": {"loss": loss}})


def places(user: User, *options: str) -> list[str]:
    found = user.json("report", "results", *options)
    assert faults("report-results", found, strict=True) == []
    return [one["location"] for one in (found, *found.get("others", []))]


def test_results_of_all_steps_are_reported(here: Forked) -> None:
    write_files(here.cwd / "results", {"one/results.json": results(0.5), "sub/two/results.json": results(0.25)})
    assert places(here) == ["results:/one/results.json", "results:/sub/two/results.json"]
    said = here.dws("report", "results").stdout
    assert "0.5" in said
    assert "0.25" in said
    here.batch("snapshot", "A")
    kept = [f"results:/snapshots/{HOST}-A/{place}/results.json" for place in ("one", "sub/two")]
    assert places(here) == kept
    write_files(here.cwd / "results", {"results.json": results(1), "two/results.json": results(2)})
    assert places(here) == ["results:/results.json", "results:/two/results.json"]
    assert places(here, "--snapshot", "A") == kept


def test_one_has_no_others(here: Forked) -> None:
    write_files(here.cwd / "results", {"one/results.json": results(0.5)})
    assert "others" not in here.json("report", "results")
