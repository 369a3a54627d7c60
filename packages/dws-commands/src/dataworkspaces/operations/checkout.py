"""A snapshot in another directory: the workspace, then each resource, then what was brought back says where it is from.

All of it is built in a directory beside, and renamed in the end: that is the commit point. What a killed checkout
leaves is removed by the next one beside it. The workspace that it is made from is only read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.durability import flush_directory, flush_tree
from dataworkspaces.errors import DwsError
from dataworkspaces.operations.present_snapshot import note_present_snapshot
from dataworkspaces.params import HOSTNAME
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.build_directory import directory_to_build_in, put_in_place
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.toolbox.trust import Agreements, agreeing, place_of_directory
from dataworkspaces.workspace.absent import is_absent
from dataworkspaces.workspace.checking_out import CheckOutMixin, CheckOutWorkspaceMixin
from dataworkspaces.workspace.factory import find_and_load_workspace
from dataworkspaces.workspace.files import LocalStateResourceMixin
from dataworkspaces.workspace.own_files import is_own_files
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin
from dataworkspaces.workspace.trust import place_of

if TYPE_CHECKING:
    from dataworkspaces.workspace import Resource, SnapshotMetadata, SnapshotVersion, Workspace

BUILDING = "checkout"
"""The kind of the directories that are built."""


def check_out(
    workspace: Workspace,
    snapshot: SnapshotMetadata,
    versions: Mapping[str, SnapshotVersion],
    directory: Path,
    hostname: str,
    *,
    with_results: bool = True,
    durable: bool = True,
    borrow: bool = False,
) -> Workspace:
    """Make ``directory``, which is not there or empty, the workspace as of a snapshot, and open it.

    :param versions: of the resources that are wanted, which can be checked out or come along with the workspace.
    :param hostname: names the copy.
    :param with_results: whether the results of the snapshot stand where they were before it moved them.
    :param durable: whether it survives a power cut from the end on.
    :param borrow: as for :meth:`CheckOutWorkspaceMixin.check_out_workspace`."""
    if not isinstance(workspace, CheckOutWorkspaceMixin):
        raise workspace.not_supported("checkouts")
    target = directory.parent.resolve() / directory.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with directory_to_build_in(target.parent, BUILDING) as temporary:
            params = {HOSTNAME: hostname}
            copy = workspace.check_out_workspace(snapshot.hashval, temporary / "copy", params, borrow=borrow)
            copy.interaction = workspace.interaction
            inside = Path(copy.get_workspace_local_path_if_any() or temporary / "copy").relative_to(temporary / "copy")
            _fill(workspace, copy, snapshot, versions, with_results)
            if durable:
                flush_tree(temporary / "copy")
            put_in_place(temporary / "copy", target)
            flush_directory(target.parent)
    except OSError as e:
        raise explain_os_error(e, f"Checking out to {directory}") from e
    place = target / inside
    _carry_agreements(workspace, place, versions)
    with agreeing():  # to what this workspace is opened by
        opened = find_and_load_workspace(workspace.batch, workspace.verbose, str(place))
    opened.interaction = workspace.interaction
    with opened.transaction("checkout"):  # which notes where the copy is
        opened.save("Checkout of a snapshot")
    return opened


def _carry_agreements(workspace: Workspace, target: Path, names: Iterable[str]) -> None:
    """What may be contacted from here may be from the copy: by the resources that are in it, and by no other."""
    named = set(workspace.addresses())
    for name in names:
        named.update(workspace.get_resource(name).addresses())
    Agreements(place_of_directory(target)).add(named.intersection(Agreements(place_of(workspace)).addresses()))


def _fill(
    workspace: Workspace,
    copy: Workspace,
    snapshot: SnapshotMetadata,
    versions: Mapping[str, SnapshotVersion],
    with_results: bool,
) -> None:
    snapshots = copy.as_snapshot_ws()
    last = snapshots.get_most_recent_snapshot()
    newest = {} if last is None else snapshots.get_snapshot_versions(last.hashval)
    along: dict[str, SnapshotResourceMixin] = {}
    there = {_called_in(copy, workspace, name): version for name, version in versions.items()}
    for (name, version), here in zip(there.items(), versions, strict=True):
        resource = workspace.get_resource(here)
        if isinstance(workspace, CheckOutWorkspaceMixin) and workspace.comes_along(resource):
            other = copy.get_resource(name)
            if not other.has_results_role() and isinstance(other, SnapshotResourceMixin) and version.restore_hash:
                along[name] = other
        elif isinstance(resource, CheckOutMixin):
            if resource.has_results_role():  # of all snapshots that the copy has
                version = newest.get(name, version)
            _check_out_resource(resource, copy, name, version, snapshot.hashval)
    targets = {name: there[name].restore_hash for name in along}
    snapshots.restore_prechecks(list(along.values()), targets)
    snapshots.restore_resources(list(along.values()), targets)
    if with_results:
        for name in there:
            put_back_results(copy.get_resource(name), snapshot.relative_destination_path)
    note_present_snapshot(copy, snapshot.hashval)
    if snapshots.supports_lineage():
        names = [name for name in there if with_results or not copy.get_resource(name).has_results_role()]
        snapshots.get_lineage_store().restore(snapshot.hashval, names)
    copy.save("Checkout of a snapshot")


def _called_in(copy: Workspace, workspace: Workspace, name: str) -> str:
    """What a copy as of a snapshot calls a resource, which may have been renamed since."""
    return copy.resource_names.called(workspace.resource_names.stored(name))


def _check_out_resource(
    resource: CheckOutMixin, copy: Workspace, name: str, version: SnapshotVersion, snapshot_hash: str
) -> None:
    root = Path(copy.get_workspace_local_path_if_any() or "")
    place = _free_place(root, copy.get_resource(name))
    place.parent.mkdir(parents=True, exist_ok=True)
    params = resource.check_out(version, place)
    if params is not None:
        if isinstance(copy, CheckOutWorkspaceMixin):
            copy.leave_out_of_copy(place)
        copy.write_resource_local_params(name, dict(params))
    other = copy.get_resource(name)
    resource.hand_over(other, version)
    if isinstance(other, SnapshotResourceMixin) and version.restore_hash is not None and not other.has_results_role():
        other.restored(snapshot_hash, version.restore_hash)


def _free_place(root: Path, resource: Resource) -> Path:
    """Where a resource goes: where it lay in the workspace, or, if it lay elsewhere, to a directory of its name."""
    relative = resource.get_params().get("relative_local_path")
    own = Path(os.path.realpath(root))
    if isinstance(relative, str) and relative:  # checked where the resource was made
        place = root / relative
        inside = own in Path(os.path.realpath(place)).parents
        if inside and (not is_present(place) or (place.is_dir() and not any(place.iterdir()))):
            return place
    name, number = resource.name, 1
    while is_present(root / name):
        number += 1
        name = f"{resource.name}-{number}"
    return root / name


def put_back_results(resource: Resource, moved_to: str) -> None:
    """Copy what a snapshot moved to a directory of a results resource to where it was, unless something is there."""
    if not resource.has_results_role() or not isinstance(resource, LocalStateResourceMixin):
        return
    place = resource.get_local_path_if_any()
    if place is None or is_own_files(resource):
        return
    root = Path(os.path.realpath(place))
    source = Path(os.path.realpath(root / moved_to))
    if root not in source.parents or not source.is_dir():
        return
    for directory, names, files in os.walk(source):
        here = root / Path(directory).relative_to(source)
        for name in (*(n for n in names if Path(directory, n).is_symlink()), *files):
            if Path(directory) == source and name == LINEAGE_FILE:
                continue
            with suppress(FileExistsError):
                here.mkdir(parents=True, exist_ok=True)
                _copy_new(Path(directory, name), here / name)


def _copy_new(source: Path, target: Path) -> None:
    """Raises FileExistsError. The copy can be written to, which what a snapshot moved cannot."""
    if is_present(target):
        raise FileExistsError(target)
    shutil.copy2(source, target, follow_symlinks=False)
    if not target.is_symlink():
        target.chmod(target.stat().st_mode | 0o200)


def bring_back(workspace: Workspace, directory: Path) -> tuple[Workspace, list[str], dict[str, DwsError]]:
    """Take over what was done in a checkout of this workspace: its snapshots, and what resources keep of them. The
    caller holds the lock. Returns the workspace as it is then, the names of the resources that were looked at, and of
    others why they failed."""
    if not isinstance(workspace, CheckOutWorkspaceMixin):
        raise workspace.not_supported("checkouts")
    other = find_and_load_workspace(workspace.batch, workspace.verbose, str(directory))
    other.interaction = workspace.interaction
    present = workspace.take_back_workspace(directory)
    taken: list[str] = []
    failed: dict[str, DwsError] = {}
    there = {other.resource_names.stored(name): name for name in other.get_resource_names()}
    for name in present.get_resource_names():
        try:
            named = there.get(present.resource_names.stored(name))
            resource, theirs = present.get_resource(name), None if named is None else other.get_resource(named)
            if isinstance(resource, CheckOutMixin) and theirs is not None and not is_absent(other, theirs):
                resource.take_back(theirs)
                taken.append(name)
        except DwsError as e:
            failed[name] = e
    return present, taken, failed
