"""Put what an earlier run wrote in place, instead of running the command again.

First all of it is copied beside; what stands at the outputs moves aside, and stays on this machine for a while; then
the copies take its place by renames, and are compared with what lineage says of them. Only then the step is recorded.
Whoever is killed in between leaves the outputs unknown, like a step that is killed, and nothing is lost; what fails is
undone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dataworkspaces.commands.rerun_graph import TAKEN_FROM
from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_cache import CachedRun, cached_runs
from dataworkspaces.commands.run_cache_outputs import CachedOutput, content_now
from dataworkspaces.commands.run_changes import local_root
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.commands.run_surroundings import KEY, results_now
from dataworkspaces.durability import flush_files
from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.lineage.consistency import check_one_version_of_each
from dataworkspaces.lineage.model import RunRecord, StepLineage
from dataworkspaces.lineage.places import group, same_content
from dataworkspaces.lineage.run_environment import current_run
from dataworkspaces.lineage.runs.earlier import EarlierRun, EarlierRuns
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.lineage.step import record_step
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.move_files import delete_tree, move_tree
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import Resource, ResourceRef, ResourceRoles, Workspace
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE, results_exclude


@dataclass(frozen=True)
class TakenRun:
    """:ivar run: which it was.
    :ivar kept: where what stood at the outputs is now."""

    run: CachedRun
    outputs: tuple[ResourceRef, ...]
    inputs: tuple[ResourceRef, ...]
    kept: tuple[Path, ...]


def take_cached(
    workspace: Workspace, planned: PlannedRun, directory: str | None, around: Around | None = None
) -> TakenRun | None:
    """Do as if a command had run, if an earlier run that a snapshot keeps did the same with the same; None if there is
    none, or if what it wrote cannot be had exactly. All is then as it was.

    :param directory: in which the command would run; None is the current one.
    :param around: what is known of the workspace, of which nothing has changed since."""
    if current_run(workspace) is not None:
        return None  # it is a part of another run, which has to see what it does
    try:
        for found in cached_runs(workspace, planned, directory, around):
            try:
                with claiming_results(workspace, planned.record):
                    return _take(workspace, planned.record, found)
            except (DwsError, OSError) as e:
                name = planned.record.name
                log.info("the outputs of step %s are not taken from %s: %s", name, found.describe(), e)
    except DwsError as e:  # a damaged snapshot is no reason not to run
        log.info("no earlier run of step %s is looked for: %s", planned.record.name, e.message)
    return None


def _take(workspace: Workspace, record: RunRecord, found: CachedRun) -> TakenRun:
    entries = _entries_here(workspace, record, found)
    kept = put_in_place(workspace, record.name, found.outputs, entries)
    inputs = dict.fromkeys(cert.ref for entry in entries for cert in entry.inputs)
    return TakenRun(found, tuple(output.ref for output in found.outputs), tuple(inputs), kept)


def put_in_place(
    workspace: Workspace, name: str, outputs: Sequence[CachedOutput], entries: Sequence[StepLineage]
) -> tuple[Path, ...]:
    """Put what a run of a step wrote elsewhere in place of what stands here, and record the step: all of it, or nothing
    is changed. Returns where what stood there is now.

    :param entries: of the run, with what it wrote."""
    store = workspace.as_lineage_ws().get_lineage_store()
    refs = [output.ref for output in outputs]
    scratch = Path(workspace.get_scratch_directory())
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cached-run-", dir=scratch) as directory:
        copies = [Path(directory, str(number)) for number in range(len(refs))]
        with workspace.interaction.progress(f"Taking step {name}", len(refs), "outputs") as advance:
            for output, copy in zip(outputs, copies, strict=True):
                output.copy(copy)
                flush_files(path for path in (copy, *copy.rglob("*")) if path.is_file() and not path.is_symlink())
                advance(1)
        end_writing = store.begin_writing(refs, entries[0]._replace(outputs=(), execution_time_seconds=None))
        roles = {ref.name: workspace.get_resource_role(ref.name) for ref in refs}
        contents = {o.ref: o.content for o in outputs if roles[o.ref.name] != ResourceRoles.RESULTS}
        replacement = _Replacement(workspace, name)
        try:
            for output, copy in zip(outputs, copies, strict=True):
                replacement.put(output, copy)
            for output in outputs:
                if same_content(content_now(workspace, output.ref), output.content) is not True:
                    raise ConfigurationError(f"{output.ref} would not be what the run wrote")
            results = results_now(workspace, refs)
            for entry in entries:
                written = [cert.ref for cert in entry.outputs]
                record_step(store, _with_results(entry, results), written, contents)
        except BaseException:
            replacement.undo()
            end_writing()
            raise
        end_writing()
    return tuple(replacement.kept)


def _entries_here(workspace: Workspace, record: RunRecord, found: CachedRun) -> list[StepLineage]:
    """What is recorded of the run: how long it took and what it ran on then, with the versions that its inputs and its
    code have here, which hold the same."""
    snapshots = workspace.as_lineage_ws()
    store = snapshots.get_lineage_store()
    snapshots.refresh_imported_lineage({cert.ref.name for entry in found.entries for cert in entry.inputs})
    code = snapshots.present_contents(group(cert.ref for e in found.entries for cert in e.code), keep=True)
    trees = {name: present.kept for name, present in code.items() if present.kept is not None}
    now, first = datetime.now(), min(entry.start_time for entry in found.entries)
    here = []
    for entry in found.entries:
        inputs, ran = [cert.ref for cert in entry.inputs], [cert.ref for cert in entry.code]
        start = now + (entry.start_time - first)
        certs = store.certs_to_read(inputs, ran, found.contents, f"Step {entry.step_name} at {start}")
        check_one_version_of_each(store, entry.step_name, [certs[ref] for ref in inputs])
        here.append(
            entry._replace(
                start_time=start,
                inputs=tuple(certs[ref] for ref in inputs),
                code=tuple(certs[ref] for ref in ran),
                code_trees=trees,
                run=record._replace(inputs=entry.run.inputs) if entry.run is not None else record,
                other={**entry.other, TAKEN_FROM: _origin(entry, found)},
            )
        )
    return here


def _with_results(entry: StepLineage, results: dict[str, str | None]) -> StepLineage:
    """What lies there now, beside what snapshots keep there by now."""
    around = entry.other.get(KEY)
    texts = {**around, "results": results} if isinstance(around, dict) else around
    return entry._replace(outputs=(), other={**entry.other, KEY: texts})


def _origin(entry: StepLineage, found: CachedRun) -> dict[str, Any]:
    """The run itself, if that one had been taken from another in its turn."""
    own = {"run_id": found.run_id, "start_time": entry.start_time.isoformat()}
    before = entry.other.get(TAKEN_FROM)
    known = {key: before[key] for key in own if isinstance(before.get(key), str)} if isinstance(before, dict) else {}
    return {"snapshot": found.snapshot.hashval, **own, **known}


@contextmanager
def claiming_results(workspace: Workspace, record: RunRecord) -> Iterator[None]:
    """Nobody else may be writing there."""
    if record.results is None:
        yield
        return
    run = ResultsRun.claim(workspace, record.results, record.name, command_id=record.run_id)
    try:
        yield
    finally:
        run.release()


def names_of_outputs(workspace: Workspace, resource: Resource, root: Path) -> list[str]:
    """What lies at the root of a resource that a step may have written: all but what is ours, and what snapshots
    keep there."""
    stays = {".git", ".dataworkspace", LINEAGE_FILE}
    if resource.has_results_role():
        stays |= results_exclude(workspace)
    names = sorted(place.name for place in root.iterdir())
    return [name for name in names if name not in stays and not SNAPSHOTS_DIRS_RE.match(name)]


@dataclass
class _Replacement:
    """Of what stands at outputs by copies."""

    workspace: Workspace
    step: str
    _aside: list[tuple[EarlierRun, Path, Path]] = field(default_factory=list)
    _placed: list[Path] = field(default_factory=list)

    @property
    def kept(self) -> list[Path]:
        return list(dict.fromkeys(earlier.files for earlier, _, _ in self._aside))

    def put(self, output: CachedOutput, copy: Path) -> None:
        ref = output.ref
        if same_content(content_now(self.workspace, ref), output.content) is True:
            return  # it lies there already
        resource = self.workspace.get_resource(ref.name)
        root = local_root(resource)
        assert root is not None
        if ref.subpath is not None:
            self._replace(ref.name, root, [ref.subpath], {ref.subpath: copy})
            return
        old = names_of_outputs(self.workspace, resource, root)
        self._replace(ref.name, root, old, {place.name: place for place in sorted(copy.iterdir())})

    def _replace(self, name: str, root: Path, old: Sequence[str], new: dict[str, Path]) -> None:
        for path in {*old, *new}:
            self._check(root, path)
        earlier: dict[str, EarlierRun] = {}
        for path in old:
            if is_present(root / path):
                above = path.rpartition("/")[0]
                if above not in earlier:
                    ref = ResourceRef(name, above or None)
                    earlier[above] = EarlierRuns(self.workspace).begin(ref, self.step)
                kept = earlier[above].files / path.rpartition("/")[2]
                self._aside.append((earlier[above], root / path, kept))
                move_tree(root / path, kept)
        for path, copy in new.items():
            self._placed.append(root / path)
            move_tree(copy, root / path)

    def _check(self, root: Path, path: str) -> None:
        """Raise ConfigurationError for a place that a link leads out of the resource, or that holds another one."""
        place = root / path
        if _real(place.parent) != _real(root) / Path(path).parent:
            raise ConfigurationError(f"A link leads from {place.parent} out of its resource")
        for _, local in self.workspace.get_local_paths():
            if _real(Path(local)).is_relative_to(_real(root) / path):
                raise ConfigurationError(f"{place} holds another resource")

    def undo(self) -> None:
        """Idempotent."""
        while self._placed:
            delete_tree(self._placed[-1])
            self._placed.pop()
        while self._aside:
            earlier, place, kept = self._aside[-1]
            if is_present(kept) and not is_present(place):
                move_tree(kept, place)
            self._aside.pop()
            if not any(each is earlier for each, _, _ in self._aside):
                earlier.forget()


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
