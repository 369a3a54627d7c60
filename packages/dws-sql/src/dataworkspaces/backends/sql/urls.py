"""The URLs of databases and of workspaces in them: ``sql+DIALECT://…/DATABASE?workspace=NAME``.

But for the prefix ``sql+`` and the parameter ``workspace`` they are SQLAlchemy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.plain_text import has_control_characters

if TYPE_CHECKING:
    from sqlalchemy import URL

PREFIX = "sql+"
WORKSPACE_KEY = "workspace"
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_QUERY_KEYS = {
    "sqlite": frozenset[str](),
    "postgresql": frozenset(
        {"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"}
    ),
}
"""What may be asked of a driver: others of its parameters name files to read or write, or hold passwords."""
_HINT = "As in sql+postgresql://USER@HOST/DATABASE?workspace=NAME or sql+sqlite:////PATH/OF/FILE"


@dataclass(frozen=True)
class DatabaseUrl:
    """:ivar url: for SQLAlchemy.
    :ivar workspace: the name of a workspace in the database; None if it was not given."""

    url: URL
    workspace: str | None = None

    @property
    def text(self) -> str:
        """As it was given, without the workspace; it may hold a password."""
        bare = self.url.set(drivername=self.url.get_backend_name())
        return PREFIX + bare.render_as_string(hide_password=False)

    def __str__(self) -> str:
        """For messages: without password and parameters."""
        from sqlalchemy import URL

        url = self.url
        bare = URL.create(url.get_backend_name(), url.username, None, url.host, url.port, url.database)
        return PREFIX + bare.render_as_string()


def parse_url(text: str) -> DatabaseUrl:
    """Raises ConfigurationError for what is no URL of a database that this backend works with."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    if not text.startswith(PREFIX):
        raise ConfigurationError(f"A database's URL starts with {PREFIX}", hint=_HINT)
    if has_control_characters(text):
        raise ConfigurationError("The URL of the database contains characters that a URL cannot have", hint=_HINT)
    try:
        url = make_url(text[len(PREFIX) :])
    except (ArgumentError, ValueError):
        raise ConfigurationError("The URL of the database cannot be read", hint=_HINT) from None
    dialect = url.get_backend_name()
    if url.drivername != dialect or dialect not in _DRIVERS:
        known = " and ".join(PREFIX + name for name in _DRIVERS)
        raise ConfigurationError(f"There is no {PREFIX}{url.drivername:.80}: there are {known}", hint=_HINT)
    workspace = url.query.get(WORKSPACE_KEY)
    url = url.difference_update_query([WORKSPACE_KEY]).set(drivername=_DRIVERS[dialect])
    unknown = sorted(set(url.query) - _QUERY_KEYS[dialect])
    if unknown or isinstance(workspace, tuple):
        raise ConfigurationError(
            f"The URL of the database may not have the parameter '{(*unknown, WORKSPACE_KEY)[0]:.80}'"
        )
    if not url.database:
        raise ConfigurationError("The URL names no database", hint=_HINT)
    if dialect == "sqlite" and not Path(url.database).is_absolute():
        raise ConfigurationError(f"'{url.database:.200}' is not the absolute path of a SQLite file", hint=_HINT)
    return DatabaseUrl(url, workspace)


def sqlite_url(path: Path) -> DatabaseUrl:
    """The URL of a SQLite file."""
    from sqlalchemy import URL

    return DatabaseUrl(URL.create(_DRIVERS["sqlite"], database=str(path)))
