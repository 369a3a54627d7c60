"""The step in which a kit trains and evaluates a model: its name, code, inputs and results."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from dataworkspaces.errors import PathNotAResourceError
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.lineage import Lineage, LineageBuilder, ResultsLineage, infer_step
from dataworkspaces.lineage.probe import settings
from dataworkspaces.lineage.runs.run import ResultsRun, join_session, this_session
from dataworkspaces.lineage.script import script_path
from dataworkspaces.toolbox.logs import log
from dataworkspaces.workspace import ResourceRef, Workspace


@runtime_checkable
class TakesInputHash(Protocol):
    """A resource whose version is a hash that a kit computes of its data."""

    def save_input_hash(self, hashval: str) -> None: ...


class Running(NamedTuple):
    """The script or notebook that is running, as far as that is known.

    :ivar session: what makes the runs of its processes those of one script."""

    name: str | None
    path: Path | None
    session: str = ""


def find_running(known: Running | None = None) -> Running:
    """What is running. A process that computes a part of it cannot tell, and has to be given what is ``known``."""
    if multiprocessing.current_process().name == "MainProcess":
        return Running(*infer_step(), this_session())
    if known is not None:
        join_session(known.session)
    return known or Running(None, None)


def begin_step(
    workspace: Workspace,
    running: Running,
    default_name: str,
    inputs: ResourceRef | Sequence[ResourceRef],
    results_ref: ResourceRef,
    parameters: Mapping[str, Any],
    run_description: str | None = None,
    continues: ResultsRun | None = None,
) -> ResultsLineage:
    """Begin the step that ``running`` is; its code is the code resource that holds it, if there is one. Files that it
    opens through the file systems of resources are its inputs too.

    :param default_name: of the step, where no script or notebook is known to run; and of the run, if it is kept beside
        others of the same script.
    :param continues: the run that this belongs to, if it is there still: that of a model that is evaluated again."""
    input_refs = [inputs] if isinstance(inputs, ResourceRef) else list(inputs)
    builder = LineageBuilder().with_workspace(workspace)
    if running.path is not None and running.path == script_path():
        builder.as_script_step()
    else:
        builder.with_step_name(running.name or default_name)
        if running.path is not None:
            try:
                code = workspace.map_local_path_to_resource(str(running.path), expecting_a_code_resource=True)
                builder.with_code_ref(ResourceRef(code.name))
            except PathNotAResourceError:
                pass
    for input_ref in input_refs:
        builder.with_input_ref(input_ref)
    if not input_refs:
        builder.with_no_inputs()
    builder.with_parameters(parameters).as_results_step(results_ref, run_description)
    builder.in_run(default_name, find_files=False, continues=continues)
    lineage = cast(ResultsLineage, builder.eval())
    lineage.track_reads()
    for name, value in settings().items():
        lineage.add_seed(name, value)
    read = ", ".join(map(str, input_refs)) or "nothing"
    log.info("step %s reads %s and writes results to %s", lineage.step_name, read, results_ref)
    return lineage


@contextmanager
def recorded(lineage: ResultsLineage) -> Iterator[None]:
    """Record the lineage of results that are written within. If that fails, nothing is known of what they hold.

    What the functions of :mod:`.result_files` save meanwhile are files of its run. (A step that fails before it writes
    leaves the earlier results as they are, and what is known of them.)"""
    token = _recording.set(lineage)
    try:
        yield
        lineage.complete()
    except BaseException:
        with suppress(Exception):  # the error that is told is the first; outputs that cannot be marked are unfinished
            lineage.abort()
        raise
    finally:
        _recording.reset(token)


@contextmanager
def dropped_on_error(lineage: ResultsLineage) -> Iterator[None]:
    """Training, say: if it fails before anything was written, the earlier results stay, and what is known of them."""
    try:
        yield
    except BaseException as e:
        with suppress(Exception):  # what is told is the error of the training
            lineage.drop(e)
        raise


def run_that_writes_to(ref: ResourceRef) -> ResultsRun | None:
    """The run whose results are being :func:`recorded`, if they go there."""
    lineage = _recording.get()
    return lineage.run if lineage is not None and lineage.results_ref == ref else None


_recording: ContextVar[ResultsLineage | None] = ContextVar("recording", default=None)


def is_hashed(workspace: Workspace, ref: ResourceRef) -> bool:
    """Whether the version of an input is the hash of what a kit reads of it."""
    return isinstance(workspace.get_resource(ref.name), TakesInputHash)


class InputHashes:
    """The hash of input resources, by what was read: the data to train with, and the data to evaluate with.

    Only a resource that :class:`TakesInputHash` needs it; for others nothing is done."""

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}

    def read(self, lineage: Lineage, inputs: ResourceRef | Sequence[ResourceRef], part: str, *data: Any) -> None:
        """The step read ``data`` as the part of that name, in the place of what was read as that part before."""
        refs = [inputs] if isinstance(inputs, ResourceRef) else inputs
        if any(is_hashed(lineage.workspace, ref) for ref in refs):
            self.put(lineage, refs, part, hash_of_inputs(*data))

    def put(self, lineage: Lineage, inputs: ResourceRef | Sequence[ResourceRef], part: str, hashval: str) -> None:
        """The same for data whose hash is known already."""
        self._hashes[part] = hashval
        self.record(lineage, inputs)
        log.info("what was read to %s has the hash %s", part, hashval)

    def record(self, lineage: Lineage, inputs: ResourceRef | Sequence[ResourceRef]) -> None:
        """Let a lineage have the hash of all parts. If nothing was read, it stays without."""
        refs = [inputs] if isinstance(inputs, ResourceRef) else inputs
        if not self._hashes:
            return
        total = hash_of_inputs(self._hashes)
        for ref in refs:
            resource = lineage.workspace.get_resource(ref.name)
            if isinstance(resource, TakesInputHash):
                resource.save_input_hash(total)
                lineage.add_input_hash(ref, total)
                log.info("resource %s: what was read of it has the hash %s", ref.name, total)
