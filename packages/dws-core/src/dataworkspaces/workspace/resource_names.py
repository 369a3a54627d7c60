"""What resources are called. A resource keeps the name that it was added with in all that is stored: ``dws rename``
stores what it is called from then on beside its parameters, and changes nothing else. So what older snapshots, lineage
and other copies of the workspace say of it stays true, and the new name is there at once, or not at all.

A backend translates where it reads and writes; whatever is above it sees the present names alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.toolbox.names import check_resource_name, is_resource_name
from dataworkspaces.workspace.snapshot_metadata import CARRIED_OVER, RESULTS_IN, SnapshotMetadata

__all__ = ["AS_STORED", "FORMERLY", "SHOWN_AS", "ResourceNames", "check_names"]

SHOWN_AS = "shown_as"
"""The stored parameter of a resource that was renamed: what it is called."""
FORMERLY = "formerly"
"""The stored parameter of a resource that was renamed more than once: what else it was called."""
Params = Mapping[str, Any]


class ResourceNames:
    """The names of the resources of a workspace, present and former.

    Nobody can be called as another is stored. Two people may have given one name to two resources all the same, or
    added one with a name that another was given: then whoever was added with it has it, else the first; the other is
    called as it is stored. So it is the same everywhere, whoever looks.

    :param stored: the stored parameters of all resources, in their order; those that were removed count, too."""

    def __init__(self, stored: Iterable[Params] = ()) -> None:
        entries = list(stored)
        taken = {params["name"] for params in entries}
        self._called: dict[str, str] = {}
        for params in entries:
            stored_name, name = str(params["name"]), params.get(SHOWN_AS)
            self._called[stored_name] = str(name) if is_name(name) and name not in taken else stored_name
            taken.add(self._called[stored_name])
        self._stored: dict[str, str] = {name: own for own, name in self._called.items()}
        self._former = self._former_names(entries)
        self.is_as_stored = not self._former

    def _former_names(self, entries: Iterable[Params]) -> dict[str, str | None]:
        """By former name the stored one; None if two resources had it. Who is called otherwise than it is stored has
        one."""
        found: dict[str, str | None] = {}
        for params in entries:
            others = params.get(FORMERLY)
            names = [params.get(SHOWN_AS), *(others if isinstance(others, list) else ())]
            for name in {name for name in names if is_name(name)}:
                found[name] = None if name in found else params["name"]
        found.update({name: name for name in self._called})
        return {name: stored for name, stored in found.items() if name not in self._stored}

    def called(self, stored: str) -> str:
        """What a resource is called that is stored with a name; of one that nobody knows, that name."""
        return self._called.get(stored, stored)

    def stored(self, name: str) -> str:
        """The name with which a resource is stored that is called so, or once was."""
        return self._stored.get(name) or self._former.get(name) or name

    def present(self, name: str) -> str:
        """What a resource is called now that is called so, or once was."""
        return self.called(self.stored(name))

    def renamed_to(self, name: str) -> str | None:
        """What a resource is called now that once was called so; None if there is no one such resource."""
        stored = None if name in self._stored else self._former.get(name)
        return None if stored is None else self.called(stored)

    def is_taken(self, name: str, by_other_than: str | None = None) -> bool:
        """Whether a resource (other than that which is called so) is, or was, called ``name``."""
        owner = self._stored.get(name) or self._former.get(name)
        if owner is None:
            return name in self._former
        return by_other_than is None or owner != self._stored.get(by_other_than)

    @property
    def all_stored(self) -> list[str]:
        """The names with which resources are stored."""
        return list(self._called)

    @property
    def reserved(self) -> set[str]:
        """The names that resources had, and have no more."""
        return set(self._former)

    def former(self, name: str) -> list[str]:
        """What else a resource was called that is called so now."""
        return sorted(old for old, stored in self._former.items() if stored is not None and self.called(stored) == name)

    @property
    def fingerprint(self) -> str:
        """A text that is another where a resource is called otherwise; "" where all are called as they are stored."""
        renamed = sorted((stored, name) for stored, name in self._called.items() if stored != name)
        if not renamed:
            return ""
        import hashlib  # slow to import

        return "@" + hashlib.sha256(json.dumps(renamed).encode("utf-8")).hexdigest()[:16]

    def as_asked(self, names: Iterable[str]) -> Callable[[str], str]:
        """:meth:`called`, but resources that are asked for by a former name are called so: whoever began before a
        resource was renamed goes on with the name that he knows."""
        asked = {self.stored(name): name for name in names}
        return lambda stored: asked.get(stored) or self.called(stored)

    # -- parameters ----------------------------------------------------------------------------------------------

    def params_called(self, params: Params) -> dict[str, Any]:
        """Stored parameters, with the name that the resource is called."""
        known = {key: value for key, value in params.items() if key not in (SHOWN_AS, FORMERLY)}
        return {**known, "name": self.called(params["name"])}

    def params_stored(self, params: Params, before: Params | None) -> dict[str, Any]:
        """Parameters as they are to be stored; ``before`` are those that are stored of the resource.

        :param params: with :data:`SHOWN_AS`, which is no parameter above the backend, to rename the resource."""
        name = self.stored(params["name"])
        new = {**{key: value for key, value in params.items() if key not in (SHOWN_AS, FORMERLY)}, "name": name}
        had = {} if before is None else {key: before[key] for key in (SHOWN_AS, FORMERLY) if key in before}
        called = params.get(SHOWN_AS)
        if called is None:
            return {**new, **had}
        others = had.get(FORMERLY)
        were = [*(others if isinstance(others, list) else ()), had.get(SHOWN_AS)]
        formerly = [each for each in dict.fromkeys(were) if is_name(each) and each not in (name, called)]
        return {**new, **({SHOWN_AS: called} if called != name else {}), **({FORMERLY: formerly} if formerly else {})}

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot_called(self, metadata: SnapshotMetadata) -> SnapshotMetadata:
        """The metadata of a snapshot, with the names that resources are called."""
        return metadata if self.is_as_stored else _renamed(metadata, self.called)

    def snapshot_stored(self, metadata: SnapshotMetadata) -> SnapshotMetadata:
        """The metadata of a snapshot, with the names that resources are stored with."""
        return metadata if self.is_as_stored else _renamed(metadata, self.stored)


AS_STORED = ResourceNames()
"""Those of a workspace whose backend knows no others."""


def check_names(params: Params, where: str) -> None:
    """Raise MetadataError, in which ``where`` says what holds them, for stored names that name no resource."""
    formerly = params.get(FORMERLY, [])
    if not isinstance(formerly, list):
        raise MetadataError(f"{where}: '{FORMERLY}' should be a list of names")
    for name in (*([params[SHOWN_AS]] if SHOWN_AS in params else ()), *formerly):
        try:
            if not isinstance(name, str):
                raise MetadataError(f"{where}: {name!r:.80} cannot name a resource")
            check_resource_name(name)
        except ConfigurationError as e:
            raise MetadataError(f"{where}: {e.message}") from e


def is_name(value: object) -> bool:
    return isinstance(value, str) and is_resource_name(value)


def _renamed(metadata: SnapshotMetadata, rename: Callable[[str], str]) -> SnapshotMetadata:
    other = dict(metadata.other)
    for key in (RESULTS_IN, CARRIED_OVER):
        if isinstance(other.get(key), list):
            other[key] = [rename(name) if isinstance(name, str) else name for name in other[key]]
    runs = other.get("runs")
    if isinstance(runs, dict):
        other["runs"] = {rename(name): state for name, state in runs.items()}
    return metadata.replace(
        restore_hashes={rename(name): version for name, version in metadata.restore_hashes.items()},
        resource_parents={rename(name): parents for name, parents in metadata.resource_parents.items()},
        other=other,
    )
