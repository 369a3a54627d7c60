"""`dws fsck`: each kind of damage is named; `--repair` does what is safe, and loses nothing; looking changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endtoend import (
    FAILED,
    FIXTURES,
    HOST,
    User,
    copy_workspace,
    isolated_environment,
    machine_files,
    whole_state,
    write_files,
)
from forked import Forked

pytestmark = pytest.mark.slow

META = ".dataworkspace"
MANIFEST, METADATA = "snapshots/snapshot-{}.json", "snapshot_metadata/{}_md.json"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> User:
    """A healthy workspace: snapshots A and B with results and lineage, code that was not committed, a repository."""
    directory = tmp_path_factory.mktemp("fsck")
    root = directory / "ws"
    root.mkdir()
    user = Forked(root, isolated_environment(directory / "home"))
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    user.make_repository(root / "data", {"data.csv": "1\n"})
    shutil.move(root / "data.git", directory / "data.git")
    user.at(root / "data").git("remote", "set-url", "origin", directory / "data.git")
    user.batch("add", "git", "--role", "source-data", "--name", "data", "data")
    write_files(directory / "files", {"a": "1", "sub/b": "22"})
    user.batch("add", "local-files", "--role", "source-data", "--name", "files", directory / "files")
    for tag in ("A", "B"):
        write_files(
            root, {"code/run.py": f"print('{tag}')\n", "results/results.json": json.dumps({"metrics": {"n": 1}})}
        )
        user.batch(
            "run", "--name", "train", "--input", "data", "--output", "results", "--", "cp", "code/run.py", "results"
        )
        user.batch("snapshot", tag, "-m", f"snapshot {tag}")
    return user


@pytest.fixture
def ws(template: User, tmp_path: Path) -> User:
    return template.at(copy_workspace(template.cwd, tmp_path / "ws"))


def fsck(user: User, *options: str) -> dict[str, Any]:
    done = user.dws("fsck", "--json", *options, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["errors"] else 0)
    return found


def told(found: dict[str, Any]) -> list[str]:
    return [f"{p['severity']} {p['area']} {p['where']}: {p['what']}" for p in found["problems"]]


def hashes(user: User) -> dict[str, str]:
    """The hash of each snapshot, by tag."""
    found = {}
    for path in sorted((user.cwd / META / "snapshot_metadata").glob("*.json")):
        data = json.loads(path.read_text())
        found[data["tags"][0]] = data["hash"]
    return found


NO_PROBLEMS = "No problems found\nThe content of files was not checked: 'dws verify' does that\n"


def state(user: User) -> tuple[dict[str, str], dict[str, bytes]]:
    return whole_state(user.cwd), machine_files(user.cwd)


def change_json(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


# -- nothing is wrong ----------------------------------------------------------------------------------------------


def test_a_healthy_workspace_has_no_problems(ws: User) -> None:
    before = state(ws)
    assert ws.dws("fsck").stdout == NO_PROBLEMS
    assert fsck(ws) == {"problems": [], "errors": 0, "warnings": 0, "repaired": [], "complete": True}
    assert state(ws) == before


def test_a_repair_of_a_healthy_workspace_changes_nothing(ws: User) -> None:
    before = whole_state(ws.cwd)
    assert ws.dws("fsck", "--repair").stdout == NO_PROBLEMS
    assert whole_state(ws.cwd) == before


@pytest.mark.parametrize("name", ["digits", "local-files"])
def test_workspaces_of_release_1_6_have_no_errors(user: User, name: str) -> None:
    user.git("clone", "--quiet", FIXTURES / f"release-1.6-{name}.bundle", "ws")
    here = user.at(user.cwd / "ws")
    before = state(here)
    found = fsck(here)
    assert found["errors"] == 0, told(found)
    assert {p["what"].split(":")[0] for p in found["problems"]} <= {
        "is not on this machine",
        "it lacks /scratch/, .*.tmp, so git would commit files that belong to one machine",
    }
    assert state(here) == before


def test_resources_that_are_not_here_are_a_warning(ws: User) -> None:
    shutil.rmtree(ws.cwd / "data")
    found = fsck(ws)
    assert found["errors"] == 0
    assert [p["where"] for p in found["problems"]] == ["data"]


def test_no_workspace_is_an_error_of_one_line(user: User) -> None:
    done = user.dws("fsck", check=False)
    assert done.returncode in FAILED
    assert "There is no workspace" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# -- damage --------------------------------------------------------------------------------------------------------

Damage = Callable[[User], Any]


def write(relative: str, content: str | bytes) -> Damage:
    return lambda user: write_files(user.cwd / META, {relative.format(hashes(user)["A"]): content})


def remove(relative: str) -> Damage:
    return lambda user: (user.cwd / META / relative.format(hashes(user)["A"])).unlink()


def replace_by_link(relative: str, target: str) -> Damage:
    def damage(user: User) -> None:
        path = user.cwd / META / relative.format(hashes(user)["A"])
        path.unlink()
        path.symlink_to(target)

    return damage


def edit(relative: str, **values: Any) -> Damage:
    return lambda user: change_json(
        user.cwd / META / relative.format(hashes(user)["A"]), lambda data: {**data, **values}
    )


def tag_both(user: User) -> None:
    change_json(user.cwd / META / METADATA.format(hashes(user)["A"]), lambda data: {**data, "tags": ["A", "B"]})
    user.git("commit", "--quiet", "--all", "--message", "both")


def list_beside_directory(user: User) -> None:
    entries = [json.loads(p.read_text()) for p in sorted((user.cwd / META / "resources").iterdir())]
    parameters = [entry["parameters"] for entry in sorted(entries, key=lambda entry: entry["position"])]
    write_files(user.cwd, {f"{META}/resources.json": json.dumps(parameters)})
    user.git("add", META)
    user.git("commit", "--quiet", "--message", "list")


def stray_snapshot(user: User) -> None:
    old, new = hashes(user)["A"], "0" * 40
    meta = user.cwd / META
    shutil.copytree(meta / "snapshot_lineage" / old, meta / "snapshot_lineage" / new)


def manifest_alone(user: User) -> None:
    content = b"[]"
    name = subprocess.run(["git", "hash-object", "--stdin"], input=content, capture_output=True).stdout.decode().strip()
    write_files(user.cwd / META, {f"snapshots/snapshot-{name}.json": content})


def journal(user: User) -> None:
    write_files(user.cwd / ".git" / "dws", {"journal.json": "[[["})


def dead_lock(user: User) -> None:
    write_files(user.cwd / ".git" / "dws", {"lock": f"{2**22 + 1}\n{os.uname().nodename}\n"})


def unsaved(user: User) -> None:
    write_files(user.cwd / ".git" / "dws", {"unsaved": "1 1"})
    change_json(user.cwd / META / "config.json", lambda data: {**data, "name": "another"})


def orphan_commit(user: User) -> None:
    """The branch is reset behind the commit of a snapshot, as by a user's `git reset`."""
    data = user.at(user.cwd / "data")
    write_files(data.cwd, {"data.csv": "2\n"})
    user.batch("snapshot", "C", "-m", "C")
    data.git("reset", "--quiet", "--hard", "HEAD^")


