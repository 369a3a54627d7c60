"""Lineage from JSON.

Files may come from other people's workspaces: whatever does not fit raises MetadataError, in which ``where`` names the
file, and nothing in them is trusted to be a path or a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.lineage.model import (
    CodeFiles,
    CodeLineage,
    Environment,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    NotebookRecord,
    PlaceholderCertificate,
    ResourceCert,
    RunRecord,
    SourceDataLineage,
    StepLineage,
    UnknownLineage,
)
from dataworkspaces.workspace.documents import is_document_name
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = ["MAX_DEPTH", "entries_from_json", "entry_from_json", "run_from_json", "step_from_json"]

MAX_DEPTH = 50
"""How deeply imported lineage may be nested."""


def entry_from_json(data: Any, where: str, depth: int = 0) -> LineageEntry:
    """Raises MetadataError, in which ``where`` names the file, for what is no entry."""
    fields = _object(data, where)
    kind = fields.get("type")
    if kind == "step":
        return _step_from_json(fields, where)
    if kind == "source_data":
        return SourceDataLineage(_cert_from_json(fields, where))
    if kind == "code":
        return CodeLineage(_cert_from_json(fields, where))
    if kind == "imported":
        if depth >= MAX_DEPTH:
            raise MetadataError(f"{where}: imported lineage is nested more than {MAX_DEPTH} times")
        nested = tuple(entry_from_json(e, where, depth + 1) for e in _list(fields, "nested_lineage", where))
        content = _optional(fields, "content", str, where)
        return ImportedLineage(_text(fields, "resource_name", where), nested, content)
    raise MetadataError(f"{where}: a lineage entry has an unknown type: {kind!r}")


def entries_from_json(data: Any, where: str) -> list[LineageEntry]:
    """The entries of a lineage file."""
    fields = _object(data, where)
    entries = [entry_from_json(entry, where) for entry in _list(fields, "lineages", where)]
    if "unknown" not in fields:
        return entries
    return [*entries, *(_unknown_from_json(_object(e, where), where) for e in _list(fields, "unknown", where))]


def _unknown_from_json(fields: Mapping[str, Any], where: str) -> UnknownLineage:
    step = _optional(fields, "step", dict, where)
    return UnknownLineage(_cert_from_json(fields, where), None if step is None else _step_from_json(step, where))


_STEP_KEYS = (
    "type", "step_name", "start_time", "execution_time_seconds", "parameters", "input_resources", "code_resources",
    "output_resources", "command_line", "run_from_directory", "working_directory", "user", "exit_status", "environment",
    "random_seeds", "code_trees", "metrics", "run", "notebook", "inputs_told", "code_files",
)  # fmt: skip


def _step_from_json(fields: Mapping[str, Any], where: str) -> StepLineage:
    try:
        start_time = datetime.fromisoformat(_text(fields, "start_time", where))
    except ValueError as e:
        raise MetadataError(f"{where}: a step has the start time {fields['start_time']!r}") from e
    seconds = fields.get("execution_time_seconds")
    if seconds is not None and not isinstance(seconds, (int, float)):
        raise MetadataError(f"{where}: a step has the execution time {seconds!r}")
    command_line = fields.get("command_line")
    if command_line is not None and not (
        isinstance(command_line, list) and all(isinstance(a, str) for a in command_line)
    ):
        raise MetadataError(f"{where}: the command line of a step should be a list of strings")
    directory = fields.get("run_from_directory")
    return StepLineage(
        step_name=_text(fields, "step_name", where),
        start_time=start_time,
        execution_time_seconds=seconds,
        parameters=_object(fields.get("parameters") or {}, where),
        inputs=_certs(fields, "input_resources", where),
        code=_certs(fields, "code_resources", where),
        outputs=_certs(fields, "output_resources", where),
        command_line=None if command_line is None else tuple(command_line),
        run_from_directory=None if directory is None else _ref_from_json(directory, where),
        working_directory=_working_directory(fields, where),
        user=_optional(fields, "user", str, where),
        exit_status=_optional(fields, "exit_status", int, where),
        environment=_environment_from_json(_optional(fields, "environment", dict, where), where),
        random_seeds=_optional(fields, "random_seeds", dict, where) or {},
        code_trees=_texts(_optional(fields, "code_trees", dict, where) or {}, where),
        metrics=_optional(fields, "metrics", dict, where),
        run=run_from_json(_optional(fields, "run", dict, where), where),
        notebook=_notebook_from_json(_optional(fields, "notebook", dict, where), where),
        inputs_told=fields.get("inputs_told") is not False,
        code_files=tuple(_code_files_from_json(e, where) for e in _optional(fields, "code_files", list, where) or ()),
        other={key: value for key, value in fields.items() if key not in _STEP_KEYS},
    )


def _environment_from_json(fields: Mapping[str, Any] | None, where: str) -> Environment | None:
    if fields is None:
        return None
    distributions = _optional(fields, "distributions", dict, where)
    return Environment(
        _optional(fields, "python", str, where),
        _optional(fields, "implementation", str, where),
        _optional(fields, "platform", str, where),
        None if distributions is None else _texts(distributions, where),
        _records(_optional(fields, "records", dict, where) or {}, where),
        _optional(fields, "settings", dict, where) or {},
    )


def _records(fields: Mapping[str, Any], where: str) -> Mapping[str, str]:
    """They become names of files."""
    for kind, name in _texts(fields, where).items():
        if not is_document_name(name):
            raise MetadataError(f"{where}: the record of an environment ({kind:.80}) has the name {name!r:.200}")
    return fields


def _code_files_from_json(data: Any, where: str) -> CodeFiles:
    fields = _object(data, where)
    lists = {key: _list(fields, key, where) for key in ("names", "listed", "without")}
    for key, value in lists.items():
        if not all(isinstance(item, str) for item in value):
            raise MetadataError(f"{where}: '{key}' should be a list of strings")
    return CodeFiles(
        _ref_from_json(fields.get("place"), where),
        _texts(_object(fields.get("files"), where), where),
        _text(fields, "rest", where),
        *(tuple(value) for value in lists.values()),
    )


def _notebook_from_json(fields: Mapping[str, Any] | None, where: str) -> NotebookRecord | None:
    if fields is None:
        return None
    place = fields.get("place")
    executed = _list(fields, "executed", where)
    if not all(cell is None or isinstance(cell, int) for cell in executed):
        raise MetadataError(f"{where}: the cells of a notebook should be numbers")
    return NotebookRecord(
        None if place is None else _ref_from_json(place, where),
        _optional(fields, "sources", str, where),
        tuple(executed),
        fields.get("top_to_bottom") is True,
    )


def step_from_json(data: Any, where: str) -> StepLineage:
    """A step; raises MetadataError for what is none."""
    return _step_from_json(_object(data, where), where)


def run_from_json(fields: Mapping[str, Any] | None, where: str) -> RunRecord | None:
    """The record of a run; raises MetadataError for what is none."""
    if fields is None:
        return None
    command = _list(fields, "command", where)
    if not command or not all(isinstance(argument, str) for argument in command):
        raise MetadataError(f"{where}: the command of a run should be a list of strings")
    outputs = _optional(fields, "outputs", list, where)
    directory, results = fields.get("run_from_directory"), fields.get("results")
    return RunRecord(
        run_id=_text(fields, "id", where),
        name=_text(fields, "name", where),
        command=tuple(command),
        run_from_directory=None if directory is None else _ref_from_json(directory, where),
        working_directory=_working_directory(fields, where),
        inputs=tuple(_ref_from_json(ref, where) for ref in _list(fields, "inputs", where)),
        code=tuple(_ref_from_json(ref, where) for ref in _list(fields, "code", where)),
        outputs=None if outputs is None else tuple(_ref_from_json(ref, where) for ref in outputs),
        parameters=_object(fields.get("parameters") or {}, where),
        results=None if results is None else _ref_from_json(results, where),
        params_files=_params_files(fields, where),
        reads_nothing=fields.get("reads_nothing") is True,
        autolog=fields.get("autolog") is True,
    )


def _params_files(fields: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Others may have written them: none leads out of the directory."""
    files = _optional(fields, "params_files", list, where) or []
    for path in files:
        if not isinstance(path, str) or "\0" in path or path.startswith(("/", "~")):
            raise MetadataError(f"{where}: the parameter files of a run should be a list of relative paths")
    return tuple(files)


