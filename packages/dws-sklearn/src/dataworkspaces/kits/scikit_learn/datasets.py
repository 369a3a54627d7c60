"""Data sets that lie in a resource as files, one file an attribute."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.utils import Bunch

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.kit_support.places import as_file_resource, open_workspace
from dataworkspaces.kits.scikit_learn.file_formats import ARRAY_EXTENSIONS, read_file, split_name
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import FileResourceMixin, ResourceRef


def load_dataset_from_resource(
    resource_name: str, subpath: str | None = None, workspace_dir: str | None = None
) -> Bunch:
    """Load a data set: each file ``ATTRIBUTE.EXTENSION`` of a directory becomes an attribute of the result.

    ===================================  ========================================================================
    ``.txt``, ``.rst``                   text (UTF-8)
    ``.csv``, ``.csv.gz``, ``.csv.bz2``  array of floats; if not all is numeric, the array that pandas makes of it
    ``.npy``                             array
    ===================================  ========================================================================

    The array of a csv file with a single column or row has one dimension, except ``data``, which has two. The first
    line of a file that is not all numeric is taken for a header, and left out, if it has text above a column of
    numbers. Files of other formats, hidden files and directories (so the snapshots of results too) are left alone.

    :param resource_name: a resource with files; they need not be on this machine.
    :param subpath: the directory of the data set in the resource; its root, if None.
    :param workspace_dir: the directory of the workspace; the one that holds the current directory, if None.
    :returns: ``data``, an array of shape (n_samples, n_features); ``target``, an array of shape (n_samples,);
        ``resource``, the ResourceRef of the directory; and what else the data set has (often ``DESCR``,
        ``feature_names``, ``target_names``).

    Raises ConfigurationError if there is no such place, if data or target is missing, if two files stand for one
    attribute, or if a file does not hold what its extension says.
    """
    resource = open_workspace(workspace_dir).get_resource(resource_name)
    files = as_file_resource(resource)
    directory = check_relative_path((subpath or "").rstrip("/"), f"Data set in resource '{resource_name}'")
    ref = ResourceRef(resource_name, directory or None)
    if not files.does_subpath_exist(directory, must_be_directory=True):
        raise NotFoundError(f"Resource '{resource_name}' has no directory '{directory}'")

    bunch = Bunch()
    for attribute, (path, extension) in _find_files(files, ref).items():
        bunch[attribute] = read_file(
            partial(files.open, path, "rb"),
            extension,
            ndmin=2 if attribute == "data" else 1,
            what=f"File '{path}' of resource '{resource_name}'",
        )
    _check_shapes(bunch, ref)
    bunch["resource"] = ref
    return bunch


def _find_files(files: FileResourceMixin, ref: ResourceRef) -> dict[str, tuple[str, str]]:
    """Path and extension of the file of each attribute."""
    found: dict[str, tuple[str, str]] = {}
    for name in files.ls(ref.subpath or ""):
        path = name if ref.subpath is None else f"{ref.subpath}/{name}"
        parts = split_name(name)
        if parts is None or files.does_subpath_exist(path, must_be_directory=True):
            continue
        attribute, extension = parts
        if attribute == "resource":
            raise ConfigurationError(
                f"Data set {ref}: '{name}' cannot be an attribute, since 'resource' names the resource of a data set",
                hint="Rename the file",
            )
        if attribute in found:
            raise ConfigurationError(
                f"Data set {ref}: both '{found[attribute][0]}' and '{path}' stand for the attribute '{attribute}'",
                hint="Remove or rename one of the two",
            )
        found[attribute] = (path, extension)
    missing = [attribute for attribute in ("data", "target") if attribute not in found]
    if missing:
        possible = ", ".join(missing[0] + extension for extension in ARRAY_EXTENSIONS)
        raise ConfigurationError(
            f"Data set {ref} lacks {' and '.join(missing)}", hint=f"Add a file; for {missing[0]} one of {possible}"
        )
    return found


def _check_shapes(bunch: Bunch, ref: ResourceRef) -> None:
    for attribute in ("data", "target"):
        if np.ndim(bunch[attribute]) == 0:
            raise ConfigurationError(
                f"Data set {ref}: {attribute} is not an array with a row for each sample",
                hint=f"Store it in a file with the extension {' or '.join(ARRAY_EXTENSIONS)}",
            )
    samples, targets = len(bunch.data), len(bunch.target)
    if samples != targets:
        raise ConfigurationError(f"Data set {ref}: data has {samples} samples, but target has {targets}")
