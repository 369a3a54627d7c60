"""The git backend: a workspace is a git repository, with its metadata in ``.dataworkspace/``."""

from dataworkspaces.backends.git.factory import GitWorkspaceFactory

FACTORY = GitWorkspaceFactory()

__all__ = ["FACTORY", "GitWorkspaceFactory"]
