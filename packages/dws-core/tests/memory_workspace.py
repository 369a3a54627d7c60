"""The workspace in memory, by the name that the tests know it by."""

from dataworkspaces.testing.memory import MemoryStore, MemoryWorkspace

__all__ = ["MemoryStore", "MemoryWorkspace"]
