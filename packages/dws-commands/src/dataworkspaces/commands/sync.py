"""``dws publish``, ``push`` and ``pull``: a workspace and its resources, and their origins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import DwsError, NotFoundError
from dataworkspaces.operations.questions import ask_unlocked
from dataworkspaces.toolbox.trust import agreeing
from dataworkspaces.workspace import (
    CentralWorkspaceMixin,
    LocalStateResourceMixin,
    SnapshotWorkspaceMixin,
    SyncedWorkspaceMixin,
)
from dataworkspaces.workspace.absent import is_nowhere
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import FileChange, SnapshotMetadata, Workspace


@dataclass(frozen=True)
class Selection:
    """Which resources a command is about: ``only`` these, or all but those that it ``skip`` s."""

    only: Sequence[str] | None = None
    skip: Sequence[str] = ()
    only_workspace: bool = False

    def check(self, workspace: Workspace) -> None:
        """Raise ConfigurationError for a name that no resource has."""
        known = list(workspace.get_resource_names())
        for name in (*(self.only or ()), *self.skip):
            if name not in known:
                workspace.check_not_renamed(name)
                raise NotFoundError(f"There is no resource '{name}'", hint=f"Available: {', '.join(known) or 'none'}")

    def holds(self, name: str) -> bool:
        if self.only_workspace or name in self.skip:
            return False
        return self.only is None or name in self.only


@dataclass(frozen=True)
class PushOutcome:
    """``resources`` are those that were dealt with; ``left`` those that were not asked for."""

    resources: tuple[str, ...]
    left: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"resources": list(self.resources), "left": list(self.left)}


@dataclass(frozen=True)
class PullOutcome:
    """What a pull did.

    :ivar resources: those that were pulled.
    :ivar cloned: new ones, and those that could not be had before.
    :ivar failed: by resource, why it could be neither pulled nor cloned.
    :ivar snapshots: hashes of snapshots that are new here, of the newest ones.
    :ivar conflicts: by resource, what both sides had changed: it is kept twice, and the user has to choose."""

    resources: tuple[str, ...]
    cloned: tuple[str, ...]
    failed: dict[str, DwsError] = field(default_factory=dict)
    snapshots: tuple[str, ...] = ()
    conflicts: dict[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "resources": list(self.resources),
            "cloned": list(self.cloned),
            "failed": {name: error.message for name, error in self.failed.items()},
            "snapshots": list(self.snapshots),
            "conflicts": self.conflicts,
        }


@dataclass(frozen=True)
class SyncPlan:
    """What a push or a pull would change.

    :ivar changes: by resource the files, at the origin or here; None where the type cannot tell.
    :ivar failed: by resource, why that could not be found out."""

    changes: dict[str, list[FileChange] | None]
    failed: dict[str, DwsError]

    def to_json(self) -> dict[str, Any]:
        return {
            "changes": {
                name: None if changes is None else [{"status": c.status, "path": c.path} for c in changes]
                for name, changes in self.changes.items()
            },
            "failed": {name: error.message for name, error in self.failed.items()},
        }


def publish_command(workspace: Workspace, url: str, selection: Selection) -> PushOutcome:
    """Make ``url``, an empty repository, the origin of the workspace, and send everything."""
    if not isinstance(workspace, SyncedWorkspaceMixin):
        raise workspace.not_supported("publishing")
    selection.check(workspace)

    def attempt() -> tuple[list[LocalStateResourceMixin], list[LocalStateResourceMixin]]:
        with workspace.transaction("publish"):
            resources, left = _local_resources(workspace, selection)
            with pushing(resources):
                workspace.publish(url, resources)
        return resources, left

    resources, left = ask_unlocked(workspace, attempt)
    _warn_of_what_goes_nowhere(workspace, resources)
    return _pushed(workspace, resources, left)


def _warn_of_what_goes_nowhere(workspace: Workspace, resources: Sequence[LocalStateResourceMixin]) -> None:
    """What is kept here of versions, and has no way to others."""
    for resource in resources:
        if isinstance(resource, KeptVersionsMixin) and resource.is_kept_here_only():
            name = _name(resource)
            workspace.interaction.warn(
                f"The content of resource '{name}' stays on this machine, since it has no remote: others get "
                f"only the names of its versions. To send it: dws config --resource {name} remote URL, then dws push"
            )


def push_command(
    workspace: Workspace, selection: Selection, *, repair: bool = False, checksum: bool = False
) -> PushOutcome:
    """Send what is new to the origins: all checks first, then the resources, then the workspace.

    :param repair: send again also what was there, and is missing or damaged now.
    :param checksum: compare contents with those at the origins, whatever sizes and times say."""
    if not isinstance(workspace, (SyncedWorkspaceMixin, CentralWorkspaceMixin)):
        raise workspace.not_supported("push")
    selection.check(workspace)

    def attempt() -> tuple[list[LocalStateResourceMixin], list[LocalStateResourceMixin]]:
        with workspace.transaction("push"):
            resources, left = _local_resources(workspace, selection)
            _compare_contents(resources, checksum)
            with pushing(resources):
                for resource in resources if repair else ():
                    if isinstance(resource, KeptVersionsMixin):
                        resource.repair_remote_content()
                if isinstance(workspace, SyncedWorkspaceMixin):
                    workspace.push(resources)
                else:
                    workspace.push_resources(resources)
        return resources, left

    resources, left = ask_unlocked(workspace, attempt)
    _warn_of_what_goes_nowhere(workspace, resources)
    return _pushed(workspace, resources, left)


@contextmanager
def pushing(resources: Iterable[object]) -> Iterator[None]:
    """Resources, and the workspace after them, are pushed."""
    keeping = [resource for resource in resources if isinstance(resource, KeptVersionsMixin)]
    is_known = False
    for resource in keeping:
        resource.push_begins()
    try:
        yield
        is_known = True
    finally:
        for resource in keeping:
            resource.push_ended(is_known=is_known)


def _compare_contents(resources: Iterable[LocalStateResourceMixin], checksum: bool) -> None:
    for resource in resources:
        resource.compares_contents = checksum


def _pushed(
    workspace: Workspace, resources: Sequence[LocalStateResourceMixin], left: Sequence[LocalStateResourceMixin]
) -> PushOutcome:
    unpushed = [_name(resource) for resource in left if resource.has_unpushed_content()]
    if unpushed:
        workspace.interaction.warn(
            f"Other copies lack content of {', '.join(unpushed)} that snapshots may need, until you push that too"
        )
    return PushOutcome(tuple(map(_name, resources)), tuple(map(_name, left)))


def plan_push(workspace: Workspace, selection: Selection, *, checksum: bool = False) -> SyncPlan:
    """What :func:`push_command` would change of the resources' files. Changes nothing."""
    _check_origin(workspace, "push")
    return _plan(workspace, selection, lambda resource: resource.plan_push(), checksum)


