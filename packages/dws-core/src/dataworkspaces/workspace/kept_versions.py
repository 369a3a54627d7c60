"""What a resource keeps of the content of its versions: the capability that ``dws du``, ``gc``, ``verify``,
``undo-restore`` and ``push --repair`` ask for."""

from abc import abstractmethod
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from dataworkspaces.workspace.collect import Collected, CollectMixin

__all__ = ["Fault", "KeptVersionsMixin", "ReplacedVersion", "Verified"]


class ReplacedVersion(NamedTuple):
    """:ivar version: what was there. :ivar time: when it was replaced, in local time. :ivar by: what is there since."""

    version: str
    time: datetime
    by: str


class Fault(NamedTuple):
    """:ivar what: a path in the resource, or a version. :ivar problem: in words."""

    what: str
    problem: str


class Verified(NamedTuple):
    """:ivar files, contents: how many were read: of the files that lie there now, and of what is kept of versions.
    :ivar repaired: contents that were damaged or missing, and are here again; of these there is no fault."""

    files: int = 0
    contents: int = 0
    faults: tuple[Fault, ...] = ()
    repaired: int = 0


class KeptVersionsMixin(CollectMixin):
    """A resource that can tell what it keeps of its versions. Put the mixin before :class:`Resource` in the bases.

    A version is what :meth:`SnapshotResourceMixin.snapshot` returned to restore by. The workspace's lock is held while
    :meth:`repair_remote_content`, :meth:`forget_replaced` and :meth:`collect` are called, and not for the others. What
    cannot be looked at raises UnavailableError: it is never told as a fault, nor as nothing."""

    name: str
    resource_type: str

    def keeps_versions(self) -> bool:
        """Whether the content of new versions is kept."""
        return True

    @abstractmethod
    def contents_of_version(self, version: str) -> Mapping[Hashable, int] | None:
        """What is kept of a version, and the bytes of each part. Parts that are kept once for several versions, or for
        several resources of the workspace, have the same key. None if nothing is kept of it.

        Raises UnavailableError if that cannot be read now."""

    def replaced_versions(self) -> Sequence[ReplacedVersion]:
        """The versions that restores replaced, and that can be restored, the latest at the end."""
        return ()

    def forget_replaced(self, before: datetime) -> None:
        """:meth:`replaced_versions` tells no more what was replaced before a time. Idempotent."""

    def collect(self, needed: Collection[str], before: datetime, *, dry_run: bool = False) -> Collected:
        """As in :class:`CollectMixin`. By default nothing is collected: not what lies in the object store of the
        workspace, which ``dws gc`` looks through for all resources and workspaces that use it."""
        return Collected()

    def can_be_verified(self) -> bool:
        """Whether it is recorded what its files have to hold."""
        return True

    @abstractmethod
    def verify_versions(self, versions: Sequence[str], *, repair: bool = False) -> Verified:
        """Read the files that lie there now, and all that is kept of these versions, and compare it with what was
        recorded, whatever is known of it already. Changes nothing without ``repair``.

        :param repair: what is damaged or missing is taken from wherever it can be had; what is damaged is set aside,
            and not deleted. Takes the workspace's lock; what was interrupted the next call does again.

        Raises UnavailableError for what cannot be reached; what is damaged is in the result."""

    def has_remote_content(self) -> bool:
        """Whether content of versions is kept away from this machine too."""
        return False

    def is_kept_here_only(self) -> bool:
        """Whether content of versions is kept on this machine, and a ``remote``, which the resource could have, would
        bring it to others."""
        return False

    def verify_remote_content(self, *, read: bool = False) -> Verified:
        """Look whether all contents that snapshots need are kept there, by names and sizes.

        :param read: by reading them all."""
        return Verified()

    def repair_remote_content(self) -> None:
        """Have the next push send again what should be there, and is missing or damaged. Idempotent."""

    def push_begins(self) -> None:
        """A command is going to push this resource, and the workspace after it. Nothing is sent yet."""

    def push_ended(self, *, is_known: bool) -> None:
        """The command that :meth:`push_begins` told of is over. Called once for each call of that.

        :param is_known: the origin of the workspace names all versions now that were pushed; else the command has
            failed, and what was sent may be needed by nobody but the next push."""
