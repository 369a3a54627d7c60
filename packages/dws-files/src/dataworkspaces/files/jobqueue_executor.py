"""Workers of Dask as jobs of a batch system, as ``dask-jobqueue`` is configured (``~/.config/dask/jobqueue.yaml``).

``jobqueue:slurm`` submits jobs to SLURM for the time of one command, and ``jobqueue:slurm:4`` at most four at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.files.dask_executor import silent_client

_CLUSTERS = {
    "htcondor": "HTCondorCluster", "local": "local.LocalCluster", "lsf": "LSFCluster", "moab": "MoabCluster",
    "oar": "OARCluster", "pbs": "PBSCluster", "sge": "SGECluster", "slurm": "SLURMCluster",
}  # fmt: skip
"""``local`` starts the scripts of the jobs on this machine: to try a configuration."""
_MOST_JOBS = 16


@contextmanager
def jobqueue_executor(address: str) -> Iterator[Executor]:
    """An executor whose workers are jobs. :param address: ``SYSTEM`` or ``SYSTEM:JOBS``.

    Raises ConfigurationError for a system that is unknown or whose configuration is incomplete, and if dask-jobqueue is
    not installed."""
    system, _, most = address.partition(":")
    if system not in _CLUSTERS or (most and not (most.isdecimal() and int(most))):
        raise ConfigurationError(
            f"'jobqueue:{address}' names no batch system",
            hint=f"Give jobqueue:SYSTEM or jobqueue:SYSTEM:JOBS, with one of {', '.join(_CLUSTERS)}",
        )
    try:
        distributed: Any = import_module("distributed")
        module, _, name = f"dask_jobqueue.{_CLUSTERS[system]}".rpartition(".")
        make: Any = getattr(import_module(module), name)
    except ImportError as e:
        raise ConfigurationError(
            f"The executor 'jobqueue' needs the package 'dask-jobqueue' ({e})",
            hint="pip install 'dws-files[jobqueue]'",
        ) from e
    try:
        cluster = make()
    except (ValueError, TypeError, KeyError, OSError) as e:  # cores and memory have no default
        raise ConfigurationError(
            f"dask-jobqueue cannot use {system}: {' '.join(str(e).split())[:200]}",
            hint=f"Configure jobqueue.{system} in ~/.config/dask/jobqueue.yaml",
        ) from e
    with silent_client(), cluster, distributed.Client(cluster, set_as_default=False) as client:
        cluster.adapt(minimum_jobs=0, maximum_jobs=int(most or _MOST_JOBS))
        yield client.get_executor(pure=False)
