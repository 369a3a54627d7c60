"""Files that a kit leaves beside ``results.json``: trained models and what loads them again, tables, pictures."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import as_file_resource
from dataworkspaces.kit_support.step import run_that_writes_to
from dataworkspaces.lineage import jsonable
from dataworkspaces.lineage.runs.left import PARTS
from dataworkspaces.lineage.runs.log import FileRecord
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.names import LINEAGE_FILE, check_relative_path
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.results import METRICS_HISTORY_FILE, RESULTS_FILE, RUN_LOG_FILE

DESCRIPTION_SUFFIX = ".json"
"""Added to the name of a model's file; the file of that name describes it."""

OWN_FILES = (RESULTS_FILE, LINEAGE_FILE, METRICS_HISTORY_FILE, RUN_LOG_FILE)


def check_result_file(name: str, what: str) -> str:
    """Return ``name`` if a file can be saved under it: a relative path, which stays in the results resource.

    :param what: the argument that it is, for the error."""
    if not check_relative_path(name, what):
        raise ApiParamError(f"{what} is empty", hint="Omit it to save no file")
    if name in OWN_FILES or name + DESCRIPTION_SUFFIX in OWN_FILES or name.split("/")[0] in ("snapshots", PARTS):
        raise ApiParamError(
            f"{what}: the name '{name}' is reserved for Data Workspaces",
            hint="Choose another, such as model.joblib",
        )
    return name


def save_result_file(workspace: Workspace, ref: ResourceRef, name: str, write: Callable[[Path], object]) -> ResourceRef:
    """Store what ``write`` writes to the path that it is given as the file ``name`` below ``ref``, and return where.

    The path has the suffix of ``name``. The file is replaced as a whole."""
    return _save(workspace, ref, name, write)[0]


def save_described_file(
    workspace: Workspace,
    ref: ResourceRef,
    name: str,
    write: Callable[[Path], object],
    description: Mapping[str, Any],
    packages: Sequence[str],
) -> ResourceRef:
    """The same for a trained model, and beside it ``name`` + ``.json`` with what is needed to load it again.

    That holds ``description``, the versions of Python and of ``packages``, and the SHA-256 of the model's file, which
    tells whether the two belong together."""
    where, checksum = _save(workspace, ref, name, write)
    content = {
        "file": name.rpartition("/")[2],
        "sha256": checksum,
        **description,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }
    save_result_json(workspace, ref, name + DESCRIPTION_SUFFIX, content)
    return where


def save_result_json(workspace: Workspace, ref: ResourceRef, name: str, content: Mapping[str, Any]) -> ResourceRef:
    """Store ``content``, with values from any library, as the JSON file ``name`` below ``ref``, and return where."""
    run = run_that_writes_to(ref)
    if run is not None:
        run.make_room_for(name)
    where = _below(ref if run is None else run.directory.ref, name)
    as_file_resource(workspace.get_resource(ref.name)).add_results_file(jsonable(dict(content)), where.subpath or "")
    if run is not None:
        run.note_file(name)
    log.info("saved %s", where)
    return where


def _save(
    workspace: Workspace, ref: ResourceRef, name: str, write: Callable[[Path], object]
) -> tuple[ResourceRef, str]:
    resource = as_file_resource(workspace.get_resource(ref.name))
    run = run_that_writes_to(ref)
    if run is not None:
        run.make_room_for(name)
    where = _below(ref if run is None else run.directory.ref, name)
    scratch = Path(workspace.get_scratch_directory())
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="result-", dir=scratch) as directory:
            local = Path(directory) / name.rpartition("/")[2]
            write(local)
            checksum, size = _sha256(local), local.stat().st_size
            resource.upload_file(str(local), where.subpath or "")
    except OSError as e:
        raise explain_os_error(e, f"Saving '{where.subpath}'") from e
    if run is not None:
        run.note_file(name, FileRecord(size, checksum))
    log.info("saved %s", where)
    return where, checksum


def _below(ref: ResourceRef, name: str) -> ResourceRef:
    return ResourceRef(ref.name, name if ref.subpath is None else f"{ref.subpath}/{name}")


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()
