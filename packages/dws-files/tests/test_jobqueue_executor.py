"""Workers of Dask as jobs: scripts that a batch system would start, started here."""

from __future__ import annotations

import os
from pathlib import Path

import dask
import pytest

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.files.jobqueue_executor import jobqueue_executor


@pytest.mark.slow
def test_jobs_do_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert plugins.load(plugins.EXECUTORS, "jobqueue") is jobqueue_executor
    configured = {"jobqueue.local.cores": 1, "jobqueue.local.memory": "1GB", "jobqueue.local.processes": 1}
    with dask.config.set(configured), jobqueue_executor("local:1") as executor:
        assert executor.submit(os.getpid).result(timeout=120) != os.getpid()
        assert list(executor.map(pow, [2, 3], [2, 2])) == [4, 9]


@pytest.mark.slow
@pytest.mark.parametrize("address", ["", "cron", "slurm", "slurm:0", "slurm:many", "slurm:-1"])
def test_bad_names(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"names no batch system|dask-jobqueue cannot use slurm"), \
            jobqueue_executor(address):  # fmt: skip
        pass
