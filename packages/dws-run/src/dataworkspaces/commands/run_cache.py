"""The run cache: earlier runs of a step, as snapshots keep them, that did the same with the same.

Nothing is stored for it. Lineage says of each run what it read, ran and wrote, by content; snapshots keep lineage and
contents. A run is taken only if all of that is certain to be the same now: doubt is a reason to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_cache_index import RunIndex, text_of_call
from dataworkspaces.commands.run_cache_outputs import CachedOutput, output_of
from dataworkspaces.commands.run_last import changes_around, expect_changes_around
from dataworkspaces.commands.run_request import PlannedRun, written_before
from dataworkspaces.commands.run_surroundings import KEY, Surroundings
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.model import ResourceCert, RunRecord, StepLineage
from dataworkspaces.lineage.places import refs_overlap, same_content
from dataworkspaces.toolbox.logs import log
from dataworkspaces.workspace import ResourceRef, ResourceRoles, SnapshotMetadata, Workspace

NOT_REPEATABLE = "not_repeatable"
"""The key by which the entries of a run say why its outputs cannot stand for another run."""


RESULTS = "files_of_results"
"""The part of the surroundings of a run that says what it wrote to results."""


@dataclass(frozen=True)
class CachedRun:
    """:ivar snapshot: which keeps it.
    :ivar entries: of the run, as the snapshot has them.
    :ivar contents: what lies now at what it read and ran."""

    snapshot: SnapshotMetadata
    entries: tuple[StepLineage, ...]
    outputs: tuple[CachedOutput, ...]
    contents: dict[ResourceRef, str | None]

    @property
    def run_id(self) -> str:
        return "" if self.entries[0].run is None else self.entries[0].run.run_id

    def describe(self) -> str:
        """Which snapshot it is, for people."""
        short = self.snapshot.hashval[:7]
        return f"snapshot {self.snapshot.tags[0]} ({short})" if self.snapshot.tags else f"snapshot {short}"

    def to_json(self) -> dict[str, Any]:
        first = min(self.entries, key=lambda entry: entry.start_time.isoformat())
        return {
            "snapshot": self.snapshot.hashval,
            "tags": list(self.snapshot.tags),
            "run_id": self.run_id,
            "start_time": first.start_time.isoformat(),
        }


def find_cached(
    workspace: Workspace, planned: PlannedRun, directory: str | None, around: Around | None = None
) -> CachedRun | None:
    """The newest run that a snapshot keeps, on whatever branch, and that is certain to have done what the planned one
    would do; None if there is none. Changes nothing.

    :param directory: in which the command would run; None is the current one.
    :param around: what is known of the workspace, of which nothing has changed since."""
    try:
        return next(cached_runs(workspace, planned, directory, around), None)
    except DwsError as e:  # a damaged snapshot is no reason not to run
        log.info("no earlier run of step %s is looked for: %s", planned.record.name, e.message)
        return None


def cached_runs(
    workspace: Workspace, planned: PlannedRun, directory: str | None, around: Around | None = None
) -> Iterator[CachedRun]:
    """All such runs, of each the newest snapshot that has it first."""
    index = RunIndex(workspace)
    refused: set[str] = set()
    present: _Present | None = None
    for snapshot in index.snapshots_with(planned.record):
        for run_id, entries in _runs(workspace, snapshot, planned.record):
            if run_id in refused:
                continue
            present = present or _Present(planned, directory, around or Around(workspace))
            why = present.why_not(entries)
            if why is not None:
                log.info("run %s of step %s is of no use: %s", run_id, planned.record.name, why)
                refused.add(run_id)
                continue
            outputs = _outputs(workspace, snapshot, entries)
            if outputs is not None:
                yield CachedRun(snapshot, tuple(entries), outputs, present.contents_of(entries))


def _runs(workspace: Workspace, snapshot: SnapshotMetadata, record: RunRecord) -> list[tuple[str, list[StepLineage]]]:
    """The runs of a call in a snapshot, the last first: a step stands in each resource that it wrote to."""
    store = workspace.as_lineage_ws().get_lineage_store()
    found: dict[str, dict[tuple[str, str], StepLineage]] = {}
    call = text_of_call(record)
    for name in workspace.get_resource_names():
        for entry in store.entries(name, snapshot.hashval):
            if isinstance(entry, StepLineage) and entry.run is not None and text_of_call(entry.run) == call:
                key = (entry.step_name, entry.start_time.isoformat())
                found.setdefault(entry.run.run_id, {})[key] = entry
    runs = [(run_id, list(entries.values())) for run_id, entries in found.items()]
    return sorted(runs, key=lambda run: max(entry.start_time.isoformat() for entry in run[1]), reverse=True)


def _outputs(
    workspace: Workspace, snapshot: SnapshotMetadata, entries: Sequence[StepLineage]
) -> tuple[CachedOutput, ...] | None:
    """Where all that a run wrote can be had as it wrote it; None if a part of it cannot."""
    certs = {cert.ref: cert for entry in entries for cert in entry.outputs}
    found = []
    for cert in certs.values():
        try:
            output = output_of(workspace, snapshot, cert, _text_of_results(entries, cert.ref))
        except DwsError as e:
            log.info("%s of snapshot %s cannot be had: %s", cert.ref, snapshot.hashval, e.message)
            return None
        if output is None:
            return None
        found.append(output)
    return tuple(found)


def _text_of_results(entries: Sequence[StepLineage], ref: ResourceRef) -> str | None:
    for entry in entries:
        around = entry.other.get(KEY)
        told = around.get(RESULTS) if isinstance(around, dict) else None
        text = told.get(str(ref)) if isinstance(told, dict) else None
        if isinstance(text, str):
            return text
    return None


class _Present:
    """What lies there now, which is looked at once for all runs that are compared with it."""

    def __init__(self, planned: PlannedRun, directory: str | None, around: Around) -> None:
        self._workspace = workspace = around.workspace
        self._planned = planned
        self._directory = directory
        self._around = around
        self._code = around.code
        store = workspace.as_lineage_ws().get_lineage_store()
        self._names = set(workspace.get_resource_names())
        self._current = [e for n in self._names for e in store.entries(n) if isinstance(e, StepLineage)]

    def contents_of(self, entries: Iterable[StepLineage]) -> dict[ResourceRef, str | None]:
        return self._around.contents(cert.ref for entry in entries for cert in (*entry.inputs, *entry.code))

    def why_not(self, entries: Sequence[StepLineage]) -> str | None:
        """Why a run cannot stand for the planned one, in a few words; None if it can."""
        certs = [cert for entry in entries for cert in (*entry.inputs, *entry.code, *entry.outputs)]
        if missing := [cert.ref for cert in certs if cert.ref.name not in self._names]:
            return f"{missing[0]} is not in the workspace"
        if any(entry.exit_status != 0 for entry in entries):
            return "it failed"
        told = next((entry.other[NOT_REPEATABLE] for entry in entries if NOT_REPEATABLE in entry.other), None)
        if told is not None:
            return f"it cannot be repeated: {told}"
        return (
            self._why_not_outputs([cert.ref for entry in entries for cert in entry.outputs])
            or self._what_changed(entries)
            or self._what_changed_around(entries)
        )

    def _why_not_outputs(self, refs: Sequence[ResourceRef]) -> str | None:
        """Lineage may be somebody else's text: nothing goes to a place that the command would not be allowed, and none
        that is left by another run of the step stays beside."""
        record = self._planned.record
        named = [*(record.outputs or ()), *([] if record.results is None else [record.results])]
        known = [*named, *written_before(self._workspace, record.command)]
        for ref in refs:
            if record.outputs is not None and ref not in named:
                return f"it wrote {ref}, which is not named"
            if self._workspace.get_resource_role(ref.name) == ResourceRoles.CODE and ref not in known:
                return f"it wrote {ref}, which is code"
        for entry in self._current:
            for cert in entry.outputs:
                if entry.step_name == record.name and entry.run is not None:
                    if cert.ref.name in self._names and not any(refs_overlap(cert.ref, ref) for ref in refs):
                        return f"it did not write {cert.ref}"
                elif any(refs_overlap(cert.ref, ref) for ref in refs):
                    return f"step {entry.step_name} has written {cert.ref} since"
        return None

    def _what_changed(self, entries: Sequence[StepLineage]) -> str | None:
        expect_changes_around(self._around, entries, self._directory)
        contents = self.contents_of(entries)

        def is_same(cert: ResourceCert) -> bool:
            return same_content(contents.get(cert.ref), cert.certificate.content) is True

        for entry in entries:
            for cert in entry.inputs:
                if not is_same(cert):
                    return f"{cert.ref} was another"
            for cert in entry.code:
                if not is_same(cert) and self._code.changes(entry, cert.ref) != []:
                    return f"the code in {cert.ref} was another"
        return None

    def _what_changed_around(self, entries: Sequence[StepLineage]) -> str | None:
        then = Surroundings.of_run(entries)
        if then is None or not set(self._planned.unnamed) <= set(then.resources):
            return "there is no record of all that it may have read"
        # What lies at the outputs now is to be replaced, and does not matter.
        found = changes_around(
            self._workspace, entries, self._directory, self._code, must_know=True, outputs=False, around=self._around
        )
        return found[0] if found else None
