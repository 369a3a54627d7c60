"""What lies in the workspace's repository and in no resource, as a resource."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.errors import NotFoundError
from dataworkspaces.gitrepo.checks import check_object_name
from dataworkspaces.gitrepo.files import GitDirectoryMixin
from dataworkspaces.gitrepo.layout import SETTINGS
from dataworkspaces.gitrepo.plumbing import list_paths, list_tree, read_blobs
from dataworkspaces.toolbox.local_directory import LocalDirectory
from dataworkspaces.toolbox.names import check_relative_path, some
from dataworkspaces.workspace import (
    OwnFilesMixin,
    PresentContents,
    Resource,
    ResourceChange,
    ResourceRoles,
    SnapshotResourceMixin,
    SnapshotVersion,
    VersionFiles,
)

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.gitrepo.contents import PresentObjects
    from dataworkspaces.gitrepo.new_files import Part
    from dataworkspaces.gitrepo.rest import RestOfRepo
    from dataworkspaces.workspace import FileChange
    from dataworkspaces.workspace.problem import Problem

RESOURCE_TYPE = "git-workspace"
PLACES = ("relative_path", "relative_local_path")
"""The parameters of resources that say where they lie in the workspace."""


class GitOwnFiles(OwnFilesMixin, GitDirectoryMixin, SnapshotResourceMixin, Resource):
    """Its versions are trees without what is not its own; what brings one back is a commit of the workspace's
    repository. Nobody adds it, and it has no parameters."""

    workspace: GitWorkspace
    ignored_by = "git"

    def __init__(self, name: str, workspace: GitWorkspace) -> None:
        super().__init__(RESOURCE_TYPE, name, ResourceRoles.CODE, workspace)

    def get_local_path_if_any(self) -> str:
        return str(self.workspace.paths.directory)

    @property
    def rest(self) -> RestOfRepo:
        """The part of the repository that it is."""
        return self._rest_without(self._places)

    def _rest_without(self, places: Iterable[str]) -> RestOfRepo:
        from dataworkspaces.gitrepo.rest import RestOfRepo

        paths = self.workspace.paths
        return RestOfRepo(self.workspace.repo, tuple(map(paths.in_git, places)), paths.prefix)

    @property
    def part(self) -> Part:
        """What of the repository a snapshot of it alone would commit."""
        return self.part_with((), ())

    def part_with(self, places: Collection[str], results: Sequence[str]) -> Part:
        """What a snapshot would commit of it and of resources at ``places``, of which some hold ``results``; relative
        to the root of the repository."""
        from dataworkspaces.gitrepo.new_files import Part

        rest = self.rest
        without = tuple(place for place in rest.without if place not in places)
        return Part(rest.root, without=without, within=rest.within, results=tuple(results))

    @cached_property
    def _places(self) -> list[str]:
        """Where the metadata and the other resources lie, relative to the workspace; as it was when this object was
        first asked, for each file is."""
        paths = self.workspace.paths
        within = f"{os.path.realpath(paths.directory)}/"
        found = {paths.metadata.name: None}
        for _name, place in self.workspace.get_local_paths():
            above, name = os.path.split(place)
            real = f"{os.path.realpath(above)}/{name}"
            if real.startswith(within):
                found[real.removeprefix(within)] = None
        for params in self.workspace.read_resource_params():  # also of those that are not on this machine
            found.update(dict.fromkeys(_places_of(params)))
        return list(found)

    def list_excluded(self) -> Set[str]:
        paths, options = self.workspace.paths, ["--others", "--ignored", "--exclude-standard", "--directory"]
        listed = list_paths(paths.root, options, [paths.within] if paths.prefix else [])
        return {".git", *SETTINGS, *self._places, *(path.removeprefix(paths.prefix).rstrip("/") for path in listed)}

    # -- files ---------------------------------------------------------------------------------------------------

    def ls(self, rel_path: str) -> list[str]:
        prefix = f"{rel_path}/" if rel_path else ""
        return [name for name in super().ls(rel_path) if not self.is_excluded(prefix + name)]

    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        return not self._is_elsewhere(subpath) and super().does_subpath_exist(subpath, must_be_file, must_be_directory)

    def _in_directory(self) -> LocalDirectory:
        return super()._in_directory()._replace(check_content=self._check_content)

    def _check_content(self, rel_path: str) -> None:
        if self._is_elsewhere(rel_path):
            raise NotFoundError(
                f"'{rel_path}' is not one of the workspace's own files", hint="'dws ls' shows the resources"
            )

    def _is_elsewhere(self, rel_path: str) -> bool:
        return lies_in(rel_path, (".git", *self._places))

    def holds_alone(self, path: str) -> bool:
        """Whether a path that git names, of a file or with a slash at its end of a directory, is its own, with all that
        lies below."""
        prefix = self.workspace.paths.prefix
        if not path.startswith(prefix):
            return False
        relative = path.removeprefix(prefix)
        return not self._is_elsewhere(relative) and not any(place.startswith(relative) for place in self._places)

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        self.workspace.repo.check_ready(f"Workspace '{self.workspace.name}'")

    def snapshot(self) -> tuple[str | None, str | None]:
        self.workspace.keep_own_files()
        return self.committed_version()

    def keep(self) -> None:
        """Commit what is not committed, and say what is new: nobody added it."""
        prefix = self.workspace.paths.prefix
        before = self.rest.commit("Keep the present state of the workspace's own files")
        new = [name for path in before.untracked if (name := path.removeprefix(prefix)) not in SETTINGS]
        if new:
            self.workspace.interaction.tell(
                f"New in the workspace's own files: {some(new)} (to leave a file out, name it in .gitignore)"
            )

    def committed_version(self) -> SnapshotVersion:
        head = self.workspace.repo.resolve(["HEAD"])[0]
        return SnapshotVersion(None if head is None else self.rest.tree(head), head)

    def restore_precheck(self, restore_hashval: str) -> None:
        check_object_name(restore_hashval, self.name)
        self.workspace.repo.check_ready(f"Workspace '{self.workspace.name}'")
        if not self.workspace.repo.has_commit(restore_hashval):
            raise NotFoundError(
                f"The workspace's repository does not hold commit {restore_hashval}",
                hint="Fetch the history that contains it",
            )
        self.workspace.check_was_here([restore_hashval])

    def restore(self, restore_hashval: str) -> None:
        self._rest_of_both(restore_hashval).restore(restore_hashval, "Restore the workspace's own files")

    def _rest_of_both(self, commit: str) -> RestOfRepo:
        """Without the places of today's resources, and of those that were ones in a commit."""
        return self._rest_without(sorted({*self._places, *places_in_commit(self.workspace.paths, commit)}))

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        """It holds no results."""

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        rest = self.rest
        uncommitted = [path for path in rest.status().dirty if path not in rest.settings]
        if uncommitted:
            count = len(uncommitted)
            return ResourceChange("changed", f"{count} path{'' if count == 1 else 's'} not committed")
        if self.committed_version().compare_hash != version.compare_hash:
            return ResourceChange("changed", "different content is committed")
        return ResourceChange("unchanged")

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        trees = [self._tree_of(version) for version in (old, new)]
        return None if trees[0] is None or trees[1] is None else self.workspace.repo.diff_trees(trees[0], trees[1])

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        self.workspace.check_was_here([restore_hashval])
        return self._rest_of_both(restore_hashval).plan_restore(restore_hashval)

    def version_files(self, version: SnapshotVersion) -> VersionFiles:
        from dataworkspaces.gitrepo.version_files import GitVersionFiles

        tree = self._tree_of(version)
        if tree is None:
            raise NotFoundError(
                f"The workspace's repository does not hold commit {version.restore_hash}",
                hint="'dws pull' may fetch it",
            )
        return GitVersionFiles(self.workspace.paths.root, tree, f"The workspace's own files at version {tree[:7]}")

    def _tree_of(self, version: SnapshotVersion) -> str | None:
        """The tree is not part of any commit: git may have removed it, and a clone does not get it. It is made "
        "again."""
        repo = self.workspace.repo
        tree = check_object_name(str(version.compare_hash), self.name)
        if repo.resolve([f"{tree}^{{tree}}"])[0] is not None:
            return tree
        commit = check_object_name(str(version.restore_hash), self.name)
        if not repo.has_commit(commit):
            return None
        return self._rest_without(places_in_commit(self.workspace.paths, commit)).tree(commit)

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        """The check of the workspace's repository looks for its commits."""
        return ()

    # -- lineage -------------------------------------------------------------------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        """The whole of it is what no step wrote: the code. What steps wrote changes with each run."""
        from dataworkspaces.gitrepo.contents import present_objects

        paths = self.workspace.paths
        if keep:
            from dataworkspaces.gitrepo.new_files import leave_out_secrets

            leave_out_secrets(self.part, self.workspace.interaction, self.workspace.what)
        found: dict[str | None, str | None] = {}
        parts = [path for path in subpaths if path is not None]
        if parts:
            places = [paths.in_git(path) for path in parts]
            found.update(zip(parts, present_objects(paths.root, places, places, sources_only=True).names, strict=True))
        kept = None
        if None in subpaths or keep:
            objects = self._whole((), keep=keep)
            found[None], kept = objects.names[0], objects.tree
        return PresentContents([found[path] for path in subpaths], kept)

    def content_without(self, places: Collection[str]) -> str | None:
        return self._whole(places).names[0]

    def _whole(self, places: Collection[str], *, keep: bool = False) -> PresentObjects:
        from dataworkspaces.gitrepo.contents import present_objects

        without = [*self._places, *SETTINGS, *sorted({*self.written_by_steps(), *places})]
        rest = self._rest_without(without)
        return present_objects(
            rest.root, [rest.within], rest.changed_paths(), keep=keep, sources_only=True, without=rest.without
        )

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        from dataworkspaces.gitrepo.contents import version_objects

        tree = check_object_name(compare_hash, self.name)
        root = self.workspace.paths.root
        if self.workspace.repo.resolve([f"{tree}^{{tree}}"])[0] is None:
            return [None] * len(subpaths)
        found = dict(zip(subpaths, version_objects(root, tree, [path or "" for path in subpaths]), strict=True))
        if None in found:
            found[None] = version_objects(root, tree, [""], sorted(self.written_by_steps()))[0]
        return [found[path] for path in subpaths]

    def left_out(self, rel_paths: Sequence[str]) -> set[str]:
        return {path for path in rel_paths if self.is_excluded(path)}

    # -- synchronising: the workspace's repository is where it lies ----------------------------------------------

    def pull_precheck(self) -> None:
        """Nothing of its own to check."""

    def pull(self) -> None:
        """Comes with the workspace."""

    def push_precheck(self) -> None:
        """Nothing of its own to check."""

    def push(self) -> None:
        """Goes with the workspace."""


def lies_in(path: str, places: Iterable[str]) -> bool:
    """Whether a path is one of some places, or lies below one."""
    return any(path == place or path.startswith(f"{place}/") for place in places)


def places_in_commit(paths: WorkspacePaths, commit: str) -> list[str]:
    """Where the metadata and the resources of a commit lay, relative to the workspace."""
    root = paths.root
    directory, old_list = (path.relative_to(root).as_posix() for path in (paths.resources, paths.resource_list))
    blobs = list_tree(root, commit, [directory, old_list])
    found = [paths.metadata.name]
    for content in read_blobs(root, [entry.name for entry in blobs.values()]).values():
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            continue  # of a version that nobody can read any more
        for params in data if isinstance(data, list) else [data.get("parameters") if isinstance(data, dict) else None]:
            found += _places_of(params) if isinstance(params, dict) else []
    return found


def _places_of(params: Mapping[str, object]) -> list[str]:
    texts = [params.get(key) for key in PLACES]
    return [check_relative_path(text, "A resource's place") for text in texts if isinstance(text, str) and text]
