"""A trained model as a file of a results resource, and beside it what is needed to load it again."""

from __future__ import annotations

from typing import Any

from dataworkspaces.kit_support.result_files import check_result_file, save_described_file
from dataworkspaces.workspace import ResourceRef, Workspace

PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib")
"""The packages whose versions decide whether a model can be loaded."""


def check_model_file(name: str) -> str:
    """Return ``name`` if a model can be saved under it: a relative path, which stays in the results resource."""
    return check_result_file(name, "model_save_file")


def save_model(model: Any, workspace: Workspace, ref: ResourceRef, name: str) -> ResourceRef:
    """Store ``model`` with joblib as the file ``name`` below ``ref``, and its description in ``name`` + ``.json``.
    Returns where the model is.

    The description holds the model's class, the versions of Python and of :data:`PACKAGES`, and the SHA-256 of the
    model's file, which tells whether the two belong together. Each file is replaced as a whole."""
    import joblib

    return save_described_file(
        workspace,
        ref,
        name,
        lambda path: joblib.dump(model, path),
        {"model": f"{type(model).__module__}.{type(model).__qualname__}"},
        PACKAGES,
    )
