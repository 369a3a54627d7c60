"""A workspace without git, which no other distribution is needed for."""

from __future__ import annotations

from dataworkspaces.testing.fixtures import workspace

__all__ = ["workspace"]