def plan_pull(workspace: Workspace, selection: Selection, *, checksum: bool = False) -> SyncPlan:
    """What :func:`pull_command` would change of the resources' files. Changes nothing."""
    _check_origin(workspace, "pull")
    return _plan(workspace, selection, lambda resource: resource.plan_pull(), checksum)


def _check_origin(workspace: Workspace, doing: str) -> None:
    """A dry run refuses what the command would."""
    if not isinstance(workspace, (SyncedWorkspaceMixin, CentralWorkspaceMixin)):
        raise workspace.not_supported(doing)
    if isinstance(workspace, SyncedWorkspaceMixin):
        workspace.check_origin(doing)


def _plan(
    workspace: Workspace,
    selection: Selection,
    plan: Callable[[LocalStateResourceMixin], list[FileChange] | None],
    checksum: bool,
) -> SyncPlan:
    selection.check(workspace)
    changes: dict[str, list[FileChange] | None] = {}
    failed: dict[str, DwsError] = {}
    asked, _left = _local_resources(workspace, selection)
    _compare_contents(asked, checksum)
    for resource in asked:
        try:
            changes[_name(resource)] = plan(resource)
        except DwsError as e:
            failed[_name(resource)] = e
    return SyncPlan(changes, failed)


def pull_command(
    workspace: Workspace, selection: Selection, *, trust: bool = False, checksum: bool = False
) -> PullOutcome:
    """Bring what is new at the origins here: the workspace, its resources, and resources that are not here yet.

    A resource that fails does not hold up the others.

    :param trust: agree to contact all addresses that the workspace names, those that come now too.
    :param checksum: as for :func:`push_command`."""
    if not isinstance(workspace, (SyncedWorkspaceMixin, CentralWorkspaceMixin)):
        raise workspace.not_supported("pull")
    if selection.only is None:
        selection.check(workspace)
    done = _Pulled()

    def attempt() -> list[SnapshotMetadata]:
        with agreeing(trust), workspace.transaction("pull") as journal:
            done.begin(workspace)
            journal.record("pull", known=done.known)
            present = done.present = done.present or _pull_workspace(workspace)
            selection.check(present)
            done.go_on(present, selection, checksum)
            arrived = adopt_lineage(present, done.known, [*done.changed, *done.cloned])
            present.save("Resources that came with a pull")
            if trust:
                from dataworkspaces.commands.trust import agree_to_all

                agree_to_all(present)
            return arrived

    arrived = ask_unlocked(workspace, attempt, resumes=True)
    snapshots = tuple(snapshot.hashval for snapshot in arrived)
    return PullOutcome(tuple(done.pulled), tuple(done.cloned), done.failed, snapshots, done.conflicts)


