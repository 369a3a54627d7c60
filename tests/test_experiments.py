"""Experiments: snapshots beside the working line, on one machine and on two."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from collaboration import Hub, machine, make_hub
from endtoend import (
    FAILED,
    HOST,
    User,
    copy_workspace,
    isolated_environment,
    program,
    read_tree,
    whole_state,
    write_files,
)
from forked import Forked
from kill_points import kill_points
from test_kill import Server

EXPERIMENTS = "refs/dws/experiments/"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """Snapshot V1 of code here and in a repository of its own, data that is kept, and results; then other work."""
    root = tmp_path_factory.mktemp("experiments") / "base"
    root.mkdir()
    user = Forked(root, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    user.make_repository(root / "library", {"lib.py": "y = 1\n"})
    write_files(root, {"data/rows": "1\n"})
    user.batch("add", "local-files", "--role", "source-data", "--restorable", "./data")
    user.batch("add", "git", "--role", "code", "./library")
    work(user, 1)
    user.batch("snapshot", "V1")
    work(user, 2)
    return root


def work(user: User, number: int) -> None:
    write_files(
        user.cwd,
        {
            "code/train.py": f"x = {number}\n",
            "library/lib.py": f"y = {number}\n",
            "params.yaml": f"x: {number}\n",
            "data/rows": f"{number}\n",
            "results/results.json": json.dumps({"metrics": {"accuracy": number / 10}}),
        },
    )


@pytest.fixture
def here(base: Path, tmp_path: Path, env: dict[str, str]) -> User:
    return Forked(copy_workspace(base, tmp_path / "ws"), env)


def experiments(user: User) -> list[str]:
    return [row["experiment"] for row in user.json("history", "--experiments")["snapshots"]]


def state(user: User) -> dict[str, str]:
    """What an experiment must not change: all but references to experiments, what is kept aside, and git's notes of
    files' times."""
    everything = whole_state(user.cwd)
    return {
        path: told
        for path, told in everything.items()
        if "refs/dws" not in path and not path.startswith((".dataworkspace/objects", ".git/info"))
    }


def test_an_experiment_moves_nothing(here: User) -> None:
    here.dws("status")
    before, head = state(here), here.git("rev-parse", "HEAD")
    taken = here.json("snapshot", "--experiment", "larger-x", "-m", "x is 2", "--label", "kind=try")
    assert (taken["experiment"], taken["is_new"], taken["metrics"]) == ("larger-x", True, {"accuracy": 0.2})
    assert (state(here), here.git("rev-parse", "HEAD")) == (before, head)
    assert [row["tags"] for row in here.json("history")["snapshots"]] == [["V1"]]
    (row,) = here.json("history", "--experiments")["snapshots"]
    assert (row["experiment"], row["message"], row["values"]["accuracy"]) == ("larger-x", "x is 2", 0.2)
    assert row["parents"] == [here.json("show", "V1")["hash"]]
    assert here.json("fsck")["problems"] == []
    again = here.json("snapshot", "--experiment", "larger-x")
    assert (again["hash"], again["is_new"]) == (taken["hash"], False)


def test_a_name_is_not_given_twice(here: User) -> None:
    here.dws("snapshot", "--experiment", "svc/1")
    work(here, 3)
    for name in ("svc/1", "svc", "svc/1/2"):
        refused = here.dws("snapshot", "--experiment", name, check=False)
        assert (refused.returncode, "choose another name" in refused.stderr.lower()) == (8, True), refused.stderr
    assert experiments(here) == ["svc/1"]


@pytest.mark.parametrize(
    "name", ["-n", "../up", "a..b", "a b", "a~1", "x.lock", "", "/x", "x/", "deadbeef", "a\nb", "@{u}"]
)
def test_names_that_cannot_be(here: User, name: str) -> None:
    refused = here.dws("snapshot", f"--experiment={name}", check=False)
    assert refused.returncode == 1
    assert "cannot name an experiment" in refused.stderr
    assert "refs/dws/experiments" not in here.git("for-each-ref")


def test_other_commands_take_its_name(here: User, tmp_path: Path) -> None:
    here.dws("snapshot", "--experiment", "svc/2")
    work(here, 3)
    here.dws("snapshot", "--experiment", "svc/10")
    assert experiments(here) == ["svc/2", "svc/10"]
    assert here.json("show", "svc/2")["metrics"] == {"accuracy": 0.2}
    different = here.json("diff", "svc/2", "svc/10")
    assert {r["name"]: r["state"] for r in different["resources"]} == {
        "code": "different", "results": "different", "data": "different", "library": "different",
        "_workspace": "different",
    }  # fmt: skip
    there = here.at(tmp_path / "there")
    here.dws("checkout", "svc/2", there.cwd)
    for name in ("code/train.py", "library/lib.py", "params.yaml", "data/rows", "results/results.json"):
        assert "2" in (there.cwd / name).read_text(), name
    here.batch("restore", "svc/2")
    assert (here.cwd / "code/train.py").read_text() == "x = 2\n"
    assert (here.cwd / "library/lib.py").read_text() == "y = 2\n"
    assert (here.cwd / "data/rows").read_text() == "2\n"
    assert [row["tags"] for row in here.json("history")["snapshots"]] == [["V1"]]


