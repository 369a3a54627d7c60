"""Conformance suites for plug-ins, and a workspace in memory to test them with.

A plug-in's tests subclass a suite and say how to make what is tested; pytest then runs all of the suite's cases. Each
case cites a behaviour in ``docs/spec`` by its number. What an implementation lacks it declares by number and reason::

    class TestMyBackend(WorkspaceBackendSuite):
        entry_point = "mine"
        lacks = {"W31": "it keeps no lineage"}

        def make(self, directory): ...

The suites need pytest, which their distribution brings: ``pip install dws-testing``.
"""

from dataworkspaces.testing.memory import MemoryStore, MemoryWorkspace

__all__ = ["MemoryStore", "MemoryWorkspace"]
