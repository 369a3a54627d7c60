"""Whatever is edited and run in whatever order: the states are those of a model that remembers contents alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from dataworkspaces.errors import LineageError
from dataworkspaces.lineage import FileLineageStore, LineageBuilder, ResourceRef
from dataworkspaces.lineage.workspace_graph import lineage_states
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

pytestmark = pytest.mark.slow

STEPS = {
    "one": (["source:a"], "middle:one"),
    "two": (["source:b"], "middle:two"),
    "three": (["middle:one", "middle:two"], "middle:three"),
    "four": (["middle:three", "source:a"], "middle:four"),
}
MADE_BY = {output: name for name, (_inputs, output) in STEPS.items()}
VALUES = st.integers(0, 2).map(str)


def to_ref(text: str) -> ResourceRef:
    name, _, subpath = text.partition(":")
    return ResourceRef(name, subpath or None)


@dataclass(frozen=True)
class Run:
    """What a step read, ran and wrote: contents."""

    inputs: dict[str, str]
    code: str
    output: str


@dataclass
class Model:
    files: dict[str, str]
    code: str = "0"
    runs: dict[str, Run] = field(default_factory=dict)

    def is_current(self, output: str) -> bool:
        run = self.runs[MADE_BY[output]]
        if run.code != self.code or run.output != self.files[output]:
            return False
        for name, content in run.inputs.items():
            now = self.runs[MADE_BY[name]].output if name in MADE_BY else self.files[name]
            if now != content or (name in MADE_BY and not self.is_current(name)):
                return False
        return True

    def is_refused(self, step: str) -> bool:
        """Whether two contents of one place lie behind what the step would read."""
        seen: dict[str, set[str]] = {}
        pending = [(n, self.runs[MADE_BY[n]].output if n in MADE_BY else self.files[n]) for n in STEPS[step][0]]
        while pending:
            name, content = pending.pop()
            seen.setdefault(name, set()).add(content)
            run = self.runs.get(MADE_BY.get(name, ""))
            if run is not None and run.output == content:
                pending.extend(run.inputs.items())
        return any(len(contents) > 1 for contents in seen.values())


class Pipeline(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        root = Path(self._directory.name)
        store = FileLineageStore(root / "current", root / "snapshots", root / "machine" / "lineage.lock")
        self.workspace = MemoryWorkspace(root, lineage_store=store)
        for name, role in {"source": "source-data", "code": "code", "middle": "intermediate-data"}.items():
            (root / name).mkdir()
            self.workspace.add_resource(name, "file", role, path=str(root / name))
        self.model = Model({"source:a": "0", "source:b": "0"})
        self._write("source:a", "0")
        self._write("source:b", "0")
        self._write("code:main.py", "0")

    def teardown(self) -> None:
        self._directory.cleanup()

    def _write(self, place: str, content: str) -> None:
        name, _, subpath = place.partition(":")
        (self.workspace.directory / name / subpath).write_text(content)

    @rule(place=st.sampled_from(["source:a", "source:b"]), content=VALUES)
    def edit_source(self, place: str, content: str) -> None:
        self._write(place, content)
        self.model.files[place] = content

    @rule(content=VALUES)
    def edit_code(self, content: str) -> None:
        self._write("code:main.py", content)
        self.model.code = content

    @precondition(lambda self: self.model.runs)
    @rule(data=st.data(), content=VALUES)
    def edit_output(self, data: Any, content: str) -> None:
        place = STEPS[data.draw(st.sampled_from(sorted(self.model.runs)))][1]
        self._write(place, content)
        self.model.files[place] = content

    @rule(name=st.sampled_from(sorted(STEPS)), changes=st.booleans())
    def run_step(self, name: str, changes: bool) -> None:
        inputs, output = STEPS[name]
        if any(place in MADE_BY and MADE_BY[place] not in self.model.runs for place in inputs):
            return
        builder = LineageBuilder().with_workspace(self.workspace).with_step_name(name)
        builder.with_code_ref(ResourceRef("code"))
        for place in inputs:
            builder.with_input_ref(to_ref(place))
        if self.model.is_refused(name):
            with pytest.raises(LineageError, match="two versions"):
                builder.eval()
            return
        written = {n: self.model.runs[MADE_BY[n]].output if n in MADE_BY else self.model.files[n] for n in inputs}
        content = f"{name}({sorted(written.items())},{self.model.code if changes else ''})"
        with builder.eval() as lineage:
            lineage.add_output_ref(to_ref(output))
            self._write(output, content)
        self.model.files[output] = content
        self.model.runs[name] = Run(written, self.model.code, content)

    @rule()
    def take_snapshot(self) -> None:
        hashes = {}
        for name in self.workspace.get_resource_names():
            resource = self.workspace.get_resource(name)
            assert isinstance(resource, SnapshotResourceMixin)
            hashes[name] = resource.snapshot()[0]
        self.workspace.lineage_store.resolve_current(hashes)

    @rule()
    def states_are_those_of_the_model(self) -> None:
        lineages = {name: self.workspace.lineage_store.entries(name) for name in self.workspace.get_resource_names()}
        states = lineage_states(self.workspace, lineages, None)
        for name in self.model.runs:
            output = STEPS[name][1]
            state = states.of(to_ref(output))
            assert (state.kind == "current") == self.model.is_current(output), (output, state)


TestPipeline = Pipeline.TestCase
TestPipeline.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
