"""How git workspaces are opened, made and cloned."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.storage import UNSAVED
from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.errors import ConfigurationError, MetadataError, NotAWorkspaceError
from dataworkspaces.gitrepo.damaged_references import is_head_damaged
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.plumbing import is_tracked
from dataworkspaces.toolbox.atomic import read_json_object
from dataworkspaces.workspace import WorkspaceFactory
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

if TYPE_CHECKING:
    from urllib.parse import ParseResult

    import click

    from dataworkspaces.workspace.problem import Problem
    from dataworkspaces.workspace.unfinished import UnfinishedPart


class GitWorkspaceFactory(WorkspaceFactory):
    """URIs are ``git:/absolute/path`` or ``git:relative/path``."""

    init_help = "The backend 'git' adds to a git repository that is there, or around the directory."

    @staticmethod
    def get_click_params() -> list[click.Parameter]:
        from dataworkspaces.backends.git.large_file_options import click_params

        return click_params()

    @staticmethod
    def directory_resource() -> tuple[str, dict[str, Any]]:
        return "git", {}  # which knows a subdirectory of the workspace

    @staticmethod
    def check_resource_directory(place: Path, role: str) -> None:
        if (place / ".git").exists():
            raise ConfigurationError(
                f"{place} is a separate git repository, so it cannot be a subdirectory of the workspace's repository",
                hint=f"Omit {role} from --create-resources; then: dws add git --role={role} ./{role}",
            )

    @staticmethod
    def load_workspace(batch: bool, verbose: bool, parsed_uri: ParseResult) -> GitWorkspace:
        directory = Path(os.path.realpath(unquote(parsed_uri.path)))
        paths = WorkspacePaths.of(directory)
        if not paths.metadata.is_dir():
            raise NotAWorkspaceError(f"{directory} is not a workspace: it has no {paths.metadata.name} directory")
        root = paths.root
        if paths.prefix:
            _check_belongs_to(paths)
        mended = _mend_head(root) if is_head_damaged(root) else None
        try:
            config = read_json_object(paths.config, "name", "dws-version")
        except MetadataError:
            from dataworkspaces.gitrepo.advance import is_unfinished

            if not is_unfinished(root):
                raise
            _finish_advance(root)  # the file is half written, by a process that was killed
            config = read_json_object(paths.config, "name", "dws-version")
        workspace = GitWorkspace(directory, str(config["name"]), str(config["dws-version"]), batch, verbose)
        if mended is not None:
            workspace.interaction.warn(f"Apparently after a power cut: {mended}")
        return workspace

    @staticmethod
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
        """:param directory: where; the current directory if it is not given."""
        from dataworkspaces.backends.git.creation import init_workspace

        return init_workspace(
            workspace_name, dws_version, global_params, local_params, batch, verbose, scratch_dir, *args, **kwargs
        )

    @staticmethod
    def check_before_opening(parsed_uri: ParseResult) -> Iterable[Problem]:
        from dataworkspaces.backends.git.damaged_files import check_before_opening

        return check_before_opening(Path(os.path.realpath(unquote(parsed_uri.path))))

    @staticmethod
    def unfinished_before_opening(parsed_uri: ParseResult) -> Iterable[UnfinishedPart]:
        from dataworkspaces.backends.git.damaged_files import unfinished_before_opening

        return unfinished_before_opening(Path(os.path.realpath(unquote(parsed_uri.path))))

    @staticmethod
    def clone_workspace(local_params: dict[str, Any], batch: bool, verbose: bool, *args: Any) -> GitWorkspace:
        """Arguments: the repository's URL, the directory to make (default: the workspace's name, in the current
        directory), and how to reach the user."""
        from dataworkspaces.backends.git.clone import clone_workspace

        return clone_workspace(local_params, batch, verbose, *args)


def _check_belongs_to(paths: WorkspacePaths) -> None:
    """Raise ConfigurationError for a workspace that somebody has copied, without its repository, into another one."""
    if is_tracked(paths.root, paths.in_git(f"{METADATA_DIR}/config.json")):
        return
    machine = (git_directory(paths.root) or paths.root) / "dws"
    if not (machine / UNSAVED).exists():  # as it does until the first commit
        raise ConfigurationError(
            f"{paths.directory} has a {METADATA_DIR} directory that the git repository around it, {paths.root}, does "
            "not know",
            hint="Check whether .git was left out when it was copied. If it belongs there: git add, and commit it",
        )


def _mend_head(root: Path) -> str:
    """Until then git takes the directory for no repository, or for one that has no commit yet."""
    from dataworkspaces.gitrepo.damaged_objects import mend
    from dataworkspaces.toolbox.lock import hold_lock

    with hold_lock((git_directory(root) or root) / "dws", "recover"):
        return mend(root, ask_origin=False)


def _finish_advance(root: Path) -> None:
    from dataworkspaces.gitrepo.advance import finish
    from dataworkspaces.toolbox.lock import hold_lock

    with hold_lock((git_directory(root) or root) / "dws", "recover"):
        finish(root)