def _working_directory(fields: Mapping[str, Any], where: str) -> str | None:
    path: str | None = _optional(fields, "working_directory", str, where)
    _check_subpath(path, where)
    return path


def _certs(fields: Mapping[str, Any], key: str, where: str) -> tuple[ResourceCert, ...]:
    return tuple(_cert_from_json(_object(item, where), where) for item in _list(fields, key, where))


def _cert_from_json(fields: Mapping[str, Any], where: str) -> ResourceCert:
    subpath = _optional(fields, "subpath", str, where)
    _check_subpath(subpath, where)
    ref = ResourceRef(_text(fields, "resource_name", where), subpath)
    certificate = _object(fields.get("certificate"), where)
    comment = str(certificate.get("comment", ""))
    content = _optional(certificate, "content", str, where)
    kind = certificate.get("cert_type")
    if kind == "hash":
        known = certificate.get("version")
        version = known if isinstance(known, int) and not isinstance(known, bool) else None
        return ResourceCert(ref, HashCertificate(_text(certificate, "hashval", where), comment, version, content))
    if kind == "placeholder":
        version = certificate.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 0:
            raise MetadataError(f"{where}: a placeholder has the version {version!r}")
        is_output = bool(certificate.get("is_ouput", certificate.get("is_output", False)))
        return ResourceCert(ref, PlaceholderCertificate(version, comment, is_output, content))
    raise MetadataError(f"{where}: a certificate has an unknown type: {kind!r}")


