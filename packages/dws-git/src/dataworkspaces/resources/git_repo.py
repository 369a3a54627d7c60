"""The resource type ``git``: how such resources are added, opened and cloned."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.checks import check_branch_name, check_url, without_password
from dataworkspaces.gitrepo.layout import current_branch, enclosing_repository, git_directory
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.resources.git_subdirectory import FACTORY as SUBDIRECTORY_FACTORY
from dataworkspaces.workspace import Resource, ResourceFactory, Workspace

if TYPE_CHECKING:
    import click


class GitRepoFactory(ResourceFactory):
    """Also makes resources of type ``git-subdirectory``, for paths in the workspace's own repository."""

    command_name = "git"
    help = "a git repository, or a subdirectory of the workspace"
    takes_export = True
    takes_imported = True
    param_defs = GitRepoResource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [
            click.Argument(["path"], metavar="PATH"),
            click.Option(["--branch"], metavar="BRANCH", help="The branch that is used (default: the current one)."),
            click.Option(["--read-only", "-r"], is_flag=True, help="Never push this repository to its origin."),
        ]

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> Resource:
        """:param path: root of a git repository, or a directory in the workspace's repository.
        :param branch: the branch, which must be checked out.
        :param read_only, export, imported: see ``dws add git --help``."""
        place = _local_place(kwargs["path"])
        if self._is_subdirectory(place, workspace):
            for option in ("branch", "read_only", "imported"):
                if kwargs.get(option):
                    raise ConfigurationError(
                        f"{place} is a subdirectory of the workspace's repository, to which "
                        f"--{option.replace('_', '-')} does not apply",
                        hint="Leave the option out, or add a repository of its own",
                    )
            return SUBDIRECTORY_FACTORY.from_command_line(role, name, workspace, **{**kwargs, "path": str(place)})
        workspace.validate_local_path_for_resource(name, str(place))
        branch = self._check_repository(place, workspace, kwargs.get("branch"))
        workspace_root = workspace.get_workspace_local_path_if_any()
        relative = None
        if workspace_root is not None and Path(os.path.realpath(workspace_root)) in place.parents:
            relative = place.relative_to(os.path.realpath(workspace_root)).as_posix()
        origin = _origin_url(place)
        if origin is None:
            workspace.interaction.warn(
                f"{place} has no remote 'origin', so nobody can clone it as a part of this workspace"
            )
        imported = bool(kwargs.get("imported", False))
        return GitRepoResource(
            name,
            role,
            workspace,
            remote_origin_url=None if origin is None else without_password(origin),
            relative_local_path=relative,
            branch=branch,
            read_only=bool(kwargs.get("read_only", False)) or imported,
            export=bool(kwargs.get("export", False)),
            imported=imported,
            local_path=str(place) if relative is None else None,
        )

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> GitRepoResource:
        return GitRepoResource.from_params(params, local_params, workspace)

    def has_local_state(self) -> bool:
        return True

    def clone(self, params: dict[str, Any], workspace: Workspace) -> GitRepoResource:
        resource = GitRepoResource.from_params(params, {}, workspace)
        if resource.remote_origin_url is None:
            raise ConfigurationError(f"Resource '{resource.name}' has no origin to clone it from")
        check_url(resource.remote_origin_url, resource.name)
        default = resource.get_local_path_if_any()
        if resource.relative_local_path is None:
            default = workspace.interaction.ask(f"Where should resource '{resource.name}' be on this machine?")
            resource.local_path = str(Path(default).expanduser().resolve())
        place = Path(resource.get_local_path_if_any() or str(default))
        if git_directory(place) is None:
            _clone(resource.remote_origin_url, resource.branch, place, resource.name)
        return resource

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return _local_place(kwargs["path"]).name

    def _is_subdirectory(self, place: Path, workspace: Workspace) -> bool:
        root = workspace.get_workspace_local_path_if_any()
        if root is None or Path(os.path.realpath(root)) not in place.parents:
            return False
        existing = next(p for p in (place, *place.parents) if p.is_dir())
        return enclosing_repository(existing) == Path(os.path.realpath(root))

    def _check_repository(self, place: Path, workspace: Workspace, branch: str | None) -> str:
        """Raise ConfigurationError if ``place`` cannot be added; returns the branch."""
        if not place.exists():
            raise ConfigurationError(f"{place} does not exist", hint="Clone or create the repository, then add it")
        if git_directory(place) is None:
            enclosing = enclosing_repository(place)
            where = f" (it lies in the repository {enclosing})" if enclosing is not None else ""
            raise ConfigurationError(f"{place} is not the root of a git repository{where}")
        root = workspace.get_workspace_local_path_if_any()
        if root is not None and Path(os.path.realpath(root)) in place.parents and git_directory(Path(root)) is not None:
            tracked = run_git(
                Path(root), ["ls-files", "-z", "--", place.relative_to(os.path.realpath(root)).as_posix()]
            )
            if tracked.stdout:
                raise ConfigurationError(
                    f"{place} is a repository, but the workspace's repository tracks its files",
                    hint=f"git -C {root} rm -r --cached {place}, commit, and add it again",
                )
        current = current_branch(place)
        if current is None:
            raise ConfigurationError(
                f"{place} is on no branch (HEAD is detached)", hint=f"git -C {place} switch BRANCH"
            )
        if branch is not None and branch != current:
            raise ConfigurationError(
                f"{place} is on branch {current}, not on {branch}", hint=f"git -C {place} switch {branch}"
            )
        # Also asks git for its identity once, so that a snapshot need not.
        GitRepo(place).check_ready(f"Repository {place}")
        return current


def _local_place(path: str) -> Path:
    """The absolute local path that a user meant; raises ConfigurationError for a URL."""
    if "://" in path or "::" in path or (":" in path and "@" in path.split(":", 1)[0]):
        raise ConfigurationError(
            f"'{without_password(path)}' is a URL, but a local repository is needed",
            hint="Clone it with 'git clone', then add the clone",
        )
    return Path(os.path.realpath(Path(path).expanduser()))


def _origin_url(place: Path) -> str | None:
    from git import Repo

    with Repo(place) as repo:
        for remote in repo.remotes:
            if remote.name == "origin":
                return str(remote.config_reader.get("url"))
    return None


def _clone(url: str, branch: str, place: Path, name: str) -> None:
    """Clone beside the place and rename, so that it never holds half a repository."""
    check_branch_name(branch, name)
    if place.exists() and any(place.iterdir()):
        raise ConfigurationError(f"{place}, where resource '{name}' should be, is not empty and no git repository")
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".dws-clone-", dir=place.parent))
    options = ["-c", "protocol.ext.allow=never", "clone", "--quiet", "--branch", branch]
    try:
        run_git(
            place.parent,
            [*options, "--", url, str(temporary / "clone")],
            doing=f"Cloning resource '{name}' from {without_password(url)}",
        )
        if place.exists():
            place.rmdir()
        (temporary / "clone").rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


FACTORY = GitRepoFactory()
