"""Bad input ends with one clear line, the right exit status, no traceback, and nothing changed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endtoend import FAILED, HOST, LABELS, User, copy_workspace, isolated_environment, whole_state, write_files
from forked import Forked

Failing = Callable[..., str]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with workspaces to copy: ``ws`` has two resources, ``snapshotted`` the snapshot `A` of them too."""
    directory = tmp_path_factory.mktemp("templates")
    user = Forked(directory / "ws", isolated_environment(directory / "home"))
    user.cwd.mkdir()
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(user.cwd, {"code/run.py": "print(1)\n"})
    copy = user.at(copy_workspace(user.cwd, directory / "snapshotted"))
    copy.batch("snapshot", "A", "-m", "first")
    return directory


@pytest.fixture
def workspace(user: User, templates: Path) -> User:
    """At the root of a workspace with the resources `code` and `results`, and nothing snapshotted."""
    return user.at(copy_workspace(templates / "ws", user.cwd / "ws"))


@pytest.fixture
def snapshotted(user: User, templates: Path) -> User:
    """The workspace with one snapshot, tagged `A`."""
    return user.at(copy_workspace(templates / "snapshotted", user.cwd / "ws"))


def refused(user: User, *arguments: str, status: int = 1, batch: bool = True, input: str = "") -> str:
    """Run a command that must fail and change nothing; what it said on stderr."""
    before = whole_state(user.cwd)
    done = user.dws(*(["--batch"] if batch else []), *arguments, check=False, input=input)
    said = done.stderr
    assert done.returncode in (FAILED if status == 1 else [status]), f"{done.returncode}\n{done.stdout}{said}"
    assert "Traceback" not in done.stdout + said
    if status == 1:
        assert len(said.strip().splitlines()) == 1, said
        assert said.startswith(LABELS), said
    assert whole_state(user.cwd) == before
    return said


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text())), indent=2))


def edit_resource(user: User, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what the metadata says of a resource."""
    path = user.cwd / ".dataworkspace" / "resources" / f"{name}.json"
    edit(path, lambda entry: {**entry, "parameters": change(entry["parameters"])})


def add_to_metadata(user: User, params: dict[str, str]) -> None:
    """Add a resource as somebody else's program might have."""
    path = user.cwd / ".dataworkspace" / "resources" / f"{params['name']}.json"
    path.write_text(json.dumps({"position": 9, "parameters": params}))


def commit_all(user: User) -> None:
    user.git("add", "--all")
    user.git("commit", "-q", "-m", "edited")


@pytest.mark.parametrize(
    ("command", "says"),
    [(["restore", "basline"], "basline"), (["snapshot", "a b"], "a b"), (["config", "results.dir"], "results.dir")],
    ids=["restore", "snapshot", "config"],
)
def test_program_that_starts_as_anybody_s(snapshotted: Forked, command: list[str], says: str) -> None:
    """All others here are forked from one that has started."""
    assert says in refused(snapshotted.in_new_processes(), *command)


def test_broken_metadata_for_a_program_that_starts_as_anybody_s(snapshotted: Forked) -> None:
    write_files(snapshotted.cwd, {".dataworkspace/config.json": '{"name": "ws", "dws-ver', "code/new": "x"})
    assert "config.json" in refused(snapshotted.in_new_processes(), "snapshot", "B")


# -- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["snapshot", "A"], ["restore", "A"], ["delete-snapshot", "A"], ["report", "status"], ["report", "history"],
        ["report", "lineage"], ["report", "results"], ["diff", "A", "B"], ["config"], ["status"],
        ["add", "git", "--role", "code", "--name", "x", "."], ["add", "local-files", "--role", "code", "--name", "x", "."],
    ],
    ids=" ".join,
)  # fmt: skip
def test_not_in_a_workspace(user: User, command: list[str]) -> None:
    assert "no workspace" in refused(user, *command)


def test_workspace_dir_that_is_no_workspace(workspace: User) -> None:
    said = refused(workspace, "snapshot", "--workspace-dir", "code", "A")
    assert "is not a workspace" in said


def test_workspace_dir_that_does_not_exist(workspace: User) -> None:
    said = refused(workspace, "report", "--workspace-dir", "nowhere", "status", status=1)
    assert "nowhere" in said


