"""``dws run``: run a command as a step of the pipeline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_cache import NOT_REPEATABLE, RESULTS
from dataworkspaces.commands.run_cache_outputs import files_of_results
from dataworkspaces.commands.run_changes import (
    Footprint,
    changed_places,
    is_code,
    is_run_notebook,
    take_footprint,
)
from dataworkspaces.commands.run_code import CodeOfCommand
from dataworkspaces.commands.run_imports import variables_of_autolog, watching_imports
from dataworkspaces.commands.run_last import look_at_last
from dataworkspaces.commands.run_places import PlaceSet, inputs_to_read, named_paths
from dataworkspaces.commands.run_process import Caller, NotStartedError, call, check_program, gets_input, python_version
from dataworkspaces.commands.run_request import PlannedRun, RunRequest, plan_run, written_before
from dataworkspaces.commands.run_step import CommandLineage
from dataworkspaces.commands.run_surroundings import KEY, Surroundings, files_outside, look_around
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.model import RunRecord
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.lineage.run_environment import current_run, variables_of_run
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.lock import HeldByAnother, Lock, acquire
from dataworkspaces.toolbox.lock_holder import noting_holder
from dataworkspaces.toolbox.logs import log
from dataworkspaces.workspace import ResourceRef, Workspace

if TYPE_CHECKING:
    from dataworkspaces.commands.run_cache_take import TakenRun


@dataclass(frozen=True)
class RunOutcome:
    """:ivar skipped: the step was up to date, and the command did not run.
    :ivar exit_status: of the command; 128 and the number of the signal that ended it, as shells have it.
    :ivar seconds: how long the command ran.
    :ivar inputs: what was recorded as read: what the user named, or a guess.
    :ivar outputs: what was recorded as written, or, if the command failed, what is unknown now.
    :ivar code: what it wrote that is code, and no output.
    :ivar taken: the earlier run from which the outputs come; the command did not run.
    """

    name: str
    skipped: bool
    exit_status: int
    seconds: float
    inputs: tuple[ResourceRef, ...]
    outputs: tuple[ResourceRef, ...]
    code: tuple[ResourceRef, ...] = ()
    taken: TakenRun | None = None


def run_command(
    workspace: Workspace, request: RunRequest, tell_why: Callable[[str, Sequence[str]], None] | None = None
) -> RunOutcome:
    """Run a command and record it as a step, unless its last success is up to date, or an earlier run did the same.
    ``tell_why`` is told the name of a step that runs again, and the reasons.

    Raises ConfigurationError for what :func:`plan_run` refuses and a program that cannot be started, LineageError if
    the inputs contradict each other or an output overlaps with that of another step."""
    around = Around(workspace)
    planned = plan_run(workspace, request, around)
    record = planned.record
    if not request.force and not gets_input():
        last = look_at_last(workspace, record, around)
        if last is not None and not last.reasons:
            return RunOutcome(record.name, True, 0, 0.0, record.inputs, last.outputs)
        if not request.no_cache and (taken := take(workspace, planned, around=around)) is not None:
            return taken
        if last is not None:
            log.info("step %s runs again: %s", record.name, "; ".join(last.reasons))
            if tell_why is not None:
                tell_why(record.name, last.reasons)
    return execute(workspace, planned, around=around)


def take(
    workspace: Workspace, planned: PlannedRun, directory: str | None = None, *, around: Around | None = None
) -> RunOutcome | None:
    """Put in place what an earlier run wrote that did the same, instead of running the command; None if there is none
    of which that is certain.

    :param around: what is known of the workspace, of which nothing has changed since."""
    from dataworkspaces.commands.run_cache_take import take_cached

    with _finding_outputs(workspace, planned.record) as has_waited:  # which would find ours
        taken = take_cached(workspace, planned, directory, None if has_waited else around)
    if taken is None:
        return None
    return RunOutcome(planned.record.name, False, 0, 0.0, taken.inputs, taken.outputs, taken=taken)


def execute(
    workspace: Workspace,
    planned: PlannedRun,
    directory: str | None = None,
    start: Caller = call,
    *,
    around: Around | None = None,
) -> RunOutcome:
    """Run a command, in ``directory`` (default: the current one), and record what it did.

    :param start: runs it, and returns its exit status.
    :param around: what is known of the workspace, of which nothing has changed since."""
    record = planned.record
    check_program(record.command, directory)
    has_input = gets_input()
    with (
        _finding_outputs(workspace, record) as has_waited,
        variables_of_run(workspace, record) as variables,
        ExitStack() as stack,
    ):
        if around is None or has_waited:
            around = Around(workspace)
        code = CodeOfCommand(planned, directory, around)
        imports = stack.enter_context(watching_imports(code.roots))
        processes: list[int] = []
        inputs = inputs_to_read(workspace, record.inputs, record.outputs or ())
        python = python_version(record.command, directory)
        unknown = {KEY: Surroundings.unknown(planned.unnamed).to_json()}
        lineage = CommandLineage(workspace, record, inputs, python, unknown)
        OwnCommands(workspace.get_machine_directory()).add(record.command)
        watch = _Watch(planned, directory, around)
        written: list[ResourceRef] = []
        try:
            started = time.monotonic()
            of_autolog = variables_of_autolog() if record.autolog else {}
            told = {**variables, **imports.variables, **of_autolog}
            status = start(record.command, directory, told, processes.append)
            seconds = time.monotonic() - started
            root = workspace.get_workspace_local_path_if_any()
            place = None if root is None else Path(root)
            lineage.ran_on(imports.environment(workspace.get_machine_directory(), python, place))
            written = watch.written()
            if status == 0:
                read = imports.code(processes[0])
                if read is not None:
                    lineage.find_code = lambda refs, out: code.files(refs, out, read, watch.after)
                found = _record_success(workspace, planned, inputs, lineage, watch, written, has_input=has_input)
                return RunOutcome(record.name, False, 0, seconds, *found, tuple(watch.written_code()))
            lineage.fail(written, f"failed with exit status {status}", status)
            return RunOutcome(record.name, False, status, seconds, record.inputs, tuple(written))
        except NotStartedError:
            lineage.forget()
            raise
        except BaseException:  # Ctrl-C at the wrong moment, a full disk, an output that is not there
            with suppress(DwsError):
                written = watch.written()
            lineage.fail(written, "was not recorded", None)
            raise


def _record_success(
    workspace: Workspace,
    planned: PlannedRun,
    inputs: list[ResourceRef],
    lineage: CommandLineage,
    watch: _Watch,
    written: list[ResourceRef],
    *,
    has_input: bool,
) -> tuple[tuple[ResourceRef, ...], tuple[ResourceRef, ...]]:
    """Returns the inputs and the outputs."""
    record = planned.record
    own = lineage.finish(written)
    outputs = tuple(dict.fromkeys((*own, *lineage.inner_outputs())))
    if planned.guesses_inputs(workspace):
        all_of_it = PlaceSet(outputs)
        record = record._replace(inputs=tuple(ref for ref in record.inputs if not all_of_it.overlaps(ref)))
    if record.outputs is None:
        inputs = inputs_to_read(workspace, record.inputs, outputs)
    around = watch.surroundings(record, own, outputs)
    code = watch.written_code()
    why_not = "it read its standard input" if has_input else "it wrote to code" if code else None
    other = {} if why_not is None else {NOT_REPEATABLE: why_not}
    texts = {**around.to_json(), RESULTS: files_of_results(workspace, outputs)}
    lineage.succeed(record, inputs, {KEY: texts, **other})
    if code:
        workspace.interaction.warn(
            f"Step {record.name} wrote to {', '.join(map(str, code[:3]))}, which is code: it is not an output unless "
            "--output names it, and counts as a change of the code"
        )
    return record.inputs, outputs


class _Watch:
    """What a command may depend on and what it writes, from before it runs on."""

    def __init__(self, planned: PlannedRun, directory: str | None, around: Around) -> None:
        self._workspace = workspace = around.workspace
        self._planned = planned
        self._directory = directory
        is_needed = planned.record.outputs is None or planned.unnamed
        self._before = take_footprint(workspace) if is_needed else None
        self._files = files_outside(workspace, planned.record, directory, planned.unnamed, around=around)

    @cached_property
    def after(self) -> Around:
        """The workspace at the end of the command, which is when this is asked first."""
        return Around(self._workspace)

    def written(self) -> list[ResourceRef]:
        """What the command wrote: what was named, or what was found."""
        record = self._planned.record
        found = record.outputs
        if found is None:
            found = tuple(ref for ref in self._changed if not self._is_code(ref))
        if record.results is None:
            return list(found)
        return [*(ref for ref in found if not refs_overlap(ref, record.results)), record.results]

    def written_code(self) -> list[ResourceRef]:
        """What changed in code, which is not an output unless it is named."""
        named = PlaceSet(self._planned.record.outputs or ())
        return [ref for ref in self._changed if self._is_code(ref) and not named.overlaps(ref)]

    def _is_code(self, ref: ResourceRef) -> bool:
        before = self._before or Footprint({})
        return is_code(self._workspace, ref, before) and not is_run_notebook(ref, before, self._notebooks)

    @cached_property
    def _notebooks(self) -> PlaceSet:
        """Where notebooks lie that the command ran: what its line names, and what the step wrote before."""
        roots, record = self.after.roots, self._planned.record
        named = (roots.ref(path) for _, path in named_paths(record.command, self._directory))
        return PlaceSet([*filter(None, named), *written_before(self._workspace, record.command)])

    def surroundings(self, record: RunRecord, own: list[ResourceRef], outputs: tuple[ResourceRef, ...]) -> Surroundings:
        """What was there while the command ran; nobody can tell of what changed meanwhile and is not an output."""
        # Steps within the command say themselves what they read.
        unnamed = self._planned.unnamed if own or not outputs else ()
        now = look_around(self._workspace, record, self._directory, unnamed, outputs, self.after)
        mine = PlaceSet(outputs)
        disturbed = {ref.name for ref in self._changed if not mine.overlaps(ref)} if unnamed else set()
        return Surroundings(
            {name: None if name in disturbed else text for name, text in now.resources.items()},
            {name: text if self._files.get(name) == text else None for name, text in now.files.items()},
            now.results,
        )

    @cached_property
    def _changed(self) -> list[ResourceRef]:
        """What changed until the end of the command, which is when this is asked first."""
        if self._before is None:
            return []
        return changed_places(self._workspace, self._before, take_footprint(self._workspace))


@contextmanager
def _finding_outputs(workspace: Workspace, record: RunRecord) -> Iterator[bool]:
    """One at a time: of two commands whose outputs have to be found, nobody could tell which wrote what. Tells whether
    this one had to wait."""
    if record.outputs is not None:
        yield False
        return
    outer = current_run(workspace)  # which waits for us
    path = workspace.get_machine_directory() / ("run.lock" if outer is None else f"run-{outer.run_id}.lock")
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock, has_waited = _when_free(workspace, path)
            stack.callback(lock.release)
            stack.enter_context(noting_holder(path, "run"))
        except OSError as e:
            raise explain_os_error(e, "Beginning a run") from e
        yield has_waited


def _when_free(workspace: Workspace, path: Path) -> tuple[Lock, bool]:
    """A lock, for which we wait as long as it takes, and whether we had to."""
    try:
        return acquire(path, 0.0), False
    except HeldByAnother as e:
        workspace.interaction.warn(
            "Waiting for another 'dws run' to end: only commands with named outputs can run at the same time. "
            f"{e.message}; 'dws unlock' removes a stale lock"
        )
        return acquire(path, math.inf), True
