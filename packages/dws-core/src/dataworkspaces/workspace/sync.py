"""Capabilities of workspaces: a copy that is synchronised with an origin, or one central store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.workspace.operations import operations
from dataworkspaces.workspace.parts import workspace_of

if TYPE_CHECKING:
    from datetime import datetime

    from dataworkspaces.workspace.files import LocalStateResourceMixin
    from dataworkspaces.workspace.versions import VersionElsewhere


class _Prechecks:
    """What comes before a push and a pull."""

    def _push_precheck(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """Raise ConfigurationError if one of the resources could not be pushed. A backend can add checks."""
        for resource in resource_list:
            resource.push_precheck()

    def _pull_precheck(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """Raise ConfigurationError if one of the resources could not be pulled. A backend can add checks."""
        for resource in resource_list:
            resource.pull_precheck()


class OriginState(NamedTuple):
    """How a copy of a workspace stands to its origin, as far as that is known here without asking it.

    :ivar branch: the branch that is checked out; None if the backend has none, or none is.
    :ivar has_origin: whether there is one.
    :ivar ahead, behind: how many commits only this copy, or only the origin, has; None if nobody knows.
    :ivar snapshots: how many snapshots the origin lacks; None if nobody knows."""

    branch: str | None = None
    has_origin: bool = False
    ahead: int | None = None
    behind: int | None = None
    snapshots: int | None = None


class SyncedWorkspaceMixin(_Prechecks, ABC):
    """A workspace that is a copy of a master copy, and is pushed to it and pulled from it."""

    @abstractmethod
    def publish(self, *args: Any) -> None:
        """Make the workspace available at a remote place, and send everything there, the resources to their origins
        first. For git the arguments are the URL of an empty repository, and a sequence of resources.

        Raises UnavailableError if the place does not answer, ConfigurationError if it holds something else."""

    def check_origin(self, doing: str) -> None:
        """Raise ConfigurationError if there is no origin to push to or pull from: ``doing`` is ``push`` or ``pull``.
        Without contact; a dry run asks this too. A backend extends it."""

    def origin_state(self) -> OriginState:
        """How this copy stands to its origin; without contact. Override it where anything is known of that."""
        return OriginState()

    def origin_identity(self) -> str | None:
        """What tells the origin of this copy from all others, the same in all copies, in words for the user; None if
        there is no origin. Without contact."""
        return None

    def versions_at_origin(self, since: datetime) -> Iterable[VersionElsewhere]:
        """What the origin's snapshots hold now, on all its branches and in its experiments, and what those held that
        were deleted there since a time, as far as the snapshots are not among those here. Asks the origin; no branch
        and no file here changes. Raises a DwsError if any of it cannot be told for sure."""
        raise workspace_of(self).not_supported("asking the origin which versions it needs")

    @abstractmethod
    def pull_workspace(self) -> SyncedWorkspaceMixin:
        """Bring the origin's changes of the workspace itself here, and return the workspace as it is then.

        The object on which this is called must not be used any more.

        Raises UnavailableError if the origin does not answer, ConflictError if both sides have changed what cannot
        be merged, MetadataError if what it has is damaged."""

    def pull_resources(self, resource_list: Sequence[LocalStateResourceMixin]) -> list[str] | None:
        """Bring the origins' changes of the resources here, all prechecks first, and return the names of those whose
        content is another now (None: nobody knows). New resources are cloned and the workspace is pulled by the
        command."""
        self._pull_precheck(resource_list)
        return operations().pull_resources(workspace_of(self), resource_list)

    def push(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """Send changes to the origins: all prechecks, the resources, then the workspace (a backend extends this),
        so that nobody can pull a snapshot whose data never arrived."""
        self._push_precheck(resource_list)
        for resource in resource_list:
            resource.push()


class CentralWorkspaceMixin(_Prechecks, ABC):
    """A workspace that has one central store. Its resources may need to be synchronised all the same."""

    @abstractmethod
    def get_resources_that_need_to_be_cloned(self) -> list[str]:
        """The names of resources with local state that this machine does not have yet.

        Raises UnavailableError if that cannot be told now."""

    def pull_resources(self, resource_list: Sequence[LocalStateResourceMixin]) -> list[str] | None:
        """Bring the origins' changes of the resources here, all prechecks first, and return the names of those whose
        content is another now (None: nobody knows)."""
        self._pull_precheck(resource_list)
        return operations().pull_resources(workspace_of(self), resource_list)

    def push_resources(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """Send changes of the resources to their origins, all prechecks first."""
        self._push_precheck(resource_list)
        for resource in resource_list:
            resource.push()
