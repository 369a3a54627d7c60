"""A connection to the database: reading without locks, and short transactions that change one workspace at a time.

Whoever changes a workspace holds its row in the table of workspaces (SQLite: the file) for that moment, so that what
was read in the transaction is still true when it is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Row, create_engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dataworkspaces.backends.sql import tables
from dataworkspaces.backends.sql.urls import DatabaseUrl
from dataworkspaces.errors import ConfigurationError, NotAWorkspaceError, PluginError, StorageError, UnavailableError

_WAIT_SECONDS = 30
"""For a server to answer, and for another process to finish its transaction."""
_SCHEMA_LOCK = 0x647773  # of PostgreSQL's advisory locks; any number that others do not use


class Database:
    """Connects when it is first asked for something. Whatever it does not do raises UnavailableError, of
    one line without passwords."""

    def __init__(self, url: DatabaseUrl) -> None:
        self.url = url
        self._is_sqlite = url.url.get_backend_name() == "sqlite"
        self._cached_engine: Engine | None = None

    # -- reading and writing -------------------------------------------------------------------------------------

    def read(self, statement: Executable) -> Sequence[Row[Any]]:
        """The rows of one SELECT."""
        with self._explained(), self._engine.connect() as connection:
            return connection.execute(statement).fetchall()

    @contextmanager
    def changing(self, workspace_id: str) -> Iterator[Connection]:
        """A transaction that changes a workspace; committed if the block raises nothing."""
        with self._transaction() as connection:
            row = select(tables.workspaces.c.id).where(tables.workspaces.c.id == workspace_id).with_for_update()
            if connection.execute(row).first() is None:
                raise NotAWorkspaceError(f"The workspace is no longer in {self.url}")
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._explained(), self._engine.connect() as connection:
            if not self._is_sqlite:
                with connection.begin():
                    connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
                    yield connection
                return
            # SQLite's own BEGIN takes the lock at the first write, too late to wait for who else has read meanwhile.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    # -- workspaces ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise NotAWorkspaceError if there are no tables of ours, ConfigurationError if their version is another."""
        if self._is_sqlite and not Path(str(self.url.url.database)).is_file():
            raise NotAWorkspaceError(f"There is no database {self.url}")  # to connect would make it
        try:
            rows = self.read(select(tables.versions.c.version))
        except UnavailableError:
            with self._explained():  # why it was; to ask before takes longer than all else
                has_tables = inspect(self._engine).has_table(tables.versions.name)
            if has_tables:
                raise
            raise NotAWorkspaceError(f"There is no workspace in {self.url}") from None
        self._check_version(rows)

    def find_workspace(self, name: str | None) -> Row[Any]:
        """The row of a workspace; without a name, of the only one. Raises NotAWorkspaceError if there is none."""
        rows = self.read(select(tables.workspaces).order_by(tables.workspaces.c.name))
        found = [row for row in rows if name in (None, row.name)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(row.name for row in rows) or "none"
        problem = "holds several workspaces" if found else f"holds no workspace '{name}'" if name else "holds none"
        raise NotAWorkspaceError(f"{self.url} {problem}", hint=f"Add ?workspace=NAME, with one of: {names}")

    def get_workspace(self, workspace_id: str) -> Row[Any]:
        """The row of a workspace; raises NotAWorkspaceError if it is gone."""
        rows = self.read(select(tables.workspaces).where(tables.workspaces.c.id == workspace_id))
        if not rows:
            raise NotAWorkspaceError(f"The workspace is no longer in {self.url}")
        return rows[0]

    def add_workspace(self, workspace_id: str, name: str, dws_version: str, params: dict[str, str]) -> None:
        """Make the tables, if they are not there, and a workspace; raises ConfigurationError if the name is taken."""
        with self._transaction() as connection:
            if not self._is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SCHEMA_LOCK})
            tables.metadata.create_all(connection)
            found = connection.execute(select(tables.versions.c.version)).fetchall()
            if not found:
                connection.execute(insert(tables.versions).values(version=tables.VERSION))
            else:
                self._check_version(found)
            same = select(tables.workspaces.c.id).where(tables.workspaces.c.name == name)
            if connection.execute(same).first() is not None:
                raise ConfigurationError(
                    f"There is already a workspace '{name}' in {self.url}",
                    hint=f"Choose another name, or clone that workspace with: dws clone '{self.url}?workspace={name}'",
                )
            connection.execute(insert(tables.workspaces).values(id=workspace_id, name=name, dws_version=dws_version))
            rows = [{"workspace": workspace_id, "name": key, "value": value} for key, value in params.items()]
            if rows:
                connection.execute(insert(tables.params), rows)

    def _check_version(self, rows: Sequence[Row[Any]]) -> None:
        version = max((row.version for row in rows), default=0)
        if version != tables.VERSION:
            raise ConfigurationError(
                f"The tables in {self.url} have version {version}, but this release knows version {tables.VERSION}",
                hint="Install the release of dws-sql that the others use",
            )

    # -- connecting ----------------------------------------------------------------------------------------------

    @property
    def _engine(self) -> Engine:
        if self._cached_engine is None:
            if self._is_sqlite:
                # In autocommit, since transactions are begun by hand.
                self._cached_engine = create_engine(
                    self.url.url, isolation_level="AUTOCOMMIT", connect_args={"timeout": _WAIT_SECONDS}
                )
            else:
                timeout = self.url.url.query.get("connect_timeout", str(_WAIT_SECONDS))
                try:
                    self._cached_engine = create_engine(
                        self.url.url, pool_pre_ping=True, connect_args={"connect_timeout": timeout}
                    )
                except ImportError:
                    raise PluginError(
                        "The driver for PostgreSQL is not installed",
                        hint="Install it with: pip install 'dws-sql[postgresql]'",
                    ) from None
        return self._cached_engine

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        if self._cached_engine is not None:
            self._cached_engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as e:
            cause: BaseException | None = e.orig if isinstance(e, DBAPIError) else e
            first = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
            if _cannot_be_written(cause):
                raise StorageError(
                    f"The database {self.url} cannot be written to: {first}",
                    hint="Free some space on its disk, or ask for write access",
                ) from e
            raise UnavailableError(
                f"The database {self.url} did not respond as expected: {first}",
                hint="Check that it exists, that you have access, and that the network is up",
            ) from e


def _cannot_be_written(error: BaseException | None) -> bool:
    """Whether the database is there, and is full or read-only."""
    if isinstance(error, sqlite3.Error):
        return any(text in str(error) for text in ("readonly database", "disk is full"))
    return getattr(error, "sqlstate", None) in ("53100", "25006")  # PostgreSQL: disk_full, read_only_sql_transaction
