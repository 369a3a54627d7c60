"""The resource type ``rclone``: local files with a replica, or an original, at a remote of rclone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    NotFoundError,
    NotSupportedError,
    RefusedError,
    UnavailableError,
)
from dataworkspaces.files.elsewhere import files_of
from dataworkspaces.files.file_tree import FileTreeMixin
from dataworkspaces.files.placed_directory import (
    COMPUTE_HASH_PARAM,
    GLOBAL_LOCAL_PATH_PARAM,
    MY_LOCAL_PATH_PARAM,
    RESTORABLE_PARAM,
    PlacedDirectoryMixin,
    is_free,
    stored_files,
)
from dataworkspaces.filetree import BLAKE3
from dataworkspaces.params import BoolType, EnumType, ParamDef, ParamDefs, StringType
from dataworkspaces.resources.rclone.address import parse_address
from dataworkspaces.resources.rclone.comparison import Comparison
from dataworkspaces.resources.rclone.edited import EditedFiles
from dataworkspaces.resources.rclone.link import MASTERS, SYNC_MODES, Link
from dataworkspaces.resources.rclone.plan import Plan, count_files, make_plan
from dataworkspaces.resources.rclone.remote_files import RemoteFiles
from dataworkspaces.resources.rclone.run import Event
from dataworkspaces.resources.rclone.transfer import Arrival, Transfer, check_replica
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import (
    EXPORT_PARAM,
    IMPORTED_PARAM,
    FileChange,
    FileInfo,
    Resource,
    SnapshotVersion,
    Workspace,
)

RESOURCE_TYPE = "rclone"
_QUICK = ("--contimeout=15s", "--timeout=30s", "--low-level-retries=3")
"""For what a report asks: it should not wait for long where nobody answers."""
_READERS = 8


class AddressType(StringType):
    name = "REMOTE:PATH"

    def parse(self, text: str) -> Any:
        try:
            return str(parse_address(text))
        except ConfigurationError as e:
            raise ValueError(f"is not an rclone location: {e.message}") from None


class ConfigType(StringType):
    """A file of rclone's configuration outside of the workspace, or wherever the user of this machine wants it."""

    name = "file"

    def validate(self, value: Any) -> str | None:
        return None if isinstance(value, str) and Path(value).is_absolute() else "must be an absolute path"

    def parse(self, text: str) -> Any:
        path = Path(text).expanduser().absolute()
        if not path.is_file():
            raise ValueError("is not a file on this machine")
        return str(path)


