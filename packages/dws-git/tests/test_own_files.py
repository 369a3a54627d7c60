"""The workspace's own files as a resource: which they are, and what their versions are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.backends.git.own_files import GitOwnFiles, places_in_commit
from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.workspace import SnapshotVersion

pytestmark = pytest.mark.slow

Git = Callable[..., str]


def write(root: Path, *names: str, content: str = "x\n") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")


def entry(name: str, **params: Any) -> dict[str, Any]:
    return {"resource_type": "git-subdirectory", "name": name, "role": "code", "export": False, **params}


@pytest.fixture
def workspace(workspace: GitWorkspace) -> GitWorkspace:
    """With the resource ``code``, one that is not on this machine, and files of its own."""
    write(workspace.paths.root, "code/run.py", "params.yaml", "docs/a.md", "scratch/tmp")
    workspace.write_resource_params(entry("code", relative_path="code"))
    workspace.write_resource_params(
        entry("lib", resource_type="git", relative_local_path="lib", branch="main", remote_origin_url="https://x/y")
    )
    workspace.save("resources")
    return workspace


@pytest.fixture
def own(workspace: GitWorkspace) -> GitOwnFiles:
    return workspace.own_files_resource()


def test_which_they_are(own: GitOwnFiles, workspace: GitWorkspace, git: Git) -> None:
    own.keep()
    root = workspace.paths.root
    assert own.ls("") == ["docs", "params.yaml"]
    assert own.does_subpath_exist("docs/a.md", must_be_file=True)
    for path in ("code", "code/run.py", ".dataworkspace", ".git", "lib"):
        assert not own.does_subpath_exist(path), path
    with pytest.raises(NotFoundError, match=r"'code/run\.py' is not one of the workspace's own files"):
        own.ls("code/run.py")
    assert set(git(root, "ls-files", "--", "params.yaml", "docs", "code").split()) == {"params.yaml", "docs/a.md"}
    assert own.is_excluded("scratch/tmp")
    assert own.left_out(["params.yaml", "scratch/tmp", "code/run.py"]) == {"scratch/tmp", "code/run.py"}


def test_each_tracked_path_belongs_to_one(own: GitOwnFiles, workspace: GitWorkspace, git: Git) -> None:
    root = workspace.paths.root
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    tree = own.committed_version().compare_hash
    mine = set(git(root, "ls-tree", "-r", "--name-only", str(tree)).split())
    for path in git(root, "ls-files").split():
        of_resource = path.startswith("code/")
        ours = path.startswith(".dataworkspace/") or path == ".gitignore"
        assert [of_resource, ours, path in mine].count(True) == 1, path


def test_a_version_can_be_had_when_git_has_collected_its_tree(
    own: GitOwnFiles, workspace: GitWorkspace, git: Git
) -> None:
    own.keep()
    first = own.committed_version()
    write(workspace.paths.root, "params.yaml", content="other\n")
    assert own.changes_since(first).details == "1 path not committed"
    own.keep()
    second = own.committed_version()
    assert own.changes_since(first).details == "different content is committed"
    assert own.changes_since(second).state == "unchanged"
    git(workspace.paths.root, "prune", "--expire=now")
    changes = own.diff_versions(first, second)
    assert [(change.status, change.path) for change in changes or []] == [("modified", "params.yaml")]
    with own.version_files(first).open("params.yaml") as f:
        assert f.read() == b"x\n"


def test_what_is_nowhere_is_said(own: GitOwnFiles) -> None:
    own.keep()
    gone = SnapshotVersion("1" * 40, "2" * 40)
    assert own.diff_versions(gone, own.committed_version()) is None
    with pytest.raises(NotFoundError, match="does not hold commit 2222"):
        own.version_files(gone)
    with pytest.raises(NotFoundError, match="does not hold commit 2222"):
        own.restore_precheck("2" * 40)
    with pytest.raises(ConfigurationError):
        own.restore_precheck("--output=x")


def test_a_restore_knows_the_resources_of_then_and_now(own: GitOwnFiles, workspace: GitWorkspace, git: Git) -> None:
    """What was no resource at that time is one now, and stays."""
    root = workspace.paths.root
    own.keep()
    first = own.committed_version().restore_hash
    workspace.write_resource_params(entry("docs", relative_path="docs"))
    workspace.save("docs is a resource")
    write(root, "docs/a.md", "params.yaml", content="second\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "second")
    now = workspace.own_files_resource()
    assert [change.path for change in now.plan_restore(str(first)) or []] == ["params.yaml"]
    now.restore(str(first))
    assert (root / "params.yaml").read_text() == "x\n"
    assert (root / "docs/a.md").read_text() == "second\n"


@pytest.mark.parametrize("content", ["no JSON", "[]", "3", '{"parameters": 1}', '{"parameters": {"relative_path": 3}}'])
def test_places_of_a_commit_that_nobody_can_read(workspace: GitWorkspace, git: Git, content: str) -> None:
    paths = workspace.paths
    write(paths.root, ".dataworkspace/resources/odd.json", content=content)
    git(paths.root, "add", "-A")
    git(paths.root, "commit", "-qm", "odd")
    assert sorted(places_in_commit(paths, "HEAD")) == [".dataworkspace", "code", "lib"]


def test_places_of_a_commit_of_release_1_6(workspace: GitWorkspace, git: Git) -> None:
    paths = workspace.paths
    git(paths.root, "rm", "-rq", ".dataworkspace/resources")
    old = [entry("data", relative_path="data"), entry("lib", relative_local_path="lib", resource_type="git")]
    write(paths.root, ".dataworkspace/resources.json", content=json.dumps(old))
    git(paths.root, "add", "-A")
    git(paths.root, "commit", "-qm", "1.6")
    assert places_in_commit(paths, "HEAD") == [".dataworkspace", "data", "lib"]


def test_a_place_that_leads_out_is_refused(workspace: GitWorkspace, git: Git) -> None:
    paths = workspace.paths
    evil = {"position": 9, "parameters": entry("evil", relative_path="../x")}
    write(paths.root, ".dataworkspace/resources/evil.json", content=json.dumps(evil))
    git(paths.root, "add", "-A")
    git(paths.root, "commit", "-qm", "evil")
    with pytest.raises(ConfigurationError, match="not a plain relative path"):
        places_in_commit(paths, "HEAD")
