"""How git workspaces are made and cloned."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from dataworkspaces.backends.git.large_file_options import OPTIONS, LargeFileOptions
from dataworkspaces.backends.git.paths import (
    BRANCH_PARAM,
    METADATA_ATTRIBUTES,
    METADATA_IGNORES,
    WORKSPACE_IGNORES,
    WorkspacePaths,
)
from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.durability import flush_directory, flush_tree
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.identity import check_identity
from dataworkspaces.gitrepo.ignore_lines import add_lines
from dataworkspaces.gitrepo.layout import current_branch, git_directory, operation_in_progress
from dataworkspaces.gitrepo.plumbing import list_paths
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.restraint import made_here
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.params import (
    LOCAL_SCRATCH_DIRECTORY,
    RESULTS_DIR_TEMPLATE,
    RESULTS_MOVE_EXCLUDE_FILES,
    SCRATCH_DIRECTORY,
    WORKSPACE_PARAMS,
)
from dataworkspaces.toolbox.atomic import write_json
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace.workspace_uri import METADATA_DIR


def init_workspace(
    workspace_name: str,
    dws_version: str,
    global_params: dict[str, Any],
    local_params: dict[str, Any],
    batch: bool,
    verbose: bool,
    scratch_dir: str,
    *args: Any,
    **kwargs: Any,
) -> GitWorkspace:
    """:param directory: where; the current directory if it is not given.
    :param git_lfs_attributes: as ``git_fat_remote``, ``git_fat_user``, ``git_fat_port``, ``git_fat_attributes``: see
        ``dws init --help``."""
    known = ("directory", *OPTIONS)
    unknown = sorted(key for key, value in kwargs.items() if key not in known and value is not None)
    if unknown:
        raise ConfigurationError(f"The git backend does not know the option '{unknown[0]}'")
    directory = Path(os.path.realpath(kwargs.get("directory") or Path.cwd()))
    paths = WorkspacePaths.of(directory)
    root = paths.root
    _check_new(paths)
    scratch = global_params.get(SCRATCH_DIRECTORY)
    if scratch is not None:
        check_relative_path(scratch, "Scratch directory")
    options = LargeFileOptions.check(kwargs, root)
    if paths.prefix and options != LargeFileOptions():
        raise ConfigurationError(
            f"The options for large files are for a workspace at the root of its repository, which is {root}",
            hint="Set up git-lfs or git-fat there by hand, as in any repository, and leave the options out",
        )
    is_new_repository = git_directory(root) is None
    temporary = directory / f"{paths.metadata.name}.new"
    try:
        if is_new_repository:
            run_git(root, ["init", "--quiet"], doing="Making a git repository")
        made_here(root)
        check_identity(root)
        branch = current_branch(root)
        _write_metadata(temporary, workspace_name, dws_version, {**global_params, BRANCH_PARAM: branch}, local_params)
        ignores = [*([f"/{scratch}"] if scratch else []), *WORKSPACE_IGNORES]
        add_lines(paths.gitignore, ignores)
        written = options.write(root)
        flush_tree(temporary)
        flush_repository(root)
        temporary.rename(paths.metadata)  # from here on there is a workspace
        flush_directory(directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        if is_new_repository:
            shutil.rmtree(root / ".git", ignore_errors=True)
        raise
    workspace = GitWorkspace(directory, workspace_name, dws_version, batch, verbose)
    for path in (paths.metadata, paths.gitignore, *written):
        workspace.include_in_save(path)
    workspace.consent.agree(workspace.addresses())  # of a repository that was there before, or of an option
    workspace.save("New workspace")
    Path(local_params.get(LOCAL_SCRATCH_DIRECTORY) or directory / str(scratch)).mkdir(parents=True, exist_ok=True)
    return workspace


def _check_new(paths: WorkspacePaths) -> None:
    root = paths.root
    if paths.metadata.exists():
        raise ConfigurationError(f"{paths.directory} is already a workspace")
    if git_directory(root) is None:
        return
    other = next(iter(_workspaces_in(root)), None)
    if other is not None:
        raise ConfigurationError(
            f"The git repository {root} already holds the workspace {other}, and a repository holds one",
            hint=f"Work in {other}, or make {paths.directory} a repository of its own first: git init",
        )
    operation = operation_in_progress(root)
    if operation is not None:
        raise ConfigurationError(f"{operation.capitalize()} is in progress in {root}", hint="Finish or abort it first")
    if current_branch(root) is None:
        raise ConfigurationError(f"{root} is on no branch (HEAD is detached)", hint="git switch BRANCH")


def _workspaces_in(root: Path) -> list[Path]:
    """The directories of workspaces that a repository holds."""
    listed = [path for path in list_paths(root) if f"/{path}".endswith(f"/{METADATA_DIR}/config.json")]
    found = [root, *((root / path).parent.parent for path in listed)]
    return [place for place in dict.fromkeys(found) if (place / METADATA_DIR).is_dir()]


def _write_metadata(
    directory: Path, name: str, dws_version: str, global_params: dict[str, Any], local_params: dict[str, Any]
) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    params = {key: WORKSPACE_PARAMS[key].default for key in (RESULTS_DIR_TEMPLATE, RESULTS_MOVE_EXCLUDE_FILES)}
    config = {"name": name, "dws-version": dws_version, "global_params": {**params, **global_params}}
    write_json(directory / "config.json", config)
    write_json(directory / "local_params.json", local_params)
    write_json(directory / "resource_local_params.json", {})
    (directory / "current_lineage").mkdir()
    add_lines(directory / ".gitignore", METADATA_IGNORES)
    add_lines(directory / ".gitattributes", [METADATA_ATTRIBUTES])