def test_adopted_at_once_it_is_as_a_snapshot(here: User) -> None:
    here.dws("snapshot", "--experiment", "try")
    adopted = here.json("adopt", "try")
    assert [r["changes"] for r in adopted["restored"]] == [[]] * len(adopted["restored"])
    assert adopted["snapshot"]["tags"] == ["try"]
    assert not (here.cwd / "results/results.json").exists()
    assert (here.cwd / f"results/snapshots/{HOST}-try/results.json").exists()
    assert here.json("status")["is_snapshot"]
    assert here.json("fsck")["problems"] == []
    assert [row["tags"] for row in here.json("history")["snapshots"]] == [["try"], ["V1"]]
    assert here.json("adopt", "try")["snapshot"] == adopted["snapshot"]


def test_adopt_says_what_it_changes_and_overwrites_nothing_unsaved(here: User) -> None:
    here.dws("snapshot", "--experiment", "try")
    here.batch("restore", "V1")
    before = read_tree(here.cwd)
    plan = here.dws("adopt", "--dry-run", "try").stdout
    assert "Would change code: modified train.py" in plan
    assert "Would change data: modified rows" in plan
    assert read_tree(here.cwd) == before
    write_files(here.cwd, {"code/train.py": "x = 77\n"})
    refused = here.batch("adopt", "try", check=False)
    assert (refused.returncode, "code:train.py" in refused.stderr) == (8, True)
    here.dws("snapshot", "--experiment", "keep-77")
    asked = Popen([program("dws"), "adopt", "try"], stdin=PIPE, stdout=PIPE, cwd=here.cwd, env=here.env, text=True)
    assert asked.stdout is not None
    assert any("Will change data" in line for line in asked.stdout)  # the question follows
    write_files(here.cwd, {"code/train.py": "x = 78\n"})  # while it is open
    asked.communicate("y\n")
    assert (asked.returncode, (here.cwd / "code/train.py").read_text()) == (8, "x = 78\n")
    write_files(here.cwd, {"code/train.py": "x = 77\n"})
    here.batch("adopt", "try")
    assert (here.cwd / "code/train.py").read_text() == "x = 2\n"
    assert here.json("fsck")["problems"] == []
    here.batch("adopt", "keep-77")
    assert (here.cwd / "code/train.py").read_text() == "x = 77\n"
    assert {tuple(row["tags"]) for row in here.json("history")["snapshots"]} == {("try",), ("keep-77",), ("V1",)}


def test_gc_holds_its_content_until_it_is_removed(here: User) -> None:
    here.dws("snapshot", "--experiment", "try")
    work(here, 3)
    here.dws("snapshot", "V3")
    here.dws("gc", "--yes", "--keep-days", "0")
    here.git("gc", "--quiet", "--prune=now")
    here.at(here.cwd / "library").git("gc", "--quiet", "--prune=now")
    here.batch("restore", "try")
    assert (here.cwd / "data/rows").read_text() == "2\n"
    assert (here.cwd / "library/lib.py").read_text() == "y = 2\n"
    here.batch("restore", "V3")
    here.dws("remove-experiment", "try")
    assert experiments(here) == []
    assert "refs/dws/versions" not in here.at(here.cwd / "library").git("for-each-ref")
    assert here.dws("show", "try", check=False).returncode == 4
    freed = here.json("gc", "--dry-run", "--keep-days", "0")
    assert freed["objects"] > 0 or freed["bytes"] > 0


def test_damage_is_told(here: User) -> None:
    here.dws("snapshot", "--experiment", "whole")
    here.git("update-ref", f"{EXPERIMENTS}broken", "HEAD")
    assert experiments(here) == ["whole"]
    (problem,) = json.loads(here.dws("fsck", "--json", check=False).stdout)["problems"]
    assert "broken" in problem["what"]
    here.dws("remove-experiment", "whole")


