"""``dws reproduce``: run the steps behind a snapshot's results again, in a checkout, and compare what they write.

The checkout lies beside the workspace, in a directory that is removed in the end; what a killed reproduction leaves,
the next one removes. Nothing in the workspace changes.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from dataworkspaces.commands.checkout import checkout_command, plan_checkout
from dataworkspaces.commands.reproduce_compare import Rules, compare_files, have_same_bytes
from dataworkspaces.commands.reproduce_verdict import Comparison, OutputVerdict, Reproduction, StepVerdict
from dataworkspaces.commands.rerun_graph import Execution, ExecutionGraph
from dataworkspaces.commands.rerun_plan import command_here, directory_of
from dataworkspaces.commands.run import execute
from dataworkspaces.commands.run_process import call
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.commands.run_surroundings import Surroundings
from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.toolbox.building import directory_to_build_in
from dataworkspaces.toolbox.names import LINEAGE_FILE, some
from dataworkspaces.workspace import (
    LocalStateResourceMixin,
    ResourceRef,
    SnapshotMetadata,
    Workspace,
    find_and_load_workspace,
)
from dataworkspaces.workspace.results import RUN_LOG_FILE
from dataworkspaces.workspace.trust import Agreements, place_of_directory
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

BUILDING = "reproduce"
_LOG_BYTES = 4000
_NOT_COMPARED = frozenset({LINEAGE_FILE, RUN_LOG_FILE})
"""What tells of a run, and not of what it found."""


@dataclass(frozen=True)
class StepEnvironment:
    """What the steps run in. :ivar python: in the place of the recorded interpreter; None for the recorded one, or ours
    if that is not here. :ivar variables: for their processes, beside those that we have."""

    name: str = "current"
    python: str | None = None
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReproductionPlan:
    """:ivar executions: the steps, in the order of the graph.
    :ivar foreign: the command lines that have never been run on this machine."""

    snapshot: SnapshotMetadata
    executions: tuple[Execution, ...]
    foreign: tuple[Execution, ...]


def plan_reproduction(workspace: Workspace, tag_or_hash: str, steps: Sequence[str] = ()) -> ReproductionPlan:
    """The steps behind the results of a snapshot, or behind some steps. Changes nothing.

    Raises ConfigurationError for an unknown snapshot or step, and if no step is recorded."""
    snapshots = workspace.as_lineage_ws()
    snapshot = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash)
    store = snapshots.get_lineage_store()
    names = list(snapshots.get_snapshot_versions(snapshot.hashval))
    graph = ExecutionGraph({name: store.entries(name, snapshot.hashval) for name in names})
    wanted = [number for step in steps for number in graph.find(step)] if steps else graph.find(None)
    executions = tuple(graph.executions[number] for number in graph.ordered(wanted))
    if not executions:
        raise ConfigurationError(
            f"Snapshot {', '.join(snapshot.tags) or snapshot.hashval[:7]} has no recorded steps, so nothing can be "
            "reproduced",
            hint="A step is recorded by 'dws run', by a kit, or by the lineage API",
        )
    own = OwnCommands(workspace.get_machine_directory())
    foreign = tuple(e for e in executions if e.command is not None and not own.has(e.command))
    return ReproductionPlan(snapshot, executions, foreign)


def reproduce_command(
    workspace: Workspace,
    plan: ReproductionPlan,
    rules: Rules,
    *,
    runs: int = 1,
    environment: StepEnvironment | None = None,
    begin: Callable[[Execution, tuple[str, ...]], None] = lambda _execution, _command: None,
) -> Reproduction:
    """Run what was planned, to which the user has agreed, and compare. ``begin`` is told each step before it runs.

    :param runs: how often; of several, it is said which outputs are not the same each time."""
    environment = environment or StepEnvironment()
    started = _now()
    own = workspace.get_workspace_local_path_if_any()
    parent = (
        Path(own).parent if own is not None and os.access(Path(own).parent, os.W_OK) else Path(tempfile.gettempdir())
    )
    with directory_to_build_in(parent, BUILDING) as temporary:
        checkout = plan_checkout(workspace, plan.snapshot.hashval, str(temporary / "workspace"))
        outcome = checkout_command(workspace, checkout, durable=False)
        agreements = Agreements(place_of_directory(outcome.directory))
        try:
            copy = find_and_load_workspace(True, workspace.verbose, str(outcome.directory))
            reproducing = _Reproducing(workspace, copy, plan, rules, environment, temporary)
            steps = reproducing.run(begin)
            outputs = reproducing.compare()
            if runs > 1:
                outputs = reproducing.again(runs, outputs, begin)
        finally:
            agreements.remove(agreements.addresses())
    versions = {name: version.restore_hash or version.compare_hash for name, version in checkout.versions.items()}
    return Reproduction(
        workspace.name, plan.snapshot.hashval, tuple(plan.snapshot.tags), environment.name,
        platform.python_version(), platform.platform(), started, _now(), workspace.get_user_name(), platform.node(),
        rules.rtol, rules.atol, runs, versions, _with_reasons(steps, outputs, plan), tuple(outputs),
    )  # fmt: skip


class _Reproducing:
    """One reproduction, in its checkout."""

    def __init__(
        self,
        workspace: Workspace,
        copy: Workspace,
        plan: ReproductionPlan,
        rules: Rules,
        environment: StepEnvironment,
        temporary: Path,
    ) -> None:
        self._copy = copy
        self._plan = plan
        self._environment = environment
        self._temporary = temporary
        self._places = _same_places(workspace, copy)
        self._rules = replace(rules, places=self._places)
        self._root = Path(copy.get_workspace_local_path_if_any() or temporary)
        self._then = temporary / "then"
        self._done: dict[int, StepVerdict] = {}
        self._lost: set[int] = set()
        self._set_outputs_aside(self._then)

    # -- running -----------------------------------------------------------------------------------------------------

    def run(self, begin: Callable[[Execution, tuple[str, ...]], None]) -> list[StepVerdict]:
        """After a step that fails, what reads its outputs is not run."""
        self._lost.clear()
        verdicts = []
        for number, execution in enumerate(self._plan.executions):
            verdict = self._run_one(number, execution, begin)
            if verdict.exit_status != 0:
                self._lost.add(number)
            verdicts.append(verdict)
            self._done[number] = verdict
        return verdicts

    def _run_one(
        self, number: int, execution: Execution, begin: Callable[[Execution, tuple[str, ...]], None]
    ) -> StepVerdict:
        if execution.command is None:
            what = "it ran in a notebook" if any(e.notebook for e in execution.entries) else "no command line is known"
            return StepVerdict(execution.name, (), why=what)
        command = self._command(execution.command)
        waits = [self._plan.executions[n].name for n in sorted(self._lost) if self._reads(execution, n)]
        if waits:
            return StepVerdict(execution.name, command, why=f"it reads what step {waits[0]} writes")
        begin(execution, command)
        log = self._temporary / f"log-{number}"
        began = time.monotonic()
        try:
            with _streams_to(log):
                status = self._execute(execution, command)
            why = "" if status == 0 else f"it ended with exit status {status}"
        except DwsError as e:
            status, why = 1, e.message
        seconds = round(time.monotonic() - began, 3)
        return StepVerdict(execution.name, command, status, seconds, why, "" if status == 0 else _end_of(log))

    def _reads(self, execution: Execution, number: int) -> bool:
        written = self._plan.executions[number].places
        return any(refs_overlap(one, other) for one in _inputs(execution) for other in written)

    def _execute(self, execution: Execution, command: tuple[str, ...]) -> int:
        directory = directory_of(self._copy, execution)
        if execution.record is None:
            return call(command, directory, self._environment.variables)
        record = replace(execution.record, run_id=uuid.uuid4().hex, command=command)
        known = next((around for entry in execution.entries if (around := Surroundings.of(entry)) is not None), None)
        here = set(self._copy.get_resource_names())
        unnamed = () if known is None else tuple(name for name in known.resources if name in here)
        return execute(self._copy, PlannedRun(record, unnamed), directory).exit_status

    def _command(self, command: Sequence[str]) -> tuple[str, ...]:
        """In the checkout: what names the workspace, or a resource of it, by an absolute path names it there."""
        program, *arguments = command_here(command)
        if self._environment.python is not None and Path(program).name.startswith("python"):
            program = self._environment.python
        elif os.path.exists(moved := place_in_copy(program, self._places, self._root)):  # noqa: PTH110
            program = moved
        return (program, *(self._moved(argument) for argument in arguments))

    def _moved(self, argument: str) -> str:
        option, equals, value = argument.partition("=")
        head, text = (f"{option}=", value) if equals and option.startswith("-") else ("", argument)
        return head + place_in_copy(text, self._places, self._root)

    # -- outputs -----------------------------------------------------------------------------------------------------

    def _outputs(self) -> Iterator[tuple[int, ResourceRef, Path]]:
        """What the steps write: the step, the place, and where it is in the checkout."""
        for number, execution in enumerate(self._plan.executions):
            for ref in execution.places:
                root = _root_of(self._copy, ref)
                if root is not None:
                    yield number, ref, root

    def _set_outputs_aside(self, directory: Path) -> None:
        """Move what the steps wrote out of the checkout, so that what is there afterwards has been written again. What
        a step itself reads stays, and is copied."""
        for number, ref, root in self._outputs():
            stays = any(refs_overlap(ref, other) for other in _inputs(self._plan.executions[number]))
            for path in _files(root, ref.subpath):
                target = directory / ref.name / path
                if target.exists() or target.is_symlink():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                if stays:
                    shutil.copy2(root / path, target, follow_symlinks=False)
                else:
                    (root / path).rename(target)

    def compare(self) -> list[OutputVerdict]:
        found: dict[str, OutputVerdict] = {}
        for number, ref, root in self._outputs():
            execution = self._plan.executions[number]
            step = self._done[number]
            then = set(_files(self._then / ref.name, ref.subpath))
            now = set(_files(root, ref.subpath))
            for path in sorted(then | now):
                if path.rpartition("/")[2] in _NOT_COMPARED:
                    continue
                output = f"{ref.name}:{path}"
                compared = self._compare_one(step, path, ref, root, path in then)
                if output not in found:
                    found[output] = OutputVerdict(
                        output, execution.name, compared.verdict, compared.details, compared.largest
                    )
            if not then and not now and not execution.has_failed:
                why = "the snapshot does not hold it, and nothing was written"
                found.setdefault(str(ref), OutputVerdict(str(ref), execution.name, "missing", (why,)))
        return list(found.values())

    def _compare_one(self, step: StepVerdict, path: str, ref: ResourceRef, root: Path, is_known: bool) -> Comparison:
        if step.exit_status is None:
            return Comparison("not run", (step.why,))
        if step.exit_status != 0:
            return Comparison("failed", (step.why,))
        if not is_known:
            return Comparison("different", ("the snapshot holds no such file",))
        return compare_files(self._then / ref.name / path, root / path, path, self._rules)

    def again(
        self, runs: int, outputs: list[OutputVerdict], begin: Callable[[Execution, tuple[str, ...]], None]
    ) -> list[OutputVerdict]:
        """Run all steps some more times, and say of each output whether it is another each time."""
        varies: set[str] = set()
        before = self._temporary / "run-1"
        self._set_outputs_aside(before)
        for number in range(2, runs + 1):
            self.run(begin)
            for _, ref, root in self._outputs():
                for path in {*_files(before / ref.name, ref.subpath), *_files(root, ref.subpath)}:
                    old, new = before / ref.name / path, root / path
                    is_same = old.is_file() and new.is_file() and have_same_bytes(old, new)
                    if not is_same and compare_files(old, new, path, self._rules).verdict not in ("identical", "equal"):
                        varies.add(f"{ref.name}:{path}")
            self._set_outputs_aside(self._temporary / f"run-{number}")
        return [replace(output, varies=output.output in varies) for output in outputs]


def place_in_copy(text: str, places: Mapping[str, str], root: Path) -> str:
    """An absolute path of the workspace as it is in its copy at ``root``; other texts as they are.

    The workspace may have been elsewhere when the path was recorded, and may be there still: a step of the copy must
    not write to it. So a path in any workspace of this machine is meant in the copy, and one that is not here at all,
    if the copy has such a place."""
    for then, now in places.items():
        if text == then or text.startswith(f"{then}/"):
            return now + text[len(then) :]
    path = Path(text)
    if not path.is_absolute() or path.is_relative_to(root):
        return text
    for above in (path, *path.parents):
        if (above / METADATA_DIR).is_dir():
            return str(root / path.relative_to(above))
    if os.path.lexists(path) or path.parent.is_dir():
        return text
    parts = path.parts[1:]
    for start in range(1, len(parts) - 1):
        there = root.joinpath(*parts[start:])
        if os.path.lexists(there) or there.parent.is_dir():
            return str(there)
    return text


def _inputs(execution: Execution) -> list[ResourceRef]:
    return [cert.ref for entry in execution.entries for cert in entry.inputs]


def _root_of(workspace: Workspace, ref: ResourceRef) -> Path | None:
    own = workspace.own_files_resource()
    if ref.name not in {*workspace.get_resource_names(), *([] if own is None else [own.name])}:
        return None
    resource = workspace.get_resource(ref.name)
    place = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    if place is None and own is not None and ref.name == own.name:
        place = workspace.get_workspace_local_path_if_any()
    return None if place is None else Path(os.path.realpath(place))


def _files(root: Path, subpath: str | None) -> list[str]:
    """The files at a place below a root, relative to it, without those of earlier snapshots and of ourselves. Links are
    not followed."""
    start = root / subpath if subpath else root
    if start.is_symlink() or start.is_file():
        return [start.relative_to(root).as_posix()]
    found = []
    for directory, names, files in os.walk(start):
        here = Path(directory)
        links = [name for name in names if (here / name).is_symlink()]
        if here == root:
            names[:] = [name for name in names if name not in ("snapshots", ".git", ".dataworkspace")]
            files = [name for name in files if name != "README.txt"]
        found += [(here / name).relative_to(root).as_posix() for name in (*files, *links)]
    return sorted(found)


def _same_places(workspace: Workspace, copy: Workspace) -> dict[str, str]:
    """By directory here that of the checkout; the longest first."""
    found: dict[str, str] = {}
    there = dict(copy.get_local_paths())
    for name, path in workspace.get_local_paths():
        if name in there:
            found[str(path)] = str(there[name])
    own, other = workspace.get_workspace_local_path_if_any(), copy.get_workspace_local_path_if_any()
    if own is not None and other is not None:
        found[own] = other
    return dict(sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True))


def _with_reasons(
    steps: Sequence[StepVerdict], outputs: Collection[OutputVerdict], plan: ReproductionPlan
) -> tuple[StepVerdict, ...]:
    """Why the outputs of a step may differ."""
    told = []
    for step, execution in zip(steps, plan.executions, strict=True):
        differ = [o for o in outputs if o.step == step.name and o.verdict == "different"]
        told.append(replace(step, reasons=tuple(_reasons(execution))) if differ else step)
    return tuple(told)


def _reasons(execution: Execution) -> Iterator[str]:
    seeds = {key: value for entry in execution.entries for key, value in entry.random_seeds.items()}
    named = [k for k in execution.parameters if "seed" in k.lower() or "random_state" in k.lower()]
    if not seeds and not any(execution.parameters[name] is not None for name in named):
        unset = f": {some(named)} is None" if named else ""
        yield f"no random seed was set{unset}"
    for entry in execution.entries:
        environment = entry.environment
        if environment is None:
            continue
        if environment.python is not None and environment.python.split()[0] != platform.python_version():
            yield f"Python was {environment.python}, and is {platform.python_version()}"
        changed = list(_other_versions(environment.distributions or {}))
        if changed:
            yield f"other versions: {some(changed)}"
        break


def _other_versions(then: object) -> Iterator[str]:
    from importlib.metadata import PackageNotFoundError, version

    for name, old in sorted(then.items()) if isinstance(then, dict) else ():
        try:
            new: str | None = version(name)
        except PackageNotFoundError:
            new = None
        if new != old:
            yield f"{name} {old}, now {new or 'not installed'}"


@contextmanager
def _streams_to(log: Path) -> Iterator[None]:
    """What processes print meanwhile goes to a file; they get no input."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in range(3)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(nothing, 0)
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, fd in enumerate(kept):
            os.dup2(fd, number)
        for fd in (*kept, nothing, target):
            os.close(fd)


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
