"""How a step describes itself, and what happens to one that is described wrongly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dataworkspaces.errors import ConfigurationError, LineageError, NotAWorkspaceError, PathNotAResourceError
from dataworkspaces.lineage import Lineage, LineageBuilder, ResourceRef, ResultsLineage
from dataworkspaces.testing.memory import MemoryWorkspace


@pytest.fixture
def step(project: MemoryWorkspace) -> Callable[[], LineageBuilder]:
    """A builder of a step of the project, named `train`."""
    return lambda: LineageBuilder().with_workspace(project).with_step_name("train")


@pytest.fixture
def script(project: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The running script is ``code/prepare.py`` of the project."""
    path = project.directory / "code" / "prepare.py"
    path.write_text("")
    main = ModuleType("__main__")
    main.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "argv", ["code/prepare.py", "0.5"])
    return path


def entry_of(project: MemoryWorkspace, lineage: Lineage) -> dict[str, Any]:
    """What is recorded of a step that writes `middle`."""
    lineage.add_output_ref(ResourceRef("middle"))
    lineage.complete()
    (entry,) = project.lineage_store.entries("middle")
    data: dict[str, Any] = entry.to_json()
    return data


def names(certs: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(cert["resource_name"], cert["subpath"]) for cert in certs]


# -- what is recorded ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["source/a.csv", "./code/../source/a.csv"])
def test_input_path_becomes_a_reference(
    project: MemoryWorkspace, step: Callable[[], LineageBuilder], path: str
) -> None:
    entry = entry_of(project, step().with_input_path(path).eval())
    assert names(entry["input_resources"]) == [("source", "a.csv")]


def test_absolute_input_path_becomes_a_reference(project: MemoryWorkspace, step: Callable[[], LineageBuilder]) -> None:
    entry = entry_of(project, step().with_input_path(str(project.directory / "source")).eval())
    assert names(entry["input_resources"]) == [("source", None)]


def test_inputs_of_all_calls_are_recorded_once_each(
    project: MemoryWorkspace, step: Callable[[], LineageBuilder]
) -> None:
    builder = step().with_input_paths(["source/a.csv", "code"]).with_input_ref(ResourceRef("results", "old"))
    entry = entry_of(project, builder.with_input_path("source/a.csv").eval())
    assert names(entry["input_resources"]) == [("source", "a.csv"), ("code", None), ("results", "old")]


def test_code_is_recorded_by_path_and_by_reference(
    project: MemoryWorkspace, step: Callable[[], LineageBuilder]
) -> None:
    builder = step().with_no_inputs().with_code_path("code/lib").with_code_ref(ResourceRef("middle"))
    entry = entry_of(project, builder.eval())
    assert names(entry["code_resources"]) == [("code", "lib"), ("middle", None)]


def test_step_without_inputs_has_none(project: MemoryWorkspace, step: Callable[[], LineageBuilder]) -> None:
    assert entry_of(project, step().with_no_inputs().eval())["input_resources"] == []


def test_parameters_are_recorded_as_json(project: MemoryWorkspace, step: Callable[[], LineageBuilder]) -> None:
    builder = step().with_no_inputs().with_parameters({"gamma": 0.1, "path": Path("x"), "limit": float("inf")})
    assert entry_of(project, builder.eval())["parameters"] == {"gamma": 0.1, "path": "x", "limit": "Infinity"}


def test_parameters_are_those_of_the_call(project: MemoryWorkspace, step: Callable[[], LineageBuilder]) -> None:
    parameters = {"gamma": 0.1}
    builder = step().with_no_inputs().with_parameters(parameters)
    parameters["gamma"] = 0.2
    assert entry_of(project, builder.eval())["parameters"] == {"gamma": 0.1}


def test_named_step_has_no_command_line(project: MemoryWorkspace, step: Callable[[], LineageBuilder]) -> None:
    assert entry_of(project, step().with_no_inputs().eval())["command_line"] is None


def test_script_gives_name_code_and_command_line(project: MemoryWorkspace, script: Path) -> None:
    entry = entry_of(project, LineageBuilder().with_workspace(project).as_script_step().with_no_inputs().eval())
    assert entry["step_name"] == "prepare"
    assert names(entry["code_resources"]) == [("code", None)]
    assert entry["command_line"] == [sys.executable, "code/prepare.py", "0.5"]