def test_one_that_holds_less_than_it_names_is_not_adopted(here: User) -> None:
    here.dws("snapshot", "--experiment", "try")
    of = here.json("show", "try")["hash"]
    here.git("read-tree", f"{EXPERIMENTS}try")
    (path,) = here.git("ls-files", f".dataworkspace/snapshot_metadata/*{of}*").split()
    metadata = json.loads(here.git("show", f":{path}"))
    for name, change in (("none", {"code": None}), ("lacking", {})):
        versions = {key: value for key, value in metadata["restore_hashes"].items() if key != "code"} | change
        text = json.dumps({**metadata, "restore_hashes": versions})
        blob = here.run("git", "hash-object", "-w", "--stdin", input=text).stdout.strip()
        here.git("update-index", "--cacheinfo", f"100644,{blob},{path}")
        tree = here.git("write-tree").strip()
        commit = here.git("commit-tree", tree, "-p", "HEAD", "-m", f"x\n\nDws-Snapshot: {of}").strip()
        here.git("update-ref", f"{EXPERIMENTS}{name}", commit)
    here.git("reset", "--quiet", "--mixed", "HEAD")
    for name in ("none", "lacking"):
        refused = here.batch("adopt", name, check=False)
        assert (refused.returncode, refused.stderr.count("\n")) == (10, 1)
        assert "it names resource 'code', and holds no version of it" in refused.stderr
    assert len(here.json("history")["snapshots"]) == 1


# -- two people ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    return make_hub(request, tmp_path, "path")


def test_experiments_travel_by_name(tmp_path: Path, hub: Hub) -> None:
    """A clone opens without them; by its name one comes with all that it needs, and can be adopted there."""
    ada = machine(tmp_path / "machine1", "ada")
    ada = ada.at(ada.cwd / "ws")
    write_files(ada.cwd, {"data/rows": "1\n"})
    ada.batch("init", "--hostname", "first", "--create-resources", "code,results")
    ada.batch("add", "local-files", "--role", "source-data", "--name", "data", "--restorable", "./data")
    (tmp_path / "store").mkdir()
    ada.batch("config", "--resource", "data", "remote", str(tmp_path / "store"))
    write_files(ada.cwd, {"code/train.py": "x = 1\n", "results/results.json": '{"metrics": {"accuracy": 0.1}}'})
    ada.batch("snapshot", "V1")
    origin = hub.repository("ws.git")
    ada.batch("publish", hub.url(origin))
    write_files(ada.cwd, {"code/train.py": "x = 2\n", "data/rows": "2\n"})
    write_files(ada.cwd, {"results/results.json": '{"metrics": {"accuracy": 0.2}}'})
    for name in ("svc/1", "alone"):
        ada.dws("snapshot", "--experiment", name)
    ada.dws("push", "--experiment", "svc/*")
    assert EXPERIMENTS + "alone" not in hub.references()["ws.git"]
    ben = machine(tmp_path / "machine2", "ben")
    ben.batch("clone", "--hostname", "second", hub.url(origin), "ws")
    ben = ben.at(ben.cwd / "ws")
    ben.batch("config", "--resource", "data", "my_local_path", str(ben.cwd / "data"), check=False)
    assert experiments(ben) == []
    before = ben.git("rev-parse", "HEAD")
    assert ben.json("pull", "--experiment", "svc/1") == {"experiments": ["svc/1"]}
    assert (experiments(ben), ben.git("rev-parse", "HEAD")) == (["svc/1"], before)
    ben.batch("adopt", "svc/1")
    assert (ben.cwd / "code/train.py").read_text() == "x = 2\n"
    assert (ben.cwd / "data/rows").read_text() == "2\n"
    assert ben.json("fsck")["problems"] == []
    ben.dws("push")
    missing = ben.dws("pull", "--experiment", "alone", check=False)
    assert (missing.returncode, "no experiment 'alone'" in missing.stderr) == (4, True)
    ben.dws("remove-experiment", "--remote", "svc/1")
    assert not any(name.startswith(EXPERIMENTS) for name in hub.references()["ws.git"])
    write_files(ada.cwd, {"code/train.py": "x = 1\n", "data/rows": "1\n"})
    ada.git("checkout", "--quiet", "--", ".")
    done = ada.dws("pull")
    told = done.stdout + done.stderr
    assert "changed code: code/train.py (modified)" in told
    assert [row["tags"] for row in ada.json("history")["snapshots"]] == [["svc-1"], ["V1"]]


