"""The objects of a bucket as a resource."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from re import Pattern
from typing import IO, TYPE_CHECKING, Any

from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    MetadataError,
    NotFoundError,
    NotSupportedError,
    RefusedError,
)
from dataworkspaces.params import BoolType, ParamDef, ParamDefs
from dataworkspaces.resources.s3 import results
from dataworkspaces.resources.s3.bucket import REQUESTS_AT_ONCE, Bucket, FirstLook, NoSuchObject
from dataworkspaces.resources.s3.keys import KeyTree, below
from dataworkspaces.resources.s3.manifest import SNAPSHOTS, Manifest, Manifests, is_hash, manifest_hash, manifest_text
from dataworkspaces.resources.s3.null_version import NULL, is_null, is_same
from dataworkspaces.resources.s3.present import PresentFiles
from dataworkspaces.resources.s3.versions import S3VersionFiles
from dataworkspaces.toolbox.atomic import explain_os_error, to_json, write_bytes
from dataworkspaces.toolbox.names import LINEAGE_FILE, check_relative_path, some
from dataworkspaces.toolbox.trust import Agreements
from dataworkspaces.workspace import (
    FileChange,
    FileInfo,
    FileResourceMixin,
    PresentContents,
    Resource,
    ResourceChange,
    SnapshotResourceMixin,
    SnapshotVersion,
    VersionFiles,
    Workspace,
)
from dataworkspaces.workspace.checking_out import CheckOutMixin
from dataworkspaces.workspace.results import parse_results
from dataworkspaces.workspace.trust import place_of

if TYPE_CHECKING:
    from dataworkspaces.resources.s3.version_pages import KeyVersion
    from dataworkspaces.workspace.problem import Problem

RESOURCE_TYPE = "s3"
_NAMED = 5


class S3Resource(CheckOutMixin, FileResourceMixin, SnapshotResourceMixin, Resource):
    """A snapshot of it, or a restore, *pins* it: its files are those of that version, and cannot be written, until
    :meth:`unpin`. Results are never pinned: they are always those of now.

    :ivar bucket: where it lies.
    """

    param_defs = ParamDefs(
        [
            ParamDef("bucket_name", None, True, "The bucket", settable=False),
            ParamDef("prefix", None, True, "What its keys begin with", optional=True, settable=False),
            ParamDef("profile", None, True, "The profile in the configuration of the AWS command line", optional=True),
            ParamDef("endpoint_url", None, True, "The URL of a server that is not Amazon's", optional=True),
            ParamDef("region", None, True, "The region of the bucket", optional=True),
            ParamDef("anonymous", False, True, "Requests are not signed", BoolType()),
        ]
    )
    reads_at_once = REQUESTS_AT_ONCE

    def __init__(self, name: str, role: str, workspace: Workspace, bucket: Bucket) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self._looked: FirstLook | None = None
        self.bucket = replace(bucket, before_contact=lambda: workspace.consent.to(bucket.address, self._what))

    def get_params(self) -> dict[str, Any]:
        """What is not set is not stored, so that a bucket has the entry that release 1.6 gave it."""
        options = {key: told for key in self.param_defs if (told := getattr(self.bucket, key, None))}
        return {**super().get_params(), "bucket_name": self.bucket.name, **options}

    def addresses(self) -> Iterable[str]:
        """The bucket, and of results that they are moved there: the user may agree to read them, and not to that."""
        return (self.bucket.address, *((self._moving,) if self.has_results_role() else ()))

    @property
    def _moving(self) -> str:
        return f"moving of results in {self.bucket.place}"

    @property
    def _what(self) -> str:
        return f"Resource '{self.name}'"

    @cached_property
    def manifests(self) -> Manifests:
        return Manifests(self)

    # -- the version that it is pinned to ------------------------------------------------------------------------

    @property
    def _pin_file(self) -> Path:
        return self.workspace.get_resource_local_directory(self) / "current_snapshot.txt"

    def pinned(self) -> str | None:
        """The version whose files are shown; None if they are those of now."""
        try:
            text = self._pin_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise explain_os_error(e, f"Reading the version of resource '{self.name}'") from e
        except ValueError:
            text = ""
        if not is_hash(text):
            raise MetadataError(
                f"{self._pin_file} contains no version of resource '{self.name}'", hint=f"dws s3 unpin {self.name}"
            )
        return text

    def pin(self, version: str) -> None:
        write_bytes(self._pin_file, version.encode("ascii"))

    def unpin(self) -> bool:
        """Show the files of now again; False if they were shown already."""
        try:
            self._pin_file.unlink()
        except FileNotFoundError:
            return False
        return True

    @cached_property
    def _present(self) -> PresentFiles:
        return PresentFiles(self.bucket, self._what)

    def _files(self) -> PresentFiles | S3VersionFiles:
        version = self.pinned()
        return self._present if version is None else self._files_of(version)

    def _files_of(self, version: str) -> S3VersionFiles:
        if self._shown is None or self._shown[0] != version:
            what = f"{self._what} at version {version[:7]}"
            self._shown = version, S3VersionFiles(self.bucket, self.manifests.load(version), what)
        return self._shown[1]

    _shown: tuple[str, S3VersionFiles] | None = None

    def _check_writable(self, rel_path: str) -> None:
        self._present.check(rel_path)
        version = self.pinned()
        if version is not None:
            raise NotSupportedError(
                f"{self._what} is read-only: it is at version {version[:7]} of a snapshot",
                hint=f"dws s3 unpin {self.name} unpins it, so that it shows the present files and can be written",
            )

    # -- files ---------------------------------------------------------------------------------------------------

    def ls(self, rel_path: str) -> list[str]:
        return self._files().ls(rel_path)

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        return self._files().list_infos(rel_path)

    def get_file_info(self, rel_path: str) -> FileInfo:
        return self._files().get_file_info(rel_path)

    def read_range(self, rel_path: str, start: int, end: int | None) -> bytes:
        return self._files().read_range(rel_path, start, end)

    def open(self, rel_path: str, mode: str) -> IO[Any]:
        """See :meth:`FileResourceMixin.open`. Text is UTF-8. No file is read and written at once."""
        import io

        from dataworkspaces.resources.s3.object_file import open_text_to_write, open_to_write

        action = mode.replace("b", "").replace("t", "")
        if action == "r":
            file = self._files().open(rel_path)
            return file if "b" in mode else io.TextIOWrapper(file, encoding="utf-8")
        if action not in ("w", "x", "a"):
            raise NotSupportedError(f"{self._what}: files in S3 cannot be opened with the mode '{mode}'")
        self._check_writable(rel_path)
        before = b""
        if action != "w" and self._has_key(rel_path):
            if action == "x":
                raise ConfigurationError(f"{self._what} already has a file '{rel_path}'")
            before = self.bucket.read(rel_path)[0]
        opened = open_to_write if "b" in mode else open_text_to_write
        return opened(self.bucket, _file_key(rel_path), before)

    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        """A path may be both a file and a directory."""
        check_relative_path(subpath, self._what)
        if below(subpath).startswith(SNAPSHOTS):
            return False
        files = self._files()
        if must_be_directory:
            return files.is_directory(subpath) and not must_be_file
        try:
            return files.get_file_info(subpath).kind == "file" or not must_be_file
        except NoSuchObject:
            return False

    def validate_subpath_exists(self, subpath: str) -> None:
        if not self.does_subpath_exist(subpath):
            raise NotFoundError(f"{self._what} has no '{subpath}' (looked in {self.bucket.url})")

    def delete_file(self, rel_path: str) -> None:
        self._check_writable(rel_path)
        self.bucket.delete(_file_key(rel_path))

    def upload_file(self, src_local_path: str, rel_dest_path: str) -> None:
        self._check_writable(rel_dest_path)
        source = Path(src_local_path).expanduser()
        try:
            with source.open("rb") as file:
                self.bucket.upload(file, _file_key(rel_dest_path))
        except OSError as e:
            raise explain_os_error(e, f"Uploading {source} to {self._what}") from e

    def add_results_file(self, data: dict[str, Any] | list[Any], rel_dest_path: str) -> None:
        self._check_writable(rel_dest_path)
        self.bucket.write(_file_key(rel_dest_path), to_json(data).encode("utf-8"))

    def read_results_file(self, subpath: str) -> dict[str, Any]:
        return parse_results(self.read_range(subpath, 0, None), f"{self._what}: '{subpath}'")

    def _has_key(self, key: str) -> bool:
        try:
            self.bucket.info(key)
        except NoSuchObject:
            return False
        return True

    # -- results -------------------------------------------------------------------------------------------------

    def results_current_files(self, exclude_files: Set[str], exclude_dirs_re: Pattern[str]) -> list[str]:
        return results.current_files(self.bucket, exclude_files, exclude_dirs_re)

    def results_move_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        """The objects at the new place are not made read-only, of which S3 knows nothing; their versions stay."""
        self._check_new(rel_dest_root)
        results.move_files(self.bucket, rel_dest_root, self.results_current_files(exclude_files, exclude_dirs_re))

    def results_copy_current_files(
        self, rel_dest_root: str, exclude_files: Set[str], exclude_dirs_re: Pattern[str]
    ) -> None:
        self._check_new(rel_dest_root)
        results.copy_files(self.bucket, rel_dest_root, self.results_current_files(exclude_files, exclude_dirs_re))

    def _check_new(self, directory: str) -> None:
        self._check_writable(directory)
        if self.does_subpath_exist(directory):
            raise ConfigurationError(f"{self._what} already contains '{directory}', so its results cannot go there")

    def results_undo_move(self, rel_dest_root: str, files: list[str]) -> None:
        for path in (rel_dest_root, *files):
            self._check_writable(path)
        results.undo_move(self.bucket, rel_dest_root, files)

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        if self.has_results_role():
            self._check_agreed()
        version = self.pinned()
        if version is None:
            self._looked = self.bucket.check_versioned()
            return
        self.manifests.load(version)
        self.workspace.interaction.tell(
            f"{self._what} is still pinned to version {version[:7]}. To include what was written to the bucket "
            f"since: dws s3 unpin {self.name}"
        )

    def agree(self) -> None:
        """Let snapshots move objects of this bucket, whoever set up the workspace."""
        self.workspace.consent.agree([self._moving])

    def _check_agreed(self) -> None:
        if self._moving in Agreements(place_of(self.workspace)).addresses():
            return
        question = (
            f"{self._what} is {self.bucket.place}, as set up by somebody else. "
            "A snapshot moves all objects there to snapshots/. Continue?"
        )
        if not self.workspace.interaction.confirm(question, default=False):
            raise RefusedError(
                f"{self._what}: snapshots move the objects of {self.bucket.place}, and nobody has agreed to "
                "that in this copy of the workspace",
                hint=f"If you trust it: dws trust {self.name}",
            )
        self.agree()

    def snapshot(self) -> tuple[str | None, str | None]:
        version = self.pinned()
        if version is None:
            manifests: set[str] = set()
            looked, self._looked = self._looked, None
            versions = self._latest(manifests=manifests, before=looked)
            self._warn_of_null(versions)
            version = self.manifests.store(versions, manifests)
        return version, version

    def _warn_of_null(self, versions: Manifest) -> None:
        null = [key for key, version in versions.items() if is_null(version)]
        if null and self.manifests.is_new(versions):
            self.workspace.interaction.warn(
                f"{self._what}: {some((repr(key) for key in sorted(null)), _NAMED)} have no version of their "
                "own, since they were written before the bucket kept versions. The snapshot stays readable "
                "unless somebody suspends versioning and overwrites them ('dws fsck' would report that). To "
                "give an object a version, write it again"
            )

    def snapshot_stored(self, compare_hash: str) -> None:
        if not self.has_results_role():
            self.pin(compare_hash)

    def _latest(
        self, path: str = "", manifests: set[str] | None = None, before: FirstLook | None = None
    ) -> dict[str, str]:
        """The version of each key now, below a directory or of all.

        :param manifests: gets the keys of those that lie there.
        :param before: what all of the bucket began with lately."""
        from dataworkspaces.resources.s3.listing import list_versions

        found: dict[str, str] = {}
        with self.workspace.interaction.progress(f"Listing {self.name}", None, "keys") as advance:

            def take(entries: Iterable[KeyVersion]) -> None:
                before = len(found)
                for key, version, is_latest, _ in entries:
                    if is_latest and not self._is_written_by_snapshots(key):
                        found[key] = version
                    elif is_latest and manifests is not None and key.startswith(SNAPSHOTS):
                        manifests.add(key)
                advance(len(found) - before)

            list_versions(self.bucket, take, below(path), before)
        return found

    def _is_written_by_snapshots(self, key: str) -> bool:
        """Counted in, nothing would ever be unchanged."""
        if key.startswith(SNAPSHOTS):
            return True
        return self.has_results_role() and key.startswith("snapshots/") and key.endswith(f"/{LINEAGE_FILE}")

    def restore_precheck(self, restore_hashval: str) -> None:
        lost = self._lost({restore_hashval: self.manifests.load(restore_hashval)})
        if lost:
            raise ConfigurationError(f"{self._what} cannot be restored: {_told(lost[restore_hashval])}", hint=_EXPIRED)

    def restore(self, restore_hashval: str) -> None:
        self.manifests.load(restore_hashval)
        self.pin(restore_hashval)

    def _lost(self, manifests: Mapping[str, Manifest]) -> dict[str, list[str]]:
        """The keys of which the bucket no longer has the version that a manifest names, by the manifest's hash."""
        from dataworkspaces.resources.s3.listing import list_versions

        wanted: dict[str, set[str]] = {}
        for manifest in manifests.values():
            for key, version in manifest.items():
                wanted.setdefault(key, set()).add(version)

        def take(entries: Iterable[KeyVersion]) -> None:
            for key, version, *_ in entries:
                if key in wanted:
                    wanted[key].discard(version)
                    if is_null(version):
                        wanted[key].discard(NULL)

        list_versions(self.bucket, take)
        lost = {h: sorted(k for k, v in manifest.items() if v in wanted[k]) for h, manifest in manifests.items()}
        return {hashval: keys for hashval, keys in lost.items() if keys}

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        """Of results. The versions stay in the bucket, as long as its lifecycle rules keep them."""
        if not self.has_results_role():
            return
        self._check_writable(relative_path)
        if not relative_path.startswith("snapshots/"):
            raise ConfigurationError(f"{self._what}: '{relative_path}' is not a place of a snapshot's results")
        results.delete_directory(self.bucket, relative_path)

    def version_files(self, version: SnapshotVersion) -> VersionFiles:
        if version.compare_hash is None:
            raise ConfigurationError(f"{self._what}: the snapshot does not contain it")
        return self._files_of(version.compare_hash)

    # -- another directory ---------------------------------------------------------------------------------------

    def check_out_precheck(self, version: SnapshotVersion) -> None:
        if self.has_results_role():
            raise NotSupportedError(
                f"{self._what} cannot be checked out: both workspaces would write their results to {self.bucket.place}",
                hint="--only names the resources to check out",
            )
        self.restore_precheck(str(version.restore_hash))

    def check_out(self, version: SnapshotVersion, directory: Path) -> None:
        """The files stay in the bucket: the copy is pinned to the version by :meth:`hand_over`."""

    def hand_over(self, other: Resource, version: SnapshotVersion) -> None:
        if isinstance(other, S3Resource) and version.restore_hash is not None:
            self.manifests.load(version.restore_hash)
            self.manifests.copy_to(other.manifests, version.restore_hash)
            other.pin(version.restore_hash)

    # -- reports -------------------------------------------------------------------------------------------------

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        try:
            now = self.pinned() or manifest_hash(manifest_text(self._latest()))
            if now == version.compare_hash:
                return ResourceChange("unchanged")
            return ResourceChange("changed")
        except DwsError as e:  # a report shows it, and goes on with the other resources
            return ResourceChange("unknown", e.message)

    def diff_versions(self, old: SnapshotVersion, new: SnapshotVersion) -> list[FileChange] | None:
        if old.compare_hash is None or new.compare_hash is None:
            return None
        return _changes(self.manifests.load(old.compare_hash), self.manifests.load(new.compare_hash))

    def plan_restore(self, restore_hashval: str) -> list[FileChange] | None:
        version = self.pinned()
        now = self._latest() if version is None else self.manifests.load(version)
        return _changes(now, self.manifests.load(restore_hashval))

    def check_integrity(self, restore_hashes: Mapping[str, str]) -> Iterable[Problem]:
        from dataworkspaces.workspace.problem import Problem, problem_of

        where = f"resource '{self.name}'"
        try:
            self.pinned()
        except DwsError as e:
            yield problem_of("local state", where, e)
        manifests = {}
        for version in dict.fromkeys(restore_hashes.values()):
            try:
                manifests[version] = self.manifests.load(version)
            except DwsError as e:
                yield problem_of("resource", where, e)
        try:
            lost = self._lost(manifests) if manifests else {}
        except DwsError as e:
            yield problem_of("resource", where, e)
            return
        for version, keys in lost.items():
            snapshots = ", ".join(snapshot[:7] for snapshot, held in restore_hashes.items() if held == version)
            yield Problem("resource", where, f"snapshot {snapshots} cannot be restored: {_told(keys)}", _EXPIRED)

    # -- lineage -------------------------------------------------------------------------------------------------

    def present_contents(self, subpaths: Sequence[str | None], *, keep: bool = False) -> PresentContents:
        version = self.pinned()
        if version is not None:
            return PresentContents(self.version_contents(version, subpaths))
        return PresentContents([self._present_content(path or "") for path in subpaths])

    def _present_content(self, path: str) -> str | None:
        if path:
            try:
                version = self.bucket.info(path).version
                return None if version is None else _content_of_object(version)
            except NoSuchObject:
                pass
        return _content_of_directory(self._latest(path), path)

    def version_contents(self, compare_hash: str, subpaths: Sequence[str | None]) -> list[str | None]:
        manifest = self.manifests.load(compare_hash)
        tree = KeyTree(manifest)
        found: list[str | None] = []
        for path in (path or "" for path in subpaths):
            if path in manifest:
                found.append(_content_of_object(manifest[path]))
            else:
                keys = tree.keys_below(path)
                found.append(_content_of_directory({key: manifest[key] for key in keys}, path))
        return found


