"""What is out of date, and why."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.lineage import LineageBuilder, ResourceRef
from dataworkspaces.lineage.states import State
from dataworkspaces.lineage.workspace_graph import lineage_states
from dataworkspaces.testing.memory import MemoryWorkspace

pytestmark = pytest.mark.slow

Step = Callable[..., None]


def to_ref(text: str) -> ResourceRef:
    name, _, subpath = text.partition(":")
    return ResourceRef(name, subpath or None)


@pytest.fixture
def step(project: MemoryWorkspace) -> Step:
    """Runs a step that writes ``content`` to ``out.txt`` below each output."""

    def run(name: str, inputs: list[str], outputs: list[str], content: str | None = None, **parameters: Any) -> None:
        builder = LineageBuilder().with_workspace(project).with_step_name(name).with_parameters(parameters)
        for text in inputs:
            builder.with_input_ref(to_ref(text))
        builder.with_code_ref(ResourceRef("code"))
        with (builder if inputs else builder.with_no_inputs()).eval() as lineage:
            for script in (project.directory / "code").iterdir():
                script.read_text()  # what a step has not read does not count
            for text in outputs:
                ref = to_ref(text)
                lineage.add_output_ref(ref)
                place = project.directory / ref.name / (ref.subpath or "")
                place.mkdir(parents=True, exist_ok=True)
                (place / "out.txt").write_text(str(random.random()) if content is None else content)

    return run


def states(project: MemoryWorkspace) -> dict[str, State]:
    lineages = {name: project.lineage_store.entries(name) for name in project.get_resource_names()}
    return {str(ref): state for ref, state in lineage_states(project, lineages, None).all().items()}


def reasons(project: MemoryWorkspace, place: str) -> str:
    state = states(project)[place]
    assert state.kind == "out of date"
    return "; ".join(state.reasons)


def test_what_was_just_run_is_current(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    step("train", ["middle"], ["results"])
    assert {state.kind for state in states(project).values()} == {"current"}


def test_source_that_changed_makes_all_behind_it_out_of_date(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    step("train", ["middle"], ["results"])
    (project.directory / "source" / "a.csv").write_text("2\n")
    assert reasons(project, "middle") == "source has changed"
    assert reasons(project, "results") == "middle is out of date"


def test_source_that_is_as_it_was_again_is_current(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    (project.directory / "source" / "a.csv").write_text("2\n")
    step("other", ["source"], ["results"])
    assert reasons(project, "middle") == "source has changed"
    (project.directory / "source" / "a.csv").write_text("1\n")
    assert states(project)["middle"].kind == "current"
    assert reasons(project, "results") == "source has changed"


def test_input_that_was_written_anew(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    step("train", ["middle"], ["results"])
    step("prepare", ["source"], ["middle"])
    assert reasons(project, "results").startswith("middle now has another version, from step prepare at ")
    assert states(project)["middle"].kind == "current"


def test_input_that_was_written_anew_with_the_same_content_is_current(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"], content="the same")
    step("train", ["middle"], ["results"])
    step("prepare", ["source"], ["middle"], content="the same")
    assert states(project)["results"].kind == "current"


def test_code_that_changed(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    (project.directory / "code" / "prepare.py").write_text("pass\n")
    # The whole resource counts if the process has done, before this test, what makes it uncertain what it reads.
    assert reasons(project, "middle") in ("its code in code:prepare.py has changed", "its code in code has changed")


def test_output_that_somebody_edited(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    (project.directory / "middle" / "out.txt").write_text("by hand")
    assert reasons(project, "middle") == "its content is no longer what the step wrote"


def test_parameters_that_another_output_of_the_step_has_since(project: MemoryWorkspace, step: Step) -> None:
    step("split", ["source"], ["middle:x", "middle:y"], share=0.2, seed=1)
    step("split", ["source"], ["middle:x"], share=0.3, seed=1)
    assert reasons(project, "middle:y") == "step split has since run with other parameters: share"
    assert states(project)["middle:x"].kind == "current"


def test_outputs_of_a_step_that_failed_are_unknown(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    step("train", ["middle"], ["results"])
    with pytest.raises(ZeroDivisionError):
        step("prepare", ["source"], ["middle"], share=1 // 0)
    builder = LineageBuilder().with_workspace(project).with_step_name("prepare").with_no_inputs()
    with pytest.raises(ZeroDivisionError), builder.eval() as lineage:  # noqa: PT012 - the block is what fails
        lineage.add_output_ref(ResourceRef("middle"))
        raise ZeroDivisionError
    state = states(project)["middle"]
    assert state.kind == "unknown"
    assert "step prepare" in state.reasons[0].lower()
    assert "failed" in state.reasons[0]
    assert reasons(project, "results") == "middle is unknown"


def test_states_survive_a_snapshot(project: MemoryWorkspace, step: Step) -> None:
    step("prepare", ["source"], ["middle"])
    step("train", ["middle"], ["results"])
    project.lineage_store.resolve_current({"source": "1" * 40, "middle": "2" * 40, "code": "3" * 40, "results": None})
    assert {state.kind for state in states(project).values()} == {"current"}
    (project.directory / "source" / "a.csv").write_text("2\n")
    assert reasons(project, "middle") == "source has changed"


def test_pipeline_longer_than_the_stack(project: MemoryWorkspace) -> None:
    from datetime import datetime

    from dataworkspaces.lineage.model import PlaceholderCertificate, ResourceCert, SourceDataLineage, StepLineage
    from dataworkspaces.lineage.states import States

    def cert(number: int, version: int = 1) -> ResourceCert:
        return ResourceCert(ResourceRef("r", str(number)), PlaceholderCertificate(version))

    steps = [StepLineage(f"s{n}", datetime.now(), inputs=(cert(n - 1),), outputs=(cert(n),)) for n in range(1, 5000)]
    found = States({"r": [SourceDataLineage(cert(0, 2)), *steps]}, {})
    assert found.of(ResourceRef("r", "4999")).reasons == ("r:4998 is out of date",)
    assert found.of(ResourceRef("r", "1")).reasons == ("r:0 has changed",)
