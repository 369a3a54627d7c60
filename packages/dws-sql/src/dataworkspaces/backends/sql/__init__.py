"""The sql backend: a workspace is in a SQL database, which all its copies share."""

from dataworkspaces.backends.sql.factory import SqlWorkspaceFactory

FACTORY = SqlWorkspaceFactory()

__all__ = ["FACTORY", "SqlWorkspaceFactory"]
