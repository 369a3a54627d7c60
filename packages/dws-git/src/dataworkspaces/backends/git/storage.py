"""The metadata files of a git workspace: parameters, resources, state of resources.

Each file is replaced as a whole. What is written, and has to be committed, is noted, and committed by :meth:`save`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.paths import LOCAL_ONLY, METADATA_IGNORES, WorkspacePaths
from dataworkspaces.backends.git.resource_files import (
    Entry,
    next_position,
    read_entries,
    read_entry,
    state_of,
    take_over_list,
)
from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.gitrepo.layout import git_directory, main_working_tree
from dataworkspaces.gitrepo.plumbing import list_paths
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.toolbox.atomic import read_json_object, unreadable, write_bytes, write_files, write_json
from dataworkspaces.toolbox.names import check_relative_path, is_resource_name
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace import REMOVED, RESOURCE_ROLE_CHOICES, Resource, Workspace
from dataworkspaces.workspace.resource_names import AS_STORED, SHOWN_AS, ResourceNames

if TYPE_CHECKING:
    from dataworkspaces.backends.git.experiments_included import IncludedExperiments

UNSAVED = "unsaved"
"""In the machine directory, from before the first write to metadata until it is committed."""
_MISSING: dict[str, Any] = {}


class GitStorage(Workspace):
    """The storage part of the contract."""

    renames_resources = True

    def __init__(
        self, directory: Path, name: str, dws_version: str, batch: bool = False, verbose: bool = False
    ) -> None:
        super().__init__(name, dws_version, batch, verbose)
        self.paths = WorkspacePaths.of(directory)
        self.repo = GitRepo(self.paths.root, lambda text: self.interaction.warn(text))
        self._to_commit: dict[str, None] = {}
        self._cache: dict[Path, tuple[tuple[int, int, int], Any]] = {}
        self._known: tuple[tuple[int, ...], _Resources] | None = None

    # -- parameters and resources --------------------------------------------------------------------------------

    def read_params(self, is_global: bool) -> dict[str, Any]:
        if is_global:
            params = self._load(self.paths.config, read_json_object).get("global_params", {})
            if not isinstance(params, dict):
                raise MetadataError(f"{self.paths.config}: 'global_params' should be a JSON object")
            return dict(params)
        return dict(self._load(self.paths.local_params, read_json_object, {}))

    def write_params(self, is_global: bool, params: dict[str, Any]) -> None:
        if is_global:
            config = self._load(self.paths.config, read_json_object)
            self._store(self.paths.config, {**config, "global_params": params})
        else:
            write_json(self.paths.local_params, params)

    def read_stored_resource_params(self) -> list[dict[str, Any]]:
        return [dict(params) for params in self._resources().stored]

    def read_all_resource_params(self) -> list[dict[str, Any]]:
        return [dict(params) for params in self._resources().called]

    @property
    def resource_names(self) -> ResourceNames:
        return self._resources().names

    def _resources(self) -> _Resources:
        """Read anew when the directory of resources has changed: each file in it is replaced, and none written to. So
        a command that asks for all of them for each of them costs no square of their number."""
        key = state_of(self.paths)
        if key is None:
            return _Resources(read_entries(self.paths, self._load))
        if self._known is None or self._known[0] != key:
            self._known = key, _Resources(read_entries(self.paths, self._load))
        return self._known[1]

    def get_resource_params(self, name: str) -> dict[str, Any]:
        """From its own file, if there is one: a command that asks for each resource does not read all of them for
        each."""
        entry, names = self._entry(name), AS_STORED
        if not entry or _is_renamed(entry):
            names = self.resource_names
            entry = self._entry(names.stored(name))
        if not entry or entry["parameters"].get(REMOVED):
            return super().get_resource_params(name)
        return names.params_called(entry["parameters"])

    def _stored_name(self, name: str) -> str:
        """What a resource is stored as that is, or was, called so."""
        entry = self._entry(name)
        return name if entry and not _is_renamed(entry) else self.resource_names.stored(name)

    def _entry(self, stored: str) -> Entry:
        """Of one file; {} if there is none."""
        found: Entry = {}
        if is_resource_name(stored):
            found = self._load(self.paths.resource_file(stored), read_entry, _MISSING)
        return found

    def write_resource_params(self, params: dict[str, Any]) -> None:
        params = self.to_stored_params(params)
        entries = read_entries(self.paths, self._load)
        positions = {entry["parameters"]["name"]: entry["position"] for entry in entries}
        position = positions.get(params["name"], next_position(entries))
        self._store(self.paths.resource_file(params["name"]), {"position": position, "parameters": params})

    def get_resource_names(self) -> Iterable[str]:
        return [entry["name"] for entry in self.read_resource_params()]

    def read_resource_local_params(self, name: str) -> dict[str, Any] | None:
        stored = self._stored_name(name)
        params = self._load(self.paths.resource_local_params, read_json_object, {}).get(stored)
        if params is not None and not isinstance(params, dict):
            raise MetadataError(f"{self.paths.resource_local_params}: the entry of '{name}' should be a JSON object")
        return None if params is None else self.whereabouts.from_stored(params)

    def write_resource_local_params(self, name: str, params: dict[str, Any]) -> None:
        everything = self._load(self.paths.resource_local_params, read_json_object, {})
        stored = self._stored_name(name)
        write_json(self.paths.resource_local_params, {**everything, stored: self.whereabouts.to_stored(params)})

    def rename_resource_local_params(self, old: str, new: str) -> None:
        """What is kept of a resource on this machine goes with its new name. In one write, and idempotent."""
        everything = dict(self._load(self.paths.resource_local_params, read_json_object, {}))
        if old in everything and new not in everything:
            everything[new] = everything.pop(old)
            write_json(self.paths.resource_local_params, everything)

    # -- state of resources --------------------------------------------------------------------------------------

    def read_resource_state(self, resource: Resource, key: str) -> bytes | None:
        # Its role may have been another when that was written.
        roles = [resource.role, *(role for role in RESOURCE_ROLE_CHOICES if role != resource.role)]
        stored = self._stored_name(resource.name)
        found = (self._read_state(self.paths.resource_state(role, stored), key) for role in roles)
        content = next((content for content in found if content is not None), None)
        if content is None and self.included_experiments is not None:
            path = self.paths.resource_state(resource.role, stored) / check_relative_path(key, "State key")
            content = self.included_experiments.read(path)
        if content is None and self.reads_branches:
            from dataworkspaces.backends.git.other_branches import read_elsewhere

            path = self.paths.resource_state(resource.role, stored) / check_relative_path(key, "State key")
            return read_elsewhere(self.paths, path)
        return content

    included_experiments: IncludedExperiments | None = None
    """The experiments that a command reads along."""
    reads_branches = False
    """Whether a command compares what branches hold: what is read then need not be on this one."""

    def _read_state(self, directory: Path, key: str) -> bytes | None:
        path = directory / check_relative_path(key, "State key")
        try:
            content = read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise unreadable(path, e) from e
        return self._as_written(path, content)

    def _as_written(self, path: Path, content: bytes) -> bytes:
        """Only what git has converted has such line ends; whoever reads it compares it with its hash."""
        if b"\r\n" not in content:
            return content
        from dataworkspaces.backends.git.conversion import as_committed

        return as_committed(self.paths, path) or content

    def write_resource_state(self, resource: Resource, items: dict[str, bytes]) -> None:
        directory = self.paths.resource_state(resource.role, self._stored_name(resource.name))
        new: dict[str, bytes] = {}
        for key, content in items.items():
            path = directory / check_relative_path(key, "State key")
            if not holds(path, content):
                self._note_for_commit(path)
                new[path.relative_to(directory).as_posix()] = content
        # What is there of a tree of manifests is told by the last one, which is that of its root: it comes after them.
        names = list(new)
        for together in (names[:-1], names[-1:]):
            write_files(directory, {name: new[name] for name in together})

    # -- documents -----------------------------------------------------------------------------------------------

    def read_document(self, key: str) -> bytes | None:
        path = self.paths.document(key)
        try:
            content = read_regular(path)
        except FileNotFoundError:
            return None if self.included_experiments is None else self.included_experiments.read(path)
        except OSError as e:
            raise unreadable(path, e) from e
        return self._as_written(path, content)

    def write_documents(self, documents: Mapping[str, bytes]) -> None:
        for key, content in documents.items():
            path = self.paths.document(key)
            if not holds(path, content):
                self._note_for_commit(path)
                write_bytes(path, content, durable=True)

    def list_documents(self, directory: str) -> list[str]:
        from dataworkspaces.workspace.documents import is_document_name

        place = self.paths.metadata / directory
        names = sorted(os.listdir(place)) if place.is_dir() else []  # noqa: PTH208
        return [f"{directory}/{name}" for name in names if is_document_name(name)]

    def list_document_directories(self, directory: str) -> list[str]:
        place = self.paths.metadata / directory
        return [f"{directory}/{name}" for name in sorted(os.listdir(place))] if place.is_dir() else []  # noqa: PTH208

    def delete_documents(self, keys: Iterable[str]) -> None:
        for key in keys:
            path = self.paths.document(key)
            self._note_for_commit(path)
            path.unlink(missing_ok=True)
            with suppress(OSError):  # it holds others, or is gone
                path.parent.rmdir()

    # -- places --------------------------------------------------------------------------------------------------

    def get_resource_local_directory(self, resource: Resource) -> Path:
        return self.paths.resource_local(self._stored_name(resource.name))

    def given_objects_directory(self) -> Path | None:
        """A linked working tree uses the store of the main one: it has the same snapshots."""
        given = super().given_objects_directory()
        main = None if given is not None else main_working_tree(self.paths.root)
        if main is None:
            return given
        return type(self)(main / self.paths.prefix, self.name, self.dws_version, self.batch).get_objects_directory()

    def get_objects_directory(self) -> Path:
        return self.given_objects_directory() or self.paths.objects

    def ignore_local_path(self, path: Path) -> None:
        """Keep a directory below the workspace, with content of its own, out of the workspace's repository."""
        from dataworkspaces.gitrepo.ignore_lines import add_lines, ignore_pattern

        try:
            relative = Path(os.path.realpath(path)).relative_to(os.path.realpath(self.paths.directory))
        except ValueError:
            return
        if "\n" in str(relative):
            raise ConfigurationError(f"{path} cannot be a resource: its name holds a line break")
        if add_lines(self.paths.gitignore, [ignore_pattern(relative.as_posix())]):
            self._note_for_commit(self.paths.gitignore)

    def tracked_files(self, path: Path) -> list[str]:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.paths.root)):
            return []
        return list_paths(self.paths.root, [], [os.fspath(path)])

    def untrack(self, path: Path) -> None:
        from dataworkspaces.gitrepo.untracked import untrack

        relative = Path(os.path.realpath(path)).relative_to(os.path.realpath(self.paths.root)).as_posix()
        untrack(self.paths.root, relative, f"Untracked {relative}")

    def came_with_workspace(self, path: Path) -> bool:
        return not list_paths(self.paths.root, ["--others"], [os.fspath(path)])

    def get_user_name(self) -> str:
        from dataworkspaces.gitrepo.identity import author_name

        return author_name(self.paths.root) or super().get_user_name()

    def commits_without_workspace(self, commits: Iterable[str]) -> list[str]:
        """Those in which it lay in another directory of its repository, if it lies in one."""
        wanted = sorted(commits) if self.paths.prefix else []
        found = self.repo.resolve([f"{commit}:{self.paths.metadata_in_git}" for commit in wanted])
        return [commit for commit, metadata in zip(wanted, found, strict=True) if metadata is None]

    # -- saving --------------------------------------------------------------------------------------------------

    def get_machine_directory(self) -> Path:
        directory = git_directory(self.paths.root)
        if directory is None:
            raise ConfigurationError(
                f"{self.paths.root} has a {self.paths.metadata.name} directory, but is not a git repository",
                hint="A workspace has to be the root of a git repository. Check whether .git was left out when "
                "it was copied",
            )
        return directory / "dws"

    def include_in_save(self, path: Path) -> None:
        """Let the next :meth:`save` commit a file of the workspace's repository that is no metadata."""
        self._note_for_commit(path)

    def save(self, message: str) -> None:
        """One commit of the metadata that was written. If an earlier command was killed before it could save, of all
        metadata."""
        from dataworkspaces.backends.git.conversion import protect
        from dataworkspaces.gitrepo.ignore_lines import add_lines
        from dataworkspaces.gitrepo.locks import remove_stale_git_locks

        marker = self.get_machine_directory() / UNSAVED
        if not marker.exists():
            return
        paths = list(self._to_commit)
        if self.paths.resource_list.exists():
            self._note_for_commit(self.paths.resources)
            self._note_for_commit(self.paths.resource_list)
            take_over_list(self.paths)
            paths = list(self._to_commit)
        if not paths or read_regular(marker) != self._marker_text():
            remove_stale_git_locks(self.paths.root)
            # Release 1.6 ignored the state of resources one by one, and left nothing beside what it wrote.
            add_lines(self.paths.metadata_gitignore, METADATA_IGNORES)
            paths = [self.paths.metadata_in_git, self.paths.in_git(self.paths.gitignore.name), *paths]
        if protect(self.paths):
            paths.append(self.paths.metadata_gitattributes.relative_to(self.paths.root).as_posix())
        self.repo.commit_paths(paths, message, own=self._own_files(paths))
        self._to_commit.clear()
        marker.unlink(missing_ok=True)

    def is_unfinished(self) -> bool:
        """Also what is written, and not committed."""
        return super().is_unfinished() or (self.get_machine_directory() / UNSAVED).exists()

    def save_ignored(self) -> None:
        """Commit metadata that a command of an earlier release left out, since git ignores it."""
        for path in self.ignored_metadata():
            self._note_for_commit(self.paths.root / path)
        self.save("Metadata that git ignores")

    def ignored_metadata(self) -> list[str]:
        """Files of the metadata that belong to every copy, and that git ignores and does not know."""
        metadata = self.paths.metadata_in_git
        listed = list_paths(self.paths.root, ["--others", "--ignored", "--exclude-standard"], [metadata])
        if not self.may_hold_metadata(listed):
            return []
        from dataworkspaces.backends.git.file_check import is_shared

        return [path for path in listed if is_shared(self.paths, path.removeprefix(f"{metadata}/"))]

    def may_hold_metadata(self, ignored: Iterable[str]) -> bool:
        """Whether of what git ignores anything could be metadata that belongs to every copy. It rarely is, and the
        tables of kinds of metadata need not be read for it.

        :param ignored: paths from the root of the repository; those of directories end with a slash."""
        prefix = f"{self.paths.metadata_in_git}/"
        return any(
            prefix.startswith(path)
            if len(path) <= len(prefix)
            else path.startswith(prefix) and path[len(prefix) :].partition("/")[0] not in LOCAL_ONLY
            for path in ignored
        )

    def _own_files(self, paths: Iterable[str]) -> list[str]:
        """What is ours of ``paths``, and is committed whatever git ignores: not what else lies in a directory that is a
        resource, or what belongs to this machine."""
        metadata = self.paths.metadata_in_git
        packed = [f"{metadata}/{place.name}" for place in (self.paths.manifests, self.paths.snapshot_lineage)]
        own = [
            path
            for path in paths
            if path not in packed and (path.startswith(f"{metadata}/") or not (self.paths.root / path).is_dir())
        ]
        if metadata in paths:
            from dataworkspaces.backends.git.file_check import shared_files

            own += [f"{metadata}/{name}" for name in shared_files(self.paths)]
        return own

    def _note_for_commit(self, path: Path) -> None:
        """Call it before the write, so that no written file is forgotten."""
        self._to_commit[path.relative_to(self.paths.root).as_posix()] = None
        marker = self.get_machine_directory() / UNSAVED
        if not marker.exists():
            write_bytes(marker, self._marker_text(), is_cache=True, durable=True)  # what counts is that it is there

    def _marker_text(self) -> bytes:
        return f"{os.getpid()} {id(self)}".encode()

    def _store(self, path: Path, data: Any) -> None:
        self._note_for_commit(path)
        write_json(path, data)

    def _load(self, path: Path, reader: Any, default: Any = None) -> Any:
        """A JSON file, read again only when it has changed; ``default`` if it may be missing and is."""
        try:
            stat = path.stat()
        except FileNotFoundError:
            if default is not None:
                return default
            raise MetadataError(f"{path} is missing", hint="Restore the file from git's history") from None
        except OSError as e:
            raise unreadable(path, e) from e
        key = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        cached = self._cache.get(path)
        if cached is None or cached[0] != key:
            cached = self._cache[path] = (key, reader(path))
        return cached[1]


class _Resources:
    """All entries, with what is made of them; nobody changes any of it."""

    def __init__(self, entries: list[Entry]) -> None:
        self.stored: list[dict[str, Any]] = [entry["parameters"] for entry in entries]
        self.names = ResourceNames(self.stored)
        self.called = [self.names.params_called(params) for params in self.stored]


def _is_renamed(entry: Entry) -> bool:
    return SHOWN_AS in entry["parameters"]


def holds(path: Path, content: bytes) -> bool:
    """Whether a file is there, and not what a power cut left of it."""
    try:
        return path.stat().st_size == len(content) and read_regular(path) == content
    except FileNotFoundError:
        return False
