"""Means that the tests of dws-files share."""

from __future__ import annotations

from dataworkspaces.testing.fixtures import workspace

__all__ = ["workspace"]