def test_workspace_without_its_git_directory(workspace: User) -> None:
    shutil.move(workspace.cwd / ".git", workspace.cwd.parent / "git")
    assert "git" in refused(workspace, "snapshot", "A")


# -- init -----------------------------------------------------------------------------------------------------------


def test_init_twice(workspace: User) -> None:
    assert "is already a workspace" in refused(workspace, "init", "--hostname", HOST)


def test_init_below_a_workspace(user: User) -> None:
    user.batch("init", "--hostname", HOST)
    (user.cwd / "below").mkdir()
    refused(user.at(user.cwd / "below"), "init", "--hostname", HOST)


@pytest.mark.parametrize("name", ["-x", "a b", "a/b", "../a", "ä", "a\nb", ""])
def test_invalid_host_name(user: User, name: str) -> None:
    refused(user, "init", f"--hostname={name}")


def test_unknown_role_to_create(user: User) -> None:
    said = refused(user, "init", "--hostname", HOST, "--create-resources", "code,reslts", status=1)
    assert "reslts" in said


@pytest.mark.parametrize("directory", ["../scratch", "a/../../b"])
def test_scratch_directory_outside(user: User, directory: str) -> None:
    assert directory in refused(user, "init", "--hostname", HOST, "--scratch-directory", directory)


def test_init_in_a_repository_without_branch(user: User) -> None:
    user.git("init", "-q")
    user.git("commit", "-q", "--allow-empty", "-m", "x")
    user.git("checkout", "-q", "--detach")
    assert "branch" in refused(user, "init", "--hostname", HOST)


# -- git ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [True, False], ids=["batch", "interactive"])
@pytest.mark.parametrize(
    "command",
    [["snapshot", "B"], ["add", "git", "--role", "intermediate-data", "--name", "x", "./more"], ["config", "results.dir_template", "snapshots/{TAG}"]],
    ids=lambda command: command[0],
)  # fmt: skip
def test_no_git_identity(snapshotted: User, command: list[str], batch: bool) -> None:
    write_files(snapshotted.cwd, {"more/file": "x"})
    nobody = snapshotted.at(snapshotted.cwd, GIT_CONFIG_GLOBAL="/dev/null", HOME="/nonexistent", EMAIL="")
    nobody.git("config", "user.useConfigOnly", "true")
    said = refused(nobody, *command, batch=batch)
    assert "git config --global user.name" in said
    assert "user.email" in said


@pytest.mark.parametrize("batch", [True, False], ids=["batch", "interactive"])
def test_no_git_identity_at_init(user: User, batch: bool) -> None:
    config = user.cwd.parent / "gitconfig"
    config.write_text("[user]\n\tuseConfigOnly = true\n")
    nobody = user.at(user.cwd, GIT_CONFIG_GLOBAL=str(config))
    said = refused(nobody, "init", "--hostname", HOST, batch=batch)
    assert "git config --global user.name" in said


def test_merge_in_progress(snapshotted: User) -> None:
    for branch in ("one", "two"):
        snapshotted.git("switch", "-q", "-c", branch, "main")
        (snapshotted.cwd / "code" / "run.py").write_text(f"{branch}\n")
        snapshotted.git("commit", "-q", "-a", "-m", branch)
    snapshotted.git("switch", "-q", "main")
    snapshotted.git("merge", "-q", "one")
    snapshotted.git("merge", "-q", "two", check=False)
    assert "merge is in progress" in refused(snapshotted, "snapshot", "B")


def test_detached_head_in_a_repository_that_is_a_resource(snapshotted: User) -> None:
    repository = snapshotted.make_repository(snapshotted.cwd / "data", {"a": "1"})
    shutil.rmtree(snapshotted.cwd / "data.git")
    snapshotted.batch("add", "git", "--role", "source-data", "--name", "data", "./data")
    repository.git("checkout", "-q", "--detach")
    write_files(snapshotted.cwd, {"code/new": "x", "results/results.json": "{}"})
    assert "'data'" in refused(snapshotted, "snapshot", "B")


def test_repository_of_a_resource_that_is_gone(snapshotted: User) -> None:
    snapshotted.make_repository(snapshotted.cwd / "data", {"a": "1"})
    snapshotted.batch("add", "git", "--role", "source-data", "--name", "data", "./data")
    shutil.rmtree(snapshotted.cwd / "data")
    write_files(snapshotted.cwd, {"results/results.json": "{}"})
    said = refused(snapshotted, "snapshot", "B")
    assert "'data'" in said
    assert "git clone" in said


