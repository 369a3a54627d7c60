"""The resource type ``git-subdirectory``: a directory of the workspace's own git repository."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dataworkspaces.backends.git.storage import GitStorage
from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.gitrepo.checks import check_object_name, check_place_in_workspace, check_subdirectory_path
from dataworkspaces.gitrepo.files import GitDirectoryMixin
from dataworkspaces.gitrepo.layout import how_to_fetch
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.params import LARGE_FILE, ParamDef, ParamDefs
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import (
    EXPORT_PARAM,
    FileChange,
    LocalStateResourceMixin,
    PresentContents,
    Resource,
    ResourceChange,
    ResourceFactory,
    ResourceRoles,
    SnapshotResourceMixin,
    SnapshotVersion,
    VersionFiles,
    Workspace,
)

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace

RESOURCE_TYPE = "git-subdirectory"

_README_NAME = "README.txt"
_README = {
    "source-data": "The source data of this project.",
    "intermediate-data": "Data that this project derives from its source data.",
    "code": "The code of this project.",
    "results": "The results of this project; each snapshot moves them to a directory of its own.",
}


class GitSubdirectory(GitDirectoryMixin, SnapshotResourceMixin, Resource):
    """Its versions are the hashes of its tree; what brings one back is a commit of the workspace's repository.

    The workspace takes and restores the versions of all its subdirectories at once; one alone goes the same way."""

    param_defs = ParamDefs(
        [
            ParamDef("relative_path", None, True, "Place in the workspace", settable=False),
            EXPORT_PARAM,
        ]
    )

    def __init__(self, name: str, role: str, workspace: Workspace, relative_path: str, export: bool = False) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.relative_path = relative_path
        self.export = export

    def get_params(self) -> dict[str, Any]:
        return {**super().get_params(), "export": self.export, "relative_path": self.relative_path}

    @property
    def local_path(self) -> str:
        root = self.workspace.get_workspace_local_path_if_any()
        if root is None:
            raise ConfigurationError(f"Resource '{self.name}' needs a workspace that is a git repository")
        return str(check_place_in_workspace(Path(root), self.relative_path, self.name))

    def get_local_path_if_any(self) -> str | None:
        return self.local_path

    def _comes_with_files(self) -> bool:
        return True  # the repository is there, of which it is a part

    @property
    def place_in_git(self) -> str:
        """Where it lies, relative to the root of the workspace's repository."""
        return _git_workspace(self.workspace).paths.in_git(self.relative_path)

    @property
    def _repo(self) -> GitRepo:
        return _git_workspace(self.workspace).repo

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        self.place_precheck()
        if not Path(self.local_path).exists() and self._repo.resolve([f"HEAD:{self.place_in_git}"])[0] is not None:
            raise NotFoundError(
                f"Resource '{self.name}': {self.local_path} is not there, so a snapshot would record all of its "
                "files as deleted",
                hint=f"{self._how_to_bring_back()} brings it back; if it should be empty, create an empty directory",
            )

    def _how_to_bring_back(self) -> str:
        """Results are never restored to a snapshot: the last commit has those of all of them."""
        from shlex import quote

        if self.has_results_role():
            return f"git -C {quote(str(self._repo.root))} checkout HEAD -- {quote(self.place_in_git)}"
        return f"dws restore --only {self.name} SNAPSHOT"

    def place_precheck(self) -> None:
        """Raise ConfigurationError if git, or what lies at its place, would be in the way."""
        from dataworkspaces.gitrepo.nested import check_submodules, tell_untracked

        self._repo.check_ready(f"Resource '{self.name}'")
        place = Path(self.local_path)
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise ConfigurationError(f"Resource '{self.name}': {place} is not a directory")
        untracked = check_submodules(self._repo.root, f"Resource '{self.name}'", [self.place_in_git])
        tell_untracked(self.workspace.interaction, untracked)

    def snapshot(self) -> tuple[str | None, str | None]:
        version = _git_workspace(self.workspace).snapshot_resources([self])[self.name]
        return version.compare_hash, version.restore_hash

    def restore_precheck(self, restore_hashval: str) -> None:
        check_object_name(restore_hashval, self.name)
        self.place_precheck()
        if not self._repo.has_commit(restore_hashval):
            raise NotFoundError(
                f"Resource '{self.name}': the workspace's repository does not hold commit {restore_hashval}",
                hint=how_to_fetch(self._repo.root),
            )
        _git_workspace(self.workspace).check_was_here([restore_hashval])

    def restore(self, restore_hashval: str) -> None:
        _git_workspace(self.workspace).restore_resources([self], {self.name: restore_hashval})

    def keep_snapshot_files(self, rel_paths: Sequence[str]) -> None:
        for rel_path in rel_paths:
            _git_workspace(self.workspace).include_in_save(Path(self.local_path) / rel_path)

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        check_relative_path(relative_path, f"Resource '{self.name}'")
        _git_workspace(self.workspace).include_in_save(Path(self.local_path) / relative_path)
        self._delete_results_directory(relative_path)

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        return _git_workspace(self.workspace).changes_since({self.name: version})[self.name]

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        if old.compare_hash is None or new.compare_hash is None:
            return None
        trees = self._repo.resolve([f"{v.compare_hash}^{{tree}}" for v in (old, new)])
        if trees[0] is None or trees[1] is None:
            return None
        return self._repo.diff_trees(trees[0], trees[1])

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        _git_workspace(self.workspace).check_was_here([restore_hashval])
        return self._repo.plan_restore(restore_hashval, self.place_in_git)

    def version_files(self, version: SnapshotVersion) -> VersionFiles:
        from dataworkspaces.gitrepo.version_files import GitVersionFiles

        name = check_object_name(str(version.compare_hash), self.name)
        root = self._repo.root
        if self._repo.resolve([f"{name}^{{tree}}"])[0] is None:
            raise NotFoundError(
                f"Resource '{self.name}': the workspace's repository does not hold the tree {name}",
                hint="'dws pull' may fetch it",
            )
        return GitVersionFiles(root, name, f"Resource '{self.name}' at version {name[:7]}")

    # -- lineage -------------------------------------------------------------------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        workspace = _git_workspace(self.workspace)
        return workspace.present_contents({self.name: subpaths}, keep=keep)[self.name]

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        from dataworkspaces.gitrepo.contents import version_objects
        from dataworkspaces.gitrepo.notebooks import holds_notebooks

        check_object_name(compare_hash, self.name)
        if self.export:
            return [None] * len(subpaths)  # it holds our file, which does not count
        if set(subpaths) == {None} and not holds_notebooks(self._repo.root):
            return [compare_hash] * len(subpaths)
        return version_objects(self._repo.root, compare_hash, [path or "" for path in subpaths])

    def left_out(self, rel_paths: Sequence[str]) -> set[str]:
        prefix = f"{self.place_in_git}/"
        ignored = self._repo.ignored(self.place_in_git)
        return {path for path in rel_paths if prefix + path in ignored}

    # -- synchronising: the workspace's repository holds it ------------------------------------------------------

    def pull_precheck(self) -> None:
        """Nothing of its own to check."""

    def pull(self) -> None:
        """Comes with the workspace."""

    def push_precheck(self) -> None:
        """Nothing of its own to check."""

    def push(self) -> None:
        """Goes with the workspace."""


