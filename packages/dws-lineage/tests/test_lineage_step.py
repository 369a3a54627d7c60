"""A running step: what it records when it ends well, and when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dataworkspaces.errors import ConfigurationError, LineageError
from dataworkspaces.lineage import Lineage, LineageBuilder, ResourceRef, ResultsLineage
from dataworkspaces.lineage.model import PlaceholderCertificate, StepLineage
from dataworkspaces.testing.memory import MemoryWorkspace

Run = Callable[..., Lineage]


class StepFailed(Exception):
    """What the body of a step raises here."""


def fail(lineage: Lineage, output: str | None = None) -> None:
    """Run a step whose body writes an output and raises."""
    with lineage:
        if output is not None:
            lineage.add_output_ref(to_ref(output))
        raise StepFailed


@pytest.fixture
def begin(project: MemoryWorkspace) -> Run:
    """Begin a step, as a function of its name and the references that it reads."""

    def begin(name: str, *inputs: str, **parameters: Any) -> Lineage:
        builder = LineageBuilder().with_workspace(project).with_step_name(name).with_parameters(parameters)
        for text in inputs:
            builder.with_input_ref(to_ref(text))
        return (builder if inputs else builder.with_no_inputs()).eval()

    return begin


@pytest.fixture
def run(begin: Run) -> Callable[[str, list[str], str], None]:
    """Run a step that reads and writes references."""

    def run(name: str, inputs: list[str], output: str) -> None:
        with begin(name, *inputs) as lineage:
            lineage.add_output_ref(to_ref(output))

    return run


@pytest.fixture
def results(project: MemoryWorkspace) -> Callable[..., ResultsLineage]:
    """Begin a step that makes results."""

    def results(place: str = "results", **parameters: Any) -> ResultsLineage:
        builder = LineageBuilder().with_workspace(project).with_step_name("train").with_no_inputs()
        lineage = builder.with_parameters(parameters).as_results_step(place, "nearest mean").eval()
        assert isinstance(lineage, ResultsLineage)
        return lineage

    return results


def to_ref(text: str) -> ResourceRef:
    name, _, subpath = text.partition(":")
    return ResourceRef(name, subpath or None)


def steps_of(project: MemoryWorkspace, resource: str) -> list[str]:
    return [e.step_name for e in project.lineage_store.entries(resource) if isinstance(e, StepLineage)]


def version_of(project: MemoryWorkspace, text: str) -> int:
    cert = project.lineage_store.current_cert(to_ref(text))
    assert isinstance(cert.certificate, PlaceholderCertificate)
    return cert.certificate.version


# -- the end -------------------------------------------------------------------------------------------------------


def test_step_is_recorded_when_its_block_ends(project: MemoryWorkspace, begin: Run) -> None:
    with begin("prepare", "source") as lineage:
        lineage.add_output_path("middle/scaled")
        assert steps_of(project, "middle") == []
    assert steps_of(project, "middle") == ["prepare"]


def test_step_is_recorded_with_each_resource_that_it_wrote(project: MemoryWorkspace, begin: Run) -> None:
    with begin("prepare", "source") as lineage:
        lineage.add_output_ref(ResourceRef("middle"))
        lineage.add_output_ref(ResourceRef("results", "log"))
    assert (steps_of(project, "middle"), steps_of(project, "results")) == (["prepare"], ["prepare"])


def test_entry_has_the_keys_of_release_1_6(
    project: MemoryWorkspace, run: Callable[..., None], current: Any, release_1_6: Any
) -> None:
    run("prepare", ["source"], "middle:scaled")
    (written,) = json.loads((release_1_6 / "digits" / "results.json").read_text())["lineages"]
    keys = list(current("middle")["lineages"][0])
    assert keys[: len(written)] == list(written)
    assert set(keys[len(written) :]) - {"random_seeds"} == {
        "working_directory",
        "user",
        "exit_status",
        "environment",
    }


def test_parameters_are_added_and_replaced(project: MemoryWorkspace, begin: Run) -> None:
    with begin("prepare", scale=1) as lineage:
        lineage.add_param("scale", 2)
        lineage.add_param("rows", 10)
        lineage.add_output_ref(ResourceRef("middle"))
    (entry,) = project.lineage_store.entries("middle")
    assert entry.parameters == {"scale": 2, "rows": 10}


def test_completed_step_cannot_complete_again(begin: Run) -> None:
    lineage = begin("prepare")
    lineage.complete()
    with pytest.raises(LineageError, match="already ended") as raised:
        lineage.complete()
    assert "restart()" in (raised.value.hint or "")


def test_results_after_the_with_block_are_refused_with_what_to_do(results: Callable[..., ResultsLineage]) -> None:
    with results() as lineage:
        pass
    with pytest.raises(LineageError, match=r"write_results\(\): step train has already ended") as raised:
        lineage.write_results({"accuracy": 0.9})
    assert "inside the 'with' block" in (raised.value.hint or "")


def test_restarted_step_completes_again(project: MemoryWorkspace, begin: Run) -> None:
    lineage = begin("prepare")
    lineage.add_output_ref(ResourceRef("middle"))
    for _ in range(3):
        lineage.complete()
        lineage.restart()
    assert version_of(project, "middle") == 3


def test_error_in_the_block_passes_through(begin: Run) -> None:
    with pytest.raises(StepFailed):
        fail(begin("prepare"))


def test_failed_step_is_no_longer_the_maker_of_its_outputs(
    project: MemoryWorkspace, begin: Run, run: Callable[..., None]
) -> None:
    run("prepare", ["source"], "middle:scaled")
    with pytest.raises(StepFailed):
        fail(begin("prepare", "source"), "middle:scaled")
    assert steps_of(project, "middle") == []


def test_failed_step_leaves_what_it_did_not_write(
    project: MemoryWorkspace, begin: Run, run: Callable[..., None]
) -> None:
    run("other", ["source"], "middle:other")
    lineage = begin("prepare", "source")
    lineage.add_output_ref(ResourceRef("middle", "scaled"))
    lineage.abort()
    assert steps_of(project, "middle") == ["other"]


def test_step_that_fails_before_it_has_outputs_changes_none(
    project: MemoryWorkspace, begin: Run, run: Callable[..., None]
) -> None:
    run("prepare", ["source"], "middle")
    begin("prepare", "source").abort()
    assert steps_of(project, "middle") == ["prepare"]


# -- versions ------------------------------------------------------------------------------------------------------


def test_version_grows_with_each_run(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    for expected in (1, 2, 3):
        run("prepare", ["source"], "middle:scaled")
        assert version_of(project, "middle:scaled") == expected


def test_source_has_one_version_until_a_snapshot(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle:a")
    run("other", ["source"], "middle:b")
    assert version_of(project, "source") == 1


def test_step_reads_the_version_that_another_wrote(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle:scaled")
    run("prepare", ["source"], "middle:scaled")
    run("train", ["middle:scaled"], "results")
    (entry,) = project.lineage_store.entries("results")
    assert [cert.certificate.version for cert in entry.inputs] == [2]


def test_source_may_have_changed_since_its_hash_was_taken(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle")
    project.lineage_store.resolve_current({"source": "12", "middle": "34"})
    run("prepare", ["source"], "middle")
    assert project.lineage_store.current_cert(to_ref("source")).certificate.hashval == "12"
    (project.directory / "source" / "more.csv").write_text("7\n")
    run("prepare", ["source"], "middle")
    assert isinstance(project.lineage_store.current_cert(to_ref("source")).certificate, PlaceholderCertificate)


# -- what does not go together -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [("middle", "middle:part"), ("middle:part", "middle")])
def test_step_does_not_write_into_the_output_of_another(
    begin: Run, run: Callable[..., None], first: str, second: str
) -> None:
    run("prepare", ["source"], first)
    with pytest.raises(LineageError, match="prepare"):
        begin("other", "source").add_output_ref(to_ref(second))


def test_step_may_divide_its_own_output_anew(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle")
    run("prepare", ["source"], "middle:part")
    assert steps_of(project, "middle") == ["prepare"]


def test_names_that_begin_alike_do_not_overlap(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle:part")
    run("other", ["source"], "middle:part-2")
    assert sorted(steps_of(project, "middle")) == ["other", "prepare"]


def test_outputs_of_a_step_do_not_overlap(begin: Run) -> None:
    lineage = begin("prepare")
    lineage.add_output_ref(ResourceRef("middle"))
    with pytest.raises(LineageError, match="overlap"):
        lineage.add_output_ref(ResourceRef("middle", "part"))


def test_output_in_no_resource_is_refused(begin: Run) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        begin("prepare").add_output_ref(ResourceRef("nowhere"))


def test_two_versions_of_one_input_are_refused_with_both_ways(begin: Run, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle:p")
    run("derive", ["middle:p"], "middle:q")
    run("prepare", ["source"], "middle:p")
    with pytest.raises(LineageError) as raised:
        begin("train", "middle:p", "middle:q")
    said = str(raised.value)
    assert "middle:p" in said
    assert "version 1" in said
    assert "version 3" in said
    assert "train <- middle:q <- step derive <- middle:p" in said


def test_steps_that_are_run_again_agree(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle:p")
    run("derive", ["middle:p"], "middle:q")
    run("prepare", ["source"], "middle:p")
    run("derive", ["middle:p"], "middle:q")
    run("train", ["middle:p", "middle:q"], "results")
    assert steps_of(project, "results") == ["train"]


def test_hash_and_placeholder_are_no_contradiction(project: MemoryWorkspace, run: Callable[..., None]) -> None:
    run("prepare", ["source"], "middle")
    project.lineage_store.resolve_current({"source": "12", "middle": "34"})
    run("train", ["middle", "source"], "results")
    assert steps_of(project, "results") == ["train"]


# -- results -------------------------------------------------------------------------------------------------------


def test_results_file_has_the_keys_of_release_1_6(
    project: MemoryWorkspace, results: Callable[..., ResultsLineage]
) -> None:
    with results(k=3) as lineage:
        lineage.write_results({"mean": 4.5})
    written = json.loads((project.directory / "results" / "results.json").read_text())
    assert list(written) == [
        "step", "start_time", "execution_time_seconds", "parameters", "run_description", "metrics", "run_id", "files",
    ]  # fmt: skip
    assert (written["step"], written["parameters"], written["metrics"]) == ("train", {"k": 3}, {"mean": 4.5})
    assert written["run_description"] == "nearest mean"
    assert written["start_time"] == lineage.start_time.isoformat()


@pytest.mark.parametrize(
    ("place", "where"), [("results", "results:results.json"), ("results/a", "results:a/results.json")]
)
def test_place_of_the_results_is_returned(results: Callable[..., ResultsLineage], place: str, where: str) -> None:
    assert str(results(place).write_results({})) == where


def test_results_are_valid_json_whatever_the_metrics(
    project: MemoryWorkspace, results: Callable[..., ResultsLineage]
) -> None:
    results().write_results({"loss": float("nan"), "model": object()})

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((project.directory / "results" / "results.json").read_text(), parse_constant=refuse)


def test_results_can_be_written_again(project: MemoryWorkspace, results: Callable[..., ResultsLineage]) -> None:
    lineage = results()
    lineage.write_results({"mean": 1})
    lineage.write_results({"mean": 2})
    assert json.loads((project.directory / "results" / "results.json").read_text())["metrics"] == {"mean": 2}


def test_results_directory_is_an_output(project: MemoryWorkspace, results: Callable[..., ResultsLineage]) -> None:
    with results("results/a"):
        pass
    assert version_of(project, "results:a") == 1


def test_failed_results_step_leaves_results_unknown(
    project: MemoryWorkspace, results: Callable[..., ResultsLineage]
) -> None:
    results().complete()
    with pytest.raises(StepFailed):
        fail(results())
    assert steps_of(project, "results") == []


def test_ended_step_writes_no_results(results: Callable[..., ResultsLineage]) -> None:
    lineage = results()
    lineage.complete()
    with pytest.raises(LineageError, match="write_results"):
        lineage.write_results({})