def killed_step(user: User) -> None:
    lines = ["import os", "from dataworkspaces.lineage import LineageBuilder"]
    lines.append("step = LineageBuilder().with_step_name('s').with_input_path('data').eval()")
    lines += ["step.add_output_path('results')", "step.__enter__()", "os.kill(os.getpid(), 9)"]
    assert user.python("-c", "\n".join(lines), check=False).returncode == -9


def unfinished_pull(user: User) -> None:
    """Of a resource: files and index are as pulled, HEAD is not."""
    data = user.at(user.cwd / "data")
    write_files(data.cwd, {"new.csv": "1\n"})
    data.git("add", "new.csv")
    data.git("commit", "--quiet", "--message", "new")
    new, old = data.git("rev-parse", "HEAD", "HEAD^").split()
    data.git("update-ref", "HEAD", old)
    write_files(data.cwd, {".git/dws/advance.json": json.dumps({"from": old, "to": new, "then": "complete"})})


def unkept_tree(user: User) -> None:
    for ref in user.git("for-each-ref", "--format=%(refname)", "refs/dws/trees").split():
        user.git("update-ref", "-d", ref)


def dead_clone(user: User) -> None:
    write_files(user.cwd / ".git" / "dws" / f".dws-clone-{2**22 + 1}-{os.uname().nodename}-x", {"clone/file": "half"})


