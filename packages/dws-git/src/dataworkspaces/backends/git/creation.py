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
from dataworkspaces.gitrepo.flushing import flush_repository
from dataworkspaces.gitrepo.identity import check_identity
from dataworkspaces.gitrepo.ignore_lines import add_lines
from dataworkspaces.gitrepo.layout import current_branch, enclosing_repository, git_directory, operation_in_progress
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
    root = Path(os.path.realpath(kwargs.get("directory") or Path.cwd()))
    paths = WorkspacePaths(root)
    _check_new(root, paths)
    scratch = global_params.get(SCRATCH_DIRECTORY)
    if scratch is not None:
        check_relative_path(scratch, "Scratch directory")
    options = LargeFileOptions.check(kwargs, root)
    is_new_repository = git_directory(root) is None
    temporary = root / f"{paths.metadata.name}.new"
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
        flush_directory(root)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        if is_new_repository:
            shutil.rmtree(root / ".git", ignore_errors=True)
        raise
    workspace = GitWorkspace(root, workspace_name, dws_version, batch, verbose)
    for path in (paths.metadata, paths.gitignore, *written):
        workspace.include_in_save(path)
    workspace.consent.agree(workspace.addresses())  # of a repository that was there before, or of an option
    workspace.save("New workspace")
    Path(local_params.get(LOCAL_SCRATCH_DIRECTORY) or root / str(scratch)).mkdir(parents=True, exist_ok=True)
    return workspace


def _check_new(root: Path, paths: WorkspacePaths) -> None:
    if paths.metadata.exists():
        raise ConfigurationError(f"{root} is already a workspace")
    enclosing = enclosing_repository(root)
    if enclosing is not None and enclosing != root:
        raise ConfigurationError(
            f"{root} lies inside the git repository {enclosing}, but a workspace has to be the root of its repository",
            hint=f"Create the workspace at {enclosing}, or outside it",
        )
    if enclosing is None:
        return
    operation = operation_in_progress(root)
    if operation is not None:
        raise ConfigurationError(f"{operation.capitalize()} is in progress in {root}", hint="Finish or abort it first")
    if current_branch(root) is None:
        raise ConfigurationError(f"{root} is on no branch (HEAD is detached)", hint="git switch BRANCH")


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
