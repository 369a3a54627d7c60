"""Two people who work on the same workspace at once: what each did is there in the end, and both copies are equal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from collaboration import (
    Hub,
    lineage,
    local_state,
    machine,
    make_analysis,
    manifests,
    publish_repository,
    refused,
    resources,
    results_files,
    snapshots,
    tags,
)
from endtoend import FAILED, FIXTURES, User, read_tree, write_files
from movable_hub import MovableHub, copy_of, keep
from stage import Stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada and Bob, each with a copy of the workspace `analysis`, and the hub."""
    directory = tmp_path_factory.mktemp("two") / "template"
    hub = MovableHub(directory / "hub")
    hub.root.mkdir(parents=True)
    first, second = (
        hub.connect(machine(directory / name, who)) for name, who in (("machine1", "ada"), ("machine2", "bob"))
    )
    first = make_analysis(first, hub)
    url = hub.url(hub.repository("analysis.git"))
    first.batch("publish", url)
    second.batch("clone", "--hostname", "second", url)
    keep(directory, first, second.at(second.cwd / "analysis"))
    return directory


@pytest.fixture
def met(template: Path, tmp_path: Path) -> tuple[Hub, list[User]]:
    return copy_of(template, tmp_path / "two")


@pytest.fixture
def hub(met: tuple[Hub, list[User]]) -> Hub:
    return met[0]


@pytest.fixture
def people(met: tuple[Hub, list[User]]) -> tuple[User, User]:
    """Ada and Bob, each with a copy of the workspace `analysis`."""
    first, second = met[1]
    return first, second


def meet(hub: Hub, ahead: User, behind: User) -> str:
    """One pushes, the other is refused, pulls and pushes, and the first one pulls. Returns what the other was told."""
    ahead.batch("push")
    refused(behind, "push", hub=hub, says=["dws pull"])
    done = behind.batch("pull")
    behind.batch("push")
    ahead.batch("pull")
    check_same(ahead, behind)
    return done.stdout + done.stderr


def check_same(one: User, other: User) -> None:
    """All that a workspace shares is the same in two copies, and nothing waits to be committed."""
    history = snapshots(one)
    assert history == snapshots(other)
    assert resources(one) == resources(other)
    assert shared_parameters(one) == shared_parameters(other)
    assert results_files(one) == results_files(other)
    assert manifests(one) == manifests(other) == {snapshot["hash"] for snapshot in history}
    tags = [tag for snapshot in history for tag in snapshot["tags"]]
    assert len(tags) == len(set(tags))
    for user in (one, other):
        assert user.git("status", "--porcelain") == ""
    assert one.git("rev-parse", "HEAD^{tree}") == other.git("rev-parse", "HEAD^{tree}")
    for snapshot in history:
        options = ("--snapshot", snapshot["hash"])
        assert lineage(one, *options) == lineage(other, *options)


def shared_parameters(user: User) -> dict[str, object]:
    return {p["name"]: p["value"] for p in user.json("config") if p["scope"] == "global"}


def check_restores(one: User, other: User) -> None:
    """Each snapshot comes back on both machines, and is the same on both."""
    for snapshot in snapshots(one):
        for user in (one, other):
            user.batch("restore", snapshot["hash"])
        for name in ("code", "data", "intermediate-data"):
            assert read_tree(one.cwd / name) == read_tree(other.cwd / name), (snapshot, name)


def work(user: User, tag: str | None, files: dict[str, str | bytes]) -> None:
    write_files(user.cwd, files)
    user.batch("snapshot", *([tag] if tag else []), "-m", f"{user.env['USER']}: {tag}")


# -- snapshots -----------------------------------------------------------------------------------------------------