def _ref_from_json(data: Any, where: str) -> ResourceRef:
    """A reference, which is a list of name and subpath."""
    if (
        isinstance(data, list)
        and len(data) == 2
        and isinstance(data[0], str)
        and isinstance(data[1], (str, type(None)))
    ):
        _check_subpath(data[1], where)
        return ResourceRef(data[0], data[1])
    raise MetadataError(f"{where}: a reference should be a list of a resource name and a subpath")


def _check_subpath(subpath: str | None, where: str) -> None:
    if subpath is not None and (subpath.startswith("/") or "\0" in subpath or ".." in subpath.split("/")):
        raise MetadataError(f"{where}: the subpath {subpath!r:.200} leads out of its resource")


def _optional(fields: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = fields.get(key)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise MetadataError(f"{where}: '{key}' is {value!r:.200}, which is not a {_KINDS[kind]}")
    return value


_KINDS = {str: "string", int: "whole number", dict: "JSON object", list: "JSON list"}


def _texts(fields: Mapping[str, Any], where: str) -> Mapping[str, str]:
    for key, value in fields.items():
        if not isinstance(value, str):
            raise MetadataError(f"{where}: '{key}' is {value!r:.200}, which is not a string")
    return fields


def _object(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise MetadataError(f"{where}: lineage should hold a JSON object where it holds {type(data).__name__}")
    return data


def _list(fields: Mapping[str, Any], key: str, where: str) -> Sequence[Any]:
    value = fields.get(key)
    if not isinstance(value, list):
        raise MetadataError(f"{where}: lineage lacks the list '{key}'")
    return value


def _text(fields: Mapping[str, Any], key: str, where: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise MetadataError(f"{where}: lineage lacks the string '{key}'")
    return value
