"""What a step learns of the files that it opens through file systems, when they are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.lineage import FileLineageStore, Lineage, LineageBuilder
from dataworkspaces.operations.dws_filesystem import DwsFileSystem
from dataworkspaces.testing.memory import MemoryWorkspace

pytestmark = pytest.mark.slow

MANY = 200


@pytest.fixture
def fs(project: MemoryWorkspace) -> Any:
    return DwsFileSystem(project)


@pytest.fixture
def step(project: MemoryWorkspace) -> Callable[..., Lineage]:
    """Begins a step that tracks its files."""

    def begin(name: str = "make") -> Lineage:
        builder = LineageBuilder().with_workspace(project).with_step_name(name).with_parameters({}).with_no_inputs()
        lineage = builder.eval()
        lineage.track_reads()
        return lineage

    return begin


def write(fs: Any, directory: str, count: int = MANY) -> None:
    for number in range(count):
        fs.pipe(f"{directory}/{number}", b"x")


def read(fs: Any, directory: str) -> None:
    for path in fs.find(directory):
        fs.cat(path)


def refs(found: Any) -> set[str]:
    return {str(ref) for ref in found}


def test_a_few_files_are_themselves(fs: Any, step: Callable[..., Lineage]) -> None:
    write(fs, "source/few", 10)
    with step() as lineage:
        read(fs, "source/few")
        write(fs, "middle/few", 10)
    assert refs(lineage.input_refs) == {f"source:few/{n}" for n in range(10)}
    assert refs(lineage.output_refs) == {f"middle:few/{n}" for n in range(10)}


def test_of_many_files_the_directory_is_the_input(
    fs: Any, project: MemoryWorkspace, step: Callable[..., Lineage], monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in range(4):
        write(fs, f"source/images/{part}")
    calls = []
    update_all = FileLineageStore.update_all
    monkeypatch.setattr(FileLineageStore, "update_all", lambda *args: calls.append(1) or update_all(*args))
    with step() as lineage:
        fs.cat("source/a.csv")
        read(fs, "source/images")
        fs.pipe("middle/x", b"x")
    assert {"source:a.csv", "source:images/0"} <= refs(lineage.input_refs)
    assert len(lineage.input_refs) <= 32
    assert len(calls) < MANY
    known = {str(cert.ref) for entry in project.lineage_store.entries("source") for cert in [entry.cert]}
    assert known == refs(lineage.input_refs), "no version that nothing has read stays"


def test_a_directory_into_which_the_step_writes_is_no_input(fs: Any, step: Callable[..., Lineage]) -> None:
    write(fs, "source/images")
    with step() as lineage:
        read(fs, "source/images")
        assert refs(lineage.input_refs) == {"source:images"}
        fs.pipe("source/images/index", b"x")
        fs.cat("source/images/index")
    assert refs(lineage.input_refs) == {f"source:images/{n}" for n in range(MANY)}
    assert refs(lineage.output_refs) == {"source:images/index"}


def test_what_steps_wrote_is_read_as_they_wrote_it(fs: Any, step: Callable[..., Lineage]) -> None:
    for name in ("one", "two"):
        with step(name) as lineage:
            write(fs, f"middle/{name}", 100)
        assert refs(lineage.output_refs) == {f"middle:{name}"}
    with step("train") as lineage:
        read(fs, "middle")
        fs.pipe("results/x", b"x")
    assert refs(lineage.input_refs) == {"middle:one", "middle:two"}


def test_a_directory_is_an_output_if_all_in_it_is_of_the_step(fs: Any, step: Callable[..., Lineage]) -> None:
    fs.pipe("middle/shared/readme", b"of somebody else")
    for _ in range(2):  # the second time the files of the first are there
        with step() as lineage:
            write(fs, "middle/own")
            write(fs, "middle/shared", 40)
        assert refs(lineage.output_refs) == {"middle:own", *(f"middle:shared/{n}" for n in range(40))}


def test_another_execution_begins_with_nothing(fs: Any, step: Callable[..., Lineage]) -> None:
    write(fs, "source/images")
    lineage = step()
    read(fs, "source/images")
    lineage.complete()
    lineage.restart(lineage.start_time)  # the same goes on
    fs.pipe("source/images/index", b"x")
    assert len(lineage.input_refs) == MANY
    lineage.complete()
    lineage.restart()
    assert lineage.input_refs == ()
    lineage.complete()