def test_both_take_snapshots(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    work(first, "F", {"code/first.py": "1\n", "results/results.json": '{"metrics": {"a": 1}}'})
    work(second, "S", {"code/second.py": "2\n", "results/results.json": '{"metrics": {"a": 2}}'})
    meet(hub, first, second)
    assert tags(first) == ["A", "F", "S"]
    kept = results_files(second)
    assert kept["results/snapshots/first-F/results.json"] == b'{"metrics": {"a": 1}}'
    assert kept["results/snapshots/second-S/results.json"] == b'{"metrics": {"a": 2}}'
    assert (first.cwd / "code" / "second.py").exists()
    check_restores(first, second)


def test_both_take_a_snapshot_of_the_same_tag(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    work(first, "T", {"code/first.py": "1\n", "results/results.json": '{"metrics": {"a": 1}}'})
    work(second, "T", {"code/second.py": "2\n", "results/results.json": '{"metrics": {"a": 2}}'})
    told = meet(hub, first, second)
    assert len(tags(first)) == 3
    by_message = {snapshot["message"]: snapshot["tags"] for snapshot in snapshots(first)}
    assert by_message["ada: T"] == ["T"]
    [renamed] = by_message["bob: T"]
    assert renamed != "T"
    assert renamed in told
    assert "'T'" in told
    check_restores(first, second)


def test_both_take_a_snapshot_of_the_same_tag_on_hosts_of_the_same_name(hub: Hub, people: tuple[User, User]) -> None:
    """Their results go to directories of the same name, too."""
    first, second = people
    second.batch("config", "hostname", "first")
    work(first, "T", {"results/results.json": '{"metrics": {"a": 1}}', "results/first.bin": "1"})
    work(second, "T", {"results/results.json": '{"metrics": {"a": 2}}', "results/second.bin": "2"})
    told = meet(hub, first, second)
    kept = results_files(first)
    by_metric = {content: Path(name).parent for name, content in kept.items() if name.endswith("/results.json")}
    one, other = by_metric[b'{"metrics": {"a": 1}}'], by_metric[b'{"metrics": {"a": 2}}']
    assert one != other
    assert kept[str(one / "first.bin")] == b"1"
    assert kept[str(other / "second.bin")] == b"2"
    assert str(one / "second.bin") not in kept
    assert str(other / "first.bin") not in kept
    assert other.name in told
    for user in (first, second):
        for snapshot in snapshots(user)[:2]:
            shown = user.json("report", "results", "--snapshot", snapshot["hash"])
            assert shown["metrics"] == snapshot["metrics"]


def test_both_take_snapshots_without_tag(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    for number in range(2):
        work(first, None, {"results/results.json": json.dumps({"metrics": {"a": number}}), "code/f.py": f"{number}\n"})
        work(second, None, {"results/results.json": json.dumps({"metrics": {"a": -number - 1}})})
    meet(hub, first, second)
    assert len(snapshots(first)) == 5
    kept = [content for name, content in results_files(first).items() if name.endswith("/results.json")]
    assert len(kept) == 5
    assert len(set(kept)) == 5
    check_restores(first, second)


@pytest.mark.parametrize("names", [("T", "T"), ("F", "S"), (None, None), ("F", None)])
def test_both_take_a_snapshot_of_the_same_content(
    hub: Hub, people: tuple[User, User], tmp_path: Path, names: tuple[str | None, str | None]
) -> None:
    second = people[1]
    third = hub.connect(machine(tmp_path / "machine3", "cyd"))
    third.batch("clone", "--hostname", "third", hub.url(hub.root / "analysis.git"))
    third = third.at(third.cwd / "analysis")
    work(second, names[0], {"code/new.py": "same\n"})
    work(third, names[1], {"code/new.py": "same\n"})
    assert snapshots(second)[0]["hash"] == snapshots(third)[0]["hash"]
    meet(hub, second, third)
    assert len(snapshots(third)) == 2
    assert snapshots(third)[0]["tags"] == sorted({name for name in names if name}, key=names.index)


def test_same_content_is_the_same_snapshot_where_it_was_made_and_in_a_clone(people: tuple[User, User]) -> None:
    first, second = people
    for user in people:
        user.batch("snapshot", "SAME")
    assert snapshots(first)[0]["tags"] == ["A", "SAME"]
    assert snapshots(second) == snapshots(first)


def test_both_move_a_tag_that_is_taken(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    for user, name in ((first, "f"), (second, "s")):
        write_files(user.cwd, {f"code/{name}.py": "1\n"})
        user.dws("snapshot", "A", "-m", name, input="y\ny\n")
    meet(hub, first, second)
    assert tags(first).count("A") == 1
    assert len(snapshots(first)) == 3


def test_one_deletes_a_snapshot_while_the_other_takes_one(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    first.batch("delete-snapshot", "A", input="y\n")
    work(second, "S", {"code/second.py": "2\n", "results/results.json": '{"metrics": {"a": 2}}'})
    meet(hub, first, second)
    assert tags(second) == ["S"]
    assert [Path(name).parts[2] for name in results_files(first)] == ["second-S"] * 2


def test_both_delete_the_same_snapshot(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    for user, name in ((first, "F"), (second, "S")):
        work(user, name, {f"code/{name}.py": "1\n"})
        user.batch("delete-snapshot", "A", input="y\n")
    meet(hub, first, second)
    assert tags(first) == ["F", "S"]


# -- resources -----------------------------------------------------------------------------------------------------


def test_both_add_resources_of_different_names(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    publish_repository(first, hub, "more", {"more.csv": "1\n"})
    first.batch("add", "git", "--role", "source-data", "--name", "more", "more")
    first.batch("snapshot", "F")
    write_files(second.cwd, {"tables/t": "1\n"})
    second.batch("add", "git", "--role", "intermediate-data", "--name", "tables", "tables")
    second.batch("snapshot", "S")
    meet(hub, first, second)
    names = ["code", "data", "intermediate-data", "more", "public", "results", "tables"]
    assert sorted(resource["name"] for resource in resources(first)) == names
    assert (second.cwd / "more" / "more.csv").read_text() == "1\n"
    assert (first.cwd / "tables" / "t").read_text() == "1\n"
    assert (first.cwd / ".gitignore").read_text() == (second.cwd / ".gitignore").read_text()
    assert "/more/" in (first.cwd / ".gitignore").read_text()
    for user in people:
        user.batch("snapshot", f"after-{user.env['USER']}")


def test_both_add_a_resource_of_the_same_name(hub: Hub, people: tuple[User, User]) -> None:
    """Two resources that have nothing in common but the name: both are there, one of them by another name."""
    first, second = people
    for user, path in ((first, "one"), (second, "two")):
        write_files(user.cwd, {f"{path}/t": f"{path}\n"})
        user.batch("add", "git", "--role", "intermediate-data", "--name", "tables", path)
        user.batch("snapshot", path)
    told = meet(hub, first, second)
    by_path = {r["parameters"].get("relative_path"): r["name"] for r in resources(first)}
    assert by_path["one"] == "tables"
    assert by_path["two"] not in ("tables", None)
    assert by_path["two"] in told
    assert (first.cwd / "two" / "t").read_text() == "two\n"
    for user in people:
        user.batch("restore", "two")
        user.batch("snapshot", f"after-{user.env['USER']}")


def test_both_add_the_same_resource(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    for user in people:
        write_files(user.cwd, {"tables/t": "same\n"})
        user.batch("add", "git", "--role", "intermediate-data", "--name", "tables", "tables")
        user.batch("snapshot", user.env["USER"])
    meet(hub, first, second)
    assert [resource["name"] for resource in resources(first)].count("tables") == 1
    assert len(resources(first)) == 6


def test_order_of_resources_is_the_same_on_both(hub: Hub, people: tuple[User, User]) -> None:
    """The order goes into the hash of a snapshot, which should not depend on the machine."""
    first, second = people
    for user, names in ((first, ("x", "b")), (second, ("a", "y"))):
        for name in names:
            write_files(user.cwd, {f"{name}/t": f"{name}\n"})
            user.batch("add", "git", "--role", "intermediate-data", "--name", name, name)
        user.batch("snapshot", user.env["USER"])
    meet(hub, first, second)
    orders = []
    for user in people:
        user.batch("snapshot", "after")
        manifest = user.cwd / ".dataworkspace" / "snapshots" / f"snapshot-{snapshots(user)[0]['hash']}.json"
        orders.append([resource["name"] for resource in json.loads(manifest.read_text())])
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == ["a", "b", "code", "data", "intermediate-data", "public", "results", "x", "y"]


def test_both_add_local_files(hub: Hub, people: tuple[User, User], tmp_path: Path) -> None:
    first, second = people
    for user, name in ((first, "f"), (second, "s")):
        write_files(tmp_path / f"files-{name}", {"a": name})
        user.batch(
            "add",
            "local-files",
            "--role",
            "source-data",
            "--name",
            f"files-{name}",
            "--compute-hash",
            tmp_path / f"files-{name}",
        )
        user.batch("snapshot", name)
    meet(hub, first, second)
    assert {"files-f", "files-s"} <= {resource["name"] for resource in resources(first)}


# -- parameters ----------------------------------------------------------------------------------------------------


def test_both_set_different_parameters(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    first.batch("config", "results.dir_template", "snapshots/{TAG}")
    second.batch("config", "results.move_exclude_files", '["keep.txt"]')
    meet(hub, first, second)
    assert shared_parameters(first)["results.dir_template"] == "snapshots/{TAG}"
    assert shared_parameters(first)["results.move_exclude_files"] == ["keep.txt"]


def test_both_set_the_same_parameter(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    first.batch("config", "results.dir_template", "snapshots/first/{TAG}")
    second.batch("config", "results.dir_template", "snapshots/second/{TAG}")
    told = meet(hub, first, second)
    assert shared_parameters(first)["results.dir_template"] in ("snapshots/first/{TAG}", "snapshots/second/{TAG}")
    assert "results.dir_template" in told


def test_host_names_stay_apart(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    first.batch("config", "hostname", "desk")
    work(first, "F", {"code/f.py": "1\n"})
    work(second, "S", {"code/s.py": "1\n"})
    meet(hub, first, second)
    hosts = [{p["name"]: p["value"] for p in user.json("config")}["hostname"] for user in people]
    assert hosts == ["desk", "second"]


# -- files ---------------------------------------------------------------------------------------------------------


def test_both_edit_different_files(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    work(first, "F", {"code/run.py": "print('first')\n", "data/f.csv": "1\n"})
    work(second, "S", {"code/other.py": "print('second')\n", "data/s.csv": "1\n"})
    meet(hub, first, second)
    for user in people:
        assert (user.cwd / "code" / "run.py").read_text() == "print('first')\n"
        assert (user.cwd / "code" / "other.py").read_text() == "print('second')\n"
        assert {"f.csv", "s.csv"} <= set(os.listdir(user.cwd / "data"))
    heads = {user.at(user.cwd / "data").git("rev-parse", "HEAD") for user in people}
    assert len(heads) == 1


def test_both_edit_different_lines_of_a_file(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    lines = [f"line {number}\n" for number in range(20)]
    work(first, "B", {"code/long.py": "".join(lines)})
    first.batch("push")
    second.batch("pull")
    work(first, "F", {"code/long.py": "".join(["first\n", *lines[1:]])})
    work(second, "S", {"code/long.py": "".join([*lines[:-1], "second\n"])})
    meet(hub, first, second)
    assert (first.cwd / "code" / "long.py").read_text() == "".join(["first\n", *lines[1:-1], "second\n"])


def test_one_renames_a_file_that_the_other_edits(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    text = (first.cwd / "code" / "run.py").read_text()
    (first.cwd / "code" / "run.py").rename(first.cwd / "code" / "step.py")
    first.batch("snapshot", "F")
    work(second, "S", {"code/run.py": f"# edited\n{text}"})
    meet(hub, first, second)
    for user in people:
        assert (user.cwd / "code" / "step.py").read_text() == f"# edited\n{text}"
        assert not (user.cwd / "code" / "run.py").exists()


# -- conflicts in a user's own file --------------------------------------------------------------------------------


@pytest.fixture
def in_conflict(hub: Hub, people: tuple[User, User]) -> User:
    """Bob, whose pull ended in a conflict in `code/run.py`."""
    first, second = people
    work(first, "F", {"code/run.py": "print('first')\n", "code/f.py": "1\n"})
    work(second, "S", {"code/run.py": "print('second')\n", "code/s.py": "1\n"})
    first.batch("push")
    return second


def pull_with_conflict(user: User) -> str:
    done = user.batch("pull", check=False)
    assert done.returncode in FAILED
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_conflict_names_the_file_and_how_to_go_on(in_conflict: User) -> None:
    said = pull_with_conflict(in_conflict)
    assert "code/run.py" in said
    assert "git add" in said
    assert "dws pull" in said or "git commit" in said
    assert "git merge --abort" in said
    text = (in_conflict.cwd / "code" / "run.py").read_text()
    assert "print('first')" in text
    assert "print('second')" in text
    assert "<<<<<<<" in text


def test_metadata_is_whole_during_a_conflict(in_conflict: User) -> None:
    pull_with_conflict(in_conflict)
    for command in (["report", "history"], ["report", "status"], ["report", "lineage"]):
        done = in_conflict.dws(*command)
        assert "Traceback" not in done.stderr
    for path in (in_conflict.cwd / ".dataworkspace").rglob("*.json"):
        json.loads(path.read_text())
    assert "S" in tags(in_conflict)


def test_conflict_is_resolved_with_git(hub: Hub, people: tuple[User, User], in_conflict: User) -> None:
    first, second = people
    pull_with_conflict(second)
    write_files(second.cwd, {"code/run.py": "print('both')\n"})
    second.git("add", "code/run.py")
    refused(second, "pull", says=["merge"])  # as long as it is not committed
    second.git("commit", "--quiet", "--no-edit")
    second.batch("pull")
    second.batch("push")
    first.batch("pull")
    check_same(first, second)
    assert tags(first) == ["A", "F", "S"]
    assert (first.cwd / "code" / "run.py").read_text() == "print('both')\n"
    check_restores(first, second)


def test_conflict_is_called_off_with_git(in_conflict: User) -> None:
    before = local_state(in_conflict.cwd)
    pull_with_conflict(in_conflict)
    in_conflict.git("merge", "--abort")
    assert local_state(in_conflict.cwd) == before
    assert tags(in_conflict) == ["A", "S"]


@pytest.mark.parametrize("command", [["pull"], ["push"], ["snapshot", "X"], ["restore", "A"]])
def test_other_commands_during_a_conflict(in_conflict: User, command: list[str]) -> None:
    pull_with_conflict(in_conflict)
    refused(in_conflict, *command, says=["merge"])


def test_same_tag_and_a_conflict(hub: Hub, people: tuple[User, User]) -> None:
    """What a merge does to the metadata is done even if the user's files are in conflict."""
    first, second = people
    work(first, "T", {"code/run.py": "print('first')\n"})
    work(second, "T", {"code/run.py": "print('second')\n"})
    first.batch("push")
    pull_with_conflict(second)
    write_files(second.cwd, {"code/run.py": "print('both')\n"})
    second.git("add", "code/run.py")
    second.git("commit", "--quiet", "--no-edit")
    second.batch("pull")
    second.batch("push")
    first.batch("pull")
    check_same(first, second)
    assert len(tags(first)) == 3


def test_conflict_in_a_resource(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    work(first, "F", {"data/data.csv": "first\n"})
    work(second, "S", {"data/data.csv": "second\n"})
    first.batch("push")
    said = pull_with_conflict(second)
    assert "data.csv" in said
    write_files(second.cwd, {"data/data.csv": "both\n"})
    data = second.at(second.cwd / "data")
    data.git("add", "data.csv")
    data.git("commit", "--quiet", "--no-edit")
    second.batch("pull")
    second.batch("push")
    first.batch("pull")
    check_same(first, second)
    assert (first.cwd / "data" / "data.csv").read_text() == "both\n"
    assert tags(first) == ["A", "F", "S"]


def test_one_deletes_a_file_that_the_other_edits(hub: Hub, people: tuple[User, User]) -> None:
    first, second = people
    (first.cwd / "code" / "run.py").unlink()
    first.batch("snapshot", "F")
    work(second, "S", {"code/run.py": "print('second')\n"})
    first.batch("push")
    assert "code/run.py" in pull_with_conflict(second)
    second.git("add", "code/run.py")
    second.git("commit", "--quiet", "--no-edit")
    second.batch("pull")
    second.batch("push")
    first.batch("pull")
    check_same(first, second)
    assert (first.cwd / "code" / "run.py").read_text() == "print('second')\n"


def test_both_write_results_that_no_snapshot_took(hub: Hub, people: tuple[User, User]) -> None:
    """One's snapshot moves results away while the other's copy holds newer ones."""
    first, second = people
    work(first, "F", {"results/results.json": '{"metrics": {"a": 1}}'})
    work(second, "S", {"results/results.json": '{"metrics": {"a": 2}}'})
    write_files(second.cwd, {"results/results.json": '{"metrics": {"a": 3}}'})
    first.batch("push")
    done = second.batch("pull", check=False)
    assert "Traceback" not in done.stderr
    assert (second.cwd / "results" / "results.json").read_text() == '{"metrics": {"a": 3}}'
    kept = results_files(second)
    assert kept["results/snapshots/second-S/results.json"] == b'{"metrics": {"a": 2}}'


# -- a workspace of release 1.6 ------------------------------------------------------------------------------------

DATASET = "sklearn-digits-dataset"
GITHUB = "https://github.com/jfischer/sklearn-digits-dataset.git"


@pytest.fixture
def of_release_1_6(stage: Stage) -> tuple[Hub, User, User, User]:
    """The workspace of the release, published; and two people who cloned it."""
    return stage.put("of release 1.6", make_of_release_1_6)


def make_of_release_1_6(place: Path) -> tuple[Hub, User, User, User]:
    hub = Hub(place / "hub")
    dataset = hub.root / f"{DATASET}.git"
    owner, first, second = (machine(place / f"machine-{person}", person) for person in ("ada", "bob", "cyd"))
    owner.git("clone", "--quiet", "--bare", FIXTURES / "digits-dataset.bundle", dataset)
    for user in (owner, first, second):  # the dataset's origin is on the network; here it is at the hub
        user.git("config", "--global", f"url.{dataset}.insteadOf", GITHUB)
    owner.git("clone", "--quiet", FIXTURES / "release-1.6-digits.bundle", "quickstart")
    owner = owner.at(owner.cwd / "quickstart")
    owner.git("remote", "remove", "origin")
    owner.git("clone", "--quiet", GITHUB, DATASET)
    origin = hub.repository("quickstart.git")
    owner.batch("publish", origin)
    for user, host in ((first, "first"), (second, "second")):
        user.batch("clone", "--hostname", host, origin)
    return hub, owner, first.at(first.cwd / "quickstart"), second.at(second.cwd / "quickstart")


def test_workspace_of_release_1_6(of_release_1_6: tuple[Hub, User, User, User]) -> None:
    hub, owner, first, second = of_release_1_6
    assert tags(first) == tags(owner) == ["FULL", "HALF"]
    assert resources(first) == resources(owner)
    assert lineage(first, "--snapshot", "HALF") == lineage(owner, "--snapshot", "HALF")
    for user, tag in ((first, "F"), (second, "S")):
        write_files(user.cwd, {f"code/{tag}.py": "1\n", "results/results.json": json.dumps({"metrics": {"loss": tag}})})
        write_files(user.cwd, {f"tables-{tag}/t": "1\n"})
        user.batch("add", "git", "--role", "intermediate-data", "--name", f"tables-{tag}", f"tables-{tag}")
        user.batch("snapshot", tag, "-m", tag)
    meet(hub, first, second)
    assert tags(first) == ["F", "FULL", "HALF", "S"]
    assert len(resources(first)) == len(resources(owner)) + 2
    owner.batch("pull")
    check_same(owner, first)
    for user in (owner, first, second):
        user.batch("restore", "HALF")
        user.batch("restore", "S")


def test_workspace_of_release_1_6_that_only_one_changes(of_release_1_6: tuple[Hub, User, User, User]) -> None:
    _hub, owner, first, second = of_release_1_6
    write_files(first.cwd, {"tables/t": "1\n"})
    first.batch("add", "git", "--role", "intermediate-data", "--name", "tables", "tables")
    first.batch("snapshot", "F")
    first.batch("push")
    for user in (owner, second):
        user.batch("pull")
        check_same(user, first)