@dataclass
class _Pulled:
    """What a pull has done so far: a question ends an attempt, and the next one goes on where it was.

    :ivar known: the newest snapshots that were here before.
    :ivar present: the workspace, once it is pulled.
    :ivar changed: of the resources that were pulled, those whose content is another now."""

    known: list[str] = field(default_factory=list)
    present: Workspace | None = None
    pulled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    cloned: list[str] = field(default_factory=list)
    failed: dict[str, DwsError] = field(default_factory=dict)
    conflicts: dict[str, list[str]] = field(default_factory=dict)
    is_begun: bool = False
    looked_at: set[str] = field(default_factory=set)
    """The resources that are dealt with, or would be cloned once they can be had."""

    def begin(self, workspace: Workspace) -> None:
        if not self.is_begun:
            self.known = known_snapshots(workspace)
            _note_places(workspace)
            self.is_begun = True

    def go_on(self, workspace: Workspace, selection: Selection, checksum: bool) -> None:
        new = set(workspace.get_names_for_resources_that_need_to_be_cloned())
        for name in [*_here(workspace), *(n for n in workspace.get_resource_names() if n in new)]:
            if name in self.looked_at or not selection.holds(name):
                continue
            if name in new:
                cloned, missing = clone_resources(workspace, [name])
                self.cloned += cloned
                self.failed |= missing
            else:
                pulled, changed = _pull_resources(workspace, [name], self.failed, self.conflicts, checksum)
                self.pulled += pulled
                self.changed += changed
            self.looked_at.add(name)


def pull_from_command(workspace: Workspace, directory: str) -> PullOutcome:
    """Bring the snapshots here that were taken in a checkout of this workspace (see ``dws checkout``), with the
    contents of versions that resources keep. No origin is asked. Files of resources with a place of their own stay as
    they are: a restore brings what came."""
    from pathlib import Path

    from dataworkspaces.operations.checkout import bring_back

    place = Path(directory).expanduser().absolute()
    with workspace.transaction("pull") as journal:
        known = known_snapshots(workspace)
        _note_places(workspace)
        journal.record("pull", known=known)
        present, taken, failed = bring_back(workspace, place)
        arrived = adopt_lineage(present, known, [])
        present.save("What came from a checkout")
    return PullOutcome(tuple(taken), (), failed, tuple(s.hashval for s in arrived))


def _note_places(workspace: Workspace) -> None:
    """Resources stay where the user of this machine has them, whatever the pull brings."""
    for name in _here(workspace):
        resource = workspace.get_resource(name)
        if isinstance(resource, LocalStateResourceMixin):
            noted, present = workspace.read_resource_local_params(name), resource.get_local_params()
            if noted != present:
                workspace.write_resource_local_params(name, {**(noted or {}), **present})


