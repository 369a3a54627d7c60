"""The table that `dws web` keeps: is it always the present one, whatever else changes the workspace?"""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from endtoend import User, write_files
from web_pages import served

from dataworkspaces.web.source import Source
from dataworkspaces.web.table_cache import FILE

pytestmark = pytest.mark.slow


@pytest.fixture
def project(workspace: User) -> User:
    for number in (1, 2):
        results = {"parameters": {"rate": number}, "metrics": {"accuracy": number / 10}}
        write_files(workspace.cwd, {"results/results.json": json.dumps(results)})
        workspace.batch("snapshot", f"T{number}")
    time.sleep(0.1)  # a directory that changed just now may change again without its time telling: nothing is kept
    return workspace


class Kept:
    """What a server would tell."""

    def __init__(self, project: User) -> None:
        self.source = Source(str(project.cwd))

    def body(self, **options: bool) -> bytes:
        with self.source.opened() as workspace:
            return self.source.tables.body(workspace, **options)

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(gzip.decompress(self.body()))["rows"]
        return found


def test_table_follows_whatever_changes_the_workspace(project: User) -> None:
    kept = Kept(project)
    first = kept.body()
    assert [row["tags"] for row in kept.rows()] == [["T2"], ["T1"]]
    assert kept.body() is first
    project.batch("label", "T1", "stage=production")
    assert kept.rows()[1]["labels"] == {"stage": "production"}
    project.batch("note", "T2", "seen")
    assert [note["text"] for note in kept.rows()[0]["notes"]] == ["seen"]
    write_files(project.cwd, {"results/results.json": json.dumps({"metrics": {"accuracy": 0.5}})})
    assert kept.rows()[0]["hash"] == "now"
    write_files(project.cwd, {"results/results.json": json.dumps({"metrics": {"accuracy": 0.6}})})
    assert 0.6 in kept.rows()[0]["values"]
    project.batch("snapshot", "T3")
    assert [row["tags"] for row in kept.rows()] == [["T3"], ["T2"], ["T1"]]
    project.batch("delete-snapshot", "T1")
    assert [row["tags"] for row in kept.rows()] == [["T3"], ["T2"]]


def test_next_start_has_the_table_at_once(project: User) -> None:
    body = Kept(project).body()
    again = Kept(project)
    assert again.source.tables.last is None
    with again.source.opened() as workspace:
        again.source.tables.recall(workspace)
        assert again.source.tables.last == body
    assert again.body() == body
    assert again.body(anew=True) == body


@pytest.mark.parametrize("content", [b"", b"x" * 1000, b"k" * 256 + gzip.compress(b"{")])
def test_table_that_was_kept_and_is_damaged_is_made_anew(project: User, content: bytes) -> None:
    body = Kept(project).body()
    again = Kept(project)
    with again.source.opened() as workspace:
        file = workspace.get_machine_directory() / FILE
        assert file.read_bytes().endswith(body)
        file.write_bytes(content)
        again.source.tables.recall(workspace)
    assert again.source.tables.last is None
    assert again.body() == body


def test_browser_that_has_the_table_gets_it_no_second_time(project: User) -> None:
    import http.client

    with served(project) as server:
        cookie = f"dws-web-{server.port}={server.address.partition('token=')[2]}"

        def asked(path: str, **headers: str) -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", path, headers={"Cookie": cookie, **headers})
            answer = connection.getresponse()
            answer.body = answer.read()  # type: ignore[attr-defined]
            return answer

        first = asked("/api/experiments")
        tag = first.headers["ETag"]
        assert len(json.loads(first.body)["rows"]) == 2  # type: ignore[attr-defined]
        assert asked("/api/experiments", **{"If-None-Match": tag}).status == 304
        kept = asked("/api/experiments/kept", **{"Accept-Encoding": "gzip"})
        assert kept.headers["Content-Encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(kept.body))["rows"]) == 2  # type: ignore[attr-defined]
        project.batch("label", "T1", "stage=production")
        assert asked("/api/experiments", **{"If-None-Match": tag}).status == 200
