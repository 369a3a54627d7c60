"""The outputs of steps in a checkout: those of the snapshot are set aside, and compared with what is written again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dataworkspaces.commands.reproduce_compare import Rules, compare_files, have_same_bytes
from dataworkspaces.commands.reproduce_places import files_at, root_of
from dataworkspaces.commands.reproduce_verdict import Comparison, OutputVerdict, StepVerdict
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.commands.run_order import inputs_of
from dataworkspaces.lineage.attestations import GOOD
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.results import RUN_LOG_FILE

_NOT_COMPARED = frozenset({LINEAGE_FILE, RUN_LOG_FILE})
"""What tells of a run, and not of what it found."""


class Outputs:
    """:param directory: for what is set aside."""

    def __init__(self, copy: Workspace, executions: Sequence[Execution], rules: Rules, directory: Path) -> None:
        self._copy = copy
        self._executions = executions
        self._rules = rules
        self._directory = directory

    def set_aside(self, name: str) -> None:
        """Move what the steps wrote out of the checkout, so that what is there afterwards has been written again. What
        a step itself reads stays, and is copied."""
        for number, ref, root in self._places():
            stays = any(refs_overlap(ref, other) for other in inputs_of(self._executions[number]))
            for path in files_at(root, ref.subpath):
                target = self._directory / name / ref.name / path
                if target.exists() or target.is_symlink():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                if stays:
                    shutil.copy2(root / path, target, follow_symlinks=False)
                else:
                    (root / path).rename(target)

    def compare(self, name: str, steps: Mapping[int, StepVerdict]) -> list[OutputVerdict]:
        """What is there now with what was set aside."""
        found: dict[str, OutputVerdict] = {}
        for number, ref, root in self._places():
            execution = self._executions[number]
            then_root = self._directory / name / ref.name
            then, now = set(files_at(then_root, ref.subpath)), set(files_at(root, ref.subpath))
            for path in sorted(then | now):
                output = f"{ref.name}:{path}"
                if path.rpartition("/")[2] in _NOT_COMPARED or output in found:
                    continue
                compared = self._compare(steps[number], path, then_root / path, root / path, path in then)
                found[output] = OutputVerdict(
                    output, execution.name, compared.verdict, compared.details, compared.largest
                )
            if not then and not now and not execution.has_failed:
                why = "the snapshot does not hold it, and nothing was written"
                found.setdefault(str(ref), OutputVerdict(str(ref), execution.name, "missing", (why,)))
        return list(found.values())

    def _compare(self, step: StepVerdict, name: str, then: Path, now: Path, is_known: bool) -> Comparison:
        if step.exit_status is None:
            return Comparison("not run", (step.why,))
        if step.exit_status != 0:
            return Comparison("failed", (step.why,))
        if not is_known:
            return Comparison("different", ("the snapshot holds no such file",))
        return compare_files(then, now, name, self._rules)

    def changed_since(self, name: str) -> set[str]:
        """The outputs that are others than when they were set aside, beyond the tolerances."""
        changed = set()
        for _, ref, root in self._places():
            before = self._directory / name / ref.name
            for path in {*files_at(before, ref.subpath), *files_at(root, ref.subpath)}:
                old, new = before / path, root / path
                is_same = old.is_file() and new.is_file() and have_same_bytes(old, new)
                if not is_same and compare_files(old, new, path, self._rules).verdict not in GOOD:
                    changed.add(f"{ref.name}:{path}")
        return changed

    def _places(self) -> Iterator[tuple[int, ResourceRef, Path]]:
        """What the steps write: the step, the place, and where it is in the checkout."""
        for number, execution in enumerate(self._executions):
            for ref in execution.places:
                root = root_of(self._copy, ref)
                if root is not None:
                    yield number, ref, root