def _pull_workspace(workspace: Workspace) -> Workspace:
    if not isinstance(workspace, SyncedWorkspaceMixin):
        return workspace
    present = workspace.pull_workspace()
    if not isinstance(present, type(workspace)):
        raise TypeError(f"{type(workspace).__name__}.pull_workspace returned no workspace of its type")
    return present


def _pull_resources(
    workspace: Workspace,
    names: Sequence[str],
    failed: dict[str, DwsError],
    conflicts: dict[str, list[str]],
    checksum: bool,
) -> tuple[list[str], list[str]]:
    """The resources that were pulled, and of these the ones whose content is another now."""
    done: list[str] = []
    changed: list[str] = []
    for name in names:
        try:
            resource = workspace.get_resource(name)
            if isinstance(resource, LocalStateResourceMixin) and isinstance(
                workspace, (SyncedWorkspaceMixin, CentralWorkspaceMixin)
            ):
                resource.compares_contents = checksum
                changed += workspace.pull_resources([resource]) or ()
                done.append(name)
                if resource.pull_conflicts():
                    conflicts[name] = resource.pull_conflicts()
        except DwsError as e:
            failed[name] = e
    return done, changed


def clone_resources(workspace: Workspace, names: Iterable[str]) -> tuple[list[str], dict[str, DwsError]]:
    """Bring resources to this machine; returns those that came, and why others failed. Each is announced before.

    One that has no place here yet is recorded, and in neither."""
    cloned: list[str] = []
    failed: dict[str, DwsError] = {}
    for name in names:
        try:
            workspace.interaction.tell(f"New resource '{name}': {_describe(workspace, name)}")
            resource = workspace.clone_resource(name)
            if not is_nowhere(resource):  # of the others the user has been told
                cloned.append(name)
        except DwsError as e:
            failed[name] = e
    return cloned, failed


def _describe(workspace: Workspace, name: str) -> str:
    """What is going to be brought here, in the words of its type."""
    parameters = workspace.get_resource(name).describe_params()
    told = ", ".join(f"{key} {value}" for key, value in parameters.items())
    return f"{workspace.get_resource_role(name)}, {told}" if told else workspace.get_resource_role(name)


def known_snapshots(workspace: Workspace) -> list[str]:
    """Hashes of the newest snapshots, newest first; none if the workspace has no snapshots."""
    if not isinstance(workspace, SnapshotWorkspaceMixin):
        return []
    return [snapshot.hashval for snapshot in workspace.newest_snapshots()]


def adopt_lineage(workspace: Workspace, known: Sequence[str], changed: Collection[str]) -> list[SnapshotMetadata]:
    """See :meth:`SnapshotWorkspaceMixin.adopt_lineage`. What cannot be taken over is told."""
    if not isinstance(workspace, SnapshotWorkspaceMixin):
        return []
    try:
        return workspace.adopt_lineage(known, changed)
    except DwsError as e:
        workspace.interaction.warn(f"The lineage of what arrived could not be made current: {e.message}")
        return []


def _here(workspace: Workspace) -> list[str]:
    """The resources with local state that are on this machine."""
    missing = set(workspace.get_names_for_resources_that_need_to_be_cloned())
    return [name for name in workspace.get_names_of_resources_with_local_state() if name not in missing]


def _local_resources(
    workspace: Workspace, selection: Selection
) -> tuple[list[LocalStateResourceMixin], list[LocalStateResourceMixin]]:
    """The resources on this machine: those that are asked for, and the others."""
    asked: list[LocalStateResourceMixin] = []
    left: list[LocalStateResourceMixin] = []
    for name in _here(workspace):
        resource = workspace.get_resource(name)
        if isinstance(resource, LocalStateResourceMixin):
            (asked if selection.holds(name) else left).append(resource)
    return asked, left


def _name(resource: LocalStateResourceMixin) -> str:
    return str(getattr(resource, "name", ""))
