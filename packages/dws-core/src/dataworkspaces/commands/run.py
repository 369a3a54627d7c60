"""``dws run``: run a command as a step of the pipeline."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dataworkspaces.commands.lineage import lineage_states
from dataworkspaces.commands.run_changes import Footprint, changed_places, take_footprint
from dataworkspaces.commands.run_request import RunRequest, inputs_to_read, to_record
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.command_step import CommandLineage
from dataworkspaces.lineage.model import LineageEntry, PlaceholderCertificate, ResourceCert, RunRecord, StepLineage
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.places import places, refs_overlap
from dataworkspaces.lineage.running import environment_of_run
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, Workspace


@dataclass(frozen=True)
class RunOutcome:
    """:ivar skipped: the step was up to date, and the command did not run.
    :ivar exit_status: of the command; 128 and the number of the signal that ended it, as shells have it.
    :ivar seconds: how long the command ran.
    :ivar outputs: what was recorded as written, or, if the command failed, what is unknown now.
    """

    name: str
    skipped: bool
    exit_status: int
    seconds: float
    outputs: tuple[ResourceRef, ...]


def run_command(workspace: Workspace, request: RunRequest) -> RunOutcome:
    """Run a command and record it as a step, unless its last success is up to date.

    Raises ConfigurationError for what :func:`to_record` refuses and a program that cannot be started, LineageError if
    the inputs contradict each other or an output overlaps with that of another step."""
    record = to_record(workspace, request)
    if not request.force:
        last = last_success(workspace, record)
        if last is not None:
            return RunOutcome(record.name, True, 0, 0.0, tuple(cert.ref for e in last for cert in e.outputs))
    return execute(workspace, record)


def execute(workspace: Workspace, record: RunRecord, directory: str | None = None) -> RunOutcome:
    """Run the command of a record, in ``directory`` (default: the current one), and record what it did."""
    lineage = CommandLineage(workspace, record, inputs_to_read(workspace, record.inputs))
    OwnCommands(workspace.get_machine_directory()).add(record.command)
    before = take_footprint(workspace) if record.outputs is None else Footprint({})
    started = datetime.now()
    try:
        status = call(record.command, directory, environment_of_run(workspace, record))
    except BaseException:
        lineage.fail(_written(workspace, record, before), "was interrupted", None)
        raise
    seconds = (datetime.now() - started).total_seconds()
    outputs = _written(workspace, record, before)
    if status != 0:
        lineage.fail(outputs, f"failed with exit status {status}", status)
        return RunOutcome(record.name, False, status, seconds, tuple(outputs))
    return RunOutcome(record.name, False, 0, seconds, tuple(lineage.succeed(outputs)))


def last_success(workspace: Workspace, record: RunRecord) -> list[StepLineage] | None:
    """The entries of the last run of the same step, if it ran the same command with the same parameters on the same
    versions of inputs and code, and what it wrote is as it left it; else None."""
    store = workspace.as_lineage_ws().get_lineage_store()
    lineages = {name: store.entries(name) for name in workspace.get_resource_names()}
    runs = _runs(lineages, record.name)
    if not runs:
        return None
    last = max(runs.values(), key=lambda entries: max(e.start_time.isoformat() for e in entries))
    if any(entry.run is None or not _same_request(entry.run, record) for entry in last):
        return None
    states = lineage_states(workspace, lineages, None)
    for entry in last:
        for cert in entry.outputs:
            place = places(cert.ref.name, lineages.get(cert.ref.name, [])).get(cert.ref)
            if place is None or place.entry != entry or states.of(cert.ref).kind != "current":
                return None
            if not _is_there(workspace, place.cert):
                return None
    return last


def _runs(lineages: Mapping[str, Sequence[LineageEntry]], name: str) -> dict[str, list[StepLineage]]:
    """The entries that ``dws run`` left under a name, by run; a step stands in each resource that it wrote to."""
    found: dict[str, dict[tuple[str, datetime], StepLineage]] = {}
    for entries in lineages.values():
        for entry in entries:
            if isinstance(entry, StepLineage) and entry.run is not None and entry.run.name == name:
                found.setdefault(entry.run.run_id, {})[entry.step_name, entry.start_time] = entry
    return {run_id: list(entries.values()) for run_id, entries in found.items()}


def _same_request(one: RunRecord, other: RunRecord) -> bool:
    return replace(one, run_id="") == replace(other, run_id="")


def _is_there(workspace: Workspace, cert: ResourceCert) -> bool:
    """Whether an output exists. Results that a snapshot has moved count."""
    if not isinstance(cert.certificate, PlaceholderCertificate):
        return True
    resource = workspace.get_resource(cert.ref.name)
    return not isinstance(resource, FileResourceMixin) or resource.does_subpath_exist(cert.ref.subpath or "")


def call(command: Sequence[str], directory: str | None, variables: Mapping[str, str]) -> int:
    """Run a command with our own streams, and return its exit status. A signal from the keyboard reaches it too, and
    we wait for its end. Raises ConfigurationError if it cannot be started."""
    try:
        process = subprocess.Popen(list(command), cwd=directory, env={**os.environ, **variables})
    except OSError as e:
        raise ConfigurationError(
            f"The command '{command[0]}' cannot be run: {e.strerror or e}", hint="Check its name and the PATH"
        ) from e
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        status = process.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status


def _written(workspace: Workspace, record: RunRecord, before: Footprint) -> list[ResourceRef]:
    if record.outputs is None:
        found = changed_places(workspace, before, take_footprint(workspace))
    else:
        found = list(record.outputs)
    if record.results is not None:
        found = [ref for ref in found if not refs_overlap(ref, record.results)]
        found.append(record.results)
    return found
