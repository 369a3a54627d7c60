"""The git backend's workspace: metadata in a git repository, snapshots, lineage."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git import moved_head
from dataworkspaces.backends.git.keeping_experiments import GitExperiments
from dataworkspaces.backends.git.kept_with_packs import KeptWithPacks
from dataworkspaces.backends.git.own_files import PLACES, GitOwnFiles, lies_in
from dataworkspaces.backends.git.paths import BRANCH_PARAM
from dataworkspaces.backends.git.snapshot_index import SnapshotIndex, read_metadata
from dataworkspaces.backends.git.storage import holds
from dataworkspaces.backends.git.subdirectories import CommitOf, SubdirectorySnapshots
from dataworkspaces.backends.git.sync import GitSync
from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    InternalError,
    MetadataError,
    NotFoundError,
)
from dataworkspaces.gitrepo.both import both
from dataworkspaces.gitrepo.checks import check_object_name, check_scratch_directory, is_object_name
from dataworkspaces.gitrepo.layout import SETTINGS, current_branch
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.restraint import ask, restraint_of, settings_addresses
from dataworkspaces.lineage.kept_lineage import file_name
from dataworkspaces.params import (
    HOSTNAME,
    LARGE_FILE,
    LOCAL_SCRATCH_DIRECTORY,
    SCRATCH_DIRECTORY,
    WORKSPACE_PARAMS,
    ParamDef,
    ParamDefs,
)
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.atomic import read_json_object, unreadable, write_bytes, write_json
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.regular import is_present, read_regular, status_if_any
from dataworkspaces.workspace import (
    OWN_FILES,
    PresentContents,
    Resource,
    ResourceChange,
    ResourceRoles,
    SnapshotMetadata,
    SnapshotResourceMixin,
    SnapshotVersion,
    SnapshotWorkspaceMixin,
    VersionElsewhere,
    Workspace,
)
from dataworkspaces.workspace.checking_out import CheckOutWorkspaceMixin
from dataworkspaces.workspace.collect import Collected, CollectMixin
from dataworkspaces.workspace.missing_type import ResourceOfMissingType, resources_to_show
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE, manifest_hash, results_exclude

if TYPE_CHECKING:
    from dataworkspaces.backends.git.snapshot_packs import SnapshotPacks
    from dataworkspaces.lineage import LineageStore
    from dataworkspaces.toolbox.snapshot_graph import SnapshotGraph
    from dataworkspaces.workspace.problem import Problem
    from dataworkspaces.workspace.unfinished import UnfinishedPart


class GitWorkspace(CheckOutWorkspaceMixin, CollectMixin, GitExperiments, SnapshotWorkspaceMixin, GitSync):
    """A workspace whose directory is a git repository, or lies in one."""

    param_defs = WORKSPACE_PARAMS | ParamDefs(
        [ParamDef(BRANCH_PARAM, None, True, "Branch of the workspace's repository", optional=True, settable=False)]
    )

    # -- identity and places -------------------------------------------------------------------------------------

    def get_instance(self) -> str:
        from dataworkspaces.toolbox.hostname import default_hostname

        return str(self.get_local_param(HOSTNAME) or default_hostname())

    def get_workspace_local_path_if_any(self) -> str | None:
        return str(self.paths.directory)

    def addresses(self) -> Iterable[str]:
        from dataworkspaces.gitrepo import large_files

        return [*settings_addresses(self.paths.root), *large_files.addresses(self.paths.root)]

    def creation_notes(self) -> Iterable[str]:
        if self.paths.prefix:
            yield f"The workspace is part of the git repository {self.paths.root}, which gets its commits"

    def notes(self) -> Iterable[str]:
        restraint = restraint_of(self.paths.root)
        return () if restraint is None else (restraint.warning,)

    def check_trusted(self) -> None:
        ask(self.paths.root, self.interaction)

    def get_scratch_directory(self) -> str:
        given = self.get_local_param(LOCAL_SCRATCH_DIRECTORY)
        local = self.whereabouts.here(str(given)) if given else None  # not the one of another copy
        if local:
            return local
        relative = self.get_global_param(SCRATCH_DIRECTORY) or "scratch"
        return str(check_scratch_directory(self.paths.directory, relative))

    # -- HEAD, which others move ---------------------------------------------------------------------------------

    def settle(self) -> None:
        super().settle()
        moved_head.settle_head(self)

    def finish_interrupted(self, *, interrupted: bool = True) -> str | None:
        if interrupted and self.is_unfinished():
            moved_head.check_same_branch(self)
        return super().finish_interrupted(interrupted=interrupted)

    def recover_if_interrupted(self) -> None:
        super().recover_if_interrupted()
        moved_head.settle_if_moved(self)

    def take_over_lineage(self, changed: Collection[str]) -> None:
        """Git has brought other content of resources: where it is as a snapshot has it, the snapshot's lineage of it
        becomes the current one."""
        newest = self.newest_snapshots()
        try:
            if newest:
                self._recall(newest[0].hashval)
            super().adopt_lineage([snapshot.hashval for snapshot in newest], changed)
        except DwsError as e:
            self.interaction.warn(f"The lineage of {some(changed)} could not be taken over: {e.message}")

    def save_precheck(self) -> None:
        self.repo.check_ready(self.what)

    def as_snapshot_ws(self) -> SnapshotWorkspaceMixin:
        return self

    def as_lineage_ws(self) -> SnapshotWorkspaceMixin:
        return self

    # -- snapshots' metadata -------------------------------------------------------------------------------------

    @property
    def _index(self) -> SnapshotIndex:
        paths = self.paths
        return SnapshotIndex(
            paths.snapshot_metadata, paths.snapshot_shards, self.get_machine_directory() / "snapshots.sqlite"
        )

    def get_next_snapshot_number(self) -> int:
        counter = self.get_machine_directory() / "snapshot_number"
        try:
            last = int(read_regular(counter))
        except (OSError, ValueError):
            last = 0
        return max(last, self.get_snapshot_count()) + 1

    def get_snapshot_count(self) -> int:
        return self._index.count()

    def get_tags(self) -> list[str]:
        return self._index.tags()

    def get_snapshot_graph(self) -> SnapshotGraph:
        return self._index.graph(self.resource_names.called)

    def get_parents_of_next_snapshot(self) -> list[str]:
        return self._index.heads()

    def get_history_state(self) -> str | None:
        state = self._index.state()
        return None if state is None else f"{state} {self.resource_names.fingerprint}"

    def list_snapshots(self, reverse: bool = True, max_count: int | None = None) -> Iterable[SnapshotMetadata]:
        if max_count is None and self.included_experiments is not None:
            yield from (each.snapshot for each in self.included_experiments.experiments)
        for hash_val in self._index.hashes(reverse=reverse, limit=max_count):
            yield self.get_snapshot_metadata(hash_val)

    def get_snapshot_metadata(self, hash_val: str) -> SnapshotMetadata:
        path = self.paths.snapshot_metadata_file(hash_val) if hash_val.isalnum() else None
        if path is None or status_if_any(path) is None:
            included = self.included_experiments
            found = None if included is None else included.snapshot(hash_val)
            if found is not None:
                return found
            raise NotFoundError(f"There is no snapshot {hash_val}", hint="'dws history' lists them")
        return self.resource_names.snapshot_called(read_metadata(path))

    def get_snapshot_by_tag(self, tag: str) -> SnapshotMetadata:
        hashes = self._index.with_tag(tag)
        included = self.included_experiments
        found = None if hashes or included is None else included.named(tag)
        if found is not None:
            return found
        if not hashes:
            import difflib

            near = difflib.get_close_matches(tag, self._index.tags(), n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "'dws history' lists the snapshots"
            raise NotFoundError(f"There is no snapshot with the tag '{tag}'", hint=hint)
        return self.get_snapshot_metadata(hashes[0])

    def get_repeated_tags(self) -> list[str]:
        """Tags of several snapshots, which a merge of git's has left."""
        return self._index.repeated_tags()

    def get_hashes_with_tag(self, tag: str) -> list[str]:
        return self._index.with_tag(tag)

    def get_hashes_with_label(self, key: str, value: str) -> list[str]:
        return self._index.with_label(f"{key}={value}")

    def get_labels(self) -> list[str]:
        return self._index.labels()

    def get_snapshot_by_partial_hash(self, partial_hash: str) -> SnapshotMetadata:
        hashes = self._index.with_prefix(partial_hash.lower())
        if not hashes and self.included_experiments is not None:
            hashes = self.included_experiments.with_prefix(partial_hash.lower())
        if not hashes:
            raise NotFoundError(f"No snapshot hash starts with {partial_hash}", hint="'dws history' lists them")
        if len(hashes) > 1:
            raise ConfigurationError(
                f"The hash {partial_hash} matches {len(hashes)} snapshots: {', '.join(hashes)}",
                hint="Give more digits",
            )
        return self.get_snapshot_metadata(hashes[0])

    def get_snapshot_manifest_bytes(self, hash_val: str) -> bytes:
        path = self.paths.manifest(hash_val)
        try:
            manifest = read_regular(path)
        except FileNotFoundError as e:
            found = self._packs.manifest(hash_val)
            if found is None and self.included_experiments is not None:
                found = self.included_experiments.manifest(hash_val)
            if found is None and self.reads_branches:
                from dataworkspaces.backends.git.other_branches import manifest_elsewhere

                found = manifest_elsewhere(self.paths, hash_val)
            if found is None:
                raise unreadable(path, e) from e
            manifest = found
        except OSError as e:
            raise unreadable(path, e) from e
        if manifest_hash(manifest) != hash_val:
            from dataworkspaces.backends.git.conversion import as_committed

            manifest = as_committed(self.paths, path) or manifest  # git may have converted the file
        if manifest_hash(manifest) != hash_val:
            raise MetadataError(
                f"{path} is not the manifest that the snapshot had", hint="Restore the file from git's history"
            )
        return manifest

    def save_snapshot_metadata_and_manifest(self, metadata: SnapshotMetadata, manifest: bytes) -> None:
        path = self.paths.new_snapshot_metadata_file(metadata.hashval, self.get_snapshot_count())
        manifest_path = self.paths.manifest(metadata.hashval)
        is_packed = path.exists() and not manifest_path.exists() and self._is_packed(metadata.hashval)
        if not is_packed:
            self._note_for_commit(manifest_path)
        self._note_for_commit(path)
        if self.paths.snapshot_lineage.joinpath(metadata.hashval).is_dir():
            self._note_for_commit(self.paths.snapshot_lineage / metadata.hashval)  # which is there before, if ever
        if not is_packed and not holds(manifest_path, manifest):
            write_bytes(manifest_path, manifest, durable=True)
        write_bytes(
            self.get_machine_directory() / "snapshot_number", str(self.get_next_snapshot_number()).encode("ascii")
        )
        write_json(path, self.resource_names.snapshot_stored(metadata).to_json(), durable=True)

    def remove_tag_from_snapshot(self, hash_val: str, tag: str) -> None:
        path = self.paths.snapshot_metadata_file(hash_val)
        if status_if_any(path) is None or tag not in read_metadata(path).tags:
            raise InternalError(f"Snapshot {hash_val} has no tag '{tag}' to remove")
        metadata = read_metadata(path)
        metadata.tags.remove(tag)
        self._store(path, metadata.to_json())

    def delete_snapshot_metadata_and_manifest(self, hash_val: str) -> None:
        from dataworkspaces.durability import flush_directory

        files = self.paths.snapshot_metadata_files(hash_val)
        there = [path for path in files if is_present(path)]
        for path in (*(there or files[:1]), self.paths.manifest(hash_val)):
            self._note_for_commit(path)
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                flush_directory(path.parent)  # else one of the two may come back after a power cut
        self._note_for_commit(self.paths.snapshot_lineage / hash_val)  # which the caller deletes

    @cached_property
    def _packs(self) -> SnapshotPacks:
        from dataworkspaces.backends.git.snapshot_packs import SnapshotPacks

        return SnapshotPacks(self.paths.snapshot_packs)

    def _is_packed(self, hash_val: str) -> bool:
        """Whether a pack holds the manifest of a snapshot, and can be read."""
        try:
            return self._packs.manifest(hash_val) is not None
        except MetadataError:
            return False

    def _pack_older_snapshots(self, newest: str) -> None:
        """What keeps them from it, a full disk say, is no reason to fail: the next snapshot tries again."""
        from dataworkspaces.backends.git import pack_writer

        loose = pack_writer.loose_snapshots(self.paths)
        limits = pack_writer.limits(self.paths, newest)
        if len(loose) <= limits.many:
            return
        in_order = [hashval for hashval in self._index.hashes(reverse=False, limit=None) if hashval in loose]
        self._note_for_commit(self.paths.snapshot_packs)
        try:
            replaced = pack_writer.write_packs(self.paths, in_order[: -limits.kept])
        except (OSError, MetadataError) as e:
            log.info("snapshots are not packed yet: %s", e)
            return
        self._note_for_commit(self.paths.manifests)
        self._note_for_commit(self.paths.snapshot_lineage)
        pack_writer.remove_packed(self.paths, replaced)

    def versions_on_other_branches(self) -> Iterable[VersionElsewhere]:
        from dataworkspaces.backends.git.other_branches import versions_on_other_branches

        names = self.resource_names
        for version in versions_on_other_branches(self.paths):
            yield version._replace(resource_name=names.called(version.resource_name))

    def get_branches(self) -> list[str]:
        from dataworkspaces.backends.git.other_branches import branch_names

        return branch_names(self.paths)

    def list_branch(self, branch: str) -> list[SnapshotMetadata]:
        from dataworkspaces.backends.git.other_branches import snapshots_of_branch

        self.reads_branches = True
        return [self.resource_names.snapshot_called(found) for found in snapshots_of_branch(self.paths, branch)]

    def list_elsewhere(self) -> Iterator[SnapshotMetadata]:
        from dataworkspaces.backends.git.other_branches import snapshots_elsewhere

        self.reads_branches = True
        seen = set(self._index.hashes(reverse=True, limit=None))
        for found in snapshots_elsewhere(self.paths):
            if found.hashval not in seen:
                seen.add(found.hashval)
                yield self.resource_names.snapshot_called(found)

    def find_snapshots_elsewhere(self, hashes: Iterable[str]) -> list[SnapshotMetadata]:
        from dataworkspaces.backends.git.other_branches import find_snapshots

        return [self.resource_names.snapshot_called(found) for found in find_snapshots(self.paths, hashes)]

    # -- lineage -------------------------------------------------------------------------------------------------

    def supports_lineage(self) -> bool:
        return True

    def get_lineage_store(self) -> LineageStore:
        from dataworkspaces.lineage import FileLineageStore

        kept = KeptWithPacks(self.paths.snapshot_lineage, self._packs)
        if self.included_experiments is not None:
            from dataworkspaces.backends.git.experiments_included import KeptWithExperiments

            kept = KeptWithExperiments(self.paths, self._packs, self.included_experiments)
        elif self.reads_branches:
            from dataworkspaces.backends.git.other_branches import KeptOnBranches

            kept = KeptOnBranches(self.paths, self._packs)
        return FileLineageStore(
            self.paths.current_lineage,
            kept,
            self.get_machine_directory() / "lineage.lock",
            lambda: self.resource_names,
            self._known_lineage,
        )

    @cached_property
    def _known_lineage(self) -> dict[str, Any]:
        return {}

    def adopt_lineage(self, known: Sequence[str], changed: Collection[str]) -> list[SnapshotMetadata]:
        newest = self.get_most_recent_snapshot()
        if newest is not None and newest.hashval not in known:
            self._recall(newest.hashval)
        return super().adopt_lineage(known, changed)

    def _recall(self, hashval: str) -> None:
        path = self.paths.snapshot_metadata_file(hashval)
        self._subdirectories.recall(hashval, path.relative_to(self.paths.root).as_posix())

    # -- own files -----------------------------------------------------------------------------------------------

    def get_resource_names(self) -> Iterable[str]:
        names = list(super().get_resource_names())
        return [*names, self.own_files_resource().name] if self.has_own_files() else names

    def own_files_resource(self) -> GitOwnFiles:
        name = OWN_FILES
        while self._is_stored(name):
            name = f"_{name}"  # an older release let a user have it
        return GitOwnFiles(name, self)

    def _is_stored(self, name: str) -> bool:
        """Whether somebody has added a resource of that name. Asked for each resource, so it looks at one file."""
        if os.path.exists(self.paths.resource_file(name)):  # noqa: PTH110 - asked for each resource
            return True
        return self.paths.resource_list.exists() and name in super().get_resource_names()

    def has_own_files(self) -> bool:
        """Also while a step has used some. Asked often, so git is asked only if the root holds what nothing explains,
        and has changed."""
        lineage = self.paths.current_lineage / file_name(OWN_FILES)
        if self._load(lineage, read_json_object, {}).get("lineages"):
            return True
        stored = self.read_resource_params()
        places = [params.get(key) for params in stored for key in PLACES]
        scratch = self.read_params(True).get(SCRATCH_DIRECTORY)
        known = [".git", self.paths.metadata.name, *SETTINGS, scratch, *places]
        explained = {
            name for name in known if isinstance(name, str)
        }  # what is not a string is refused where it is used
        names = [name for name in os.listdir(self.paths.directory) if name not in explained]  # noqa: PTH208
        key = (self.paths.directory.stat().st_mtime_ns, *sorted(params["name"] for params in stored))
        if names and (self._seen_own_files is None or self._seen_own_files[0] != key):
            self._seen_own_files = key, self.own_files_resource().rest.holds_files()
        return bool(names) and self._seen_own_files is not None and self._seen_own_files[1]

    def remember_own_files(self, other: GitWorkspace) -> None:
        """What another object of the same workspace has found out of them."""
        self._seen_own_files = other._seen_own_files

    _seen_own_files: tuple[tuple[Any, ...], bool] | None = None

    # -- resources in bulk ---------------------------------------------------------------------------------------

    def snapshot(self, tag: str | None = None, message: str = "") -> tuple[SnapshotMetadata, bytes]:
        self._check_new_files()
        try:
            metadata, manifest = super().snapshot(tag, message)
            if not self.has_own_files():
                self.keep_own_files()  # what git is told, and the deletion of the last of them
        finally:
            self._own_files_are_kept = False
        return metadata, manifest

    def keep_own_files(self) -> None:
        """Commit those that are not committed. A snapshot has looked at them before anything moved."""
        if not self._own_files_are_kept:
            self.own_files_resource().keep()

    _own_files_are_kept = False
    """Whether the look before a snapshot found nothing in them to commit."""

    def _check_new_files(self) -> None:
        """Before a snapshot looks which resources there are: if all of the own files are left out, there are none."""
        from dataworkspaces.gitrepo.large_index import is_large
        from dataworkspaces.gitrepo.new_files import check_new_files

        own = [r for r in self.get_resources() if isinstance(r, GitSubdirectory)]
        results = [r.place_in_git for r in own if r.has_results_role()]
        places = [r.place_in_git for r in own]
        part = self.own_files_resource().part_with(places, results)
        status = None  # which looks at each file of an index: at those of thousands of snapshots, say
        if not is_large(self.paths.root):
            status = self.repo.status(without=part.without, within=part.within, each_file=True)
        limit = self.get_global_param(LARGE_FILE)
        self._changed_paths = check_new_files(part, self.interaction, self.what, limit, status)
        self._own_files_are_kept = status is not None and all(lies_in(path, places) for path in status.dirty)
        self._seen_own_files = None

    _changed_paths: Sequence[str] = ()
    """What that look found to differ from git's index."""

    @property
    def _subdirectories(self) -> SubdirectorySnapshots:
        return SubdirectorySnapshots(self.repo, self.get_machine_directory() / "last_snapshot.json")

    def _snapshot_precheck(self, resource_list: Sequence[SnapshotResourceMixin]) -> None:
        """What git ignores of resources is told before anything moves: one look-up for all subdirectories, while the
        resources are checked."""
        check = super()._snapshot_precheck
        _, told = both(lambda: check(resource_list), lambda: self._told_of_ignored(_split(resource_list)[0]))
        for text in told:
            self.interaction.warn(text)

    def _told_of_ignored(self, own: Sequence[GitSubdirectory]) -> list[str]:
        from dataworkspaces.gitrepo.ignored import Looked, check_ignored

        looked = [
            Looked(
                f"Resource '{r.name}'",
                r.place_in_git,
                r.results_current_files(results_exclude(self), SNAPSHOTS_DIRS_RE) if r.has_results_role() else (),
                may_ignore=r.role in (ResourceRoles.CODE, ResourceRoles.RESULTS),
            )
            for r in own
        ]
        return check_ignored(self.paths.root, looked)

    def snapshot_resources(self, resources: Sequence[SnapshotResourceMixin]) -> dict[str, SnapshotVersion]:
        """As the contract says; all subdirectories of the workspace's repository in one commit."""
        own, others = _split(resources)
        rest = [resource for resource in others if isinstance(resource, GitOwnFiles)]
        versions = super().snapshot_resources([resource for resource in others if resource not in rest])
        versions.update(self._subdirectories.take(own, self.get_snapshot_versions_if_any))
        versions.update(super().snapshot_resources(rest))  # of which one commit holds all
        return {resource.name: versions[resource.name] for resource in resources}

    def versions_in_tree(
        self, tree: str, resources: Sequence[GitSubdirectory], commit_of: CommitOf
    ) -> dict[str, SnapshotVersion]:
        """Those that resources have in the tree of a commit that comes after HEAD, and is made only if it has another
        tree than that: see :meth:`SubdirectorySnapshots.versions_in`."""
        return self._subdirectories.versions_in(tree, resources, self.get_snapshot_versions_if_any, commit_of)

    def restore_prechecks(
        self, resources: Sequence[SnapshotResourceMixin], restore_hashes: Mapping[str, str | None]
    ) -> None:
        """As the contract says; one look-up for all subdirectories of the workspace's repository."""
        from dataworkspaces.gitrepo.new_files import Part, check_new_files

        own, others = _split(resources)
        super().restore_prechecks(others, restore_hashes)
        limit = self.get_global_param(LARGE_FILE)
        parts = [resource.part for resource in others if isinstance(resource, GitOwnFiles)]
        parts += [Part(self.paths.root, tuple(r.place_in_git for r in own))] if own else []
        for part in parts:  # what lies there now is committed first
            check_new_files(part, self.interaction, self.what, limit)
        commits = {check_object_name(str(restore_hashes[r.name]), r.name) for r in own}
        if self.repo.has_commits(commits):
            self.check_was_here(commits)
            for resource in own:
                resource.place_precheck()
        else:
            super().restore_prechecks(own, restore_hashes)  # which says what is wrong

    def check_was_here(self, commits: Iterable[str]) -> None:
        """Raise ConfigurationError for a commit in which the workspace lay in another directory of its repository: what
        is there now is not in it, and would be taken for deleted."""
        for commit in self.commits_without_workspace(commits):
            raise ConfigurationError(
                f"{self.what} was not in {self.paths.within} in commit {commit[:12]}: it has been moved since",
                hint="Move it back, with git mv, to restore what is older",
            )

    def restore_resources(
        self, resources: Sequence[SnapshotResourceMixin], restore_hashes: Mapping[str, str | None]
    ) -> None:
        from dataworkspaces.gitrepo import large_files

        own, others = _split(resources)
        super().restore_resources(others, restore_hashes)
        targets = {r.place_in_git: str(restore_hashes[r.name]) for r in own if restore_hashes.get(r.name)}
        names = ", ".join(r.name for r in own if restore_hashes.get(r.name))
        self.repo.restore_paths(targets, f"Restore {names}")
        large_files.complete_restore(self.paths.root, self.consent)

    def changes_since(self, versions: Mapping[str, SnapshotVersion]) -> dict[str, ResourceChange]:
        resources = list(resources_to_show(self))
        own = [r for r in resources if isinstance(r, GitSubdirectory)]
        apart = [r for r in resources if isinstance(r, GitRepoResource) and r.name in versions]
        changes, of_repositories = both(
            lambda: self._subdirectories.changes_since(
                own, versions, results_exclude(self), self.get_snapshot_versions_if_any
            ),
            lambda: {r.name: r.changes_since(versions[r.name]) for r in apart},
        )
        changes |= of_repositories
        for resource in resources:
            if resource.name in changes:
                continue
            if isinstance(resource, ResourceOfMissingType):
                changes[resource.name] = resource.change
            elif resource.name not in versions:
                changes[resource.name] = ResourceChange("new")
            elif isinstance(resource, SnapshotResourceMixin):
                changes[resource.name] = resource.changes_since(versions[resource.name])
            else:
                changes[resource.name] = ResourceChange("unknown")
        # One may have come meanwhile: a file of the workspace that lies in none.
        return {name: changes[name] for name in self.get_resource_names() if name in changes}

    def present_contents(
        self, places: Mapping[str, Sequence[str | None]], *, keep: bool = False
    ) -> dict[str, PresentContents]:
        """As the contract says; all subdirectories of the workspace's repository at once."""
        present = {name: self.present_name(name) for name in places}
        if any(name != asked for asked, name in present.items()):  # somebody renamed one while a step ran
            return {
                asked: self.present_contents({name: places[asked]}, keep=keep)[name] for asked, name in present.items()
            }
        resources = [self.get_resource(name) for name in places]
        own = [r for r in resources if isinstance(r, GitSubdirectory)]
        found = super().present_contents({n: p for n, p in places.items() if n not in {r.name for r in own}}, keep=keep)
        try:
            if own and keep:
                from dataworkspaces.gitrepo.new_files import Part, leave_out_secrets

                part = Part(self.paths.root, tuple(r.place_in_git for r in own))
                leave_out_secrets(part, self.interaction, self.what)
            unreadable: dict[str, DwsError] = {}
            found |= self._subdirectories.present_contents(own, places, keep=keep, unreadable=unreadable)
            for path, error in unreadable.items():
                self.interaction.warn(f"What lies at '{path}' is unknown: {error.message}")
            return found
        except DwsError as e:
            self.interaction.warn(f"The state of the workspace's repository is unknown: {e.message}")
            return found | {r.name: PresentContents([None] * len(places[r.name])) for r in own}

    def get_snapshot_versions_if_any(self, hash_val: str) -> dict[str, SnapshotVersion] | None:
        """The versions of a snapshot, or None if it has been deleted."""
        return self.get_snapshot_versions(hash_val) if self.has_snapshot(hash_val) else None

    def finish_snapshot(self, hash_val: str) -> None:
        super().finish_snapshot(hash_val)
        self._finished_snapshot = hash_val

    _finished_snapshot: str | None = None

    def save(self, message: str) -> None:
        from dataworkspaces.gitrepo.kept_commits import keep_head

        if self._finished_snapshot is not None:
            self._pack_older_snapshots(self._finished_snapshot)
        super().save(message)
        if self._finished_snapshot is not None:
            self._subdirectories.remember(self._finished_snapshot)
            self._finished_snapshot = None
            if current_branch(self.paths.root) is None:
                keep_head(self.paths.root)  # which nothing holds, once HEAD goes elsewhere
        moved_head.note_head(self)

    def collect(self, needed: Collection[str], before: datetime, *, dry_run: bool = False) -> Collected:
        """Objects of git-fat in the workspace's own repository, for all subdirectories."""
        from dataworkspaces.gitfat.garbage import collect, has_store

        if not has_store(self.paths.root):
            return Collected()
        own = [r.name for r in self.get_resources() if isinstance(r, GitSubdirectory)]
        versions = {version for s in self.list_snapshots() for name in own if (version := s.restore_hashes.get(name))}
        commits = {check_object_name(version, self.name) for version in versions}
        # Among all others are those of resources that are no more, or on other branches.
        there = self.repo.resolve([f"{version}^{{commit}}" for version in needed if is_object_name(version)])
        return collect(self.paths.root, {*commits, *filter(None, there)}, before, dry_run=dry_run)

    # -- another directory ---------------------------------------------------------------------------------------

    def check_out_workspace(
        self, snapshot_hash: str, directory: Path, local_params: Mapping[str, Any], *, borrow: bool = False
    ) -> GitWorkspace:
        from dataworkspaces.backends.git.elsewhere import check_out_workspace

        return check_out_workspace(self, snapshot_hash, directory, local_params, borrow=borrow)

    def comes_along(self, resource: Resource) -> bool:
        return isinstance(resource, (GitSubdirectory, GitOwnFiles))

    def leave_out_of_copy(self, path: Path) -> None:
        from dataworkspaces.backends.git.elsewhere import leave_out_of_copy

        leave_out_of_copy(self, path)

    def take_back_workspace(self, directory: Path) -> Workspace:
        from dataworkspaces.backends.git.pull import pull

        return pull(self, directory)

    # -- integrity -----------------------------------------------------------------------------------------------

    def check_integrity(self) -> Iterable[Problem]:
        from dataworkspaces.backends.git.integrity import check_workspace

        return check_workspace(self)

    def unfinished_parts(self) -> Iterable[UnfinishedPart]:
        from dataworkspaces.gitrepo.integrity import unfinished_part

        yield from unfinished_part(self.paths.root, f"a pull of {self.what}")
        yield from super().unfinished_parts()

    def recover(self, operation: str, data: dict[str, Any], interrupted: bool) -> str:
        from dataworkspaces.gitrepo.locks import remove_stale_git_locks

        places = [r.get_local_path_if_any() for r in self.get_resources() if isinstance(r, GitRepoResource)]
        repositories = [Path(path) for path in places if path is not None]
        for root in (self.paths.root, *repositories):
            remove_stale_git_locks(root)  # also if we live: it may be git that was killed
        if operation == "pull":
            outcome = self.recover_pull(repositories)
            self.adopt_lineage(data.get("known", []), [])  # which is no news to the next pull
            return outcome
        return super().recover(operation, data, interrupted)


def _split(
    resources: Sequence[SnapshotResourceMixin],
) -> tuple[list[GitSubdirectory], list[SnapshotResourceMixin]]:
    own = [r for r in resources if isinstance(r, GitSubdirectory)]
    return own, [r for r in resources if not isinstance(r, GitSubdirectory)]
