"""A workspace of which a snapshot is taken beside the working line: what that writes goes to a commit, and to no file.

It is the workspace as it is, and where a snapshot writes metadata, moves results or commits, it notes that in memory.
What resources with a place of their own keep of their content goes where it always goes, which no user sees.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dataworkspaces.backends.git.kept_with_packs import KeptWithPacks
from dataworkspaces.backends.git.own_files import GitOwnFiles, lies_in
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_packs import SnapshotPacks
from dataworkspaces.backends.git.storage import GitStorage
from dataworkspaces.gitrepo.beside import IndexBeside, commit_of_work, commit_tree, head_of
from dataworkspaces.gitrepo.ignore_lines import add_lines, ignore_pattern
from dataworkspaces.gitrepo.layout import git_directories
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.rest import RestOfRepo
from dataworkspaces.lineage.kept_lineage import file_name
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.toolbox.names import LINEAGE_FILE, check_relative_path
from dataworkspaces.workspace import Resource, SnapshotResourceMixin, SnapshotVersion

_MANY = 500

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.lineage import LineageStore


def view_of(workspace: GitWorkspace, index: IndexBeside) -> ExperimentView:
    """The workspace, in which a snapshot is taken so."""
    kind = type("ExperimentWorkspace", (ExperimentView, type(workspace)), {})
    view: ExperimentView = kind(
        workspace.paths.directory, workspace.name, workspace.dws_version, workspace.batch, workspace.verbose
    )
    view.interaction = workspace.interaction
    view._own.remember_own_files(workspace)
    view.begin(index)
    return view


class ExperimentView(GitStorage):
    """What :func:`view_of` puts before the class of a workspace.

    :ivar written: by path from the root, the files that the snapshot would write.
    :ivar commit: of the versions of resources in the workspace's repository, once they are taken.
    :ivar kept: the commits of resources in repositories of their own, by resource."""

    @property
    def _own(self) -> GitWorkspace:
        return cast("GitWorkspace", self)

    def begin(self, index: IndexBeside) -> None:
        self.index = index
        self.written: dict[str, bytes] = {}
        self.commit = head_of(self.paths.root)
        self.kept: dict[str, str] = {}
        self._moved: dict[str, str] = {}

    # -- what would be written -----------------------------------------------------------------------------------

    def _note_for_commit(self, path: Path) -> None:
        """Nothing is committed on the branch."""

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.paths.root).as_posix()

    def write_resource_state(self, resource: Resource, items: dict[str, bytes]) -> None:
        directory = self.paths.resource_state(resource.role, self._stored_name(resource.name))
        for key, content in items.items():
            path = directory / check_relative_path(key, "State key")
            if self._read_state(directory, key) != content:
                self.written[self._relative(path)] = content

    def read_resource_state(self, resource: Resource, key: str) -> bytes | None:
        path = self.paths.resource_state(resource.role, self._stored_name(resource.name)) / key
        found = self.written.get(self._relative(path))
        return super().read_resource_state(resource, key) if found is None else found

    def write_documents(self, documents: Mapping[str, bytes]) -> None:
        for key, content in documents.items():
            if super().read_document(key) != content:
                self.written[self._relative(self.paths.document(key))] = content

    def read_document(self, key: str) -> bytes | None:
        found = self.written.get(self._relative(self.paths.document(key)))
        return super().read_document(key) if found is None else found

    def get_lineage_store(self) -> LineageStore:
        from dataworkspaces.lineage import FileLineageStore

        return FileLineageStore(
            self.paths.current_lineage,
            _KeptInMemory(self.paths, self._own._packs, self.written),
            self.get_machine_directory() / "lineage.lock",
            lambda: self.resource_names,
        )

    def ignore_local_path(self, path: Path) -> None:
        """In this copy only: a line for everybody comes with the next snapshot."""
        root = Path(os.path.realpath(self.paths.root))
        place = Path(os.path.realpath(path))
        if root in place.parents:
            exclude = git_directories(root)[-1] / "info" / "exclude"
            exclude.parent.mkdir(exist_ok=True)
            add_lines(exclude, [ignore_pattern(place.relative_to(root).as_posix())])

    # -- results -------------------------------------------------------------------------------------------------

    def moves_results(self, resource: Resource) -> bool:
        """Those in git are where a snapshot would have moved them; of other types a version holds them as they lie."""
        return isinstance(resource, GitSubdirectory)

    def move_results(self, resources: Sequence[Resource], destination: str, files: Mapping[str, Sequence[str]]) -> None:
        for resource in resources:
            if isinstance(resource, GitSubdirectory) and resource.name in files:
                place = resource.place_in_git
                for path in files[resource.name]:
                    self._moved[f"{place}/{path}"] = f"{place}/{destination}/{path}"

    def write_result_lineage_for_snapshot(
        self, current_resources: Sequence[Resource], rel_dest_path: str, snapshot_hash: str | None = None
    ) -> None:
        store = self.get_lineage_store()
        for resource in current_resources:
            if isinstance(resource, GitSubdirectory):
                graph: dict[str, Any] = store.lineage_file(resource.name, snapshot_hash)
                path = f"{resource.place_in_git}/{rel_dest_path}/{LINEAGE_FILE}"
                self.written[path] = to_json(graph).encode("utf-8")

    def write_export_lineage_for_snapshot(
        self, current_resources: Sequence[Resource], snapshot_hash: str | None = None
    ) -> None:
        """It is for those who use the resource as it is now."""

    def keep_lineage_files(
        self, resources: Iterable[Resource], destination: str, with_results: Collection[str]
    ) -> None:
        """They go to the commit with all else."""

    # -- versions ------------------------------------------------------------------------------------------------

    def snapshot_resources(self, resources: Sequence[SnapshotResourceMixin]) -> dict[str, SnapshotVersion]:
        found: dict[str, SnapshotVersion] = {}
        for resource in resources:
            if isinstance(resource, GitRepoResource):
                found[resource.name] = self._of_repository(resource)
            elif not isinstance(resource, (GitSubdirectory, GitOwnFiles)):
                found[resource.name] = SnapshotVersion(*resource.snapshot())
        subdirectories = [r for r in resources if isinstance(r, GitSubdirectory)]
        tree = self._tree_of_work(subdirectories)

        def commit_of(tree_of_head: str | None) -> str:
            if tree != tree_of_head:
                self.commit = commit_tree(self.paths.root, tree, [self.commit], "Work that an experiment keeps")
            return self.commit

        found.update(self._own.versions_in_tree(tree, subdirectories, commit_of))
        for resource in resources:
            if isinstance(resource, GitOwnFiles):
                found[resource.name] = SnapshotVersion(resource.rest.tree(self.commit), self.commit)
        return {resource.name: found[resource.name] for resource in resources}

    def _of_repository(self, resource: GitRepoResource) -> SnapshotVersion:
        commit = resource.version_of_work(commit_of_work)
        self.kept[resource.name] = commit
        return SnapshotVersion(commit, commit)

    def _tree_of_work(self, resources: Sequence[GitSubdirectory]) -> str:
        places = [r.place_in_git for r in resources]
        if (self.paths.root / ".gitmodules").is_file():
            places.append(".gitmodules")
        rest: RestOfRepo = self._own.own_files_resource().rest
        changed: Sequence[str] = [p for p in self._own._changed_paths if not lies_in(p, rest.without)]
        if len(changed) > _MANY:  # of which git compares each with each file
            changed = rest.changed_paths()
        self.index.add([*places, *changed])
        if self._moved:
            self.index.move(self._moved)
        return self.index.write_tree()

    def keep_own_files(self) -> None:
        """The commit has them."""


class _KeptInMemory(KeptWithPacks):
    """The lineage of snapshots, where that of a new one goes to memory."""

    def __init__(self, paths: WorkspacePaths, packs: SnapshotPacks, written: dict[str, bytes]) -> None:
        super().__init__(paths.snapshot_lineage, packs)
        self._written = written
        self._root = paths.root

    def read(self, hashval: str, resource_name: str) -> dict[str, Any] | None:
        import json

        content = self._written.get(self._path(hashval, resource_name).relative_to(self._root).as_posix())
        if content is None:
            return super().read(hashval, resource_name)
        document: dict[str, Any] = json.loads(content)
        return document

    def write(self, hashval: str, documents: Mapping[str, bytes]) -> None:
        directory = self._of(hashval).relative_to(self._root).as_posix()
        for name, content in documents.items():
            self._written[f"{directory}/{file_name(name)}"] = content
