"""A resource that is a git repository of its own (type ``git``)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError, NotFoundError, UnavailableError
from dataworkspaces.gitrepo.checks import (
    check_branch_name,
    check_object_name,
    check_place_in_workspace,
    check_subdirectory_path,
    without_password,
)
from dataworkspaces.gitrepo.files import GitDirectoryMixin
from dataworkspaces.gitrepo.layout import git_directory, head_commit, how_to_fetch
from dataworkspaces.gitrepo.repo import GitRepo, RepoStatus
from dataworkspaces.gitrepo.restraint import ask, settings_addresses
from dataworkspaces.params import LARGE_FILE, BoolType, ParamDef, ParamDefs
from dataworkspaces.toolbox.atomic import read_json_object, read_json_object_if_any, write_json
from dataworkspaces.toolbox.names import LINEAGE_FILE, some
from dataworkspaces.workspace import (
    EXPORT_PARAM,
    IMPORTED_PARAM,
    FileChange,
    PresentContents,
    Resource,
    ResourceChange,
    SnapshotResourceMixin,
    SnapshotVersion,
    VersionFiles,
    Workspace,
)
from dataworkspaces.workspace.checking_out import CheckOutMixin
from dataworkspaces.workspace.collect import Collected, CollectMixin
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE

if TYPE_CHECKING:
    from dataworkspaces.gitrepo.remote import PushPlan
    from dataworkspaces.workspace.problem import Problem
    from dataworkspaces.workspace.unfinished import UnfinishedPart

RESOURCE_TYPE = "git"
_AFTER_SNAPSHOT = "after_snapshot.json"
_TREE = "tree.json"


class GitRepoResource(CheckOutMixin, CollectMixin, GitDirectoryMixin, SnapshotResourceMixin, Resource):
    """Its versions are commits.

    :ivar remote_origin_url: where a new machine clones it from, without any password; None if nowhere.
    :ivar relative_local_path: its place in the workspace, if it lies in it.
    :ivar read_only: it is never pushed.
    """

    param_defs = ParamDefs(
        [
            ParamDef("remote_origin_url", None, True, "Where it is cloned from", optional=True, settable=False),
            ParamDef("relative_local_path", None, True, "Place in the workspace", optional=True, settable=False),
            ParamDef("branch", None, True, "The branch that is used"),
            ParamDef("read_only", False, True, "Never push to its origin", BoolType()),
            EXPORT_PARAM,
            IMPORTED_PARAM,
            ParamDef("local_path", None, False, "Absolute path on this machine", optional=True),
        ]
    )

    def __init__(
        self,
        name: str,
        role: str,
        workspace: Workspace,
        *,
        remote_origin_url: str | None,
        relative_local_path: str | None,
        branch: str,
        read_only: bool = False,
        export: bool = False,
        imported: bool = False,
        local_path: str | None = None,
    ) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.remote_origin_url = remote_origin_url
        self.relative_local_path = relative_local_path
        self.branch = branch
        self.read_only = read_only
        self.export = export
        self.imported = imported
        self.local_path = local_path

    @staticmethod
    def from_params(params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> GitRepoResource:
        """From stored parameters; raises KeyError for one that is missing, MetadataError for one that is unsafe."""
        name, branch, relative = params["name"], params["branch"], params.get("relative_local_path")
        check_branch_name(branch, name)
        if relative is not None:
            check_subdirectory_path(relative, name)
        url = params.get("remote_origin_url")
        for text in (url, local_params.get("local_path")):
            if text is not None and not isinstance(text, str):
                raise MetadataError(f"Resource '{name}': {text!r} is neither a URL nor a path")
        return GitRepoResource(
            name,
            params["role"],
            workspace,
            remote_origin_url=None if url is None else without_password(url),
            relative_local_path=relative,
            branch=branch,
            read_only=bool(params.get("read_only", False)),
            export=bool(params.get("export", False)),
            imported=bool(params.get("imported", False)),
            local_path=local_params.get("local_path"),
        )

    def get_params(self) -> dict[str, Any]:
        return {
            **super().get_params(),
            "export": self.export,
            "remote_origin_url": self.remote_origin_url,
            "relative_local_path": self.relative_local_path,
            "branch": self.branch,
            "read_only": self.read_only,
            "imported": self.imported,
        }

    def get_local_params(self) -> dict[str, Any]:
        return {"local_path": self.local_path} if self.local_path is not None else {}

    def get_local_path_if_any(self) -> str | None:
        root = self.workspace.get_workspace_local_path_if_any()
        inside = None
        if root is not None and self.relative_local_path is not None:
            inside = str(Path(root) / self.relative_local_path)
        if self.local_path is not None and (inside is None or Path(self.local_path).exists()):
            return self.local_path
        return inside  # also when the workspace was moved, and the path that was noted is no more

    def is_writable(self) -> bool:
        """Snapshots write into results and exported resources, which are then read-only at their origin alone."""
        return not self.read_only or self.has_results_role() or self.is_exported()

    def _how_to_have_it(self, place: str | None) -> str:
        from shlex import quote

        if self.remote_origin_url is None:
            return "It has no origin to clone from: move it back, or copy it from a backup"
        return f"git clone {quote(self.remote_origin_url)} {quote(place) if place else 'DIRECTORY'}"

    @property
    def _repo(self) -> GitRepo:
        place = self.get_local_path_if_any()
        if place is None or not Path(place).is_dir():
            raise UnavailableError(
                f"Resource '{self.name}' is not on this machine" + (f": {place} is not there" if place else ""),
                hint=f"{self._how_to_have_it(place)}; if it is elsewhere: "
                f"dws config --resource {self.name} local_path DIRECTORY",
            )
        root = self.workspace.get_workspace_local_path_if_any()
        if root is not None and self.relative_local_path is not None and place != self.local_path:
            check_place_in_workspace(Path(root), self.relative_local_path, self.name)
        if git_directory(Path(place)) is None:  # git would look above it, or take its files for a repository
            raise ConfigurationError(f"Resource '{self.name}': {place} is not the root of a git repository")
        return GitRepo(Path(place), self.workspace.interaction.warn)

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        from dataworkspaces.gitrepo.ignored import Looked, check_ignored
        from dataworkspaces.gitrepo.nested import check_submodules, tell_untracked

        ask(self.root, self.workspace.interaction)
        self._repo.check_ready(self.what, self.branch)
        tell_untracked(self.workspace.interaction, check_submodules(self.root, self.what))
        from dataworkspaces.gitrepo.new_files import Part, check_new_files

        part = Part(self.root, results=("",) if self.has_results_role() else ())
        self._looked = self._repo.status(each_file=True)
        limit = self.workspace.get_global_param(LARGE_FILE)
        check_new_files(part, self.workspace.interaction, self.what, limit, self._looked)
        if self.has_results_role() and (files := self.results_current_files({LINEAGE_FILE}, SNAPSHOTS_DIRS_RE)):
            for text in check_ignored(self.root, [Looked(self.what, "", files)]):
                self.workspace.interaction.warn(text)

    def snapshot(self) -> tuple[str | None, str | None]:
        from dataworkspaces.gitrepo.attributes import keep_results_as_they_are
        from dataworkspaces.gitrepo.nested import holds_foreign_repositories

        repo = self._repo
        if self.has_results_role() or self.is_exported():
            keep_results_as_they_are(repo.root)
        status = self._status_of_check(repo) or repo.status()
        commit = status.commit
        if not (status.dirty or holds_foreign_repositories(repo.root)):
            repo.flush()
        elif repo.commit_paths(["."], "Keep uncommitted work"):
            commit = repo.resolve(["HEAD"])[0]
            if self.read_only:
                self.workspace.interaction.warn(
                    f"Resource '{self.name}' is read-only, but has changes ({some(status.dirty)}): they are "
                    "committed on this machine only"
                )
        if commit is None:
            raise ConfigurationError(f"Resource '{self.name}': {repo.root} has no commit yet", hint="Commit a file")
        version = self._version_before_our_files(commit)
        return version, version

    _looked: RepoStatus | None = None
    """How the repository stood when a snapshot was prepared."""

    def _status_of_check(self, repo: GitRepo) -> RepoStatus | None:
        """What the check before a snapshot saw, where nothing had changed: that is what the snapshot takes. The
        results have moved since, so they are looked at again; and so is what others have committed meanwhile."""
        status, self._looked = self._looked, None
        if status is None or status.dirty or self.has_results_role() or self.is_exported():
            return None
        return status if status.commit == head_commit(repo.root) else None

    def version_of_work(self, commit_of_work: Callable[[GitRepo], str | None]) -> str:
        """What :meth:`snapshot` would say, where the work is committed by a function that leaves the branch alone."""
        repo = self._repo
        commit = commit_of_work(repo)
        if commit is None:
            raise ConfigurationError(f"Resource '{self.name}': {repo.root} has no commit yet", hint="Commit a file")
        repo.flush()
        return self._version_before_our_files(commit)

    def restore_precheck(self, restore_hashval: str) -> None:
        check_object_name(restore_hashval, self.name)
        self.snapshot_precheck()
        if not self._repo.has_commit(restore_hashval):
            raise NotFoundError(
                f"Resource '{self.name}': {self._repo.root} does not hold commit {restore_hashval}",
                hint=how_to_fetch(self._repo.root),
            )

    def restore(self, restore_hashval: str) -> None:
        from dataworkspaces.gitrepo import large_files

        self._repo.restore_paths({"": restore_hashval}, f"Restore the state of {restore_hashval[:10]}")
        head = head_commit(self._repo.root) or self._repo.resolve(["HEAD"])[0]
        # Also if there was nothing to do, for a restore that was killed may have committed it.
        if head is not None and self._version_before_our_files(head) != restore_hashval:
            self._remember_version(restore_hashval)
        large_files.complete_restore(self._repo.root, self.workspace.consent)

    def keep_snapshot_files(self, rel_paths: Sequence[str]) -> None:
        repo = self._repo
        head = repo.resolve(["HEAD"])[0]
        if head is not None and repo.commit_paths(rel_paths, "Lineage of a snapshot of the workspace"):
            self._remember_version(self._version_before_our_files(head))

    def _remember_version(self, version: str) -> None:
        """HEAD holds the same, for us, as this commit."""
        remembered = {"version": version, "after": self._repo.resolve(["HEAD"])[0]}
        write_json(self.workspace.get_resource_local_directory(self) / _AFTER_SNAPSHOT, remembered)

    def _version_before_our_files(self, commit: str) -> str:
        """A snapshot commits its lineage files after it took the version; on top of them the version is the same. So it
        is on top of a commit that a restore has brought back."""
        path = self.workspace.get_resource_local_directory(self) / _AFTER_SNAPSHOT
        if not path.exists():
            return commit
        try:
            remembered = read_json_object(path, "version", "after")
        except MetadataError:
            return commit
        return str(remembered["version"]) if remembered["after"] == commit else commit

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        self._delete_results_directory(relative_path)
        self._repo.commit_paths([relative_path], f"Delete the results of snapshot {workspace_snapshot_hash}")

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        place = self.get_local_path_if_any()
        if place is None or not Path(place).is_dir():
            return ResourceChange("missing", f"{place} is not there" if place else "not on this machine")
        status = self._repo.status()
        if status.dirty:
            return ResourceChange("changed", f"not committed: {some(status.dirty)}")
        if status.commit is None or not self._holds_version(status.commit, version.compare_hash):
            return ResourceChange("changed", "different content is committed")
        return ResourceChange("unchanged")

    def _holds_version(self, commit: str, version: str | None) -> bool:
        """A restore, and some merges, commit the same files again."""
        before = self._version_before_our_files(commit)
        if before == version or version is None:
            return before == version
        trees = self._repo.resolve([f"{before}^{{tree}}", f"{version}^{{tree}}"])
        return None not in trees and trees[0] == trees[1]

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        if old.compare_hash is None or new.compare_hash is None:
            return None
        repo = self._repo
        known = repo.has_commit(old.compare_hash) and repo.has_commit(new.compare_hash)
        return repo.diff_trees(old.compare_hash, new.compare_hash) if known else None

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        return self._repo.plan_restore(restore_hashval)

    def version_files(self, version: SnapshotVersion) -> VersionFiles:
        from dataworkspaces.gitrepo.version_files import GitVersionFiles

        name = check_object_name(str(version.compare_hash), self.name)
        if not self._repo.has_commit(name):
            raise NotFoundError(
                f"Resource '{self.name}': {self._repo.root} does not hold commit {name}",
                hint=how_to_fetch(self._repo.root),
            )
        return GitVersionFiles(self._repo.root, name, f"Resource '{self.name}' at version {name[:7]}")

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        from dataworkspaces.gitrepo.integrity import check_repository, snapshots_by_version

        def is_from_elsewhere(snapshot: str) -> bool:
            metadata = self.workspace.as_snapshot_ws().get_snapshot_metadata(snapshot)
            return metadata.hostname != self.workspace.get_instance()

        wanted = snapshots_by_version(restore_hashes)
        return check_repository(self._repo.root, f"resource '{self.name}'", wanted, is_from_elsewhere)

    def collect(self, needed: Collection[str], before: datetime, *, dry_run: bool = False) -> Collected:
        """Objects of git-fat. A repository outside of the workspace may have snapshots in other workspaces."""
        from dataworkspaces.gitfat.garbage import collect, has_store

        place = self.get_local_path_if_any()
        if place is None or not has_store(Path(place)):
            return Collected()
        commits = [check_object_name(version, self.name) for version in needed]
        return collect(self.root, commits, before, dry_run=dry_run, all_of_git=self.relative_local_path is None)

    # -- another directory ---------------------------------------------------------------------------------------

    def check_out_precheck(self, version: SnapshotVersion) -> None:
        from dataworkspaces.gitrepo.elsewhere import check_commit

        check_commit(self._repo.root, str(version.restore_hash), self.what)

    def check_out(self, version: SnapshotVersion, directory: Path) -> Mapping[str, Any]:
        from dataworkspaces.gitrepo.elsewhere import copy_repository

        commit = str(version.restore_hash)
        copy_repository(self._repo.root, directory, commit, self.branch, self.workspace.consent, self.what)
        return {"local_path": str(directory)}

    def take_back(self, other: Resource) -> None:
        from dataworkspaces.gitrepo.pull import pull_repository

        if self.read_only or not isinstance(other, GitRepoResource):
            return
        pull_repository(
            self._repo.root, self.branch, self.workspace.consent, self.what,
            results=self.has_results_role(), exported=self.is_exported(), checkout=other._repo.root,
        )  # fmt: skip

    # -- lineage -------------------------------------------------------------------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        from dataworkspaces.gitrepo.contents import present_objects

        ours = [LINEAGE_FILE] if self.export or self.imported else []
        paths = [path or "" for path in subpaths]
        within = [""] if keep else paths
        if keep:
            from dataworkspaces.gitrepo.new_files import Part, leave_out_secrets

            leave_out_secrets(Part(self._repo.root), self.workspace.interaction, self.what)
        unreadable: dict[str, DwsError] = {}
        found = present_objects(
            self._repo.root, paths, within, ours, keep=keep, sources_only=True, unreadable=unreadable
        )
        for path, error in unreadable.items():
            self.workspace.interaction.warn(f"What lies at '{path}' of {self.what} is unknown: {error.message}")
        if found.commit is not None and None in subpaths:
            self._remember_tree(found.commit, found.names[list(subpaths).index(None)])
        return PresentContents(found.names, found.tree)

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        from dataworkspaces.gitrepo.contents import version_objects

        check_object_name(compare_hash, self.name)
        if self.export or self.imported:
            return [None] * len(subpaths)  # it holds our file, which does not count
        if set(subpaths) == {None} and (tree := self._remembered_tree(compare_hash)) is not None:
            return [tree] * len(subpaths)
        return version_objects(self._repo.root, compare_hash, [path or "" for path in subpaths])

    def left_out(self, rel_paths: Sequence[str]) -> set[str]:
        return self._repo.ignored("") & set(rel_paths)

    def _remember_tree(self, commit: str, tree: str | None) -> None:
        """For the next snapshot, which then need not start git for it."""
        write_json(self.workspace.get_resource_local_directory(self) / _TREE, {"commit": commit, "tree": tree})

    def _remembered_tree(self, commit: str) -> str | None:
        path = self.workspace.get_resource_local_directory(self) / _TREE
        try:
            remembered = read_json_object_if_any(path, "commit", "tree") or {}
        except MetadataError:
            return None
        return remembered["tree"] if remembered.get("commit") == commit else None

    # -- synchronising: what it takes is imported when it is used, since most commands talk to no origin ----------

    _push_plan: PushPlan | None = None

    def addresses(self) -> Iterable[str]:
        from dataworkspaces.gitrepo import large_files

        if self.get_local_path_if_any() is None:
            return ()
        return [*settings_addresses(self._repo.root), *large_files.addresses(self._repo.root)]

    @property
    def what(self) -> str:
        """The resource, as messages name it."""
        return f"Resource '{self.name}'"

    @property
    def root(self) -> Path:
        """The repository's working tree; raises ConfigurationError if it is not on this machine."""
        return self._repo.root

    def pull_precheck(self) -> None:
        ask(self.root, self.workspace.interaction)
        self._repo.check_ready(self.what, self.branch)

    def unfinished_parts(self) -> Iterable[UnfinishedPart]:
        from dataworkspaces.gitrepo.integrity import unfinished_part

        place = self.get_local_path_if_any()
        return () if place is None else unfinished_part(Path(place), f"a pull of {self.what}")

    def pull(self) -> bool:
        """Fast-forward, or merge. A repository without an origin stays as it is."""
        from dataworkspaces.gitrepo.resource_sync import pull_resource

        return pull_resource(self)

    def push_precheck(self) -> None:
        if not self.read_only:
            from dataworkspaces.gitrepo.resource_sync import check_push

            ask(self.root, self.workspace.interaction)
            self._repo.check_ready(self.what, self.branch)
            self._push_plan = check_push(self)

    def push(self) -> None:
        from dataworkspaces.gitrepo.resource_sync import push_resource

        push_resource(self, self._push_plan)

    def has_unpushed_content(self) -> bool:
        from dataworkspaces.gitrepo.remote import tracked_commit

        return not self.read_only and tracked_commit(self.root, self.branch) != head_commit(self.root)