def test_another_of_the_same_name_is_never_replaced(tmp_path: Path, hub: Hub) -> None:
    ada = machine(tmp_path / "machine1", "ada")
    ada = ada.at(ada.cwd / "ws")
    ada.cwd.mkdir()
    ada.batch("init", "--hostname", "first", "--create-resources", "code")
    write_files(ada.cwd, {"code/train.py": "x = 1\n"})
    ada.batch("snapshot", "V1")
    origin = hub.repository("ws.git")
    ada.batch("publish", hub.url(origin))
    ben = machine(tmp_path / "machine2", "ben")
    ben.batch("clone", "--hostname", "second", hub.url(origin), "ws")
    ben = ben.at(ben.cwd / "ws")
    for number, user in enumerate((ada, ben), 2):
        write_files(user.cwd, {"code/train.py": f"x = {number}\n"})
        user.dws("snapshot", "--experiment", "try")
    ada.dws("push", "--experiment", "try")
    for command in ("push", "pull"):
        refused = ben.dws(command, "--experiment", "try", check=False)
        assert (refused.returncode, "nother experiment 'try'" in refused.stderr) == (8, True), refused.stderr
    ben.dws("remove-experiment", "try")
    ben.dws("snapshot", "--experiment", "try/1")
    refused = ben.dws("push", "--experiment", "try/1", check=False)
    assert (refused.returncode, "beside experiment 'try' of the origin" in refused.stderr) == (8, True), refused.stderr
    ben.dws("remove-experiment", "try/1")
    ben.git("update-ref", "refs/dws/incoming/try/1", "HEAD")  # a pull was killed
    ben.dws("pull", "--experiment", "try")
    assert "refs/dws/incoming" not in ben.git("for-each-ref")


def test_what_came_is_examined_before_it_has_a_name(here: User, hub: Hub) -> None:
    """Somebody else's experiment: a link in the metadata, a message that names no snapshot, a name that is an option."""
    here.batch("snapshot", "V2")
    origin = hub.repository("ws.git")
    here.batch("publish", hub.url(origin), "--skip", "library")
    head = here.git("rev-parse", "HEAD").strip()
    tree = here.git("rev-parse", "HEAD^{tree}").strip()
    link = here.run("git", "hash-object", "-w", "--stdin", input="/etc/passwd").stdout.strip()
    here.git("update-index", "--add", "--cacheinfo", f"120000,{link},.dataworkspace/snapshot_metadata/link")
    linked = here.git("write-tree").strip()
    here.git("reset", "--quiet", "--mixed", "HEAD")
    message = f"Experiment evil\n\nDws-Snapshot: {here.json('show', 'V1')['hash']}"
    for name, of, text in (("evil", linked, message), ("empty", tree, "nothing"), ("--exec/x", tree, message)):
        commit = here.git("commit-tree", of, "-p", head, "-m", text).strip()
        here.git("push", "--quiet", origin, f"{commit}:{EXPERIMENTS}{name}")
    for name in ("evil", "empty", "*"):
        refused = here.dws("pull", "--experiment", name, check=False)
        assert refused.returncode in FAILED, refused.stdout
        assert "Traceback" not in refused.stderr
    assert experiments(here) == []
    assert "refs/dws/incoming" not in here.git("for-each-ref")


# -- kills ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["snapshot --experiment try2", "--batch adopt try", "--batch remove-experiment try"]
)
def test_killed(server: Server, base: Path, tmp_path: Path, env: dict[str, str], command: str) -> None:
    """The workspace opens, nothing is lost, and the same command then does what it should."""
    start = Forked(copy_workspace(base, tmp_path / "start"), env)
    start.dws("snapshot", "--experiment", "try")
    start.batch("restore", "V1")
    files = {name: (start.cwd / name).read_text() for name in ("code/train.py", "library/lib.py", "data/rows")}
    points = server.run(copy_workspace(start.cwd, tmp_path / "whole"), *command.split()).points
    for point in kill_points(points, some=6):
        user = Forked(copy_workspace(start.cwd, tmp_path / f"ws{point}"), env)
        answer = server.run(user.cwd, *command.split(), kill_at=point)
        assert {"V1"} <= {tag for row in user.json("history")["snapshots"] for tag in row["tags"]}, answer.killed_at
        assert set(experiments(user)) <= {"try", "try2"}
        problems = json.loads(user.dws("fsck", "--json", check=False).stdout)["problems"]
        assert [p for p in problems if p["severity"] == "error" and p["area"] != "interrupted"] == [], answer.killed_at
        if "adopt" not in command:
            assert {name: (user.cwd / name).read_text() for name in files} == files, answer.killed_at
        done = user.dws(*command.split(), check=False)
        assert done.returncode in ((0, 4) if "remove" in command else (0,)), (answer.killed_at, done.stderr)
        left = user.json("fsck")["problems"]  # but for the lock of the process that was killed
        assert [problem for problem in left if problem["area"] != "interrupted"] == [], answer.killed_at
        if "adopt" in command:
            assert (user.cwd / "code/train.py").read_text() == "x = 2\n", answer.killed_at
