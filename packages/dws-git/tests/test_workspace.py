"""The git backend keeps the contract of a workspace, with the layout of release 1.6."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.errors import ConfigurationError, LockedError, MetadataError, NotAWorkspaceError
from dataworkspaces.workspace import find_and_load_workspace, init_workspace
from dataworkspaces.workspace.results import manifest_hash

Git = Callable[..., str]


@pytest.fixture
def with_code(workspace: GitWorkspace) -> GitWorkspace:
    """A workspace with the resource ``code``, which has one file."""
    with workspace.transaction("add"):
        workspace.add_resource("code", "git-subdirectory", "code", path=str(workspace.paths.root / "code"), create=True)
        workspace.save("add code")
    (workspace.paths.root / "code" / "run.py").write_text("print(1)\n", encoding="utf-8")
    return workspace


def reopened(workspace: GitWorkspace) -> GitWorkspace:
    loaded = find_and_load_workspace(True, False, str(workspace.paths.root))
    assert isinstance(loaded, GitWorkspace)
    return loaded


def take(workspace: GitWorkspace, tag: str | None = None) -> str:
    with workspace.transaction("snapshot"):
        metadata, manifest = workspace.snapshot(tag, "message")
        if not workspace.has_snapshot(metadata.hashval):
            workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
        workspace.finish_snapshot(metadata.hashval)
        workspace.save("snapshot")
    return metadata.hashval


def test_a_new_workspace_is_committed_whole(workspace: GitWorkspace, git: Git) -> None:
    root = workspace.paths.root
    assert git(root, "status", "--porcelain") == ""
    assert set(git(root, "ls-files").split()) == {
        ".dataworkspace/.gitattributes", ".dataworkspace/.gitignore", ".dataworkspace/config.json", ".gitignore",
    }  # fmt: skip
    assert (root / "scratch").is_dir()
    config = json.loads((root / ".dataworkspace" / "config.json").read_text(encoding="utf-8"))
    assert config["global_params"]["dws_git_branch"] == "main"
    assert config["global_params"]["results.dir_template"] == "snapshots/{HOSTNAME}-{TAG}"


def test_a_second_init_changes_nothing(workspace: GitWorkspace, git: Git) -> None:
    before = git(workspace.paths.root, "rev-parse", "HEAD")
    with pytest.raises(ConfigurationError, match="is already a workspace"):
        init_workspace("git", "other", "host1", True, False, "scratch", directory=str(workspace.paths.root))
    assert git(workspace.paths.root, "rev-parse", "HEAD") == before


def test_init_without_identity_leaves_nothing(tmp_path: Path, home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="does not know who you are"):
        init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == []


def test_init_adds_to_a_repository(repository: Path, git: Git) -> None:
    (repository / "top").write_text("not committed", encoding="utf-8")
    init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(repository))
    assert git(repository, "status", "--porcelain") == "M top"
    assert git(repository, "rev-list", "--count", "HEAD") == "2"


def test_a_repository_holds_one_workspace(repository: Path, git: Git) -> None:
    init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(repository / "a"))
    before = git(repository, "rev-parse", "HEAD")
    for other in (repository, repository / "b", repository / "a" / "below"):
        other.mkdir(exist_ok=True)
        with pytest.raises(ConfigurationError, match="already holds the workspace") as error:
            init_workspace("git", "other", "host1", True, False, "scratch", directory=str(other))
        assert str(repository / "a") in error.value.message
    assert git(repository, "rev-parse", "HEAD") == before
    assert git(repository, "status", "--porcelain") == ""


def test_large_file_options_are_for_the_root(repository: Path) -> None:
    place = str(repository / "a")
    with pytest.raises(ConfigurationError, match="for a workspace at the root of its repository"):
        init_workspace("git", "ws", "host1", True, False, "scratch", directory=place, git_fat_remote="host:/fat")
    assert not (repository / "a" / ".dataworkspace").exists()


@pytest.mark.slow
def test_below_the_root_of_a_repository_the_rest_is_left_alone(repository: Path, git: Git) -> None:
    (repository / "top").write_text("not committed", encoding="utf-8")
    (repository / "new").write_text("not of the workspace", encoding="utf-8")
    (repository / "a" / "code").mkdir()
    made = init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(repository / "a"))
    assert isinstance(made, GitWorkspace)
    made.add_resource("code", "git", "code", str(repository / "a" / "code"))
    (repository / "a" / "code" / "run.py").write_text("print(1)", encoding="utf-8")
    versions = made.get_snapshot_versions(take(made, "ONE"))
    assert git(repository, "show", f"{versions['code'].restore_hash}:a/code/run.py") == "print(1)"
    own = made.own_files_resource()
    with own.version_files(versions[own.name]).open("one") as file:
        assert file.read() == b"a/one\n"
    (repository / "a" / "one").write_text("other", encoding="utf-8")
    (repository / "b" / "two").unlink()
    take(made, "TWO")
    with made.transaction("restore"):
        made.restore_resources([own], {own.name: versions[own.name].restore_hash})
    assert (repository / "a" / "one").read_text(encoding="utf-8") == "a/one\n"
    assert git(repository, "status", "--porcelain").splitlines() == ["D b/two", " M top", "?? new"]


def test_a_copy_without_its_repository_in_another_one(workspace: GitWorkspace, repository: Path, git: Git) -> None:
    copy = repository / "a" / "copy"
    shutil.copytree(workspace.paths.root, copy, ignore=shutil.ignore_patterns(".git"))
    before = git(repository, "status", "--porcelain")
    with pytest.raises(ConfigurationError, match="does not know") as error:
        find_and_load_workspace(True, False, str(copy))
    assert str(repository) in error.value.message
    assert git(repository, "status", "--porcelain") == before
    git(repository, "add", "a/copy/.dataworkspace")
    assert find_and_load_workspace(True, False, str(copy)).name == "ws"


def test_a_directory_that_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(NotAWorkspaceError, match="is not a workspace"):
        find_and_load_workspace(True, False, str(tmp_path))


def test_the_hash_of_a_snapshot_is_that_of_its_manifest_in_git(with_code: GitWorkspace, git: Git) -> None:
    hashval = take(with_code, "ONE")
    path = with_code.paths.manifest(hashval)
    assert git(with_code.paths.root, "hash-object", str(path)) == hashval == manifest_hash(path.read_bytes())
    assert git(with_code.paths.root, "status", "--porcelain") == ""


def test_a_subdirectory_has_the_hashes_that_release_1_6_gave(with_code: GitWorkspace, git: Git) -> None:
    version = with_code.get_snapshot_versions(take(with_code))["code"]
    root = with_code.paths.root
    assert version.compare_hash == git(root, "rev-parse", f"{version.restore_hash}:code")
    assert git(root, "show", f"{version.restore_hash}:code/run.py") == "print(1)"


@pytest.mark.slow
def test_a_second_snapshot_of_the_same_is_the_same(with_code: GitWorkspace) -> None:
    with with_code.transaction("add"):
        with_code.add_resource(
            "results", "git-subdirectory", "results", path=str(with_code.paths.root / "results"), create=True
        )
        with_code.save("add results")
    (with_code.paths.root / "results" / "results.json").write_text('{"metrics": {"a": 1}}', encoding="utf-8")
    first = take(with_code, "ONE")
    assert take(reopened(with_code), "TWO") == first


def test_an_unsaved_write_is_saved_by_the_next_command(with_code: GitWorkspace, git: Git) -> None:
    """As if the first command had been killed before it could commit."""
    with_code.set_global_param("results.move_exclude_files", ["README.md"])
    assert git(with_code.paths.root, "status", "--porcelain", ".dataworkspace") != ""
    take(reopened(with_code))
    assert git(with_code.paths.root, "status", "--porcelain", ".dataworkspace") == ""


def test_what_the_user_has_staged_stays_staged(with_code: GitWorkspace, git: Git) -> None:
    root = with_code.paths.root
    (root / "notes").write_text("mine", encoding="utf-8")
    git(root, "add", "notes")
    with_code.set_global_param("results.move_exclude_files", ["README.md"])
    with_code.save("a parameter")  # a snapshot takes it: it is one of the workspace's own files
    assert git(root, "diff", "--cached", "--name-only") == "notes"


@pytest.fixture
def git_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Says which commands of git have been started since it was asked last, sorted."""
    import os
    import shutil

    log = tmp_path / "calls"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {shutil.which("git")} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    known = ("status", "check-ignore", "ls-files", "add", "commit", "cat-file", "config", "var")

    def started() -> list[str]:
        calls = [line.split() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
        log.write_text("", encoding="utf-8")
        return sorted(next((word for word in call if word in known), " ".join(call)) for call in calls)

    return started


def test_a_snapshot_takes_few_git_processes(with_code: GitWorkspace, git_commands: Callable[[], list[str]]) -> None:
    take(reopened(with_code), "ONE")
    assert git_commands() == ["add", "add", "check-ignore", "commit", "commit", "status"]


def test_a_later_snapshot_takes_few_git_processes(
    with_code: GitWorkspace, repository: Path, git_commands: Callable[[], list[str]]
) -> None:
    """Of changed code and new results, beside a repository that has not changed: one look at each repository, one at
    what git ignores, and two commits."""
    root = with_code.paths.root
    with with_code.transaction("add"):
        place = str(root / "results")
        with_code.add_resource("results", "git-subdirectory", "results", path=place, create=True)
        with_code.add_resource("data", "git", "source-data", path=str(repository))
        with_code.save("add resources")
    for number in (1, 2):
        (root / "code" / "train.py").write_text(f"a = {number}\n", encoding="utf-8")
        (root / "results" / "results.json").write_text('{"metrics": {"a": 1}}', encoding="utf-8")
        git_commands()
        take(reopened(with_code), f"V{number}")
    assert git_commands() == ["add", "add", "check-ignore", "commit", "commit", "status", "status"]


@pytest.mark.slow
def test_the_lock_names_its_holder(with_code: GitWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import socket

    monkeypatch.setenv("DWS_LOCK_TIMEOUT", "0.2")
    with (
        with_code.transaction("snapshot"),
        pytest.raises(LockedError) as caught,
        reopened(with_code).transaction("add"),
    ):
        pass
    assert str(caught.value).startswith(
        f"'dws snapshot' of process {os.getpid()} on host {socket.gethostname()}, since "
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON"),
        ("{}", "should hold a JSON list"),
        ('["x"]', "entry 1 should be a JSON object"),
        ('[{"name": "x", "role": "code"}]', "entry 1 lacks the key 'resource_type'"),
        ('[{"resource_type": "git", "name": "../x", "role": "code"}]', "cannot name a resource"),
        ('[{"resource_type": "git", "name": "x", "role": "king"}]', "unknown role 'king'"),
        ("[" * 100000, "resources.json"),
    ],
)
def test_damaged_metadata_is_named(workspace: GitWorkspace, content: str, message: str) -> None:
    workspace.paths.resource_list.write_text(content, encoding="utf-8")
    with pytest.raises(MetadataError, match=message) as caught:
        workspace.read_resource_params()
    assert "resources.json" in str(caught.value)


def test_a_place_outside_in_stored_parameters_is_refused(workspace: GitWorkspace) -> None:
    entry = {"resource_type": "git-subdirectory", "name": "x", "role": "code", "relative_path": "../../etc"}
    workspace.paths.resource_list.write_text(json.dumps([entry]), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not a plain relative path"):
        workspace.get_resource("x")


def test_an_ambiguous_prefix_lists_the_snapshots(with_code: GitWorkspace) -> None:
    from dataworkspaces.workspace import SnapshotMetadata

    hashes = ["a" * 39 + "0", "a" * 39 + "1"]
    for hashval in hashes:
        metadata = SnapshotMetadata(hashval, [], "", "h", "2026-01-01", "snapshots/x", {})
        with_code.save_snapshot_metadata_and_manifest(metadata, b"[]")
    with pytest.raises(ConfigurationError, match="matches 2 snapshots") as caught:
        with_code.get_snapshot_by_tag_or_hash("aaaaaaa")
    assert all(hashval in str(caught.value) for hashval in hashes)


def test_metadata_that_git_ignores_is_found(workspace: GitWorkspace) -> None:
    root, metadata = workspace.paths.root, workspace.paths.metadata
    assert workspace.ignored_metadata() == []  # parameters of this machine are no matter
    (root / ".gitignore").write_text("snapshots/\n*.toml\n*.tmp\n", encoding="utf-8")
    left_out = [
        ".dataworkspace/snapshots/snapshot-" + "a" * 40 + ".json",
        ".dataworkspace/environments/pylock." + "b" * 64 + ".toml",
    ]
    for name in (*left_out, ".dataworkspace/snapshots/strange", ".dataworkspace/environments/.half.tmp"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("{}\n", encoding="utf-8")
    (metadata / "snapshots" / f"snapshot-{'c' * 40}.json").symlink_to("elsewhere")
    assert sorted(workspace.ignored_metadata()) == sorted(left_out)


@pytest.mark.parametrize(
    ("ignored", "may_hold"),
    [
        ((), False),
        (("scratch/", "code/a.pyc", "data.dataworkspace/snapshots/"), False),
        (
            (".dataworkspace/local_params.json", ".dataworkspace/current_lineage/", ".dataworkspace/objects/ab/cd"),
            False,
        ),
        ((".dataworkspace/snapshots/",), True),
        ((".dataworkspace/config.json",), True),
        ((".dataworkspace/",), True),
    ],
)
def test_which_of_what_git_ignores_is_looked_at(
    workspace: GitWorkspace, ignored: tuple[str, ...], may_hold: bool
) -> None:
    assert workspace.may_hold_metadata(ignored) is may_hold


HISTORY = """
import os, sys
os.chdir(sys.argv[1])
sys.argv[:] = ["dws", "report", "history"]
from dataworkspaces.cli.main import main
try:
    main()
finally:
    print(*(name for name in sys.modules if name.startswith("dataworkspaces.") or name == "dataclasses"))
"""


def test_a_history_imports_only_what_it_shows(with_code: GitWorkspace) -> None:
    """Dataclasses take long to make. Attestations, recovery and what a repository's damage needs are for workspaces
    that have them."""
    import subprocess
    import sys

    take(reopened(with_code), "ONE")
    command = [sys.executable, "-c", HISTORY, str(with_code.paths.root)]
    for _ in range(2):  # the first one looks for plug-ins, with what stevedore imports
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    imported = set(told.splitlines()[-1].split())
    assert "dataworkspaces.commands.history" in imported
    assert not imported & {
        "dataclasses", "dataworkspaces.lineage.attestations", "dataworkspaces.operations.transaction",
        "dataworkspaces.gitrepo.damaged_objects", "dataworkspaces.cli.cmd_init",
    }  # fmt: skip
    assert sum(name.startswith("dataworkspaces.") for name in imported) < 110
