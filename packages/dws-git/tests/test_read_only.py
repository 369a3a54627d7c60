"""A read-only repository is not written through its resource."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.errors import NotSupportedError
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.workspace import FileResourceMixin

WRITES: dict[str, Callable[[FileResourceMixin, Path], Any]] = {
    "delete": lambda resource, here: resource.delete_file("top"),
    "upload": lambda resource, here: resource.upload_file(str(here), "new"),
    "results": lambda resource, here: resource.add_results_file({}, "new.json"),
    "open": lambda resource, here: resource.open("top", "w"),
}


def resource_of(workspace: GitWorkspace, repository: Path, **more: Any) -> GitRepoResource:
    params = {"name": "theirs", "role": "source-data", "remote_origin_url": None, "branch": "main", "read_only": True}
    return GitRepoResource.from_params({**params, **more}, {"local_path": str(repository)}, workspace)


@pytest.mark.parametrize("write", WRITES)
def test_writes_are_refused(workspace: GitWorkspace, repository: Path, git: Callable[..., str], write: str) -> None:
    with pytest.raises(NotSupportedError, match="'theirs' is read-only"):
        WRITES[write](resource_of(workspace, repository), repository / "top")
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("more", [{"role": "results"}, {"role": "intermediate-data", "export": True}])
def test_snapshots_write_what_is_theirs(workspace: GitWorkspace, repository: Path, more: dict[str, Any]) -> None:
    resource = resource_of(workspace, repository, **more)
    resource.add_results_file({"complete": True}, "lineage.json")
    assert (repository / "lineage.json").is_file()
