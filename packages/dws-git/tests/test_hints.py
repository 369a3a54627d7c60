"""What git can do in the place of what the core offers for other types."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.backends.git.factory import GitWorkspaceFactory
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.resources.git_subdirectory import GitSubdirectory


@pytest.mark.parametrize("kind", [GitRepoResource, GitSubdirectory])
def test_resources_name_the_command_of_git(kind: type[GitRepoResource]) -> None:
    resource = kind.__new__(kind)
    assert "git fsck" in str(resource.hint_instead_of("verify"))
    assert "git log" in str(resource.hint_instead_of("undo-restore"))
    assert resource.hint_instead_of("du") is None


def test_repository_cannot_become_a_subdirectory(tmp_path: Path) -> None:
    GitWorkspaceFactory.check_resource_directory(tmp_path / "code", "code")
    (tmp_path / "code" / ".git").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="separate git repository") as raised:
        GitWorkspaceFactory.check_resource_directory(tmp_path / "code", "code")
    assert "dws add git --role=code ./code" in str(raised.value.hint)
