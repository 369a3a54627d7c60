"""The tables. Several workspaces may share a database.

Texts are JSON where the contract has values of any kind, so that each database keeps them as they are. A table has a
row for each thing that two people may change at the same time.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

VERSION = 1
"""Of these tables; a database of a later version is refused."""

metadata = MetaData()

_ID = String(32)
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that is sorted by its characters, whatever the language of the database."""


def _workspace() -> Column[str]:
    return Column("workspace", _ID, ForeignKey("dws_workspaces.id"), primary_key=True)


versions = Table("dws_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

workspaces = Table(
    "dws_workspaces",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("dws_version", Text, nullable=False),
    Column("snapshots_taken", Integer, nullable=False, default=0),
)

params = Table(
    "dws_params",
    metadata,
    _workspace(),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

resources = Table(
    "dws_resources",
    metadata,
    Column("position", Integer, primary_key=True),  # counts on by itself
    Column("workspace", _ID, ForeignKey("dws_workspaces.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("params", Text, nullable=False),
    UniqueConstraint("workspace", "name"),
)

resource_state = Table(
    "dws_resource_state",
    metadata,
    _workspace(),
    Column("resource", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

snapshots = Table(
    "dws_snapshots",
    metadata,
    _workspace(),
    Column("hash", _KEY, primary_key=True),
    Column("timestamp", _KEY, nullable=False),
    Column("metadata", Text, nullable=False),  # without the tags
    Column("manifest", LargeBinary, nullable=False),
    Index("dws_snapshots_by_time", "workspace", "timestamp", "hash"),
)

tags = Table(
    "dws_tags",
    metadata,
    _workspace(),
    Column("tag", Text, primary_key=True),
    Column("hash", _KEY, nullable=False),
    Column("number", Integer, nullable=False),  # of the tags of a snapshot
    Index("dws_tags_by_snapshot", "workspace", "hash"),
)

snapshot_lineage = Table(
    "dws_snapshot_lineage",
    metadata,
    _workspace(),
    Column("hash", _KEY, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
