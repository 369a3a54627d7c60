"""The capability of a workspace that it keeps experiments: snapshots beside the working line, each with a name.

Taking one moves nobody's branch, and changes no file. Nobody gets one without asking for it by its name.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.params import HASH_RE

if TYPE_CHECKING:
    from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
    from dataworkspaces.workspace.workspace import Workspace

__all__ = ["ExperimentsMixin", "KeptExperiment", "check_experiment_name", "is_experiment_name"]

_PART_RE = r"[A-Za-z0-9_][A-Za-z0-9._+-]*\Z"
_LONGEST = 150


class KeptExperiment(NamedTuple):
    """An experiment.

    :ivar version: by which the backend knows just this state of it: another one of the name has another.
    :ivar snapshot: what it says of itself, with the experiment's name for its only tag; it is not among the
        snapshots of the workspace."""

    name: str
    version: str
    snapshot: SnapshotMetadata


def is_experiment_name(name: object) -> bool:
    """Whether it can name an experiment: parts of letters, digits, ``.``, ``_``, ``+`` and ``-``, between slashes."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or HASH_RE.match(name):
        return False
    parts = name.split("/")
    return all(re.match(_PART_RE, p) and ".." not in p and not p.endswith((".", ".lock")) for p in parts)


def check_experiment_name(name: str) -> None:
    """Raise ConfigurationError for what cannot name an experiment."""
    if not is_experiment_name(name):
        raise ConfigurationError(
            f"{name!r:.200} cannot name an experiment",
            hint="Use letters, digits, '.', '_', '+' and '-', and slashes between the parts, as in svc/1; a name "
            "must not look like a hash",
        )


class ExperimentsMixin(ABC):
    """A workspace that keeps experiments. Names have been checked by :func:`check_experiment_name`."""

    @abstractmethod
    def list_experiments(self) -> list[KeptExperiment]:
        """Those that are here, sorted by name, numbers in names by their value. One that is damaged is left out, and
        told.

        Raises UnavailableError if they cannot be read now."""

    def has_experiment(self, name: str) -> bool:
        """Whether one of that name is here, even a damaged one."""
        return any(each.name == name for each in self.list_experiments())

    @abstractmethod
    def include_experiments(self, experiments: Iterable[KeptExperiment]) -> None:
        """From now on, this object reads the snapshots of experiments as if they were among those of the workspace:
        their metadata by name or hash, manifests, lineage, what resources store of their versions. Changes nothing
        that is stored.

        Raises NotFoundError for one that is not here."""

    @abstractmethod
    def take_experiment(
        self, name: str, message: str, labels: Mapping[str, str], other: Mapping[str, Any] | None = None
    ) -> KeptExperiment:
        """Keep the present state as an experiment. The caller holds the lock. Raises ConflictError if another one has
        that name; one that holds the same is returned as it is.

        No file, no branch and nothing else that is the user's changes. The last step makes it an experiment: after a
        crash before it there is none, and what was written for it is collected as anything that nothing needs.

        :param other: further keys of the metadata."""

    @abstractmethod
    def remove_experiment(self, name: str) -> None:
        """Forget an experiment. Idempotent. The caller holds the lock. What it alone needed is collected later.

        Raises UnavailableError if it cannot be reached now."""

    @abstractmethod
    def take_back_experiment(self, directory: Path, name: str) -> KeptExperiment:
        """Keep an experiment of the copy of the workspace at ``directory`` (see ``dws checkout``) here too, with what
        resources keep of its content. As :meth:`take_experiment`.

        Raises what that does, and NotFoundError if the copy has no such experiment."""

    @abstractmethod
    def adopt_experiment(self, experiment: KeptExperiment) -> Workspace:
        """Have the snapshot of an experiment among those of the workspace, with its metadata and results, and return
        the workspace as it is then. No other file changes. Idempotent. The caller holds the lock; what a crash leaves
        is completed by the next command.

        Raises NotFoundError if it is not here, ConflictError if the workspace has another snapshot of its tag."""

    def origin_to_clone(self) -> str | None:
        """What other machines give to ``dws clone`` to have a copy that exchanges experiments with this one, without
        any password; None if there is no origin, or copies cannot be made."""
        return None

    @abstractmethod
    def list_experiments_at_origin(self) -> dict[str, str]:
        """By name, the version of each that the origin has. Raises ConfigurationError without an origin,
        UnavailableError if it does not answer."""

    @abstractmethod
    def push_experiments(self, experiments: Iterable[KeptExperiment]) -> None:
        """Send experiments to the origin, without the content of resources that have origins of their own. Raises
        ConflictError, and sends nothing, if it has another of that name."""

    @abstractmethod
    def fetch_experiments(self, names: Iterable[str]) -> list[KeptExperiment]:
        """Bring experiments of the origin here. Raises NotFoundError if it has none of that name, ConflictError if
        another is here; nothing is brought then. The caller holds the lock."""

    @abstractmethod
    def remove_experiments_at_origin(self, names: Iterable[str]) -> None:
        """Have the origin forget experiments. Raises NotFoundError if it has none of that name."""