def test_configuration_of_git_that_it_cannot_read(snapshotted: User) -> None:
    (snapshotted.cwd.parent / "gitconfig").write_text("[user\n\tname = Ada\n")
    write_files(snapshotted.cwd, {"code/new": "x"})
    here = snapshotted.at(snapshotted.cwd, GIT_CONFIG_GLOBAL=str(snapshotted.cwd.parent / "gitconfig"))
    done = here.batch("snapshot", "B", check=False)
    assert done.returncode in FAILED
    assert "bad config line 1" in done.stderr


def test_no_git_program(snapshotted: Forked) -> None:
    without = snapshotted.in_new_processes().at(snapshotted.cwd, PATH="/nonexistent")
    write_files(snapshotted.cwd, {"code/new": "x", "results/results.json": "{}"})
    assert "'git' was not found" in refused(without, "snapshot", "B")


def test_no_git_program_at_init(user: Forked) -> None:
    without = user.in_new_processes().at(user.cwd, PATH="/nonexistent")
    assert "'git' was not found" in refused(without, "init", "--hostname", HOST)


# -- metadata -------------------------------------------------------------------------------------------------------

METADATA = ["config.json", "resources/code.json", "resources.json", "local_params.json"]
BROKEN = {
    "empty": "",
    "half": '{"name": "ws", "dws-ver',
    "no JSON": "<<<<<<< HEAD\n",
    "another type": "3",
    "null": "null",
    "deeply nested": "[" * 200_000,
    "no UTF-8": b"\xff\xfe{",
    "huge number": "1" * 10_000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_is_broken(snapshotted: User, name: str, content: str | bytes) -> None:
    write_files(snapshotted.cwd, {f".dataworkspace/{name}": content, "code/new": "x"})
    assert name in refused(snapshotted, "snapshot", "B")


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_metadata_of_a_snapshot_that_is_broken(snapshotted: User, content: str | bytes) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert path.name in refused(snapshotted, "report", "history")


@pytest.mark.parametrize("key", ["hash", "tags", "message", "hostname", "timestamp", "restore_hashes"])
def test_metadata_of_a_snapshot_lacks_a_key(snapshotted: User, key: str) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    edit(path, lambda data: {k: v for k, v in data.items() if k != key})
    said = refused(snapshotted, "restore", "A")
    assert path.name in said
    assert key in said


@pytest.mark.parametrize(
    ("key", "value"),
    [("tags", 3), ("tags", [3]), ("restore_hashes", "x"), ("restore_hashes", []), ("hash", None), ("timestamp", 1)],
    ids=str,
)
def test_metadata_of_a_snapshot_has_a_value_of_another_type(snapshotted: User, key: str, value: object) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    edit(path, lambda data: {**data, key: value})
    assert path.name in refused(snapshotted, "report", "history")


def test_manifest_is_missing(snapshotted: User) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshots").iterdir()
    path.unlink()
    assert path.name in refused(snapshotted, "restore", "A")


@pytest.mark.parametrize("content", ["", "{}", "[3]", "null", '[{"resource_type": "git"}]'])
def test_manifest_is_broken(snapshotted: User, content: str) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshots").iterdir()
    path.write_text(content)
    commit_all(snapshotted)  # else git's own copy, which is whole, is read
    said = refused(snapshotted, "restore", "A")
    assert path.name in said or path.name[9:-5] in said


@pytest.mark.parametrize("key", ["name", "dws-version"])
def test_config_lacks_a_key(snapshotted: User, key: str) -> None:
    edit(snapshotted.cwd / ".dataworkspace" / "config.json", lambda data: {k: v for k, v in data.items() if k != key})
    said = refused(snapshotted, "report", "status")
    assert "config.json" in said
    assert key in said


@pytest.mark.parametrize("key", ["name", "role", "resource_type", "relative_path"])
def test_resource_lacks_a_key(snapshotted: User, key: str) -> None:
    edit_resource(snapshotted, "code", lambda params: {k: v for k, v in params.items() if k != key})
    commit_all(snapshotted)
    said = refused(snapshotted, "snapshot", "B")
    assert key in said
    assert "metadata" in said.lower() or "resources" in said


@pytest.mark.parametrize("file", ["config.json", "resources/code.json"])
def test_metadata_file_is_gone(snapshotted: User, file: str) -> None:
    (snapshotted.cwd / ".dataworkspace" / file).unlink()
    if file == "config.json":
        assert file in refused(snapshotted, "snapshot", "B")
    else:
        snapshotted.batch("report", "status")


def test_commit_of_a_snapshot_is_gone(snapshotted: User) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    edit(path, lambda data: {**data, "restore_hashes": dict.fromkeys(data["restore_hashes"], "f" * 40)})
    assert "f" * 40 in refused(snapshotted, "restore", "A")


# -- metadata that somebody made to harm -----------------------------------------------------------------------------

HOSTILE = {
    "path leads out": {"relative_path": "../../outside"},
    "path is absolute": {"relative_path": "/etc"},
    "path is git's": {"relative_path": ".git/hooks"},
    "path is the metadata's": {"relative_path": ".dataworkspace"},
    "path is an option": {"relative_path": "--output=/tmp/x/../y"},
    "path is not a string": {"relative_path": ["code"]},
    "name leads out": {"name": "../../outside"},
    "name is not a string": {"name": ["code"]},
    "name has a slash": {"name": "a/b"},
    "name is an option": {"name": "--all"},
    "name has a line break": {"name": "a\nb"},
    "name is empty": {"name": ""},
    "role is unknown": {"role": "everything"},
    "role leads out": {"role": "../.."},
    "role is not a string": {"role": ["code"]},
    "type is not a string": {"resource_type": {"git": 1}},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_subdirectory(snapshotted: User, change: dict[str, object]) -> None:
    edit_resource(snapshotted, "code", lambda params: {**params, **change})
    commit_all(snapshotted)
    refused(snapshotted, "snapshot", "B")


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_subdirectory_in_a_list_of_release_1_6(snapshotted: User, change: dict[str, object]) -> None:
    params = {"resource_type": "git-subdirectory", "name": "more", "role": "code", "relative_path": "more", **change}
    write_files(snapshotted.cwd, {".dataworkspace/resources.json": json.dumps([params]), "more/a.py": "1"})
    commit_all(snapshotted)
    refused(snapshotted, "snapshot", "B")


@pytest.mark.parametrize(
    "change",
    [
        {"branch": "--upload-pack=touch x"},
        {"branch": "a b"},
        {"relative_local_path": "../outside"},
        {"relative_local_path": "/etc"},
    ],
    ids=str,
)
def test_hostile_repository(snapshotted: User, change: dict[str, object]) -> None:
    snapshotted.make_repository(snapshotted.cwd / "data", {"a": "1"})
    snapshotted.batch("add", "git", "--role", "source-data", "--name", "data", "./data")
    shutil.rmtree(snapshotted.cwd / "data.git")
    edit_resource(snapshotted, "data", lambda params: {**params, **change})
    snapshotted.git("commit", "-q", "-a", "-m", "edited")
    refused(snapshotted, "snapshot", "B")


def test_hostile_restore_hash(snapshotted: User) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    edit(path, lambda data: {**data, "restore_hashes": {"code": "--output=/tmp/x", "results": "HEAD"}})
    refused(snapshotted, "restore", "A")


@pytest.mark.parametrize("place", ["../../outside", "/etc", "code", "snapshots/../../../outside", "snapshots"])
def test_hostile_destination_of_results(snapshotted: User, place: str) -> None:
    """Deleting the snapshot would delete what is there."""
    write_files(snapshotted.cwd.parent, {"outside/file": "x"})
    write_files(snapshotted.cwd, {"results/snapshots/host1-B/file": "x"})
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    edit(path, lambda data: {**data, "relative_destination_path": place})
    done = snapshotted.dws("delete-snapshot", "A", input="y\n", check=False)
    assert "Traceback" not in done.stderr
    assert (snapshotted.cwd.parent / "outside" / "file").exists()
    assert (snapshotted.cwd / "code" / "run.py").exists()
    assert (snapshotted.cwd / "results" / "snapshots" / "host1-B" / "file").exists()


def test_hostile_template(snapshotted: User) -> None:
    path = snapshotted.cwd / ".dataworkspace" / "config.json"
    edit(path, lambda c: {**c, "global_params": {**c["global_params"], "results.dir_template": "../../{TAG}"}})
    write_files(snapshotted.cwd, {"results/results.json": "{}"})
    refused(snapshotted, "snapshot", "B")


def test_unknown_type_is_named(snapshotted: User) -> None:
    add_to_metadata(snapshotted, {"resource_type": "teapot", "name": "tea", "role": "source-data"})
    commit_all(snapshotted)
    assert "teapot" in refused(snapshotted, "snapshot", "B")


def test_text_from_metadata_moves_no_cursor(snapshotted: User) -> None:
    (path,) = (snapshotted.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    edit(path, lambda data: {**data, "message": "\x1b[2J\x1b]0;owned\x07"})
    assert "\x1b" not in snapshotted.dws("report", "history").stdout


# -- tags and hashes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["a b", "a/b", "../a", ".a", "_a", "ä", "a\nb", "{TAG}", "a:b", "a~", ""])
def test_invalid_tag(snapshotted: User, tag: str) -> None:
    write_files(snapshotted.cwd, {"results/results.json": "{}"})
    refused(snapshotted, "snapshot", "--", tag)


@pytest.mark.parametrize("tag", ["abcdef0", "1234567", "ABCDEF0", "0123456789" * 4])
def test_tag_like_a_hash(snapshotted: User, tag: str) -> None:
    assert "hash" in refused(snapshotted, "snapshot", tag)


def test_tag_that_is_taken(snapshotted: User) -> None:
    write_files(snapshotted.cwd, {"code/new": "x", "results/results.json": "{}"})
    assert "'A'" in refused(snapshotted, "snapshot", "A")


def test_results_of_the_tag_are_there_already(snapshotted: User) -> None:
    write_files(snapshotted.cwd, {"results/snapshots/host1-B/mine": "x", "results/results.json": "{}"})
    said = refused(snapshotted, "snapshot", "B")
    assert "snapshots/host1-B" in said


@pytest.mark.parametrize("command", ["restore", "delete-snapshot"])
@pytest.mark.parametrize("which", ["NONE", "abcdef0", "a", "../A", "-1"])
def test_unknown_snapshot(snapshotted: User, command: str, which: str) -> None:
    assert which in refused(snapshotted, command, "--", which)


def test_similar_tag_is_suggested(snapshotted: User) -> None:
    write_files(snapshotted.cwd, {"code/new": "x"})
    snapshotted.batch("snapshot", "baseline")
    assert "baseline" in refused(snapshotted, "restore", "basline")


@pytest.mark.parametrize(
    "command", [["report", "lineage", "--snapshot", "NONE"], ["report", "results", "--snapshot", "NONE"], ["diff", "A", "NONE"]],
    ids=" ".join,
)  # fmt: skip
def test_report_of_an_unknown_snapshot(snapshotted: User, command: list[str]) -> None:
    assert "NONE" in refused(snapshotted, *command)


# -- resources ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--only", "--leave"])
@pytest.mark.parametrize("names", ["cod", "code,cod"])
def test_restore_of_an_unknown_resource(snapshotted: User, option: str, names: str) -> None:
    assert "'cod'" in refused(snapshotted, "restore", "A", option, names)


def test_only_and_leave_together(snapshotted: User) -> None:
    done = snapshotted.batch("restore", "A", "--only", "code", "--leave", "results", check=False)
    assert done.returncode in (*FAILED, 2)
    assert "--skip" in done.stderr


def test_results_of_an_unknown_resource(snapshotted: User) -> None:
    assert "'cod'" in refused(snapshotted, "report", "results", "--resource", "cod")


def test_add_outside_the_workspace_what_is_no_repository(workspace: User) -> None:
    (workspace.cwd.parent / "outside").mkdir()
    said = refused(workspace, "add", "git", "--role", "code", "--name", "x", "../outside")
    assert "outside" in said


def test_add_what_does_not_exist(workspace: User) -> None:
    assert "nowhere" in refused(workspace, "add", "local-files", "--role", "source-data", "--name", "x", "../nowhere")


@pytest.mark.parametrize("path", [".", "..", "code", "code/inside", ".git", ".dataworkspace"])
def test_add_a_place_that_is_taken(workspace: User, path: str) -> None:
    (workspace.cwd / "code" / "inside").mkdir()
    refused(workspace, "add", "git", "--role", "code", "--name", "x", path)


def test_add_a_url(workspace: User) -> None:
    said = refused(workspace, "add", "git", "--role", "code", "--name", "x", "https://example.com/a.git")
    assert "clone" in said


def test_add_a_name_that_is_taken(workspace: User) -> None:
    write_files(workspace.cwd, {"more/file": "x"})
    assert "'code'" in refused(workspace, "add", "git", "--role", "code", "--name", "code", "more")


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", "a\nb", ""])
def test_add_an_invalid_name(workspace: User, name: str) -> None:
    write_files(workspace.cwd, {"more/file": "x"})
    refused(workspace, "add", "git", "--role", "code", f"--name={name}", "more")


def test_add_without_role_in_batch_names_the_option(workspace: User) -> None:
    write_files(workspace.cwd, {"more/file": "x"})
    assert "--role" in refused(workspace, "add", "git", "--name", "x", "more")


def test_add_a_repository_that_is_tracked(workspace: User) -> None:
    write_files(workspace.cwd, {"data/file": "x"})
    commit_all(workspace)
    workspace.make_repository(workspace.cwd / "data", {"file": "x"})
    shutil.rmtree(workspace.cwd / "data.git")
    said = refused(workspace, "add", "git", "--role", "source-data", "--name", "x", "data")
    assert "tracks" in said


@pytest.mark.parametrize(
    ("role", "option"), [("source-data", "--export"), ("code", "--export"), ("results", "--imported"), ("code", "--imported")]
)  # fmt: skip
def test_export_and_import_of_another_role(workspace: User, role: str, option: str) -> None:
    (workspace.cwd.parent / "files").mkdir()
    said = refused(workspace, "add", "local-files", "--role", role, "--name", "x", option, "../files")
    assert option in said


def test_api_resource_for_results(workspace: User) -> None:
    done = workspace.batch("add", "api-resource", "--role", "results", "--name", "x", check=False)
    assert done.returncode in (*FAILED, 2)
    assert "results" in done.stderr


# -- parameters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "template", ["snapshots/{NAME}", "results/{TAG}", "snapshots/../{TAG}", "/{TAG}", "snapshots/{"]
)
def test_invalid_template(workspace: User, template: str) -> None:
    refused(workspace, "config", "results.dir_template", template)


def test_unknown_parameter(workspace: User) -> None:
    assert "results.dir" in refused(workspace, "config", "results.dir")


def test_parameter_of_an_unknown_resource(workspace: User) -> None:
    assert "'cod'" in refused(workspace, "config", "--resource", "cod")


def test_value_of_another_type(workspace: User) -> None:
    refused(workspace, "config", "results.move_exclude_files", "README")


def test_host_name_that_leads_out(workspace: User) -> None:
    refused(workspace, "config", "hostname", "../x")


# -- wrong usage ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["snapshto"], ["snapshot", "--no-such-option"], ["snapshot", "A", "B"], ["restore"], ["report"], ["report", "x"],
        ["add", "git", "--role", "everything", "."], ["add", "teapot"], ["report", "history", "--limit", "many"],
        ["diff", "--precision", "many", "A"], ["init", "--git-fat-user", "ada"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(workspace: User, command: list[str]) -> None:
    said = refused(workspace, *command, status=2)
    assert "Usage: dws" in said or "error:" in said


def test_end_of_input_where_an_answer_is_needed(snapshotted: User) -> None:
    refused(snapshotted, "restore", "A", batch=False)


def test_batch_takes_the_default_of_delete_snapshot_or_says_how_to_answer(snapshotted: User) -> None:
    done = snapshotted.batch("delete-snapshot", "A", check=False)
    assert done.returncode in (0, *FAILED)
    assert "Traceback" not in done.stderr


def test_verbose_tells_the_cause(snapshotted: User) -> None:
    write_files(snapshotted.cwd, {".dataworkspace/config.json": "x"})
    done = snapshotted.dws("--verbose", "--batch", "report", "status", check=False)
    assert done.returncode in FAILED
    assert "JSONDecodeError" in done.stderr


def test_reader_that_goes_away(snapshotted: User) -> None:
    from endtoend import program

    done = subprocess.run(
        ["sh", "-c", f"'{program('dws')}' report history | true"], cwd=snapshotted.cwd, env=snapshotted.env, capture_output=True
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
