"""Results and exported resources are written here: the remote is not their master."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.resources.rclone.resource import RcloneResource
from dataworkspaces.testing.memory import MemoryWorkspace

WRITTEN = [{"role": "results"}, {"role": "intermediate-data", "export": True}]


def resource(directory: Path, **more: Any) -> RcloneResource:
    place = directory / "data"
    place.mkdir()
    params = {"name": "data", "role": "source-data", "remote_origin": "here:there", "global_local_path": str(place)}
    return RcloneResource.from_params(
        {**params, "master": "remote", **more}, {"my_local_path": str(place)}, MemoryWorkspace(directory)
    )


@pytest.mark.parametrize("written", WRITTEN)
def test_the_remote_cannot_become_their_master(tmp_path: Path, written: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="its master cannot be the remote"):
        resource(tmp_path, **written).check_params()


@pytest.mark.parametrize("written", WRITTEN)
def test_snapshots_write_what_has_a_wrong_master(tmp_path: Path, written: dict[str, Any]) -> None:
    resource(tmp_path, **written).add_results_file({"complete": True}, "lineage.json")
    assert (tmp_path / "data" / "lineage.json").is_file()


def test_other_data_is_its_masters(tmp_path: Path) -> None:
    data = resource(tmp_path)
    data.check_params()
    with pytest.raises(NotSupportedError):
        data.add_results_file({}, "lineage.json")