class GitSubdirectoryFactory(ResourceFactory):
    """``dws add git`` makes one, for a path in the workspace's own repository."""

    command_name = None
    takes_export = True
    param_defs = GitSubdirectory.param_defs

    def precheck(self, workspace: Workspace, *args: Any, **kwargs: Any) -> dict[str, Any]:
        place = Path(os.path.realpath(Path(args[0] if args else kwargs["path"]).expanduser()))
        if place.exists():
            return {}
        self._ask_to_create(place, workspace)
        return {"create": True}

    def _ask_to_create(self, place: Path, workspace: Workspace) -> None:
        """Raise NotFoundError, unless the user wants to have it made: a path that nobody looks at may be a slip."""
        if workspace.batch or not workspace.interaction.confirm(f"{place} does not exist. Create it?", default=True):
            raise NotFoundError(f"{place} does not exist", hint="Create it, and add it again")

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> Resource:
        """:param path: the directory, which must lie in the workspace.
        :param create: make it, with a README, without asking.
        :param export: see ``dws add --help``."""
        git_workspace = _git_workspace(workspace)
        paths = git_workspace.paths
        root = Path(os.path.realpath(paths.directory))
        place = Path(os.path.realpath(Path(args[0] if args else kwargs["path"]).expanduser()))
        if root not in place.parents:
            raise ConfigurationError(f"{place} is not a subdirectory of the workspace {root}")
        relative = place.relative_to(root).as_posix()
        check_subdirectory_path(relative, name)
        workspace.validate_local_path_for_resource(name, str(place))
        if place.exists() and not place.is_dir():
            raise ConfigurationError(f"{place} is not a directory")
        place_in_git = paths.in_git(relative)
        _check_not_ignored(paths.root, place_in_git)
        if not place.is_dir() and not kwargs.get("create"):
            self._ask_to_create(place, workspace)
        readme = place / _README_NAME
        if place.is_dir() and not readme.exists():  # all of it is committed with the resource
            from dataworkspaces.gitrepo.new_files import Part, check_new_files

            results = (place_in_git,) if role == ResourceRoles.RESULTS else ()
            part = Part(paths.root, (place_in_git,), results=results)
            limit = workspace.get_global_param(LARGE_FILE)
            check_new_files(part, workspace.interaction, git_workspace.what, limit)
        if not place.is_dir() or not any(place.iterdir()):
            place.mkdir(parents=True, exist_ok=True)
            # Git keeps no empty directories.
            readme.write_text(_README[role] + "\n", encoding="utf-8")
        git_workspace.include_in_save(readme if readme.exists() else place)
        return GitSubdirectory(name, role, workspace, relative, bool(kwargs.get("export", False)))

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> GitSubdirectory:
        check_subdirectory_path(params["relative_path"], params["name"])
        return GitSubdirectory(
            params["name"], params["role"], workspace, params["relative_path"], bool(params.get("export", False))
        )

    def has_local_state(self) -> bool:
        return False

    def clone(self, params: dict[str, Any], workspace: Workspace) -> LocalStateResourceMixin:
        return self.from_json(params, {}, workspace)

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return Path(os.path.realpath(kwargs["path"])).name


def _check_not_ignored(root: Path, relative: str) -> None:
    """Raise ConfigurationError if git would not commit a file in a directory. The file need not be there."""
    from dataworkspaces.gitrepo.ignored import ignoring_rules

    file = f"{relative}/{_README_NAME}"
    rule = ignoring_rules(root, [file]).get(file)
    if rule is not None:
        raise ConfigurationError(
            f"{root / relative} cannot be a resource: git ignores {file}",
            hint=f"Change the line {rule} (in {root})",
        )


def _git_workspace(workspace: Workspace) -> GitWorkspace:
    if not isinstance(workspace, GitStorage):
        raise ConfigurationError(
            f"Workspace '{workspace.name}' is not a git repository, so it has no git subdirectories",
            hint="Use a resource of type git or local-files",
        )
    return cast("GitWorkspace", workspace)


FACTORY = GitSubdirectoryFactory()
