"""The resource type ``git``: how such resources are added, opened and cloned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError, ToolError
from dataworkspaces.gitrepo.checks import (
    absolute_url,
    check_branch_name,
    check_place_in_workspace,
    check_url,
    is_local_url,
    without_password,
)
from dataworkspaces.gitrepo.layout import current_branch, enclosing_repository, git_directory, head_commit
from dataworkspaces.gitrepo.plumbing import is_tracked
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.restraint import made_here
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.resources.git_subdirectory import FACTORY as SUBDIRECTORY_FACTORY
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import Resource, ResourceFactory, Workspace

if TYPE_CHECKING:
    import click


class GitRepoFactory(ResourceFactory):
    """Also makes resources of type ``git-subdirectory``, for paths in the workspace's own repository."""

    command_name = "git"
    help = "a git repository, or a subdirectory of the workspace"
    example = "--role source-data --read-only ./digits"
    takes_export = True
    takes_imported = True
    param_defs = GitRepoResource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [
            click.Argument(["path"], metavar="PATH"),
            click.Option(
                ["--branch"],
                metavar="BRANCH",
                help="The branch to use, to which a clean repository is switched (default: the current one).",
            ),
            click.Option(["--read-only", "-r"], is_flag=True, help="Never push this repository to its origin."),
        ]

    def precheck(self, workspace: Workspace, *args: Any, **kwargs: Any) -> dict[str, Any]:
        from dataworkspaces.gitrepo.branch_switch import check_branch_exists

        place = _local_place(kwargs["path"])
        workspace.validate_local_path_for_resource("the new resource", str(place))
        if self._is_subdirectory(place, workspace):
            return SUBDIRECTORY_FACTORY.precheck(workspace, **{**kwargs, "path": str(place)})
        self._check_repository(place, workspace)
        if kwargs.get("branch"):
            check_branch_exists(place, kwargs["branch"])
        return {}

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> Resource:
        """:param path: root of a git repository, or a directory in the workspace's repository.
        :param branch: the branch, to which the repository is switched.
        :param read_only, export, imported: see ``dws add git --help``."""
        from dataworkspaces.gitrepo.branch_switch import switch

        place = _local_place(kwargs["path"])
        if self._is_subdirectory(place, workspace):
            for option in ("branch", "read_only", "imported"):
                if kwargs.get(option):
                    raise ConfigurationError(
                        f"{place} is a subdirectory of the workspace's repository, so "
                        f"--{option.replace('_', '-')} does not apply",
                        hint="Omit the option, or add a separate repository",
                    )
            return SUBDIRECTORY_FACTORY.from_command_line(role, name, workspace, **{**kwargs, "path": str(place)})
        workspace.validate_local_path_for_resource(name, str(place))
        made_here(place)  # the user names it
        current, branch = self._check_repository(place, workspace), kwargs.get("branch")
        if branch is None:
            branch = current
        elif branch != current:
            switch(place, branch)
            workspace.interaction.tell(f"Switched {place} from branch {current} to {branch}")
        workspace_root = workspace.get_workspace_local_path_if_any()
        relative = None
        if workspace_root is not None and Path(os.path.realpath(workspace_root)) in place.parents:
            relative = place.relative_to(os.path.realpath(workspace_root)).as_posix()
        origin = _origin_url(place)
        if origin is None:
            workspace.interaction.warn(
                f"{place} has no remote 'origin', so nobody can clone it as part of this workspace"
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
        """Where it goes is known if it lies in the workspace, else asked. A repository that is there already is taken
        if it has the same origin."""
        from dataworkspaces.gitrepo.remote import origin_url

        resource = GitRepoResource.from_params(params, {}, workspace)
        url = resource.remote_origin_url
        if url is None:
            raise ConfigurationError(
                f"Resource '{resource.name}' has no origin to clone it from",
                hint=f"Copy it here, and then: dws config --resource {resource.name} local_path DIRECTORY",
            )
        check_url(url, resource.name)
        place = self._place_for_clone(resource, workspace)
        if git_directory(place) is not None:
            present = origin_url(place)
            if present is None or without_password(absolute_url(present, place)) != url:
                raise ConfigurationError(
                    f"Resource '{resource.name}': {place} is a repository whose origin is not {url}",
                    hint="Move it away, and then: dws pull",
                )
            return resource
        if is_local_url(url) and not _is_local_workspace(workspace):
            question = f"Resource '{resource.name}' would be cloned from {url} on this machine, not from the network."
            if not workspace.interaction.confirm(f"{question} Clone it?", default=False):
                raise ConfigurationError(
                    f"Resource '{resource.name}': its origin {url} is a path on this machine, but the workspace "
                    "comes from elsewhere",
                    hint=f"If you trust it: git clone {url} {place}, then dws pull",
                )
        # A password that the workspace's metadata gives away is used, and goes nowhere else.
        _clone(str(params["remote_origin_url"]), resource.branch, place, resource.name, workspace)
        return resource

    def _place_for_clone(self, resource: GitRepoResource, workspace: Workspace) -> Path:
        root = workspace.get_workspace_local_path_if_any()
        if root is not None and resource.relative_local_path is not None:
            return check_place_in_workspace(Path(root), resource.relative_local_path, resource.name)
        answer = workspace.interaction.ask(
            f"Where should resource '{resource.name}' (from {resource.remote_origin_url}) be on this machine?",
            default=None if root is None else str(Path(root) / resource.name),
        )
        place = Path(answer).expanduser().absolute()
        workspace.validate_local_path_for_resource(resource.name, str(place))
        resource.local_path = str(place)
        return place

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return _local_place(kwargs["path"]).name

    def _is_subdirectory(self, place: Path, workspace: Workspace) -> bool:
        root = workspace.get_workspace_local_path_if_any()
        if root is None or Path(os.path.realpath(root)) not in place.parents:
            return False
        existing = next(p for p in (place, *place.parents) if p.is_dir())
        return enclosing_repository(existing) == enclosing_repository(Path(os.path.realpath(root)))

    def _check_repository(self, place: Path, workspace: Workspace) -> str:
        """Raise ConfigurationError if ``place`` cannot be added; returns the branch that it is on."""
        if not place.exists():
            raise NotFoundError(f"{place} does not exist", hint="Clone or create the repository, then add it")
        if git_directory(place) is None:
            enclosing = enclosing_repository(place)
            where = f" (it lies in the repository {enclosing})" if enclosing is not None else ""
            raise ConfigurationError(f"{place} is not the root of a git repository{where}")
        root = workspace.get_workspace_local_path_if_any()
        inside = None if root is None else Path(os.path.realpath(root))
        around = None if inside is None or inside not in place.parents else enclosing_repository(inside)
        if around is not None and is_tracked(around, place.relative_to(around).as_posix()):
            raise ConfigurationError(
                f"{place} is a repository, but the workspace's repository tracks its files",
                hint=f"git -C {around} rm -r --cached {place}, commit, and add it again",
            )
        current = current_branch(place)
        if current is None:
            raise ConfigurationError(
                f"{place} is on no branch (HEAD is detached)", hint=f"git -C {place} switch BRANCH"
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
    from dataworkspaces.gitrepo.conversation import remote_urls
    from dataworkspaces.gitrepo.remote import ORIGIN, origin_url

    try:
        url = remote_urls(place).get(ORIGIN)
    except ToolError:  # of what GitPython cannot read, which is no more than UTF-8
        url = origin_url(place)
    return None if url is None else absolute_url(url, place)


def _is_local_workspace(workspace: Workspace) -> bool:
    """Whether the workspace itself came from this machine (or from nowhere), so that it may name places of it."""
    from dataworkspaces.gitrepo.remote import origin_url

    root = workspace.get_workspace_local_path_if_any()
    repository = None if root is None else enclosing_repository(Path(root))
    origin = None if repository is None else origin_url(repository)
    return origin is None or is_local_url(origin)


def _clone(url: str, branch: str, place: Path, name: str, workspace: Workspace) -> None:
    """Clone beside the place (for one in the workspace, where git does not see it) and rename, so that the place never
    holds half a repository."""
    from dataworkspaces.gitrepo import large_files
    from dataworkspaces.gitrepo.remote import clone, temporary_clone_directory

    check_branch_name(branch, name)
    if is_present(place) and (place.is_symlink() or not place.is_dir() or any(place.iterdir())):
        raise ConfigurationError(
            f"{place}, where resource '{name}' should be, is not empty, and not a git repository",
            hint="Move away what is there, and then: dws pull",
        )
    interaction, root = workspace.interaction, workspace.get_workspace_local_path_if_any()
    is_inside = root is not None and Path(root) in place.parents
    parent = workspace.get_machine_directory() if is_inside else place.parent
    try:
        for directory in (parent, place.parent):
            directory.mkdir(parents=True, exist_ok=True)
        with temporary_clone_directory(parent) as temporary:
            made = temporary / "clone"
            clone(url, made, interaction, f"Resource '{name}'", branch=branch, checkout=False)
            if head_commit(made) is not None:
                large_files.check_programs_of_tree(made, "HEAD")
                env = {"GIT_LFS_SKIP_SMUDGE": "1"}
                run_git(made, ["reset", "--quiet", "--hard"], env=env, doing=f"Writing the files of resource '{name}'")
                large_files.set_up(made)
                large_files.fetch(made, workspace.consent, interaction.progress)
            if place.exists():
                place.rmdir()
            made.rename(place)
            made_here(place)
    except OSError as e:
        raise explain_os_error(e, f"Cloning resource '{name}'") from e


FACTORY = GitRepoFactory()
