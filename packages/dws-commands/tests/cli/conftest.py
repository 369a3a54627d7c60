"""Fixtures of the tests of what commands say."""

from __future__ import annotations

from dataworkspaces.testing.fixtures import current_workspace, data, run

__all__ = ["current_workspace", "data", "run"]
