"""Lineage in which resources have other names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, overload

from dataworkspaces.lineage.model import (
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    RunRecord,
    StepLineage,
    UnknownLineage,
)
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = ["rename_entries"]

Rename = Callable[[str], str]
_SURROUNDINGS = "surroundings"
"""What ``dws run`` adds to an entry: in each part of it, resources and places in them are keys."""


def rename_entries(entries: Iterable[LineageEntry], rename: Rename) -> list[LineageEntry]:
    """The entries, with the name that ``rename`` makes of each resource's. What others imported stays as it is: it is
    of their resources."""
    return [_entry(entry, rename) for entry in entries]


def _entry(entry: LineageEntry, rename: Rename) -> LineageEntry:
    if isinstance(entry, StepLineage):
        return _step(entry, rename)
    if isinstance(entry, ImportedLineage):
        return replace(entry, resource_name=rename(entry.resource_name))
    if isinstance(entry, UnknownLineage):
        return UnknownLineage(_cert(entry.cert, rename), None if entry.step is None else _step(entry.step, rename))
    return replace(entry, cert=_cert(entry.cert, rename))


def _step(step: StepLineage, rename: Rename) -> StepLineage:
    notebook = step.notebook
    return step._replace(
        inputs=tuple(_cert(cert, rename) for cert in step.inputs),
        code=tuple(_cert(cert, rename) for cert in step.code),
        outputs=tuple(_cert(cert, rename) for cert in step.outputs),
        run_from_directory=_ref(step.run_from_directory, rename),
        code_trees={rename(name): tree for name, tree in step.code_trees.items()},
        code_files=tuple(found._replace(ref=_ref(found.ref, rename)) for found in step.code_files),
        run=None if step.run is None else _run(step.run, rename),
        notebook=None if notebook is None else notebook._replace(ref=_ref(notebook.ref, rename)),
        other=_other(step.other, rename),
    )


def _run(run: RunRecord, rename: Rename) -> RunRecord:
    return run._replace(
        run_from_directory=_ref(run.run_from_directory, rename),
        inputs=tuple(_ref(ref, rename) for ref in run.inputs),
        code=tuple(_ref(ref, rename) for ref in run.code),
        outputs=None if run.outputs is None else tuple(_ref(ref, rename) for ref in run.outputs),
        results=_ref(run.results, rename),
    )


def _other(other: Mapping[str, Any], rename: Rename) -> Mapping[str, Any]:
    around = other.get(_SURROUNDINGS)
    if not isinstance(around, dict):
        return other
    named = {part: places for part, places in around.items() if isinstance(places, dict)}
    renamed = {part: {_place(place, rename): each for place, each in places.items()} for part, places in named.items()}
    return {**other, _SURROUNDINGS: {**around, **renamed}}


def _place(text: str, rename: Rename) -> str:
    """``RESOURCE`` or ``RESOURCE:PATH``; anything else stays as it is."""
    name, colon, path = text.partition(":")
    return f"{rename(name)}{colon}{path}"


def _cert(cert: ResourceCert, rename: Rename) -> ResourceCert:
    return ResourceCert(_ref(cert.ref, rename), cert.certificate)


@overload
def _ref(ref: ResourceRef, rename: Rename) -> ResourceRef: ...
@overload
def _ref(ref: None, rename: Rename) -> None: ...
def _ref(ref: ResourceRef | None, rename: Rename) -> ResourceRef | None:
    return None if ref is None else ResourceRef(rename(ref.name), ref.subpath)