def test_script_outside_any_code_resource_works(
    project: MemoryWorkspace, script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "elsewhere.py"))
    entry = entry_of(project, LineageBuilder().with_workspace(project).as_script_step().with_no_inputs().eval())
    assert (entry["step_name"], entry["code_resources"]) == ("elsewhere", [])


def test_directory_outside_resources_is_not_recorded(
    project: MemoryWorkspace, step: Callable[[], LineageBuilder]
) -> None:
    assert entry_of(project, step().with_no_inputs().eval())["run_from_directory"] is None


def test_directory_in_a_resource_is_recorded(
    project: MemoryWorkspace, step: Callable[[], LineageBuilder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.directory / "code")
    assert entry_of(project, step().with_no_inputs().eval())["run_from_directory"] == ["code", None]


@pytest.mark.parametrize("place", ["results", "results/sub", ResourceRef("results", "sub")])
def test_results_step_makes_a_results_lineage(step: Callable[[], LineageBuilder], place: Any) -> None:
    assert isinstance(step().with_no_inputs().as_results_step(place).eval(), ResultsLineage)


def test_builder_can_be_used_again(project: MemoryWorkspace, step: Callable[[], LineageBuilder]) -> None:
    builder = step().with_no_inputs().as_results_step("results")
    for _ in range(2):
        builder.eval().complete()
    (entry,) = project.lineage_store.entries("results")
    assert entry.to_json()["output_resources"][0]["certificate"]["version"] == 2


# -- wrong use -----------------------------------------------------------------------------------------------------


def hint_of(raised: pytest.ExceptionInfo[LineageError]) -> str:
    return raised.value.hint or ""


def test_step_without_name_says_how_to_name_it(project: MemoryWorkspace) -> None:
    with pytest.raises(LineageError) as raised:
        LineageBuilder().with_workspace(project).with_no_inputs().eval()
    assert "with_step_name" in hint_of(raised)


def test_step_without_inputs_says_how_to_say_so(step: Callable[[], LineageBuilder]) -> None:
    with pytest.raises(LineageError) as raised:
        step().eval()
    assert "with_no_inputs" in hint_of(raised)


@pytest.mark.parametrize("name", ["", None, 3])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(LineageError, match="with_step_name"):
        LineageBuilder().with_step_name(name)


def test_step_has_one_name() -> None:
    with pytest.raises(LineageError, match="train"):
        LineageBuilder().with_step_name("train").with_step_name("other")


def test_session_without_script_is_no_script_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    with pytest.raises(LineageError) as raised:
        LineageBuilder().as_script_step()
    assert "with_step_name" in hint_of(raised)


def test_inputs_after_none_are_refused() -> None:
    with pytest.raises(LineageError, match="with_no_inputs"):
        LineageBuilder().with_no_inputs().with_input_path("source")


def test_none_after_inputs_is_refused() -> None:
    with pytest.raises(LineageError, match="with_no_inputs"):
        LineageBuilder().with_input_path("source").with_no_inputs()


def test_one_path_is_no_list_of_paths() -> None:
    with pytest.raises(LineageError) as raised:
        LineageBuilder().with_input_paths("source")
    assert "with_input_path()" in hint_of(raised)


def test_parameters_are_given_once() -> None:
    with pytest.raises(LineageError, match="with_parameters"):
        LineageBuilder().with_parameters({}).with_parameters({})


def test_results_go_to_one_place() -> None:
    with pytest.raises(LineageError, match="as_results_step"):
        LineageBuilder().as_results_step("results").as_results_step("other")


def test_input_outside_resources_is_refused(step: Callable[[], LineageBuilder], tmp_path: Path) -> None:
    with pytest.raises(PathNotAResourceError, match=str(tmp_path)):
        step().with_input_path(str(tmp_path / "stray.csv")).eval()


def test_input_of_no_resource_is_refused(step: Callable[[], LineageBuilder]) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        step().with_input_ref(ResourceRef("nowhere")).eval()


@pytest.mark.parametrize("place", ["middle", ResourceRef("middle")])
def test_results_go_to_a_results_resource(step: Callable[[], LineageBuilder], place: Any) -> None:
    with pytest.raises(ConfigurationError, match="middle"):
        step().with_no_inputs().as_results_step(place).eval()


def test_directory_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    builder = LineageBuilder().with_step_name("train").with_no_inputs().with_workspace_directory(str(tmp_path))
    with pytest.raises(NotAWorkspaceError, match=str(tmp_path)):
        builder.eval()
