"""Labels of snapshots: values by key that people give them, such as ``stage=production``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.operations.unique_names import leave_labels_to
from dataworkspaces.params import NAME_RE
from dataworkspaces.toolbox.names import check_text

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

_LONGEST = 200


class Labelled(NamedTuple):
    """A snapshot and its labels.

    :ivar moved_from: the hashes of snapshots that a label has left."""

    snapshot: SnapshotMetadata
    moved_from: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        snapshot = self.snapshot
        return {
            "hash": snapshot.hashval,
            "tags": list(snapshot.tags),
            "labels": dict(snapshot.labels),
            "moved_from": list(self.moved_from),
        }


def parse_labels(texts: Iterable[str]) -> dict[str, str]:
    """Labels as they are typed, ``KEY=VALUE``; raises ConfigurationError for what is none."""
    found = {}
    for text in texts:
        check_text(text, "Label")
        key, equals, value = text.partition("=")
        value = value.strip()
        if not equals or not NAME_RE.match(key) or not value or not value.isprintable() or len(text) > _LONGEST:
            raise ConfigurationError(
                f"'{text:.80}' is not a label",
                hint="Write it as in stage=production: a key of letters, digits and . _ -, and a value on one line",
            )
        found[key] = value
    return found


def list_labels(workspace: Workspace) -> list[Labelled]:
    """All snapshots that have labels, the newest first."""
    return [Labelled(each) for each in workspace.as_snapshot_ws().list_snapshots() if each.labels]


def label_command(
    workspace: Workspace,
    tag_or_hash: str,
    labels: Mapping[str, str],
    delete: Iterable[str] = (),
    *,
    move: bool = False,
) -> Labelled:
    """Give a snapshot labels, and take those with the keys ``delete`` from it.

    :param move: other snapshots lose the labels that this one is given."""
    snapshots = workspace.as_snapshot_ws()
    gone = list(delete)
    hashval = snapshots.get_snapshot_by_tag_or_hash(tag_or_hash).hashval  # refused before anything is locked
    with workspace.transaction("label") as journal:
        before = snapshots.get_snapshot_metadata(hashval)
        missing = [key for key in gone if key not in before.labels]
        if missing:
            have = ", ".join(before.labels) or "none"
            raise NotFoundError(f"Snapshot {hashval[:7]} has no label '{missing[0]}'", hint=f"Its labels: {have}")
        holders = {key: snapshots.get_hashes_with_label(key, value) for key, value in labels.items()} if move else {}
        moved_from = tuple(dict.fromkeys(h for found in holders.values() for h in found if h != hashval))
        if moved_from:
            journal.record("move-labels", labels=dict(labels), to=hashval)

        def with_labels(metadata: SnapshotMetadata) -> SnapshotMetadata:
            kept = {key: value for key, value in metadata.labels.items() if key not in gone}
            new = metadata.replace(labels={**kept, **labels})
            return new if new == metadata else new.replace(updated_timestamp=datetime.now().isoformat())

        after = snapshots.update_snapshot_metadata(hashval, with_labels)
        if moved_from:
            leave_labels_to(snapshots, hashval, labels)
        workspace.save(f"Labels of snapshot {hashval[:7]}: {shown(after.labels)}")
    return Labelled(after, moved_from)


def shown(labels: Mapping[str, str]) -> str:
    """``stage=production, owner=ann``."""
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "none"