def no_ignores(user: User) -> None:
    (user.cwd / META / ".gitignore").write_text("local_params.json\nresource_local_params.json\ncurrent_lineage/\n")
    user.git("commit", "--quiet", "--all", "--message", "ignores")


def no_ignored_repository(user: User) -> None:
    path = user.cwd / ".gitignore"
    path.write_text(path.read_text().replace("/data/\n", ""))
    user.git("commit", "--quiet", "--all", "--message", "ignores")


DEEP = "[" * 100_000 + "]" * 100_000
REPAIRED: dict[str, tuple[Damage, str, str]] = {
    "config is not JSON": (write("config.json", "{"), "error metadata", "config.json"),
    "config is a list": (write("config.json", "[]"), "error metadata", "config.json"),
    "config is nested deeply": (write("config.json", DEEP), "error metadata", "config.json"),
    "config is not text": (write("config.json", b"\xff\xfe\0"), "error metadata", "config.json"),
    "config is missing": (remove("config.json"), "error metadata", "config.json"),
    "config is a link": (replace_by_link("config.json", "/dev/zero"), "error metadata", "config.json"),
    "resource is not JSON": (write("resources/code.json", "nothing"), "error metadata", "resources/code.json"),
    "resource is another": (edit("resources/code.json", parameters={"name": "../x"}), "error metadata", "code.json"),
    "resource is missing": (remove("resources/code.json"), "error metadata", "resources/code.json"),
    "resources twice": (list_beside_directory, "warning metadata", "resources.json"),
    "metadata is not JSON": (write(METADATA, "{"), "error snapshot", "_md.json"),
    "metadata is nested deeply": (write(METADATA, DEEP), "error snapshot", "_md.json"),
    "metadata is a list": (write(METADATA, "[1]"), "error snapshot", "_md.json"),
    "metadata of another": (edit(METADATA, hash="0" * 40), "error snapshot", "_md.json"),
    "metadata lacks keys": (write(METADATA, "{}"), "error snapshot", "_md.json"),
    "metadata is missing": (remove(METADATA), "error snapshot", "_md.json"),
    "metadata is a link": (replace_by_link(METADATA, "../config.json"), "error metadata", "_md.json"),
    "tag in two snapshots": (tag_both, "error snapshot", "B"),
    "manifest is another": (write(MANIFEST, "[]"), "error manifest", "snapshot-"),
    "manifest is missing": (remove(MANIFEST), "error manifest", "snapshot-"),
    "manifest alone": (manifest_alone, "warning manifest", "snapshot-"),
    "lineage is not JSON": (write("snapshot_lineage/{}/results.json", "{"), "error lineage", "results.json"),
    "lineage is missing": (remove("snapshot_lineage/{}/results.json"), "error lineage", "results.json"),
    "lineage alone": (stray_snapshot, "warning lineage", "snapshot_lineage/000"),
    "results are gone": (lambda u: shutil.rmtree(u.cwd / "results/snapshots" / f"{HOST}-A"), "error results", "results"),
    "journal is damaged": (journal, "error interrupted", "journal.json"),
    "lock of a dead process": (dead_lock, "warning interrupted", "lock"),
    "unsaved metadata": (unsaved, "warning interrupted", META),
    "changed by hand": (edit("config.json", name="another"), "warning metadata", META),
    "temporary files": (write(".config.json.0123.tmp", "{"), "warning local state", META),
    "killed init": (lambda u: write_files(u.cwd, {f"{META}.new/config.json": "{}"}), "warning local state", f"{META}.new"),
    "tree of code without a reference": (unkept_tree, "warning lineage", ""),
    "killed step": (killed_step, "warning interrupted", "steps"),
    "killed pull of a resource": (unfinished_pull, "warning interrupted", "data"),
    "killed clone": (dead_clone, "warning local state", ".dws-clone-"),
    "index.lock": (lambda u: write_files(u.cwd, {".git/index.lock": ""}), "error local state", "repository"),
    "index.lock of a resource": (lambda u: write_files(u.cwd, {"data/.git/index.lock": ""}), "error local state", "data"),
    "commit on no branch": (orphan_commit, "error snapshot", ""),
    "ignored files": (no_ignores, "warning metadata", ".gitignore"),
    "ignored repository": (no_ignored_repository, "warning metadata", ".gitignore"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REPAIRED)
def test_damage_that_can_be_repaired(ws: User, kind: str) -> None:
    damage, area, where = REPAIRED[kind]
    damage(ws)
    before = state(ws)
    found = fsck(ws)
    assert state(ws) == before, "looking changed something"
    told_here = [line for line in told(found) if line.startswith(area) and where in line]
    assert told_here, told(found)
    assert all(problem["remedy"] for problem in found["problems"])
    repaired = fsck(ws, "--repair")
    assert repaired["errors"] == 0, told(repaired)
    assert repaired["repaired"]
    assert told(repaired) == []
    assert told(fsck(ws)) == told(repaired)
    assert "snapshot A" in ws.dws("report", "history").stdout
    ws.batch("restore", "A")


def test_what_is_damaged_is_kept(ws: Forked) -> None:
    ws = ws.in_new_processes()
    write_files(ws.cwd, {f"{META}/config.json": "my own text"})
    fsck(ws, "--repair")
    kept = [path.read_text() for path in (ws.cwd / ".git" / "dws" / "set-aside").iterdir()]
    assert kept == ["my own text"]


def test_the_remedy_for_a_broken_config_is_a_command_that_works(ws: User) -> None:
    write_files(ws.cwd, {f"{META}/config.json": "{"})
    (problem,) = fsck(ws)["problems"]
    assert problem["remedy"].startswith(f"git -C {ws.cwd} checkout ")
    ws.run(*problem["remedy"].split())
    assert told(fsck(ws)) == []


# -- what only a person can mend -----------------------------------------------------------------------------------


def lost_commit(user: User) -> None:
    change_json(
        user.cwd / META / METADATA.format(hashes(user)["A"]),
        lambda data: {**data, "restore_hashes": {**data["restore_hashes"], "data": "1" * 40, "code": "--help"}},
    )
    user.git("commit", "--quiet", "--all", "--message", "hashes")


def lost_object(user: User) -> None:
    objects = user.cwd / "data" / ".git" / "objects"
    blob = user.at(user.cwd / "data").git("rev-parse", "HEAD:data.csv").strip()
    (objects / blob[:2] / blob[2:]).unlink()


def broken_results(user: User) -> None:
    for name in ("results.json", "lineage.json"):
        path = user.cwd / "results/snapshots" / f"{HOST}-A" / name
        path.chmod(0o644)
        path.write_text(DEEP)


def lost_tree(user: User) -> None:
    named = user.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/dws/trees").split()
    for ref, tree in zip(named[::2], named[1::2], strict=True):
        user.git("update-ref", "-d", ref)
        if "code_trees" in user.git("grep", "-h", "-A3", "code_trees", "HEAD", "--", META):
            (user.cwd / ".git" / "objects" / tree[:2] / tree[2:]).unlink(missing_ok=True)


def strange_resource(user: User) -> None:
    entry = {"position": 9, "parameters": {"resource_type": "nobody-has-it", "name": "odd", "role": "code"}}
    write_files(user.cwd, {f"{META}/resources/odd.json": json.dumps(entry)})


def escaping_resource(user: User) -> None:
    path = user.cwd / META / "resources" / "code.json"
    change_json(path, lambda data: {**data, "parameters": {**data["parameters"], "relative_path": "../../etc"}})


def odd_values(user: User) -> None:
    change_json(
        user.cwd / META / METADATA.format(hashes(user)["A"]),
        lambda data: {**data, "timestamp": "noon", "relative_destination_path": "../up", "restore_hashes": {"x": None}},
    )


def fifo(user: User) -> None:
    os.mkfifo(user.cwd / META / "snapshots" / "fifo.json")


TOLD: dict[str, tuple[Damage, list[str]]] = {
    "commit is gone": (lost_commit, ["lacks commit 111111111111", "'--help' is not a git commit hash"]),
    "object is gone": (lost_object, ["lacks objects"]),
    "results are damaged": (broken_results, ["results.json", "lineage.json"]),
    "tree of code is gone": (lost_tree, ["lacks tree"]),
    "type is not installed": (strange_resource, ["nobody-has-it"]),
    "place leads out": (escaping_resource, ["error resource code"]),
    "values of metadata": (odd_values, ["'noon'", "../up", "is missing in its metadata"]),
    "value of a parameter": (
        edit("config.json", global_params={"results.dir_template": 5}), ["error metadata parameter results.dir_template"]
    ),
    "strange file": (write("notes.txt", "mine"), ["warning metadata .dataworkspace/notes.txt"]),
    "name with dots": (write("resources/..json", "{}"), ["..json"]),
    "merge in progress": (lambda u: write_files(u.cwd, {".git/MERGE_HEAD": "1" * 40}), ["a merge is in progress"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOLD)
def test_damage_that_is_told(ws: User, kind: str) -> None:
    damage, texts = TOLD[kind]
    damage(ws)
    before = state(ws)
    lines = told(fsck(ws))
    assert state(ws) == before
    for text in texts:
        assert any(text in line for line in lines), lines
    fsck(ws, "--repair")
    assert whole_state(ws.cwd).keys() >= before[0].keys(), "the repair took something away"
    lines = told(fsck(ws))
    for text in texts:
        assert any(text in line for line in lines), lines


REBUILT = {
    "local parameters": ("local_params.json", "{", "error local state", []),
    "local parameters of resources": (
        "resource_local_params.json", '{"data": 1}', "error local state", ["warning resource files: is not on this machine"]
    ),
    "current lineage": ("current_lineage/results.json", DEEP, "error lineage", []),
}  # fmt: skip


@pytest.mark.parametrize("kind", REBUILT)
def test_damaged_file_of_this_machine_is_made_anew(ws: User, kind: str) -> None:
    name, content, area, left = REBUILT[kind]
    write(name, content)(ws)
    before = state(ws)
    lines = [line for line in told(fsck(ws)) if f"{META}/{name}" in line]
    assert any(line.startswith(area) for line in lines), lines
    assert state(ws) == before, "looking changed something"
    repaired = fsck(ws, "--repair")
    assert repaired["repaired"]
    assert told(repaired) == told(fsck(ws)) == left
    (kept,) = (ws.cwd / ".git" / "dws" / "set-aside").iterdir()
    assert kept.read_text() == content
    assert "snapshot A" in ws.dws("report", "history").stdout


def test_a_config_that_a_killed_pull_left_half_written(ws: User) -> None:
    ws.batch("config", "results.dir_template", "snapshots/{TAG}")
    new, old = ws.git("rev-parse", "HEAD", "HEAD^").split()
    ws.git("update-ref", "HEAD", old)
    noted = json.dumps({"from": old, "to": new, "then": "complete"})
    write_files(ws.cwd, {".git/dws/advance.json": noted, f"{META}/config.json": "{"})
    before = state(ws)
    found = fsck(ws)
    assert [line.split(":")[0] for line in told(found)] == ["warning interrupted advance.json"]
    assert not found["complete"]
    assert state(ws) == before
    assert told(fsck(ws, "--repair")) == []
    assert ws.git("rev-parse", "HEAD").strip() == new
    assert "snapshots/{TAG}" in (ws.cwd / META / "config.json").read_text()


def test_a_fifo_does_not_stop_it(ws: User) -> None:
    fifo(ws)
    assert "not a regular file" in " ".join(told(fsck(ws)))
    assert fsck(ws, "--repair")["errors"] == 0


def test_a_resource_that_nothing_mends_does_not_hide_the_rest(ws: User) -> None:
    write_files(ws.cwd / META, {"resources/$(id).json": "", MANIFEST.format(hashes(ws)["A"]): "x"})
    found = fsck(ws)
    assert found["complete"]
    assert [line.split(":")[0] for line in told(found)] == [
        f"error metadata {META}/resources/$(id).json",
        f"error manifest {META}/{MANIFEST.format(hashes(ws)['A'])}",
    ]
    assert [line.split(":")[0] for line in told(fsck(ws, "--repair"))] == [
        f"error metadata {META}/resources/$(id).json"
    ]


def test_a_commit_that_a_pull_may_bring_is_a_warning(ws: User) -> None:
    """The snapshot of somebody else is here, what it refers to is not yet; if it is a snapshot of this copy, it is lost."""
    path = ws.cwd / META / METADATA.format(hashes(ws)["A"])
    for host, severity in (("another", "warning"), (HOST, "error")):
        hash_of = {**json.loads(path.read_text())["restore_hashes"], "data": "1" * 40}
        change_json(
            path, lambda data, hash_of=hash_of, host=host: {**data, "hostname": host, "restore_hashes": hash_of}
        )
        ws.git("commit", "--quiet", "--all", "--message", host)
        (line,) = told(fsck(ws))
        assert line.startswith(f"{severity} snapshot {hashes(ws)['A'][:7]}: resource 'data' lacks commit 1111")


def test_without_git_it_says_so(ws: User) -> None:
    (ws.cwd / ".git").rename(ws.cwd / "moved")
    found = fsck(ws)
    assert not found["complete"]
    assert "is not a git repository" in told(found)[0]
    assert fsck(ws, "--repair")["errors"] == 1


def test_a_file_that_is_too_large_is_not_read(ws: User) -> None:
    with (ws.cwd / META / "config.json").open("r+b") as file:
        file.truncate(300 << 20)  # without taking space
    assert "is larger than" in told(fsck(ws))[0]
    assert told(fsck(ws, "--repair")) == []


def test_a_file_in_a_linked_directory_is_not_touched(ws: User, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (ws.cwd / META / "snapshots").rename(outside)
    for path in outside.iterdir():
        path.write_text("not ours")
    (ws.cwd / META / "snapshots").symlink_to(outside)
    assert "a symbolic link" in told(fsck(ws))[0]
    assert told(fsck(ws, "--repair")) == []
    assert {path.read_text() for path in outside.iterdir()} == {"not ours"}


def test_a_good_version_is_found_behind_a_committed_bad_one(ws: User) -> None:
    path = ws.cwd / META / "config.json"
    good = path.read_text()
    for text in ("{", "[]"):
        path.write_text(text)
        ws.git("commit", "--quiet", "--all", "--message", "damage")
    assert fsck(ws)["errors"] == 1
    assert told(fsck(ws, "--repair")) == []
    assert path.read_text() == good
    assert ws.git("status", "--porcelain", META) == ""


def test_while_another_command_runs_it_looks_and_does_not_repair(ws: User) -> None:
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_files(ws.cwd / ".git" / "dws", {"lock": f"{holder.pid}\n{os.uname().nodename}\n"})
    try:
        assert told(fsck(ws))[0].startswith("warning interrupted lock")
        done = ws.at(ws.cwd, DWS_LOCK_TIMEOUT="0.1").dws("fsck", "--repair", check=False)
        assert done.returncode in FAILED
        assert "holds the lock" in done.stderr
    finally:
        holder.communicate()


def test_people_read_it_by_area(ws: User) -> None:
    write_files(ws.cwd, {f"{META}/snapshots/snapshot-{hashes(ws)['A']}.json": "x", f"{META}/odd": ""})
    done = ws.dws("fsck", check=False)
    lines = done.stdout.splitlines()
    assert done.returncode in FAILED
    assert lines.index("Metadata") < lines.index("Manifest")
    assert "1 error, 1 warning" in lines
    assert "'dws fsck --repair' makes the safe repairs" in lines
    repaired = ws.dws("fsck", "--repair").stdout.splitlines()
    assert repaired[0] == "Repaired"
    assert "1 warning" in repaired
