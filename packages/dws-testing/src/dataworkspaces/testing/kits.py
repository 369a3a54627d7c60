"""The suite for kits. The numbers are those of ``docs/spec/kit.md``."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import ParseResult

import pytest

from dataworkspaces import plugins
from dataworkspaces.errors import NotAWorkspaceError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.testing.memory import MemoryStore, MemoryWorkspace
from dataworkspaces.testing.outages import outages
from dataworkspaces.testing.suite import ConformanceSuite
from dataworkspaces.workspace import ResourceRef, Workspace


def open_memory(root: Path, store: MemoryStore) -> MemoryWorkspace:
    lineage = root / ".dataworkspace" / "lineage"
    return MemoryWorkspace(
        root, store, lineage_store=FileLineageStore(lineage / "current", lineage / "snapshots", lineage / "lock")
    )


class KitSuite(ConformanceSuite):
    """A subclass says how to train something with the kit.

    :cvar faults_of_a_case: how many calls of storage are let fail during a training, one after the other."""

    faults_of_a_case: ClassVar[int | None] = 3

    @abstractmethod
    def train(self, workspace: Workspace, value: float) -> None:
        """Train and evaluate something small, as a user's script would whose code is in the current directory: with the
        resource ``data`` as its input, its results in ``results``, and ``value`` as one of its parameters."""

    @pytest.fixture
    def workspace(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
        """A workspace in memory, which kits find around the current directory: that of its resource ``code``."""
        root, store = tmp_path / "ws", MemoryStore()
        (root / ".dataworkspace").mkdir(parents=True)
        load = plugins.load

        class Factory:
            @staticmethod
            def load_workspace(batch: bool, verbose: bool, parsed_uri: ParseResult) -> Workspace:
                return open_memory(Path(parsed_uri.path), store)

        def load_ours(group: str, name: str) -> Any:
            is_ours = (group, name) == (plugins.BACKENDS, plugins.DEFAULT_BACKEND)
            return Factory if is_ours else load(group, name)

        monkeypatch.setattr(plugins, "load", load_ours)
        workspace = open_memory(root, store)
        for name, role in (("data", "source-data"), ("code", "code"), ("results", "results")):
            (root / name).mkdir()
            workspace.add_resource(name, "file", role, path=str(root / name))
        script = root / "code" / "train.py"
        script.touch()
        monkeypatch.chdir(root / "code")
        monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
        monkeypatch.setattr(sys, "argv", [str(script)])
        return workspace

    def results(self, workspace: Workspace) -> dict[str, Any]:
        path = Path(workspace.get_workspace_local_path_if_any() or "") / "results" / "results.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def step(self, workspace: Workspace) -> StepLineage:
        """The one step that the lineage of the results knows."""
        entries = workspace.as_lineage_ws().get_lineage_store().entries("results")
        assert len(entries) == 1
        assert isinstance(entries[0], StepLineage)
        return entries[0]

    def test_the_entry_point(self) -> None:
        """K1: the entry point names a module that imports where there is no workspace."""
        assert plugins.load(plugins.KITS, self.entry_point).__name__.startswith("dataworkspaces.kits.")

    def test_results_are_written(self, workspace: Workspace) -> None:
        """K2: a training writes ``results.json`` with its step, times, parameters and metrics."""
        self.train(workspace, 0.5)
        results = self.results(workspace)
        wanted = {"step", "start_time", "execution_time_seconds", "parameters", "run_description", "metrics"}
        assert results.keys() >= wanted
        assert results["step"] == "train"
        assert results["metrics"]

    def test_lineage_is_recorded(self, workspace: Workspace) -> None:
        """K3: the lineage of the results is the step, with what it read and the code that ran."""
        self.train(workspace, 0.5)
        step = self.step(workspace)
        assert [cert.ref for cert in step.inputs] == [ResourceRef("data")]
        assert [cert.ref.name for cert in step.code] == ["code"]
        assert step.step_name == "train"

    def test_parameters_are_recorded(self, workspace: Workspace) -> None:
        """K4: the parameters of the training are in the results and in the lineage, and are the same."""
        self.train(workspace, 0.5)
        assert 0.5 in _values(self.results(workspace)["parameters"])
        assert 0.5 in _values(self.step(workspace).parameters)

    def test_a_second_training_takes_the_place_of_the_first(self, workspace: Workspace) -> None:
        """K5: a second training takes the place of the first, in results and lineage."""
        self.train(workspace, 0.5)
        first = self.step(workspace)
        self.train(workspace, 0.25)
        assert self.step(workspace).start_time > first.start_time
        values = _values(self.results(workspace)["parameters"])
        assert 0.25 in values
        assert 0.5 not in values

    def test_a_record_that_fails(self, workspace: Workspace, tmp_path: Path) -> None:
        """K7: whichever call of storage fails during a training, its results are not lost in silence: they are there,
        or an error says so; those from before are whole, and the next training is recorded."""

        def train() -> None:
            self.train(workspace, 0.25)

        self.train(workspace, 0.5)
        for outage in outages(tmp_path, workspace, train, count=self.faults_of_a_case, for_good=[False]):
            outage.check()
            if outage.error is None:
                assert self.results(workspace)["metrics"], outage.call
            self.train(workspace, 0.5)
            values = _values(self.results(workspace)["parameters"])
            assert (0.5 in values, 0.25 in values) == (True, False), outage.call
            assert self.step(workspace).step_name == "train"

    def test_without_a_workspace(self, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """K6: where there is no workspace, a training says so before it does anything."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(NotAWorkspaceError):
            self.train(workspace, 0.5)


def _values(parameters: Any) -> list[Any]:
    """All values in parameters, however they are nested."""
    if isinstance(parameters, dict):
        return [value for nested in parameters.values() for value in _values(nested)]
    if isinstance(parameters, (list, tuple)):
        return [value for nested in parameters for value in _values(nested)]
    return [parameters]
