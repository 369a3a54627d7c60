"""The notes of steps that are writing: who is gone without a word leaves nobody knows what."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path

import pytest

from dataworkspaces.lineage import FileLineageStore, Lineage, LineageBuilder, ResourceRef
from dataworkspaces.lineage.model import StepLineage, UnknownLineage
from dataworkspaces.lineage.places import places
from dataworkspaces.lineage.steps_in_progress import InterruptedStep, Writing
from dataworkspaces.testing.memory import MemoryWorkspace

pytestmark = pytest.mark.slow

STEP = StepLineage("train", datetime(2026, 1, 1, 12), parameters={"a": 1})
PLACES = [ResourceRef("middle", "o"), ResourceRef("results")]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "machine" / "steps"


@pytest.fixture
def writing(directory: Path) -> Writing:
    return Writing(directory)


KILLED = """
import os, sys
from datetime import datetime
from pathlib import Path
from dataworkspaces.lineage import ResourceRef
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.lineage.steps_in_progress import InterruptedStep, Writing
refs = [ResourceRef("middle", "o"), ResourceRef("results")]
end = Writing(Path(sys.argv[1])).begin(refs, StepLineage("train", datetime(2026, 1, 1, 12), parameters={"a": 1}))
exec(sys.argv[2])
os.kill(os.getpid(), 9)
"""


def killed(directory: Path, then: str = "") -> None:
    """A step of another process notes what it writes, and is killed."""
    done = subprocess.run([sys.executable, "-c", KILLED, directory, then], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


def found(writing: Writing) -> list[tuple[ResourceRef, ...]]:
    refs = []
    for interrupted in writing.interrupted():
        with interrupted as step:
            assert step.step == STEP
            refs.append(step.refs)
    return refs


def test_step_that_writes_is_not_interrupted(writing: Writing) -> None:
    end = writing.begin(PLACES, STEP)
    assert found(writing) == []
    end()


def test_step_that_ended_leaves_nothing(writing: Writing, directory: Path) -> None:
    end = writing.begin(PLACES, STEP)
    end()
    end()
    assert list(directory.iterdir()) == []
    assert found(writing) == []


def test_no_step_was_ever_there(writing: Writing) -> None:
    assert found(writing) == []


def test_killed_step_is_found_once(writing: Writing, directory: Path) -> None:
    killed(directory)
    assert found(writing) == [tuple(PLACES)]
    assert found(writing) == []
    assert list(directory.iterdir()) == []


def test_step_that_cannot_be_settled_is_found_again(writing: Writing, directory: Path) -> None:
    killed(directory)

    def settle(steps: Iterator[AbstractContextManager[InterruptedStep]]) -> None:
        with next(steps):
            raise ValueError("full")

    steps = writing.interrupted()
    with pytest.raises(ValueError, match="full"):
        settle(steps)
    steps.close()  # type: ignore[attr-defined]
    assert found(writing) == [tuple(PLACES)]


def test_copy_of_the_process_does_not_end_the_step(writing: Writing, directory: Path) -> None:
    killed(directory, "if os.fork() == 0: end(); os._exit(0)\nos.wait()")
    assert found(writing) == [tuple(PLACES)]


def test_step_that_cannot_note_leaves_no_lock(
    writing: Writing, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dataworkspaces.lineage.steps_in_progress.write_json", full)
    with pytest.raises(OSError, match="No space"):
        writing.begin(PLACES, STEP)
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(
    "note", ["", "{", "[]", '{"refs": 1, "step": {}}', '{"refs": [], "step": 1}', '{"refs": [1], "step": {}}']
)
def test_damaged_note_is_dropped(writing: Writing, directory: Path, note: str) -> None:
    killed(directory)
    (path,) = directory.glob("*.json")
    path.write_text(note)
    assert found(writing) == []
    assert list(directory.iterdir()) == []


@pytest.fixture
def noted(store: FileLineageStore, directory: Path) -> Callable[[], FileLineageStore]:
    """A store that is opened after a step was killed."""

    def open_store() -> FileLineageStore:
        killed(directory)
        root = directory.parent.parent
        return FileLineageStore(root / "current", root / "snapshots", directory.parent / "lineage.lock")

    return open_store


def test_outputs_of_a_killed_step_are_unknown(noted: Callable[[], FileLineageStore]) -> None:
    store = noted()
    for name, ref in (("middle", PLACES[0]), ("results", PLACES[1])):
        (entry,) = store.entries(name)
        assert isinstance(entry, UnknownLineage)
        assert entry.cert.ref == ref
        assert entry.step == STEP
        assert "was killed" in entry.cert.certificate.comment


def test_what_a_killed_step_wrote_by_half_is_removed(noted: Callable[[], FileLineageStore], directory: Path) -> None:
    """The write of the lineage itself was killed."""
    current = directory.parent.parent / "current"
    current.mkdir()
    (current / ".middle.json.0123456789ab.tmp").write_text("{")
    noted().entries("middle")
    assert [path.name for path in current.glob(".*")] == []


def test_rest_of_an_unknown_place_stays_unknown(store: FileLineageStore, project: MemoryWorkspace) -> None:
    def run(name: str, ref: ResourceRef, fail: bool) -> None:
        builder = LineageBuilder().with_workspace(project).with_step_name(name).with_no_inputs()
        with suppress(ValueError), builder.eval() as lineage:
            lineage.add_output_ref(ref)
            if fail:
                raise ValueError

    run("whole", ResourceRef("middle"), True)
    run("part", ResourceRef("middle", "part"), False)
    known = places("middle", store.entries("middle"))
    assert isinstance(known[ResourceRef("middle")].entry, UnknownLineage)
    assert isinstance(known[ResourceRef("middle", "part")].entry, StepLineage)


def test_who_wrote_last_stands_for_a_place(project: MemoryWorkspace, store: FileLineageStore) -> None:
    """One began later and ended sooner; or the clock was set back."""

    def begin(name: str) -> Lineage:
        lineage = LineageBuilder().with_workspace(project).with_step_name(name).with_no_inputs().eval()
        lineage.add_output_ref(ResourceRef("middle", "x"))
        lineage.add_output_ref(ResourceRef("middle", name))
        return lineage

    first, second = begin("first"), begin("second")
    second.complete()
    first.complete()
    (entry,) = [p.entry for ref, p in places("middle", store.entries("middle")).items() if ref.subpath == "x"]
    assert isinstance(entry, StepLineage)
    assert entry.step_name == "first"


def test_who_only_reads_settles_too(noted: Callable[[], FileLineageStore], directory: Path) -> None:
    noted().entries("other")
    assert list(directory.iterdir()) == []


def test_snapshot_holds_what_is_unknown(noted: Callable[[], FileLineageStore]) -> None:
    store = noted()
    store.snapshot("abc", ["middle"], {"middle": "1" * 40})
    assert [type(e) for e in store.entries("middle", "abc")] == [UnknownLineage]


def test_file_says_so_in_a_list_of_its_own(noted: Callable[[], FileLineageStore], tmp_path: Path) -> None:
    """Release 1.6 refuses entries whose type it does not know."""
    noted().entries("middle")
    data = json.loads((tmp_path / "current" / "middle.json").read_text())
    assert data["lineages"] == []
    assert [e["subpath"] for e in data["unknown"]] == ["o"]
    assert data["unknown"][0]["step"]["step_name"] == "train"
