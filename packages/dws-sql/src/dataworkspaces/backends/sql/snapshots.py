"""Snapshots in a database. A tag is a row of its own, so that there is one snapshot that has it, whoever gives it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from dataworkspaces.backends.sql import tables
from dataworkspaces.backends.sql.lineage import KeptInDatabase
from dataworkspaces.backends.sql.storage import SqlStorage
from dataworkspaces.errors import ConfigurationError, ConflictError, InternalError, MetadataError, NotFoundError
from dataworkspaces.toolbox.snapshot_graph import (
    SnapshotGraph,
    SnapshotNode,
    microseconds_of,
    position_after,
    text_of,
)
from dataworkspaces.workspace import SnapshotMetadata, SnapshotWorkspaceMixin
from dataworkspaces.workspace.results import manifest_hash

if TYPE_CHECKING:
    from dataworkspaces.lineage import LineageStore

_HISTORY = "'dws history' lists them"


class SqlSnapshots(SnapshotWorkspaceMixin, SqlStorage):
    """The snapshot part of the contract."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tags_read: dict[str, list[str]] = {}  # by snapshot
        self._holders_expected: dict[str, str | None] = {}  # by tag

    # -- looking up ----------------------------------------------------------------------------------------------

    def get_next_snapshot_number(self) -> int:
        return int(self.database.get_workspace(self.id).snapshots_taken) + 1

    def list_snapshots(self, reverse: bool = True, max_count: int | None = None) -> Iterable[SnapshotMetadata]:
        table = tables.snapshots
        order = (table.c.timestamp.desc(), table.c.hash.desc()) if reverse else (table.c.timestamp, table.c.hash)
        wanted = select(table.c.hash, table.c.metadata).where(table.c.workspace == self.id).order_by(*order)
        rows = self.database.read(wanted.limit(max_count))
        tags = self._read_tags(None if max_count is None else [row.hash for row in rows])
        return [self._metadata(row, tags.get(row.hash, [])) for row in rows]

    def get_snapshot_graph(self) -> SnapshotGraph:
        table = tables.snapshots
        rows = self.database.read(select(table.c.hash, table.c.metadata).where(self._own(table)))
        return SnapshotGraph(SnapshotNode.of(self._metadata(row, None)) for row in rows)

    def get_parents_of_next_snapshot(self) -> list[str]:
        """The newest: whoever takes a snapshot could see it."""
        newest = self.get_most_recent_snapshot()
        return [] if newest is None else [newest.hashval]

    def get_snapshot_count(self) -> int:
        count = select(func.count()).select_from(tables.snapshots).where(tables.snapshots.c.workspace == self.id)
        return int(self.database.read(count)[0][0])

    def get_tags(self) -> list[str]:
        return sorted(row.tag for row in self.database.read(select(tables.tags.c.tag).where(self._own(tables.tags))))

    def get_snapshot_metadata(self, hash_val: str) -> SnapshotMetadata:
        table = tables.snapshots
        rows = self.database.read(
            select(table.c.hash, table.c.metadata).where(self._own(table), table.c.hash == hash_val)
        )
        if not rows:
            raise NotFoundError(f"There is no snapshot {hash_val}", hint=_HISTORY)
        return self._metadata(rows[0], self._read_tags([hash_val]).get(hash_val, []))

    def get_hashes_with_tag(self, tag: str) -> list[str]:
        table = tables.tags
        rows = self.database.read(select(table.c.hash).where(self._own(table), table.c.tag == tag))
        return [row.hash for row in rows]

    def expect_tag_holder(self, tag: str, holder: str | None) -> None:
        self._holders_expected[tag] = holder

    def get_snapshot_by_tag(self, tag: str) -> SnapshotMetadata:
        hashes = self.get_hashes_with_tag(tag)
        if not hashes:
            near = difflib.get_close_matches(tag, self.get_tags(), n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else _HISTORY
            raise NotFoundError(f"There is no snapshot with the tag '{tag}'", hint=hint)
        return self.get_snapshot_metadata(hashes[0])

    def get_snapshot_by_partial_hash(self, partial_hash: str) -> SnapshotMetadata:
        table, first = tables.snapshots, partial_hash.lower()
        last = first + "g"  # sorts behind every hex digit
        found = select(table.c.hash).where(self._own(table), table.c.hash >= first, table.c.hash < last)
        hashes = [row.hash for row in self.database.read(found.order_by(table.c.hash))]
        if not hashes:
            raise NotFoundError(f"No snapshot hash starts with {partial_hash}", hint=_HISTORY)
        if len(hashes) > 1:
            raise ConfigurationError(
                f"The hash {partial_hash} matches {len(hashes)} snapshots: {', '.join(hashes)}",
                hint="Give more digits",
            )
        return self.get_snapshot_metadata(hashes[0])

    def get_snapshot_manifest_bytes(self, hash_val: str) -> bytes:
        table = tables.snapshots
        rows = self.database.read(select(table.c.manifest).where(self._own(table), table.c.hash == hash_val))
        if not rows:
            raise MetadataError(f"The manifest of snapshot {hash_val} is missing")
        manifest = bytes(rows[0].manifest)
        if manifest_hash(manifest) != hash_val:
            raise MetadataError(f"The manifest of snapshot {hash_val} is not the manifest that the snapshot had")
        return manifest

    # -- changing ------------------------------------------------------------------------------------------------

    def save_snapshot_metadata_and_manifest(self, metadata: SnapshotMetadata, manifest: bytes) -> None:
        """As the contract says. A tag leaves the snapshot that had it at the same moment; raises ConfigurationError,
        and changes nothing, if somebody else has taken it since :meth:`expect_tag_holder`."""
        metadata = self.resource_names.snapshot_stored(metadata)
        with self.database.changing(self.id) as connection:
            self._save(connection, metadata, manifest)
        self._tags_read[metadata.hashval] = list(metadata.tags)

    def update_snapshot_metadata(
        self, hash_val: str, change: Callable[[SnapshotMetadata], SnapshotMetadata]
    ) -> SnapshotMetadata:
        """In one transaction, since others may change the same snapshot."""
        table = tables.snapshots
        names = self.resource_names
        with self.database.changing(self.id) as connection:
            wanted = select(table).where(self._own(table), table.c.hash == hash_val)
            row = connection.execute(wanted).first()
            if row is None:
                raise NotFoundError(f"There is no snapshot {hash_val}", hint=_HISTORY)
            tags = select(tables.tags.c.tag).where(self._own(tables.tags), tables.tags.c.hash == hash_val)
            given = connection.execute(tags.order_by(tables.tags.c.number)).scalars().all()
            before = self._metadata(row, list(given))
            after = change(before)
            if after != before:
                self._save(connection, names.snapshot_stored(after), bytes(row.manifest))
        self._tags_read[hash_val] = list(after.tags)
        return after

    def _save(self, connection: Connection, metadata: SnapshotMetadata, manifest: bytes) -> None:
        """:param metadata: with the names that resources are stored with."""
        table = tables.snapshots
        data = {key: value for key, value in metadata.to_json().items() if key != "tags"}
        values = {"metadata": json.dumps(data), "manifest": manifest}
        values["timestamp"] = self._position(connection, metadata)
        same = self._own(table) & (table.c.hash == metadata.hashval)
        if connection.execute(select(table.c.hash).where(same)).first() is None:
            connection.execute(insert(table).values(workspace=self.id, hash=metadata.hashval, **values))
            count = tables.workspaces.c.snapshots_taken + 1
            own = tables.workspaces.c.id == self.id
            connection.execute(update(tables.workspaces).where(own).values(snapshots_taken=count))
        else:
            connection.execute(update(table).where(same).values(values))
        self._write_tags(connection, metadata)

    def _write_tags(self, connection: Connection, metadata: SnapshotMetadata) -> None:
        """The difference to what was read of the snapshot; what others gave or took meanwhile stays."""
        table = tables.tags
        before = self._tags_read.get(metadata.hashval, [])
        for tag in before:
            if tag not in metadata.tags:
                connection.execute(delete(table).where(self._has(tag, metadata.hashval)))
        for tag in metadata.tags:
            holder = connection.execute(select(table.c.hash).where(self._own(table), table.c.tag == tag)).scalar()
            if holder == metadata.hashval or (holder is None and tag in before):
                continue
            if holder is not None and holder != self._holders_expected.get(tag):
                raise ConflictError(
                    f"Tag '{tag}' already names snapshot {holder[:7]}: somebody has just taken it",
                    hint="Choose another tag",
                )
            connection.execute(delete(table).where(self._own(table), table.c.tag == tag))
            last = select(func.max(table.c.number)).where(self._own(table), table.c.hash == metadata.hashval)
            number = (connection.execute(last).scalar() or 0) + 1
            connection.execute(insert(table).values(workspace=self.id, tag=tag, hash=metadata.hashval, number=number))

    def _position(self, connection: Connection, metadata: SnapshotMetadata) -> str:
        """Where a snapshot stands among the others: see :func:`position_after`. Kept in the column of the time, which
        that of a snapshot without parents is."""
        if metadata.parents is None:
            return metadata.timestamp
        table = tables.snapshots
        parents = select(table.c.timestamp).where(self._own(table), table.c.hash.in_(metadata.parents))
        before = [microseconds_of(text, None) for text in connection.execute(parents).scalars()]
        return text_of(position_after(SnapshotNode.of(metadata), before))

    def remove_tag_from_snapshot(self, hash_val: str, tag: str) -> None:
        with self.database.changing(self.id) as connection:
            if connection.execute(delete(tables.tags).where(self._has(tag, hash_val))).rowcount == 0:
                raise InternalError(f"Snapshot {hash_val} has no tag '{tag}' to remove")

    def delete_snapshot_metadata_and_manifest(self, hash_val: str) -> None:
        with self.database.changing(self.id) as connection:
            for table in (tables.tags, tables.snapshots):
                connection.execute(delete(table).where(self._own(table), table.c.hash == hash_val))

    # -- lineage -------------------------------------------------------------------------------------------------

    def supports_lineage(self) -> bool:
        return True

    def get_lineage_store(self) -> LineageStore:
        """Current lineage is of what lies on this machine, and is kept there; that of snapshots in the database."""
        from dataworkspaces.lineage import FileLineageStore

        kept = KeptInDatabase(self.database, self.id)
        lock = self.get_machine_directory() / "lineage.lock"
        return FileLineageStore(self.copy.current_lineage, kept, lock, lambda: self.resource_names)

    # -- rows ----------------------------------------------------------------------------------------------------

    def _own(self, table: Any) -> Any:
        return table.c.workspace == self.id

    def _has(self, tag: str, hash_val: str) -> Any:
        return self._own(tables.tags) & (tables.tags.c.tag == tag) & (tables.tags.c.hash == hash_val)

    def _read_tags(self, hashes: Sequence[str] | None) -> Mapping[str, list[str]]:
        """The tags of snapshots (None: of all), by hash, in the order in which they were given."""
        table = tables.tags
        wanted = select(table.c.hash, table.c.tag).where(self._own(table)).order_by(table.c.number)
        found: dict[str, list[str]] = {}
        for row in self.database.read(wanted if hashes is None else wanted.where(table.c.hash.in_(hashes))):
            found.setdefault(row.hash, []).append(row.tag)
        return found

    def _metadata(self, row: Row[Any], tags: list[str] | None) -> SnapshotMetadata:
        """:param tags: None if nobody asks for them."""
        if tags is not None:
            self._tags_read[row.hash] = list(tags)
        try:
            metadata = SnapshotMetadata.from_json({**json.loads(row.metadata), "tags": tags or []})
        except (ValueError, TypeError, KeyError, RecursionError) as e:
            raise MetadataError(f"The metadata of snapshot {row.hash} is damaged: {e!r}") from e
        if metadata.hashval != row.hash:
            raise MetadataError(f"The metadata of snapshot {row.hash} belongs to another snapshot")
        return self.resource_names.snapshot_called(metadata)
