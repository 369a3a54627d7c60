"""Writing down the environments that steps ran in, once for each content, and finding the documents again.

They lie in the machine's own directory from the end of a step on, and travel with the workspace from the snapshot on
that has the step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces import plugins
from dataworkspaces.errors import DwsError, MetadataError, NotFoundError, PluginError
from dataworkspaces.lineage.model import LineageEntry, StepLineage, UnknownLineage
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_bytes, write_json
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace.documents import ENVIRONMENTS, document_name, is_document_name, verified_document

if TYPE_CHECKING:
    from dataworkspaces.lineage.environment_kind import EnvironmentKind, Process
    from dataworkspaces.workspace import Workspace

__all__ = ["environment_kind", "environment_kinds", "is_own_record", "read_record", "record_environment"]


def record_environment(process: Process, machine_directory: Path) -> dict[str, str]:
    """The names of the documents that say what a process ran in, by kind; written if they are new. What fails is left
    out: a step is worth more than that."""
    found = {}
    for name, kind in _kinds():
        try:
            document = _recorded(name, kind, process, machine_directory / ENVIRONMENTS)
        except Exception as e:  # of whatever is installed, in whatever state
            log.info("the environment (%s) is not recorded: %s", name, e)
            continue
        if document is not None:
            found[name] = document
    return found


def _recorded(name: str, kind: EnvironmentKind, process: Process, directory: Path) -> str | None:
    state = kind.state(process)
    if state is None:
        return None
    installed = [path for path in process.paths if path.rstrip("/").endswith("-packages")]  # others come and go
    key = hashlib.sha256(json.dumps([process.prefix, installed]).encode("utf-8", "surrogatepass")).hexdigest()
    cache = directory / f"{name}-{key[:16]}.json"
    with suppress(DwsError):
        known = read_json_object_if_any(cache, "state", "document") or {}
        document = known.get("document")
        is_name = isinstance(document, str) and is_document_name(document)
        if known.get("state") == state and is_name and (directory / str(document)).is_file():
            return str(document)
    content = kind.record(process)
    document = document_name(kind.prefix, content, kind.suffix)
    write_bytes(directory / document, content)
    OwnCommands(directory.parent).add([ENVIRONMENTS, document])
    write_json(cache, {"state": state, "document": document})
    return document


def read_record(workspace: Workspace, document: str) -> bytes:
    """A document that lineage names. Raises NotFoundError if it is not here, MetadataError if it was changed."""
    if not is_document_name(document):
        raise MetadataError(f"{document!r:.200} is not a name of a recorded environment")
    key = f"{ENVIRONMENTS}/{document}"
    content = _read_own(workspace, document)
    if content is None:
        content = workspace.read_document(key)
    if content is None:
        raise NotFoundError(
            f"The environment {document} is not in this copy of the workspace",
            hint="It is where the step ran, and travels from the next snapshot on",
        )
    return verified_document(key, content)


def is_own_record(workspace: Workspace, document: str) -> bool:
    """Whether a step that ran here wrote it, or the user has agreed to make it; what came with a workspace, in whatever
    way, is not."""
    return OwnCommands(workspace.get_machine_directory()).has([ENVIRONMENTS, document])


def _read_own(workspace: Workspace, document: str) -> bytes | None:
    try:
        return read_regular(workspace.get_machine_directory() / ENVIRONMENTS / document)
    except OSError:
        return None


def documents_of(entries: Iterable[LineageEntry]) -> Iterator[str]:
    """The documents that entries of lineage name."""
    for entry in entries:
        step = entry.step if isinstance(entry, UnknownLineage) else entry
        if isinstance(step, StepLineage) and step.environment is not None:
            yield from step.environment.records.values()


def keep_records(workspace: Workspace, entries: Iterable[LineageEntry]) -> list[str]:
    """Have the environments that entries name travel with the workspace; returns the documents that do, sorted. One
    that is nowhere is left out. Idempotent."""
    found: dict[str, bytes] = {}
    for document in sorted(set(documents_of(entries))):
        with suppress(NotFoundError, MetadataError):
            found[document] = read_record(workspace, document)
    workspace.write_documents({f"{ENVIRONMENTS}/{document}": content for document, content in found.items()})
    return list(found)


def environment_kinds() -> Mapping[str, EnvironmentKind]:
    """All that are installed, by name."""
    return dict(_kinds())


def environment_kind(name: str) -> EnvironmentKind:
    """Raises PluginError if there is none of that name."""
    found: EnvironmentKind = plugins.load(plugins.ENVIRONMENTS, name)
    return found


@lru_cache(maxsize=1)
def _kinds() -> tuple[tuple[str, EnvironmentKind], ...]:
    from dataworkspaces.lineage.environment_kind import EnvironmentKind

    found = []
    try:
        for name in plugins.announced(plugins.ENVIRONMENTS):
            found.append((name, plugins.load(plugins.ENVIRONMENTS, name)))
    except PluginError as e:
        log.warning("%s: environments may be missing in lineage", e)
    return tuple((name, kind) for name, kind in found if isinstance(kind, EnvironmentKind))
