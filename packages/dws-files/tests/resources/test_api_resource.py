"""Resources of type ``api-resource``: their version is a hash that a kit computed."""

from __future__ import annotations

import pytest

from dataworkspaces.errors import ApiParamError, ConfigurationError
from dataworkspaces.resources.api_resource import ApiResource
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceChange, SnapshotVersion


@pytest.fixture
def resource(workspace: MemoryWorkspace) -> ApiResource:
    added = workspace.add_resource("api", "api-resource", "source-data")
    assert isinstance(added, ApiResource)
    return added


def test_what_is_recorded_is_what_release_1_6_recorded(workspace: MemoryWorkspace, resource: ApiResource) -> None:
    assert workspace.read_resource_params() == [{"resource_type": "api-resource", "name": "api", "role": "source-data"}]


@pytest.mark.parametrize("role", ["code", "results"])
def test_it_holds_data_that_is_read(workspace: MemoryWorkspace, role: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot have the role '{role}'"):
        workspace.add_resource("api", "api-resource", role)


def test_a_new_machine_has_nothing_to_clone(workspace: MemoryWorkspace, resource: ApiResource) -> None:
    assert not isinstance(resource, LocalStateResourceMixin)
    assert list(workspace.get_names_for_resources_that_need_to_be_cloned()) == []


def test_the_hash_is_kept_on_this_machine(workspace: MemoryWorkspace, resource: ApiResource) -> None:
    resource.save_input_hash("abc123")
    again = MemoryWorkspace(workspace.directory, workspace.store).get_resource("api")
    assert isinstance(again, ApiResource)
    assert again.get_input_hash() == "abc123"
    assert (workspace.get_resource_local_directory(resource) / "hashval.txt").read_text() == "abc123"


def test_without_a_hash_there_is_no_version(resource: ApiResource) -> None:
    assert resource.get_input_hash() is None
    assert resource.snapshot() == (None, None)


def test_the_hash_is_the_version(resource: ApiResource) -> None:
    resource.save_input_hash("first")
    resource.save_input_hash("second")
    assert resource.snapshot() == ("second", None)


@pytest.mark.parametrize("hashval", ["", "a\nb"])
def test_what_is_no_hash_is_refused(resource: ApiResource, hashval: str) -> None:
    with pytest.raises(ApiParamError, match="is not a hash"):
        resource.save_input_hash(hashval)


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [("a", "a", "unchanged"), ("a", "b", "changed"), (None, "a", "changed"), (None, None, "unchanged")],
)
def test_a_change_is_another_hash(resource: ApiResource, before: str | None, now: str | None, state: str) -> None:
    if now is not None:
        resource.save_input_hash(now)
    assert resource.changes_since(SnapshotVersion(before, None)).state == state


def test_on_a_new_machine_nothing_is_known(resource: ApiResource) -> None:
    assert resource.changes_since(SnapshotVersion("a", None)) == ResourceChange(
        "unknown", "no step has read it on this machine"
    )


def test_it_has_no_paths(resource: ApiResource) -> None:
    with pytest.raises(ConfigurationError, match="has no files, and so no 'x'"):
        resource.validate_subpath_exists("x")