_EXPIRED = (
    "A lifecycle rule of the bucket may have removed them (let it keep noncurrent versions longer), "
    "or they were overwritten while versioning was suspended"
)


def _file_key(rel_path: str) -> str:
    if not rel_path:
        raise ConfigurationError("The root of a resource is not a file")
    return rel_path


def _content_of_object(version: str) -> str | None:
    """None where nobody knows which of the versions without a name it is."""
    return None if version == NULL else f"s3-version:{version}"


def _content_of_directory(versions: Manifest, path: str) -> str | None:
    """As the same keys and versions have it, wherever the directory lies; None if there is nothing."""
    if not versions:
        return None
    start = len(below(path))
    text = manifest_text({key[start:]: version for key, version in versions.items()})
    return f"s3-versions:{hashlib.sha1(text, usedforsecurity=False).hexdigest()}"


def _changes(old: Manifest, new: Manifest) -> list[FileChange]:
    changes = [FileChange("deleted", key) for key in old if key not in new]
    changes += [FileChange("added", key) for key in new if key not in old]
    changes += [FileChange("modified", key) for key in new if key in old and not is_same(old[key], new[key])]
    return sorted(changes, key=lambda change: change.path)


def _told(keys: Sequence[str]) -> str:
    named = some((f"'{key}'" for key in keys), _NAMED)
    return f"the bucket no longer has the versions of {named}"