class RcloneResource(PlacedDirectoryMixin, FileTreeMixin, Resource):
    """A directory of files on this machine, and a remote.

    :ivar link: the remote, who of the two is the master, and how they are synchronised.
    """

    needs_place = False  # without one they are read at the remote
    param_defs = ParamDefs(
        [
            ParamDef("remote_origin", None, True, "Where the files are at a remote of rclone", AddressType()),
            ParamDef("config", None, True, "Configuration of rclone", optional=True, settable=False),
            ParamDef(
                "master", "none", True, "Where files change: the side from which push or pull copies", EnumType(MASTERS)
            ),
            ParamDef(
                "sync_mode",
                "copy",
                True,
                "Whether sync deletes from the replica what the master no longer has",
                EnumType(SYNC_MODES),
            ),
            ParamDef("size_only", False, True, "Files of the same size are the same", BoolType()),
            GLOBAL_LOCAL_PATH_PARAM,
            COMPUTE_HASH_PARAM,
            RESTORABLE_PARAM,
            EXPORT_PARAM,
            IMPORTED_PARAM,
            ParamDef("my_config", None, False, "Configuration of rclone here", ConfigType(), optional=True),
            MY_LOCAL_PATH_PARAM,
        ]
    )

    def __init__(
        self,
        name: str,
        role: str,
        workspace: Workspace,
        link: Link,
        *,
        global_local_path: str,
        compute_hash: bool = False,
        hash_function: str = BLAKE3.name,
        restorable: bool = False,
        relative_local_path: str | None = None,
        export: bool = False,
        imported: bool = False,
        my_local_path: str | None = None,
        is_placed: bool = True,
    ) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.link = link
        self.global_local_path = global_local_path
        self.compute_hash = compute_hash
        self.hash_function = hash_function
        self.restorable = restorable
        self.relative_local_path = relative_local_path
        self.export = export
        self.imported = imported
        self.my_local_path = my_local_path
        self.is_placed = is_placed

    @staticmethod
    def from_params(
        params: Mapping[str, Any], local_params: Mapping[str, Any] | None, workspace: Workspace
    ) -> RcloneResource:
        """From stored parameters, see :func:`stored_files` and :meth:`Link.from_params`."""
        link = Link.from_params(params, local_params, workspace)
        files = stored_files(params, local_params, workspace)
        return RcloneResource(params["name"], params["role"], workspace, link, **files)

    def get_params(self) -> dict[str, Any]:
        """In the order of release 1.6, since the hash of a snapshot depends on it."""
        return {**super().get_params(), **self.files_params(), **self.link.params()}

    def describe_params(self) -> Mapping[str, Any]:
        hidden = ("hash_function", "relative_local_path")
        return {key: value for key, value in super().describe_params().items() if key not in hidden}

    def get_local_params(self) -> dict[str, Any]:
        return {**self.place_params(), **self.link.local_params()}

    def check_params(self) -> None:
        self.link.check_direction(self.role, is_exported=self.is_exported())

    def is_writable(self) -> bool:
        """What another place is the master of is written by a pull only. Snapshots write into results and exported
        resources all the same: a master that somebody has changed must not stop them half way."""
        return (not self.imported and self.link.master != "remote") or self.has_results_role() or self.is_exported()

    def addresses(self) -> Iterable[str]:
        return (self.link.contact,)

    # -- synchronising ---------------------------------------------------------------------------------------------

    @cached_property
    def arrival(self) -> Arrival:
        return Arrival(self.workspace.get_resource_local_directory(self))

    @cached_property
    def _comparison(self) -> Comparison:
        return Comparison(self)

    def _transfer(self, options: Sequence[str]) -> Transfer:
        return Transfer(self.name, self.link.rclone, self.workspace.interaction, options)

    def _fetching(self) -> Transfer:
        """Files go to a directory of their own. What an earlier attempt has brought there counts where it can be told
        from another version."""
        incoming = self.arrival.incoming
        if not incoming.is_dir() or not any(incoming.iterdir()):
            return self._transfer([])
        comparison = self._comparison
        return self._transfer(["--ignore-times"] if comparison.compares == "sizes" else comparison.options)

    @property
    def _pulls(self) -> bool:
        """What was begun is completed, whoever is the master."""
        return self.link.master == "remote" or self.arrival.is_incomplete()

    @cached_property
    def _push_plan(self) -> Plan:
        return self._comparison.plan_push(self._root())

    @cached_property
    def _pull_plan(self) -> Plan:
        return self._comparison.plan_pull(self.local_root())

    def _forget_plans(self) -> None:
        for name in ("_push_plan", "_pull_plan", "_comparison"):
            self.__dict__.pop(name, None)

    def plan_push(self) -> list[FileChange] | None:
        if self.link.master != "local":
            return []
        return Comparison(self).plan_push(self._root(), tell_compared=True).changes()

    def plan_pull(self) -> list[FileChange] | None:
        return Comparison(self).plan_pull(self.local_root()).changes() if self._pulls else []

    def push_precheck(self) -> None:
        """Asks before anything is written to a place that nobody has agreed to in this copy, or before more than
        half of the replica is deleted."""
        if self.link.master != "local":
            return
        self._check_complete()
        self._forget_plans()
        link, interaction = self.link, self.workspace.interaction
        _ = link.rclone  # whether it may be contacted at all comes first
        if link.agreed != link.agreement:
            question = (
                f"Resource '{self.name}' goes to {link.address} of {link.config or 'your configuration of rclone'}, "
                f"as set up by somebody else ({link.sync_mode}). Write to it?"
            )
            if not interaction.confirm(question, default=False, option="--yes"):
                raise RefusedError(f"Resource '{self.name}': you did not agree to write to {link.address}")
            self.link = replace(link, agreed=link.agreement)
            self.workspace.write_resource_local_params(self.name, self.get_local_params())
        plan = self._push_plan
        if not plan.is_empty and self._comparison.is_emptied(plan):
            question = (
                f"Resource '{self.name}': {link.address} is empty, though files were sent there before. "
                "Perhaps a disk is not mounted. Send all files again?"
            )
            if not interaction.confirm(question, default=False, option="--yes"):
                raise UnavailableError(f"Resource '{self.name}': nothing was sent to {link.address}")
        if plan.links:
            interaction.warn(f"Resource '{self.name}': rclone skips {plan.links} symbolic links")
        if plan.deletions:
            self._check_replica(str(link.address), plan)

    def push(self) -> None:
        """Send the files to the remote, if the master is here."""
        if self.link.master != "local":
            return
        plan, address, comparison = self._push_plan, str(self.link.address), self._comparison
        tell = self.workspace.interaction.tell
        comparison.begin(plan)
        if not plan.is_empty:
            self._transfer(comparison.options).send(self.link.mode, self._root(), address, plan)
        comparison.sent()
        self._forget_plans()
        if plan.is_empty:
            tell(f"Resource '{self.name}': nothing to push, {address} has everything")
            return
        tell(f"Resource '{self.name}': sent {_told(plan)} to {address}")

    def pull_precheck(self) -> None:
        """Asks before more than half of what is here is deleted."""
        if not self._pulls:
            return
        self._forget_plans()
        if self.get_local_path_if_any() is None:
            self._root()  # says how to name a place
        if is_free(self.local_root()):
            return  # all of it is fetched, and nothing here can be lost
        plan = self._pull_plan
        if plan.deletions and not self.arrival.is_incomplete():
            self._check_replica(str(self.local_root()), plan)

    def pull(self) -> bool:
        """Fetch the files from the remote, if the master is there."""
        return self.fetch() if self._pulls else False

    def fetch(self, before_placing: Callable[[], None] | None = None) -> bool:
        """Bring the files here, see :meth:`Arrival.put_in_place`. Returns whether any changed.

        :param before_placing: called when all has been fetched, and nothing is in place yet."""
        address, root = str(self.link.address), self.local_root()
        tell = self.workspace.interaction.tell
        if is_free(root):
            plan = self._fetching().fetch_all(address, self.arrival.incoming)
        else:
            plan = self._pull_plan
            if plan.is_empty and not self.arrival.is_incomplete():
                self._comparison.fetched(())
                self._forget_plans()
                tell(f"Resource '{self.name}': nothing to pull from {address}")
                return False
            self._comparison.begin(plan)
            self._fetching().fetch(address, plan, self.arrival.incoming)
        if before_placing is not None:
            before_placing()
        edited = EditedFiles(self.workspace.get_resource_local_directory(self), trusts_times=not self.link.size_only)
        kept = self.arrival.put_in_place(root, plan, edited)
        self._comparison.fetched(plan.copies)
        self._forget_plans()
        tell(f"Resource '{self.name}': fetched {_told(plan)} from {address}")
        if kept:
            count = f"{len(kept)} {'file' if len(kept) == 1 else 'files'}"
            tell(f"Resource '{self.name}': {count} changed here before the pull: kept in {edited.place}")
        return not plan.is_empty

    def _check_replica(self, replica: str, plan: Plan) -> None:
        count = count_files(self.link.rclone, replica)
        check_replica(self.name, replica, len(plan.deletions), count, self.workspace.interaction)

    def _check_complete(self) -> None:
        if self.arrival.is_incomplete():
            raise UnavailableError(
                f"Resource '{self.name}': not all of its files are in place yet", hint="'dws pull' fetches the rest"
            )

    def differences_from_origin(self) -> str:
        if not self._is_here():
            return ""
        link = self.link
        try:
            comparison = Comparison(self)
            plan = make_plan(
                link.rclone, "sync", str(self._root()), str(link.address),
                doing="comparing", options=[*comparison.options, *_QUICK], tell_compared=True,
            )  # fmt: skip
            plan.add_unseen(dict.fromkeys(comparison.edited(), 0))
            if link.master == "local":
                comparison.check_replica(plan)
        except DwsError as e:  # a report shows it, and goes on with the other resources
            return e.message
        found = plan.changes()
        if not found:
            return ""
        where = {"added": "only here", "deleted": "only there", "modified": "differs"}
        return f"{link.address}: {some(f'{change.path} ({where[change.status]})' for change in found)}"

    # -- snapshots -------------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        self._check_complete()
        super().snapshot_precheck()

    def snapshot(self) -> tuple[str | None, str | None]:
        """See :meth:`SnapshotResourceMixin.snapshot`. Of a version that is told by content it is recorded that the
        remote has the same, if it says so itself: nothing is downloaded."""
        compare_hash, restore_hash = super().snapshot()
        if self.reads_content() and compare_hash is not None:
            self._record_remote(compare_hash)
        return compare_hash, restore_hash

    def _record_remote(self, version: str) -> None:
        key = f"{version}.remote.json"
        if self.workspace.read_resource_state(self, key) is not None:
            return
        link = self.link
        interaction = self.workspace.interaction
        hashes: list[str] = []

        def watch(event: Event) -> None:
            words = str(event.get("msg", "")).split(" ")
            if words[0] == "Using" and words[2:] == ["for", "hash", "comparisons"]:
                hashes.append(words[1])

        try:
            report = link.rclone.run(
                ["check", *_QUICK], [str(self._root()), str(link.address)], level="INFO", watch=watch
            )
        except DwsError as e:
            interaction.warn(f"Resource '{self.name}': {e.message}")
            return
        if report.status == 0 and hashes:
            record = {"remote_origin": link.remote_origin, "hash": hashes[0]}
            content = json.dumps(record, indent=2) + "\n"
            self.workspace.write_resource_state(self, {key: content.encode()})
        elif report.status != 0 and not report.failed:
            interaction.warn(f"Resource '{self.name}': comparing with {link.address} failed: {report.reason}")

    # -- elsewhere -------------------------------------------------------------------------------------------------

    def check_out_precheck(self, version: SnapshotVersion) -> None:
        """From what is kept, or the files here; else from the remote, if it still has the version."""
        try:
            super().check_out_precheck(version)
        except (NotSupportedError, UnavailableError):
            if not self._may_be_remote(version):
                raise

    def check_out(self, version: SnapshotVersion, directory: Path) -> Mapping[str, Any] | None:
        try:
            return super().check_out(version, directory)
        except (NotSupportedError, UnavailableError):
            return self._check_out_remote(version, directory)

    def _may_be_remote(self, version: SnapshotVersion) -> bool:
        """Whether the remote has files of the names that the version has."""
        tree = self.stored_tree(version.compare_hash)
        return tree is not None and files_of(tree) == self.remote_files.paths()

    def _check_out_remote(self, version: SnapshotVersion, directory: Path) -> Mapping[str, Any]:
        address = str(self.link.address)
        directory.mkdir(parents=True, exist_ok=True)
        self._transfer([]).fetch_all(address, directory)
        params = {**self.get_local_params(), "my_local_path": str(directory)}
        there = RcloneResource.from_params(self.get_params(), params, self.workspace)
        if there.present_tree().hashval != version.compare_hash:
            raise UnavailableError(
                f"Resource '{self.name}': {address} no longer has the version of the snapshot",
                hint="--only leaves the resource out",
            )
        return params

    # -- reading without a local copy ------------------------------------------------------------------------------

    @property
    def remote_files(self) -> RemoteFiles:
        """The files at the remote, whatever is here."""
        return RemoteFiles(self.name, self.link.rclone, self.link.address)

    @property
    def reads_at_once(self) -> int:  # type: ignore[override]
        """At the remote, an rclone for each."""
        return 1 if self._is_here() else _READERS

    def ls(self, rel_path: str) -> list[str]:
        return super().ls(rel_path) if self._is_here() else self.remote_files.ls(rel_path)

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        return super().list_infos(rel_path) if self._is_here() else self.remote_files.list_infos(rel_path)

    def open(self, rel_path: str, mode: str) -> IO[Any]:
        if self._is_here():
            return super().open(rel_path, mode)
        if any(letter in mode for letter in "wax+"):
            raise NotSupportedError(f"Resource '{self.name}' is not on this machine, so it can only be read")
        return self.remote_files.open(rel_path, mode)

    def get_file_info(self, rel_path: str) -> FileInfo:
        if self._is_here():
            return super().get_file_info(rel_path)
        found = self.remote_files.find(rel_path)
        if found is None:
            raise NotFoundError(f"Resource '{self.name}' has no '{rel_path}' at {self.link.address}")
        return found

    def does_subpath_exist(self, subpath: str, must_be_file: bool = False, must_be_directory: bool = False) -> bool:
        if self._is_here():
            return super().does_subpath_exist(subpath, must_be_file, must_be_directory)
        found = self.remote_files.find(subpath)
        if found is None or (must_be_file and found.kind != "file"):
            return False
        return not must_be_directory or found.kind == "directory"


def _told(plan: Plan) -> str:
    count = len(plan.copies)
    deleted = f", deleted {len(plan.deletions)}" if plan.deletions else ""
    return f"{count} {'file' if count == 1 else 'files'}{deleted}"
