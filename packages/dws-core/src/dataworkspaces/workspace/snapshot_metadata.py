"""What is kept of a snapshot beside its manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class SnapshotMetadata:
    """What is kept of a snapshot beside its manifest.

    :ivar hashval: hash of the manifest.
    :ivar timestamp: ISO 8601, local time of the machine that took the snapshot.
    :ivar relative_destination_path: where the results were moved to, below each results resource.
    :ivar restore_hashes: by resource; None for one that cannot be restored.
    :ivar metrics: of the first results file that was found.
    """

    hashval: str
    tags: list[str]
    message: str
    hostname: str
    timestamp: str
    relative_destination_path: str
    restore_hashes: dict[str, str | None]
    metrics: dict[str, Any] | None = None
    updated_timestamp: str | None = None
    other: dict[str, Any] = field(default_factory=dict)
    """Keys that this version does not know; they are kept."""

    _KEYS = ("tags", "message", "hostname", "timestamp", "relative_destination_path", "restore_hashes", "metrics")

    def has_tag(self, tag: str) -> bool:
        return tag in self.tags

    def matches_partial_hash(self, partial_hash: str) -> bool:
        """Whether the hash starts with ``partial_hash``, upper or lower case."""
        return self.hashval.startswith(partial_hash.lower())

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"hash": self.hashval, **{key: getattr(self, key) for key in self._KEYS}}
        if self.updated_timestamp is not None:
            data["updated_timestamp"] = self.updated_timestamp
        return {**data, **self.other}

    @staticmethod
    def from_json(data: dict[str, Any]) -> SnapshotMetadata:
        """Raises KeyError for a key that is missing, TypeError for a value of another type."""
        if not isinstance(data["restore_hashes"], dict) or not isinstance(data.get("metrics") or {}, dict):
            raise TypeError("'restore_hashes' and 'metrics' should be JSON objects")
        known = {"hash", "updated_timestamp", *SnapshotMetadata._KEYS}
        return SnapshotMetadata(
            hashval=data["hash"],
            tags=list(data["tags"]),
            message=data["message"],
            hostname=data["hostname"],
            timestamp=data["timestamp"],
            relative_destination_path=data["relative_destination_path"],
            restore_hashes=dict(data["restore_hashes"]),
            metrics=data.get("metrics"),
            updated_timestamp=data.get("updated_timestamp"),
            other={key: value for key, value in data.items() if key not in known},
        )
