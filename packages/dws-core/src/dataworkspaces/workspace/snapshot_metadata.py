"""What is kept of a snapshot beside its manifest."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from dataworkspaces.toolbox.names import readable

RESULTS_IN = "results_in"
"""Key of a snapshot's metadata: the resources whose files it moved to its results directory."""
AUTHOR = "author"
"""Key of what is noted of a snapshot: who took it, as :meth:`Workspace.get_user_name` says."""
CARRIED_OVER = "carried_over"
"""Key of a snapshot's metadata: the resources that were not on the machine that took it, and have their last version
in it."""


def _readable(text: Any) -> Any:
    return readable(text) if isinstance(text, str) else text


class Note(NamedTuple):
    """What somebody wrote of a snapshot.

    :ivar time: ISO 8601, with the offset from UTC.
    :ivar hostname: the copy of the workspace in which it was written.
    """

    text: str
    time: str
    hostname: str

    def to_json(self) -> dict[str, str]:
        return {"text": self.text, "time": self.time, "hostname": self.hostname}


class SnapshotMetadata:
    """What is kept of a snapshot beside its manifest.

    :ivar hashval: hash of the manifest.
    :ivar timestamp: ISO 8601, local time of the machine that took the snapshot; ``utc_offset`` is what it differs by
        from UTC (``+01:00``). None in snapshots of release 1.6.
    :ivar relative_destination_path: where the results were moved to, below each results resource.
    :ivar restore_hashes: by resource; None for one that cannot be restored.
    :ivar metrics: of the first results file that was found.
    :ivar parents: hashes of the snapshots that it came after; they may have been deleted. None in those of release 1.6,
        which came after each other by time.
    :ivar resource_parents: of resources whose files come from other snapshots than ``parents``.
    :ivar results_moved_from: where the results were when the snapshot was taken, if another had that place too.
    :ivar labels: values that people gave it, by key: ``stage`` is ``production``.
    :ivar notes: what people wrote of it after the message, oldest first.
    :ivar other: keys that this version does not know; they are kept.

    Nearly each command imports this, and a dataclass takes longer to make than the rest of the module.
    """

    def __init__(
        self,
        hashval: str,
        tags: list[str],
        message: str,
        hostname: str,
        timestamp: str,
        relative_destination_path: str,
        restore_hashes: dict[str, str | None],
        metrics: dict[str, Any] | None = None,
        updated_timestamp: str | None = None,
        utc_offset: str | None = None,
        parents: list[str] | None = None,
        resource_parents: dict[str, list[str]] | None = None,
        results_moved_from: str | None = None,
        labels: dict[str, str] | None = None,
        notes: list[Note] | None = None,
        other: dict[str, Any] | None = None,
    ) -> None:
        self.hashval = hashval
        self.tags = tags
        self.message = message
        self.hostname = hostname
        self.timestamp = timestamp
        self.relative_destination_path = relative_destination_path
        self.restore_hashes = restore_hashes
        self.metrics = metrics
        self.updated_timestamp = updated_timestamp
        self.utc_offset = utc_offset
        self.parents = parents
        self.resource_parents = {} if resource_parents is None else resource_parents
        self.results_moved_from = results_moved_from
        self.labels = {} if labels is None else labels
        self.notes = [] if notes is None else notes
        self.other = {} if other is None else other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SnapshotMetadata) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"SnapshotMetadata({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def replace(self, **changes: Any) -> SnapshotMetadata:
        """The same with other values."""
        return SnapshotMetadata(**{**vars(self), **changes})

    _KEYS = ("tags", "message", "hostname", "timestamp", "relative_destination_path", "restore_hashes", "metrics")
    _OPTIONAL = ("updated_timestamp", "utc_offset", "parents", "results_moved_from")
    _KNOWN = frozenset({"hash", "resource_parents", "labels", "notes", *_OPTIONAL, *_KEYS})

    @property
    def taken_at(self) -> str:
        """When it was taken, to the second, for people: as a clock of this machine shows that moment. What no zone is
        known of is as it was noted."""
        with suppress(ValueError, OverflowError):
            if self.utc_offset is not None:
                there = datetime.fromisoformat(self.timestamp + self.utc_offset)
                return there.astimezone().replace(tzinfo=None).isoformat(timespec="seconds")
        return self.timestamp[:19]

    @property
    def description(self) -> str:
        """The message and the notes, for people: a line or paragraph each."""
        return "\n".join(filter(None, [self.message, *(note.text for note in self.notes)]))

    def has_tag(self, tag: str) -> bool:
        return tag in self.tags

    def matches_partial_hash(self, partial_hash: str) -> bool:
        """Whether the hash starts with ``partial_hash``, upper or lower case."""
        return self.hashval.startswith(partial_hash.lower())

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"hash": self.hashval, **{key: getattr(self, key) for key in self._KEYS}}
        data.update({key: getattr(self, key) for key in self._OPTIONAL if getattr(self, key) is not None})
        if self.resource_parents:
            data["resource_parents"] = self.resource_parents
        if self.labels:
            data["labels"] = self.labels
        if self.notes:
            data["notes"] = [note.to_json() for note in self.notes]
        return {**data, **self.other}

    @staticmethod
    def from_json(data: dict[str, Any]) -> SnapshotMetadata:
        """Raises KeyError for a key that is missing, TypeError for a value of another type."""
        if not isinstance(data["restore_hashes"], dict) or not isinstance(data.get("metrics") or {}, dict):
            raise TypeError("'restore_hashes' and 'metrics' should be JSON objects")
        parents, resource_parents = data.get("parents"), data.get("resource_parents", {})
        if not (parents is None or _are_texts(parents)) or not isinstance(resource_parents, dict):
            raise TypeError("'parents' should be a list of hashes, and 'resource_parents' have such lists")
        if not all(map(_are_texts, resource_parents.values())):
            raise TypeError("'resource_parents' should have lists of hashes")
        if not all(isinstance(data.get(key, ""), str) for key in ("utc_offset", "results_moved_from")):
            raise TypeError("'utc_offset' and 'results_moved_from' should be strings")
        labels, notes = data.get("labels", {}), data.get("notes", [])
        if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
            raise TypeError("'labels' should be a JSON object of strings")
        return SnapshotMetadata(
            hashval=data["hash"],
            tags=list(data["tags"]),
            message=_readable(data["message"]),  # which was not always checked
            hostname=data["hostname"],
            timestamp=data["timestamp"],
            relative_destination_path=data["relative_destination_path"],
            restore_hashes=dict(data["restore_hashes"]),
            metrics=data.get("metrics"),
            updated_timestamp=data.get("updated_timestamp"),
            utc_offset=data.get("utc_offset"),
            parents=parents,
            resource_parents=resource_parents,
            results_moved_from=data.get("results_moved_from"),
            labels={readable(key): readable(value) for key, value in labels.items()},
            notes=_notes(notes),
            other={key: value for key, value in data.items() if key not in SnapshotMetadata._KNOWN},
        )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item.isascii() for item in value)


def _notes(notes: Any) -> list[Note]:
    keys = ("text", "time", "hostname")
    if not isinstance(notes, list) or not all(
        isinstance(note, dict) and all(isinstance(note.get(key), str) for key in keys) for note in notes
    ):
        raise TypeError("'notes' should be a list of objects with 'text', 'time' and 'hostname'")
    return [Note(*(readable(note[key]) for key in keys)) for note in notes]
