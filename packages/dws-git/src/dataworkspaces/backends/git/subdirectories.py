"""Snapshots of all subdirectories of the workspace's repository at once: one commit, one look-up of their trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dataworkspaces.errors import DwsError, MetadataError
from dataworkspaces.gitrepo.layout import empty_tree, head_commit
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace import PresentContents, ResourceChange, SnapshotVersion
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE

FindVersions = Callable[[str], "dict[str, SnapshotVersion] | None"]
CommitOf = Callable[["str | None"], str]


class SubdirectorySnapshots:
    """:param remembered: file that says which commit the last snapshot ended with.

    A snapshot writes ``lineage.json`` into results and exported resources after their version was taken. One that
    stands as that snapshot left it therefore still has the version that the snapshot gave it."""

    def __init__(self, repo: GitRepo, remembered: Path) -> None:
        self._repo = repo
        self._remembered = remembered

    def take(self, resources: Sequence[GitSubdirectory], find_versions: FindVersions) -> dict[str, SnapshotVersion]:
        """Commit what has changed in the resources, and return their versions."""
        if not resources:
            return {}
        paths = [r.place_in_git for r in resources]
        if (self._repo.root / ".gitmodules").is_file():
            paths.append(".gitmodules")  # without which nobody knows where a submodule's commit can be had
        self._repo.commit_paths(paths, f"Keep the present state of {_names(resources)}")
        return self.versions_in("HEAD", resources, find_versions)

    def versions_in(
        self,
        tree_ish: str,
        resources: Sequence[GitSubdirectory],
        find_versions: FindVersions,
        commit_of: CommitOf | None = None,
    ) -> dict[str, SnapshotVersion]:
        """The versions that resources have in HEAD, or in what came after it.

        :param commit_of: is told the tree of HEAD, and says which commit holds ``tree_ish``; None if it is one."""
        if not resources and commit_of is None:
            return {}
        last_hash, last_commit = self._last()
        names = [tree_ish if commit_of is None else "HEAD^{tree}"]
        for resource in resources:
            names += [f"{tree_ish}:{resource.place_in_git}", f"{last_commit or tree_ish}:{resource.place_in_git}"]
        objects = self._repo.resolve(names)
        head = objects[0] if commit_of is None else commit_of(objects[0])
        last_versions: Mapping[str, SnapshotVersion] | None = None
        result = {}
        for number, resource in enumerate(resources):
            tree, last_tree = objects[1 + 2 * number], objects[2 + 2 * number]
            version = SnapshotVersion(tree or empty_tree(self._repo.root), head)
            gets_lineage = resource.has_results_role() or resource.is_exported()
            if gets_lineage and last_hash and last_commit and tree == last_tree:
                if last_versions is None:
                    last_versions = find_versions(last_hash) or {}
                version = last_versions.get(resource.name, version)
            result[resource.name] = version
        return result

    def changes_since(
        self,
        resources: Sequence[GitSubdirectory],
        versions: Mapping[str, SnapshotVersion],
        results_exclude: set[str],
        find_versions: FindVersions,
    ) -> dict[str, ResourceChange]:
        """By name; one ``git status`` and one look-up of trees, at once."""
        known = [r for r in resources if r.name in versions]
        changes = {r.name: ResourceChange("new") for r in resources if r.name not in versions}
        if not known:
            return changes
        with self._repo.asking_status([r.place_in_git for r in known]) as told:
            committed = self.versions_in("HEAD", known, find_versions)
            status = told()
        for resource in known:
            if not Path(resource.local_path).is_dir():
                changes[resource.name] = ResourceChange("missing", f"{resource.local_path} is not there")
            elif resource.has_results_role():
                new = resource.results_current_files(results_exclude, SNAPSHOTS_DIRS_RE)
                changes[resource.name] = (
                    ResourceChange("changed", f"{_count(len(new), 'new result file')}") if new else _UNCHANGED
                )
            else:
                uncommitted = sum(1 for path in status.dirty if _lies_in(path, resource.place_in_git))
                if uncommitted:
                    changes[resource.name] = ResourceChange("changed", f"{_count(uncommitted, 'path')} not committed")
                elif committed[resource.name].compare_hash != versions[resource.name].compare_hash:
                    changes[resource.name] = ResourceChange("changed", "different content is committed")
                else:
                    changes[resource.name] = _UNCHANGED
        return changes

    def present_contents(
        self,
        resources: Sequence[GitSubdirectory],
        places: Mapping[str, Sequence[str | None]],
        *,
        keep: bool,
        unreadable: dict[str, DwsError],
    ) -> dict[str, PresentContents]:
        """What lies at places of the resources now; ``unreadable`` gets, by path, why that cannot be told of others."""
        from dataworkspaces.gitrepo.contents import present_objects

        if not resources:
            return {}
        paths = [_join(r.place_in_git, subpath) for r in resources for subpath in places[r.name]]
        ours = [_join(r.place_in_git, LINEAGE_FILE) for r in resources if r.is_exported()]
        within = [r.place_in_git for r in resources] if keep else paths
        found = present_objects(
            self._repo.root, paths, within, ours, keep=keep, sources_only=True, unreadable=unreadable
        )
        names = iter(found.names)
        return {r.name: PresentContents([next(names) for _ in places[r.name]], found.tree) for r in resources}

    def recall(self, snapshot_hash: str, metadata_path: str) -> None:
        """A snapshot came from somebody else: what it left is in the commit that brought its metadata."""
        arguments = ["log", "-1", "--diff-filter=A", "--format=%H", "--", metadata_path]
        commit = run_git(self._repo.root, arguments).stdout.decode("ascii").strip()
        if commit:
            write_json(self._remembered, {"snapshot": snapshot_hash, "commit": commit})

    def remember(self, snapshot_hash: str) -> None:
        """A snapshot is complete and saved."""
        commit = head_commit(self._repo.root)
        if commit is not None:
            write_json(self._remembered, {"snapshot": snapshot_hash, "commit": commit})

    def _last(self) -> tuple[str | None, str | None]:
        if not self._remembered.exists():
            return None, None
        try:
            last = read_json_object(self._remembered, "snapshot", "commit")
        except MetadataError:
            return None, None
        return str(last["snapshot"]), str(last["commit"])


_UNCHANGED = ResourceChange("unchanged")


def _join(directory: str, subpath: str | None) -> str:
    return f"{directory}/{subpath}" if subpath else directory


def _names(resources: Sequence[GitSubdirectory]) -> str:
    return ", ".join(r.name for r in resources)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _lies_in(path: str, directory: str) -> bool:
    """Whether a path of ``git status`` (a directory that is not tracked ends with a slash) has to do with one."""
    return path.startswith(f"{directory}/") or (path.endswith("/") and f"{directory}/".startswith(path))
