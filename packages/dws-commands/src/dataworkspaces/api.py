"""A simple interface to Data Workspaces for other programs.

Each function opens the workspace that ``workspace_uri_or_path`` names, or else the one that holds the current
directory, and never asks. Users' mistakes raise a :class:`dataworkspaces.errors.DwsError`. With ``verbose`` each thing
that is done is told on stderr.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from dataworkspaces.errors import ApiParamError
from dataworkspaces.workspace import FileResourceMixin, LocalStateResourceMixin, Workspace, find_and_load_workspace
from dataworkspaces.workspace.missing_type import resources_to_show

if TYPE_CHECKING:
    import pandas

    from dataworkspaces.filesystems.resource_files import ResourceFileSystem

    ResourceFilesystem = ResourceFileSystem

__all__ = [
    "ExperimentInfo",
    "ResourceFileSystem",
    "ResourceFilesystem",
    "ResourceInfo",
    "SnapshotInfo",
    "get_api_version",
    "get_experiments",
    "get_filesystem_for_resource",
    "get_local_path_for_resource",
    "get_resource_info",
    "get_results",
    "get_snapshot_history",
    "get_version",
    "history_frame",
    "make_lineage_graph",
    "make_lineage_table",
    "restore",
    "take_snapshot",
]

API_VERSION = "0.5"
"""Grows with what this module offers, whatever the version of the program."""


def __getattr__(name: str) -> Any:
    """:class:`ResourceFileSystem`, under both names that the manual has for it. It is imported when it is asked for,
    since fsspec takes its time."""
    if name in ("ResourceFileSystem", "ResourceFilesystem"):
        from dataworkspaces.filesystems.resource_files import ResourceFileSystem

        return ResourceFileSystem
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ResourceInfo(NamedTuple):
    """A resource. ``local_path`` is None if its data is not in files of this machine."""

    name: str
    role: str
    resource_type: str
    local_path: Optional[str]  # noqa: UP045 - the manual's signature


class SnapshotInfo(NamedTuple):
    """A snapshot. ``snapshot_number`` counts from 1, the oldest."""

    snapshot_number: int
    hashval: str
    tags: list[str]
    timestamp: str
    message: str
    metrics: Optional[dict[str, Any]]  # noqa: UP045


def get_version() -> str:
    """The version of the installed Data Workspaces."""
    from dataworkspaces.toolbox.version import get_version

    return get_version()


def get_api_version() -> str:
    """The version of this interface."""
    return API_VERSION


def take_snapshot(
    workspace_uri_or_path: str | None = None, tag: str | None = None, message: str = "", verbose: bool = False
) -> str:
    """Take a snapshot and return its hash. A tag that is taken is an error."""
    from dataworkspaces.commands.snapshot import snapshot_command

    with _opened(workspace_uri_or_path, verbose) as workspace:
        return snapshot_command(workspace, tag, message).metadata.hashval


def restore(
    tag_or_hash: str,
    workspace_uri_or_path: str | None = None,
    only: list[str] | None = None,
    leave: list[str] | None = None,
    verbose: bool = False,
) -> int:
    """Bring resources back to a snapshot, and return how many were.

    :param only: these resources and no others.
    :param leave: all but these; not together with ``only``.
    """
    from dataworkspaces.commands.restore import plan_restore, restore_command

    with _opened(workspace_uri_or_path, verbose) as workspace:
        plan = plan_restore(workspace, tag_or_hash, only, leave)
        return len(restore_command(workspace, plan).restored)


def get_snapshot_history(
    workspace_uri_or_path: str | None = None, reverse: bool = False, max_count: int | None = None, verbose: bool = False
) -> Iterable[SnapshotInfo]:
    """A list of the snapshots by time, the oldest first, or with ``reverse`` the newest; at most ``max_count``."""
    _check_count(max_count)
    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        snapshots = workspace.as_snapshot_ws()
        found = list(snapshots.list_snapshots(reverse=reverse, max_count=max_count))
        first, step = (snapshots.get_snapshot_count(), -1) if reverse else (1, 1)
        return [
            SnapshotInfo(first + step * i, s.hashval, list(s.tags), s.timestamp, s.message, s.metrics)
            for i, s in enumerate(found)
        ]


class ExperimentInfo(NamedTuple):
    """What came of an experiment, and what it was made with: a snapshot, or the present state (``snapshot`` is None).

    ``metrics`` and ``parameters`` are flat (``macro avg.f1-score``): those of the results, and of all steps behind
    them. ``is_present``: the present state is this snapshot."""

    snapshot: Optional[SnapshotInfo]  # noqa: UP045
    author: str
    parents: list[str]
    metrics: dict[str, Any]
    parameters: dict[str, Any]
    is_present: bool


def get_experiments(
    workspace_uri_or_path: str | None = None,
    max_count: int | None = None,
    where: str | None = None,
    sort: str | None = None,
    metrics: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    changed: bool = False,
    verbose: bool = False,
) -> list[ExperimentInfo]:
    """The experiments, the newest first: what ``dws history`` shows. Before them the present state, if it is none of
    the snapshots.

    :param where: a condition in SQL, such as ``accuracy > 0.9 and C < 1``.
    :param sort: a column, and ``:asc`` or ``:desc``.
    :param metrics: names or patterns of those to have; default: all. ``parameters`` likewise; default: those that vary.
    :param changed: only those that differ."""
    from dataworkspaces.commands.experiment_table import Choice, author_of
    from dataworkspaces.commands.history import history_report

    def names(given: Sequence[str] | None) -> tuple[str, ...] | None:
        return None if given is None else tuple(given)

    _check_count(max_count)
    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        choice = Choice(names(metrics), names(parameters), changed=changed)
        table = history_report(workspace, max_count, choice, where=where, sort=sort).table
        numbers = {}
        if table.snapshots:
            order = [s.hashval for s in workspace.as_snapshot_ws().list_snapshots(reverse=False)]
            numbers = {hashval: number for number, hashval in enumerate(order, start=1)}
        found = []
        for row in table.rows:
            s, info = row.snapshot, None
            if s is not None:
                number = numbers.get(s.hashval, 0)
                info = SnapshotInfo(number, s.hashval, list(s.tags), s.timestamp, s.message, s.metrics)
            kept = {n: row.metrics[n] for n in table.metric_names if n in row.metrics}
            made_with = {n: row.parameters[n] for n in table.parameter_names if n in row.parameters}
            author = "" if s is None else author_of(s)
            parents = [] if s is None else list(s.parents or ())
            found.append(ExperimentInfo(info, author, parents, kept, made_with, row.is_present))
        return found


def history_frame(
    workspace_uri_or_path: str | None = None,
    max_count: int | None = None,
    where: str | None = None,
    sort: str | None = None,
    verbose: bool = False,
) -> pandas.DataFrame:
    """The experiments as a frame of pandas, the newest first: columns for the snapshot, and one for each metric and
    each parameter. The present state, if it is no snapshot, is a row without a hash. Arguments are as of
    :func:`get_experiments`. pandas has to be installed."""
    try:
        import pandas as pd
    except ImportError as e:
        raise ApiParamError("history_frame() needs pandas", hint="Install it with: pip install pandas") from e
    found = get_experiments(workspace_uri_or_path, max_count, where, sort, None, ["*"], verbose=verbose)
    about = [
        {
            "hash": None if e.snapshot is None else e.snapshot.hashval,
            "tags": [] if e.snapshot is None else e.snapshot.tags,
            "timestamp": pd.NaT if e.snapshot is None else pd.to_datetime(e.snapshot.timestamp, errors="coerce"),
            "message": "" if e.snapshot is None else e.snapshot.message,
            "author": e.author,
            "parents": e.parents,
        }
        for e in found
    ]
    rows = [{**e.parameters, **e.metrics} for e in found]
    names = list(dict.fromkeys(n for e in found for n in e.metrics))
    names += [n for n in dict.fromkeys(n for e in found for n in e.parameters) if n not in names]
    columns = ["hash", "tags", "timestamp", "message", "author", "parents"]
    frame = pd.DataFrame(about, columns=columns)
    values = pd.DataFrame([[row.get(n) for n in names] for row in rows], columns=names, index=frame.index)
    values = values.infer_objects()
    return pd.concat([frame, values[[n for n in names if n not in columns]]], axis=1)


def get_resource_info(workspace_uri_or_path: str | None = None, verbose: bool = False) -> list[ResourceInfo]:
    """The resources, in the order in which they were added."""
    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        return [
            ResourceInfo(resource.name, resource.role, resource.resource_type, _local_path(resource))
            for resource in resources_to_show(workspace)
        ]


def get_local_path_for_resource(
    name: str, workspace_uri_or_path: str | None = None, verbose: bool = False
) -> str | None:
    """Where a resource is on this machine, or None if it is in no files here."""
    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        return _local_path(workspace.get_resource(name))


def get_filesystem_for_resource(
    name: str, workspace_uri_or_path: str | None = None, verbose: bool = False, *, snapshot: str | None = None
) -> ResourceFileSystem | None:
    """The files of a resource as a file system of fsspec, or None if the resource has no files. It can be pickled, for
    processes on this machine.

    :param snapshot: a tag or hash: the files as they were then, to be read and nothing else."""
    from functools import partial

    from dataworkspaces.workspace.workspace_uri import find_workspace_uri

    again = partial(get_filesystem_for_resource, name, find_workspace_uri(workspace_uri_or_path), verbose)
    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        resource = workspace.get_resource(name)
        if not isinstance(resource, FileResourceMixin):
            return None
        from dataworkspaces.filesystems.resource_files import ResourceFileSystem

        if snapshot is None:
            return ResourceFileSystem(resource, again)
        from dataworkspaces.filesystems.snapshot_files import files_at_snapshot

        hashval = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(snapshot).hashval
        return ResourceFileSystem(files_at_snapshot(workspace, name, snapshot), partial(again, snapshot=hashval))


def get_results(
    workspace_uri_or_path: str | None = None,
    tag_or_hash: str | None = None,
    resource_name: str | None = None,
    verbose: bool = False,
) -> tuple[dict[str, Any], str] | None:
    """The content of a results file, and where it is (``resource:/path``); None if there is none.

    Without a snapshot, the current results or, if there are none, those of the most recent snapshot that has some."""
    from dataworkspaces.commands.results import find_results

    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        name = None if resource_name is None else workspace.present_name(resource_name)
        found = find_results(workspace, tag_or_hash, name)
        return None if found is None else (found.data, found.location)


def make_lineage_table(
    workspace_uri_or_path: str | None = None, tag_or_hash: str | None = None, verbose: bool = False
) -> Iterable[tuple[str, str, str, list[str] | None]]:
    """The lineage of all resources, current or of a snapshot: a row has the reference, the type of the lineage,
    details, and the inputs (None for what no step made). Behind an imported resource there is a row for each place of
    the lineage that came with it, whose type says that it is imported."""
    from dataworkspaces.commands.report import lineage_report

    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        rows = lineage_report(workspace, tag_or_hash).rows
        return [(row.ref, row.shown_type, row.details, row.inputs or None) for row in rows]


def make_lineage_graph(
    output_file: str,
    workspace_uri_or_path: str | None = None,
    resource_name: str | None = None,
    tag_or_hash: str | None = None,
    width: int | None = 1024,
    height: int | None = 800,
    verbose: bool = False,
) -> None:
    """Draw the lineage of a resource, or write it as the suffix of ``output_file`` says: ``.dot`` or ``.gv`` for
    Graphviz, ``.json`` for the graph as JSON, a page of HTML that needs nothing else for any other.

    :param resource_name: default: the first results resource.
    :param tag_or_hash: as of this snapshot; default: now.
    :param width: of the area of the drawing, in pixels; None: that of the window. ``height`` likewise. JSON has
        neither.

    Its directory must exist. A file that is there is replaced, or left as it is if anything fails."""
    from dataworkspaces.commands.lineage_metrics import draw_with_metrics
    from dataworkspaces.lineage import drawing
    from dataworkspaces.lineage.workspace_graph import lineage_graph

    path = Path(output_file)
    drawing.check_target(path)
    for name, value in (("width", width), ("height", height)):
        if value is not None and value < 1:
            raise ApiParamError(f"{name} is {value}", hint="Give a number of pixels")
    with _opened(workspace_uri_or_path, verbose, reading=True) as workspace:
        resource = None if resource_name is None else workspace.present_name(resource_name)
        graph = lineage_graph(workspace, resource, tag_or_hash)
        text = draw_with_metrics(workspace, graph, drawing.format_of(path), width, height)
        drawing.write_drawing(path, text)


def _check_count(max_count: int | None) -> None:
    if max_count is not None and max_count < 1:
        raise ApiParamError(f"max_count is {max_count}", hint="Give a number of snapshots, or None for all")


def _local_path(resource: object) -> str | None:
    return resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None


@contextmanager
def _opened(uri_or_path: str | None, verbose: bool, *, reading: bool = False) -> Iterator[Workspace]:
    """The workspace, for one call. One that only reads takes no lock, so that what a killed command left is put in
    order here."""
    with _told_on_stderr(verbose):
        workspace = find_and_load_workspace(True, verbose, uri_or_path)
        if reading:
            workspace.recover_if_interrupted()
        yield workspace


@contextmanager
def _told_on_stderr(verbose: bool) -> Iterator[None]:
    """Show what is logged meanwhile; the program's own logging is as it was afterwards."""
    if not verbose:
        yield
        return
    from dataworkspaces.toolbox.logs import log

    handler = logging.StreamHandler(sys.stderr)
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate
