"""A trained model as a file of a results resource, and beside it what is needed to load it again."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kits.scikit_learn.finding import as_file_resource
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.atomic import explain_os_error
from dataworkspaces.workspace.interaction import log
from dataworkspaces.workspace.names import check_relative_path

DESCRIPTION_SUFFIX = ".json"
"""Added to the name of a model's file; the file of that name describes it."""

PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib")
"""The packages whose versions decide whether a model can be loaded."""


OWN_FILES = ("results.json", "lineage.json")


def check_model_file(name: str) -> str:
    """Return ``name`` if a model can be saved under it: a relative path, which stays in the results resource."""
    what = "model_save_file"
    if not check_relative_path(name, what):
        raise ApiParamError(f"{what} is empty", hint="Leave it out to save no model")
    if name in OWN_FILES or name + DESCRIPTION_SUFFIX in OWN_FILES or name.split("/")[0] == "snapshots":
        raise ApiParamError(
            f"{what}: '{name}' is a name that Data Workspaces needs for itself",
            hint="Choose another, as in model.joblib",
        )
    return name


def save_model(model: Any, workspace: Workspace, ref: ResourceRef, name: str) -> ResourceRef:
    """Store ``model`` with joblib as the file ``name`` below ``ref``, and its description in ``name`` + ``.json``.
    Returns where the model is.

    The description holds the model's class, the versions of Python and of :data:`PACKAGES`, and the SHA-256 of the
    model's file, which tells whether the two belong together. Each file is replaced as a whole."""
    import joblib

    resource = as_file_resource(workspace.get_resource(ref.name))
    path = name if ref.subpath is None else f"{ref.subpath}/{name}"
    scratch = Path(workspace.get_scratch_directory())
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="model-", dir=scratch) as directory:
            local = Path(directory) / "model"
            joblib.dump(model, local)
            checksum = _sha256(local)
            resource.upload_file(str(local), path)
    except OSError as e:
        raise explain_os_error(e, f"Saving the model '{path}'") from e
    description = {
        "file": path.rpartition("/")[2],
        "sha256": checksum,
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }
    resource.add_results_file(description, path + DESCRIPTION_SUFFIX)
    log.info("saved the model %s", path)
    return ResourceRef(ref.name, path)


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()
