"""Who reads, hashes, stores and transfers files: threads of this process, or an executor that a plug-in brings.

An entry point of the group ``dataworkspaces.executors`` names a function: called with the address that a user gave
(``""`` if none), it returns a context manager of a :class:`concurrent.futures.Executor`. Tasks are pickled, name files
by absolute paths, and need dws-core where they run; all machines see the workspace and the files at the same paths.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dataworkspaces import plugins
from dataworkspaces.params import EXECUTOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from dataworkspaces.workspace.workspace import Workspace

    OpenExecutor = Callable[[], AbstractContextManager[Executor]]
THREADS = "threads"


def executor_of(workspace: Workspace) -> OpenExecutor | None:
    """How to come by the executor that the local parameter ``executor`` names (``NAME`` or ``NAME:ADDRESS``); None for
    threads. Nothing is opened yet. Raises PluginError if there is none of that name, and RefusedError if nobody has
    agreed to contact its address: local parameters, too, may have come out of an archive."""
    told = str(workspace.get_local_param(EXECUTOR) or THREADS)
    if told.partition(":")[0] == THREADS:
        return None
    for named in executor_addresses(workspace):
        workspace.consent.to(named, f"Parameter '{EXECUTOR}'")
    return named_executor(told)


def named_executor(told: str) -> OpenExecutor:
    """How to come by an executor that the user has named, as ``NAME`` or ``NAME:ADDRESS``. Raises PluginError if there
    is none of that name."""
    name, _, address = told.partition(":")
    factory: Callable[[str], AbstractContextManager[Executor]] = plugins.load(plugins.EXECUTORS, name)
    return partial(factory, address)


def executor_addresses(workspace: Workspace) -> list[str]:
    """For the user to agree to: who gets to know of the files, and is told what to run."""
    told = str(workspace.get_local_param(EXECUTOR) or THREADS)
    return [f"executor {told}"] if told.partition(":")[2] else []
