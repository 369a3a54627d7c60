"""The workspace for the tests of this distribution."""

from directory_workspace import backend, workspace

__all__ = ["backend", "workspace"]
