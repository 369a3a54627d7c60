"""A trained model as a file of a results resource, and beside it what is needed to load it again."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.workspace import FileResourceMixin, ResourceRef
from dataworkspaces.workspace.names import check_relative_path

DESCRIPTION_SUFFIX = ".json"
"""Added to the name of a model's file; the file of that name describes it."""

PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib")
"""The packages whose versions decide whether a model can be loaded."""


def check_model_file(name: str) -> str:
    """Return ``name`` if a model can be saved under it: a relative path, which stays in the results resource."""
    what = "model_save_file"
    if not check_relative_path(name, what):
        raise ApiParamError(f"{what} is empty", hint="Leave it out to save no model")
    if name in ("results.json", "lineage.json") or name.startswith("snapshots/"):
        raise ApiParamError(f"{what}: '{name}' is kept for Data Workspaces' own files", hint="Choose another name")
    return name


def save_model(model: Any, files: FileResourceMixin, ref: ResourceRef, name: str) -> ResourceRef:
    """Store ``model`` with joblib as the file ``name`` below ``ref``, and its description in ``name`` + ``.json``.
    Returns where the model is.

    The description holds the model's class, the versions of Python and of :data:`PACKAGES`, and the SHA-256 of the
    model's file, which tells whether the two belong together. Each file is replaced as a whole."""
    import joblib

    path = name if ref.subpath is None else f"{ref.subpath}/{name}"
    with tempfile.TemporaryDirectory(prefix="dws-model-") as directory:
        local = Path(directory) / "model"
        joblib.dump(model, local)
        with local.open("rb") as f:
            checksum = _sha256(f)
        files.upload_file(str(local), path)
    files.add_results_file(
        {
            "file": name.rpartition("/")[2],
            "sha256": checksum,
            "model": f"{type(model).__module__}.{type(model).__qualname__}",
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in PACKAGES},
        },
        path + DESCRIPTION_SUFFIX,
    )
    return ResourceRef(ref.name, path)


def _sha256(file: Any) -> str:
    hasher = hashlib.sha256()
    while block := file.read(1 << 20):
        hasher.update(block)
    return hasher.hexdigest()
