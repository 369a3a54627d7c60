"""Publishing a workspace and cloning it, pushing and pulling, as the manual's Tutorial has it, by each transport."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from collaboration import (
    STEP,
    Hub,
    files_with,
    lineage,
    local_state,
    machine,
    make_analysis,
    make_hub,
    more_data,
    publish_repository,
    refused,
    resources,
    results_files,
    snapshots,
    tags,
)
from endtoend import FAILED, User, program, read_tree, write_files
from movable_hub import MovableHub, copy_of, keep
from servers import HttpServer, make_bare, references

pytestmark = pytest.mark.slow

DATASET = "sklearn-digits-dataset"
EXAMPLES = Path(__file__).parent.parent / "examples" / "quickstart"
TRANSPORTS = ("path", "ssh", "http")


# -- the manual's tutorial, word for word ------------------------------------------------------------------------------


class Tutorial:
    """The first machine publishes, the second clones, makes SVC-2 and pushes, and the first pulls."""

    def __init__(self, directory: Path, digits: Path) -> None:
        hub = directory / "hub"
        origin = make_bare(hub / "dws-tutorial.git")
        dataset = hub / f"{DATASET}.git"
        first = self.first = machine(directory / "machine1", "ada")
        first.git("clone", "--quiet", "--bare", digits, dataset)
        (first.cwd / "quickstart").mkdir()
        first = self.first = first.at(first.cwd / "quickstart")
        first.dws("init", "--hostname", "machine1", "--create-resources", "code,results")
        first.git("clone", "--quiet", dataset)
        first.dws("add", "git", "--role=source-data", "--read-only", f"./{DATASET}", input="\n")
        for name, tag, message in (
            ("digits-svc.py", "SVC-1", "first run with SVC"),
            ("digits-lr.py", "LR-1", "Logistic Regression experiment"),
        ):
            write_files(first.cwd, {f"code/{name}": (EXAMPLES / name).read_text()})
            self.experiment(first, name)
            first.dws("snapshot", "-m", message, tag)
        self.history_before = first.dws("report", "history").stdout
        self.current_lineage_before = lineage(first)
        self.publish = first.dws("publish", origin).stdout
        self.published = references(origin)
        self.head = first.git("rev-parse", "HEAD").strip()

        second = machine(directory / "machine2", "bob")
        self.clone = second.dws("clone", origin, input="machine2\n").stdout
        second = self.second = second.at(second.cwd / "quickstart")
        self.history_of_clone = second.dws("report", "history").stdout
        self.lineage_of_clone = {tag: lineage(second, "--snapshot", tag) for tag in ("SVC-1", "LR-1")}
        self.lineage_of_first = {tag: lineage(first, "--snapshot", tag) for tag in ("SVC-1", "LR-1")}
        self.current_lineage_of_clone = lineage(second)
        self.results_of_clone = second.json("report", "results")
        self.results_of_first = first.json("report", "results")
        self.files_of_clone = read_tree(second.cwd / "results")
        self.files_of_first = read_tree(first.cwd / "results")
        self.score = self.experiment(second, "digits-svc.py").splitlines()[-1]
        second.dws("snapshot", "-m", "reproduce on second machine", "SVC-2")
        self.push = second.dws("push").stdout
        self.pull = first.dws("pull").stdout

    def experiment(self, user: User, name: str) -> str:
        return user.at(user.cwd / "code").python("-W", "ignore", name).stdout


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory, digits_source: Path) -> Tutorial:
    return Tutorial(tmp_path_factory.mktemp("tutorial"), digits_source)


def test_publish_sends_the_workspace_with_its_history(tutorial: Tutorial) -> None:
    assert tutorial.published["refs/heads/main"] == tutorial.head


def test_clone_asks_for_the_host_name_and_takes_the_name_of_the_workspace(tutorial: Tutorial) -> None:
    assert (
        json.loads((tutorial.second.cwd / ".dataworkspace" / "local_params.json").read_text())["hostname"] == "machine2"
    )
    assert tutorial.second.cwd.is_dir()


def test_clone_shows_the_whole_history(tutorial: Tutorial) -> None:
    assert tutorial.history_of_clone == tutorial.history_before
    assert "2 snapshots total" in tutorial.history_of_clone


def test_clone_has_the_lineage_of_each_snapshot(tutorial: Tutorial) -> None:
    assert tutorial.lineage_of_clone == tutorial.lineage_of_first


def test_lineage_of_the_newest_snapshot_is_the_current_one_of_a_clone(tutorial: Tutorial) -> None:
    assert tutorial.current_lineage_of_clone == tutorial.current_lineage_before


def test_clone_has_the_results(tutorial: Tutorial) -> None:
    assert tutorial.results_of_clone == tutorial.results_of_first
    assert tutorial.files_of_clone == tutorial.files_of_first


def test_experiment_is_reproduced_on_the_second_machine(tutorial: Tutorial) -> None:
    assert tutorial.score == "0.9688542825361512"


def test_first_machine_sees_the_snapshot_of_the_second_after_pull(tutorial: Tutorial) -> None:
    said = tutorial.first.dws("report", "history").stdout
    assert re.findall(r"(?:SVC-2|LR-1|SVC-1)(?= +\|)", said) == ["SVC-2", "LR-1", "SVC-1"]
    assert "reproduce on second machine" in said
    assert "3 snapshots total" in said


def test_history_is_the_same_on_both(tutorial: Tutorial) -> None:
    assert snapshots(tutorial.first) == snapshots(tutorial.second)
    assert snapshots(tutorial.first)[0]["hostname"] == "machine2"


def test_results_are_the_same_on_both(tutorial: Tutorial) -> None:
    assert read_tree(tutorial.first.cwd / "results") == read_tree(tutorial.second.cwd / "results")
    assert tutorial.first.json("report", "results") == tutorial.second.json("report", "results")


def test_lineage_is_the_same_on_both(tutorial: Tutorial) -> None:
    assert lineage(tutorial.first, "--snapshot", "SVC-2") == lineage(tutorial.second, "--snapshot", "SVC-2")
    assert lineage(tutorial.first) == lineage(tutorial.second)


def test_nothing_is_left_uncommitted_on_either(tutorial: Tutorial) -> None:
    assert tutorial.first.git("status", "--porcelain") == ""
    assert tutorial.second.git("status", "--porcelain") == ""


def test_dataset_is_at_the_same_version(tutorial: Tutorial) -> None:
    heads = {user.at(user.cwd / DATASET).git("rev-parse", "HEAD") for user in (tutorial.first, tutorial.second)}
    assert len(heads) == 1


# -- each transport ----------------------------------------------------------------------------------------------------


@dataclass
class Two:
    """Two machines, a hub, and the first one's workspace, published."""

    hub: Hub
    first: User
    second: User
    """In the directory in which they clone; or in their clone, where there is one."""

    @property
    def origin(self) -> str:
        return self.hub.url(self.hub.root / "analysis.git")

    def clone(self, host: str = "second", *, status: int = 0) -> User:
        """The clone of the second person."""
        done = self.second.batch("clone", "--hostname", host, self.origin, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return self.second.at(self.second.cwd / "analysis")


def make_two(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Two:
    hub = make_hub(request, tmp_path, kind)
    first = hub.connect(machine(tmp_path / "machine1", "ada"))
    second = hub.connect(machine(tmp_path / "machine2", "bob"))
    here = make_analysis(first, hub)
    here.batch("publish", hub.url(hub.repository("analysis.git")))
    return Two(hub, here, second)


class Templates:
    """Hubs with two machines and the first one's workspace, to copy."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, name: str) -> Path:
        """Each begins as a copy of another: ``unpublished``; ``published``; ``changed``, where the first one has
        changed a resource and taken snapshot B; ``ahead``, with new commits in the workspace and in two resources.
        ``met`` and ``ahead_met`` are ``published`` and ``ahead``, cloned by the second one, who has changed a resource,
        taken snapshot B and pushed in ``behind``."""
        directory = self.directory / name
        if directory.exists():
            return directory
        if name == "unpublished":
            hub = MovableHub(directory / "hub")
            hub.root.mkdir(parents=True)
            first, second = (
                hub.connect(machine(directory / each, who)) for each, who in (("machine1", "ada"), ("machine2", "bob"))
            )
            keep(directory, make_analysis(first, hub), second)
            return directory
        begins = {"published": "unpublished", "ahead_met": "ahead", "behind": "met"}.get(name, "published")
        hub, [first, second] = copy_of(self.make(begins), directory)
        if name == "published":
            first.batch("publish", hub.url(hub.repository("analysis.git")))
        elif name == "changed":
            more_data(first, "5\n", "B")
        elif name == "ahead":
            publish_repository(first, hub, "more", {"more.csv": "1\n"})
            first.batch("add", "git", "--role", "source-data", "--name", "more", "more")
            first.batch("snapshot", "B")
            first.batch("push")
            write_files(first.cwd, {"more/more.csv": "2\n"})
            more_data(first, "5\n", "C")
        elif name == "behind":
            more_data(second, "5\n", "B")
            second.batch("push")
        else:
            keep(directory, first, Two(hub, first, second).clone())
        return directory


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def two(templates: Templates, tmp_path: Path) -> Two:
    return copy_of_two(templates.make("published"), tmp_path)


@pytest.fixture
def changed(templates: Templates, tmp_path: Path) -> Two:
    """The first one has taken a snapshot that is not pushed."""
    return copy_of_two(templates.make("changed"), tmp_path)


@pytest.fixture
def met(templates: Templates, tmp_path: Path) -> Two:
    """The second one has a clone, and is in it."""
    return copy_of_two(templates.make("met"), tmp_path)


@pytest.fixture
def behind(templates: Templates, tmp_path: Path) -> Two:
    """The second one is in their clone, and has pushed what the first one lacks."""
    return copy_of_two(templates.make("behind"), tmp_path)


@pytest.fixture
def two_by_http(templates: Templates, tmp_path: Path) -> Iterator[Two]:
    yield from served_by_http(templates.make("published"), tmp_path)


@pytest.fixture
def unpublished_by_http(templates: Templates, tmp_path: Path) -> Iterator[Two]:
    yield from served_by_http(templates.make("unpublished"), tmp_path)


@pytest.fixture
def changed_by_http(templates: Templates, tmp_path: Path) -> Iterator[Two]:
    yield from served_by_http(templates.make("changed"), tmp_path)


def served_by_http(template: Path, tmp_path: Path) -> Iterator[Two]:
    two = copy_of_two(template, tmp_path, http=True)
    assert two.hub.http is not None
    yield two
    two.hub.http.stop()


def copy_of_two(template: Path, tmp_path: Path, *, http: bool = False) -> Two:
    hub, [first, second] = copy_of(template, tmp_path / "two", http=http)
    return Two(hub, first, second)


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_there_and_back_again(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    two = make_two(request, tmp_path, kind)
    first, second = two.first, two.clone()
    assert snapshots(second) == snapshots(first)
    assert resources(second) == resources(first)
    assert lineage(second) == lineage(first)
    assert lineage(second, "--snapshot", "A") == lineage(first, "--snapshot", "A")
    assert (second.cwd / "data" / "data.csv").read_text() == "3\n1\n2\n"
    assert (second.cwd / "public" / "README").read_text() == "public\n"
    more_data(second, "5\n4\n", "B")
    second.batch("push")
    first.batch("pull")
    assert (first.cwd / "data" / "data.csv").read_text() == "5\n4\n"
    assert (first.cwd / "intermediate-data" / "table").read_text() == "4\n5"
    assert tags(first) == tags(second) == ["A", "B"]
    assert snapshots(second) == snapshots(first)
    assert lineage(second) == lineage(first)
    assert lineage(second, "--snapshot", "B") == lineage(first, "--snapshot", "B")
    assert first.json("report", "results") == second.json("report", "results")
    assert read_tree(first.cwd / "results") == read_tree(second.cwd / "results")
    first.batch("restore", "A")
    assert (first.cwd / "data" / "data.csv").read_text() == "3\n1\n2\n"
    first.batch("push")
    second.batch("pull")
    assert (second.cwd / "data" / "data.csv").read_text() == "3\n1\n2\n"
    for user in (first, second):
        for place in ("", "data", "public"):
            assert user.at(user.cwd / place).git("status", "--porcelain") == ""


def test_address_in_the_form_that_hosting_services_show(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    hub = make_hub(request, tmp_path, "ssh")
    assert hub.ssh is not None
    first = make_analysis(hub.connect(machine(tmp_path / "machine1", "ada")), hub)
    address = hub.ssh.short_url(hub.repository("analysis.git"))
    first.batch("publish", address)
    second = hub.connect(machine(tmp_path / "machine2", "bob"))
    second.batch("clone", "--hostname", "second", address)
    assert snapshots(second.at(second.cwd / "analysis")) == snapshots(first)


# -- clone -------------------------------------------------------------------------------------------------------------


def test_clone_into_a_directory_of_another_name(two: Two) -> None:
    two.second.batch("clone", "--hostname", "second", two.origin, "copies/mine")
    copy = two.second.at(two.second.cwd / "copies" / "mine")
    assert snapshots(copy) == snapshots(two.first)
    assert copy.json("report", "status")["workspace"] == "analysis"
    assert os.listdir(two.second.cwd) == ["copies"]


def test_clone_into_an_empty_directory(two: Two) -> None:
    (two.second.cwd / "mine").mkdir()
    two.second.batch("clone", "--hostname", "second", two.origin, "mine")
    assert snapshots(two.second.at(two.second.cwd / "mine")) == snapshots(two.first)


@pytest.mark.parametrize("place", [".", "mine"])
def test_clone_into_an_empty_directory_leaves_its_mode_and_whoever_is_in_it(two: Two, place: str) -> None:
    mine = two.second.cwd / "mine"
    mine.mkdir()
    mine.chmod(0o2770)
    before = mine.stat()
    user = two.second.at(mine) if place == "." else two.second
    user.batch("clone", "--hostname", "second", two.origin, place)
    after = mine.stat()
    assert (after.st_mode, after.st_gid) == (before.st_mode, before.st_gid)
    assert after.st_ino == before.st_ino or place != "."
    copy = two.second.at(mine)
    assert snapshots(copy) == snapshots(two.first)
    assert copy.git("status", "--porcelain") == ""
    assert os.listdir(two.second.cwd) == ["mine"]


def test_clone_leaves_nothing_beside_it(two: Two) -> None:
    two.clone()
    assert os.listdir(two.second.cwd) == ["analysis"]


def test_clone_with_a_host_name_that_is_none(two: Two) -> None:
    refused(two.second, "clone", "--hostname", "no blanks", two.origin, hub=two.hub)
    assert os.listdir(two.second.cwd) == []


def test_clone_into_a_directory_with_files(two: Two) -> None:
    write_files(two.second.cwd, {"analysis/mine.txt": "mine\n"})
    refused(two.second, "clone", "--hostname", "second", two.origin, hub=two.hub, says=["analysis"])
    assert read_tree(two.second.cwd) == {"analysis/mine.txt": read_tree(two.second.cwd)["analysis/mine.txt"]}
    assert os.listdir(two.second.cwd) == ["analysis"]


def test_clone_where_a_file_is(two: Two) -> None:
    write_files(two.second.cwd, {"mine": "mine\n"})
    done = two.second.batch("clone", "--hostname", "second", two.origin, "mine", check=False)
    assert done.returncode == 2
    assert "'mine' is a file" in done.stderr
    assert (two.second.cwd / "mine").read_text() == "mine\n"


def test_clone_of_a_repository_that_is_no_workspace(two: Two) -> None:
    refused(
        two.second, "clone", "--hostname", "second", two.hub.url(two.hub.root / "data.git"), hub=two.hub,
        says=["not a workspace", "data.git"],
    )  # fmt: skip
    assert os.listdir(two.second.cwd) == []


def test_clone_of_an_empty_repository(two: Two) -> None:
    empty = two.hub.url(two.hub.repository("empty.git"))
    refused(two.second, "clone", "--hostname", "second", empty, hub=two.hub, says=["empty.git"])
    assert os.listdir(two.second.cwd) == []


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_clone_of_what_does_not_exist(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    hub = make_hub(request, tmp_path, kind)
    second = hub.connect(machine(tmp_path / "machine2", "bob"))
    refused(second, "clone", "--hostname", "second", hub.url(hub.root / "none.git"), says=["none.git"])
    assert os.listdir(second.cwd) == []


def test_clone_by_http_whose_connection_breaks(two_by_http: Two) -> None:
    server = two_by_http.hub.http
    assert server is not None
    server.cut_after = 700
    refused(two_by_http.second, "clone", "--hostname", "second", two_by_http.origin, says=["analysis.git"])
    assert os.listdir(two_by_http.second.cwd) == []
    server.cut_after = None
    assert snapshots(two_by_http.clone()) == snapshots(two_by_http.first)


@pytest.mark.parametrize("url", ["--upload-pack=touch ${IFS}x", "ext::touch x", "-x", ""])
def test_clone_of_an_address_that_would_run_a_program(two: Two, url: str) -> None:
    done = two.second.batch("clone", "--hostname", "second", "--", url, check=False)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert os.listdir(two.second.cwd) == []


def test_resource_whose_origin_is_gone_is_named_and_comes_later(two: Two) -> None:
    hidden = (two.hub.root / "data.git").rename(two.hub.root / "moved away")
    done = two.second.batch("clone", "--hostname", "second", two.origin, check=False)
    said = done.stdout + done.stderr
    assert done.returncode in FAILED
    assert "data" in said
    assert "dws pull" in said
    second = two.second.at(two.second.cwd / "analysis")
    assert not (second.cwd / "data").exists()
    assert (second.cwd / "public" / "README").exists()
    assert tags(second) == ["A"]
    assert [resource["name"] for resource in resources(second)] == [r["name"] for r in resources(two.first)]
    hidden.rename(two.hub.root / "data.git")
    second.batch("pull")
    assert (second.cwd / "data" / "data.csv").read_text() == "3\n1\n2\n"


def test_lineage_of_a_resource_that_is_cloned_later(two: Two) -> None:
    hidden = (two.hub.root / "data.git").rename(two.hub.root / "moved away")
    second = two.clone(status=1)
    hidden.rename(two.hub.root / "data.git")
    second.batch("pull")
    assert lineage(second) == lineage(two.first)


def test_pull_while_the_origin_of_a_resource_is_still_gone(two: Two) -> None:
    (two.hub.root / "data.git").rename(two.hub.root / "moved away")
    second = two.clone(status=1)
    done = second.batch("pull", check=False)
    assert "Traceback" not in done.stderr
    assert "data" in done.stdout + done.stderr
    assert tags(second) == ["A"]


def test_kill_in_the_middle_of_a_clone_leaves_no_half_workspace(two: Two, tmp_path: Path) -> None:
    """Git waits at a gate when it is to clone the resource; then all processes are killed."""
    gate, shim = tmp_path / "gate", tmp_path / "shim"
    os.mkfifo(gate)
    real = shutil.which("git")
    write_files(
        shim,
        {
            "git": f'#!/bin/sh\ncase "$*" in *data.git*) : > {tmp_path}/reached; read line < {gate};; esac\nexec {real} "$@"\n'
        },
    )
    (shim / "git").chmod(0o755)
    process = subprocess.Popen(
        [program("dws"), "--batch", "clone", "--hostname", "second", two.origin],
        cwd=two.second.cwd, env={**two.second.env, "PATH": f"{shim}:{two.second.env['PATH']}"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    while not (tmp_path / "reached").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, 9)
    process.communicate()
    half = two.second.cwd / "analysis"
    if half.exists():  # then it is whole but for resources, which a pull brings
        copy = two.second.at(half)
        assert tags(copy) == ["A"]
        copy.batch("pull")
    else:
        copy = two.clone()
    assert snapshots(copy) == snapshots(two.first)
    assert (copy.cwd / "data" / "data.csv").exists()
    assert [name for name in os.listdir(two.second.cwd) if not name.startswith(".")] == ["analysis"]


# -- publish -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def unpublished(templates: Templates, tmp_path: Path) -> tuple[Hub, User]:
    hub, [first, _second] = copy_of(templates.make("unpublished"), tmp_path / "one")
    return hub, first


def test_publish_to_somebody_elses_repository(unpublished: tuple[Hub, User]) -> None:
    hub, first = unpublished
    refused(first, "publish", hub.url(hub.root / "public.git"), hub=hub, says=["public.git"])
    assert first.run("git", "remote", check=False).stdout == ""


def test_publish_to_what_does_not_exist(unpublished: tuple[Hub, User]) -> None:
    hub, first = unpublished
    refused(first, "publish", hub.url(hub.root / "none.git"), hub=hub, says=["none.git"])


def test_publish_with_uncommitted_changes(unpublished: tuple[Hub, User]) -> None:
    """All that is published is what snapshots hold; what is not committed is not sent in silence."""
    hub, first = unpublished
    write_files(first.cwd, {"code/run.py": "changed\n"})
    refused(first, "publish", hub.url(hub.repository("analysis.git")), hub=hub, says=["code/run.py"])


def test_publish_sends_resources_too(unpublished: tuple[Hub, User]) -> None:
    hub, first = unpublished
    write_files(first.cwd, {"data/data.csv": "7\n"})
    first.batch("snapshot", "B")
    first.batch("publish", hub.url(hub.repository("analysis.git")))
    assert (
        references(hub.root / "data.git")["refs/heads/main"]
        == first.at(first.cwd / "data").git("rev-parse", "HEAD").strip()
    )
    assert references(hub.root / "analysis.git")["refs/heads/main"] == first.git("rev-parse", "HEAD").strip()


def test_publish_that_skips_a_resource(unpublished: tuple[Hub, User]) -> None:
    hub, first = unpublished
    before = references(hub.root / "data.git")
    write_files(first.cwd, {"data/data.csv": "7\n"})
    first.batch("snapshot", "B")
    first.batch("publish", "--skip", "data", hub.url(hub.repository("analysis.git")))
    assert references(hub.root / "data.git") == before
    assert references(hub.root / "analysis.git")["refs/heads/main"] == first.git("rev-parse", "HEAD").strip()


def test_publish_twice_to_the_same_place(two: Two) -> None:
    before = two.hub.references()
    done = two.first.batch("publish", two.origin, check=False)
    assert "Traceback" not in done.stderr
    assert two.hub.references() == before
    assert two.first.git("config", "remote.origin.url").strip() == two.origin


def test_publish_that_is_interrupted_can_be_repeated(unpublished_by_http: Two) -> None:
    hub, first = unpublished_by_http.hub, unpublished_by_http.first
    assert hub.http is not None
    url = hub.url(hub.repository("analysis.git"))
    hub.http.cut_after = 1000
    done = first.batch("publish", url, check=False)
    assert done.returncode in FAILED, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    hub.http.cut_after = None
    first.batch("publish", url)
    assert references(hub.root / "analysis.git")["refs/heads/main"] == first.git("rev-parse", "HEAD").strip()


def test_tutorial_says_what_was_published(two: Two) -> None:
    assert two.first.git("config", "remote.origin.url").strip() == two.origin


# -- push --------------------------------------------------------------------------------------------------------------


def test_push_without_origin(unpublished: tuple[Hub, User]) -> None:
    hub, first = unpublished
    refused(first, "push", hub=hub, says=["dws publish"])


def test_pull_without_origin(unpublished: tuple[Hub, User]) -> None:
    _hub, first = unpublished
    done = first.batch("pull")  # its resources have origins of their own
    assert "it has no origin" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["code/run.py", "data/data.csv", "code/new.py"])
def test_push_with_uncommitted_changes(two: Two, name: str) -> None:
    write_files(two.first.cwd, {name: "changed\n"})
    refused(two.first, "push", hub=two.hub, says=["snapshot"])


def test_push_that_is_behind(behind: Two) -> None:
    write_files(behind.first.cwd, {"code/other.py": "pass\n"})
    behind.first.batch("snapshot", "C")
    refused(behind.first, "push", hub=behind.hub, says=["dws pull"])


def test_push_with_a_resource_that_is_behind(changed: Two) -> None:
    other = changed.second
    other.git("clone", "--quiet", changed.hub.root / "data.git", "data")
    write_files(other.cwd, {"data/more.csv": "1\n"})
    data = other.at(other.cwd / "data")
    data.git("add", "--all")
    data.git("commit", "--quiet", "--message", "more")
    data.git("push", "--quiet")
    refused(changed.first, "push", hub=changed.hub, says=["data", "dws pull"])


@pytest.mark.parametrize("denied", ["data.git", "analysis.git"])
def test_push_where_one_remote_is_read_only_sends_nothing(changed_by_http: Two, denied: str) -> None:
    server = changed_by_http.hub.http
    assert server is not None
    server.read_only.add(denied)
    refused(changed_by_http.first, "push", hub=changed_by_http.hub, says=[denied, "read-only"])
    server.read_only.clear()
    changed_by_http.first.batch("push")
    assert tags(changed_by_http.clone()) == ["A", "B"]


def test_push_whose_connection_breaks_can_be_repeated(two_by_http: Two) -> None:
    server = two_by_http.hub.http
    assert server is not None
    write_files(two_by_http.first.cwd, {"code/large": os.urandom(50_000)})
    more_data(two_by_http.first, "5\n", "B")
    server.cut_after = 20_000
    done = two_by_http.first.batch("push", check=False)
    assert done.returncode in FAILED, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    server.cut_after = None
    two_by_http.first.batch("push")
    assert tags(two_by_http.clone()) == ["A", "B"]


def test_resource_is_sent_before_the_workspace(changed_by_http: Two) -> None:
    server = changed_by_http.hub.http
    assert server is not None
    server.requests.clear()
    changed_by_http.first.batch("push")
    sent = [path.split("/")[1] for method, path in server.requests if method == "POST" and "receive-pack" in path]
    assert list(dict.fromkeys(sent)) == ["data.git", "analysis.git"]


def test_push_says_that_a_read_only_resource_is_not_pushed(changed_by_http: Two) -> None:
    server = changed_by_http.hub.http
    assert server is not None
    server.read_only.add("public.git")
    done = changed_by_http.first.batch("push")
    line = next(line for line in (done.stdout + done.stderr).splitlines() if "public" in line)
    assert "read-only" in line


def test_second_push_sends_nothing_and_says_so(changed_by_http: Two) -> None:
    server = changed_by_http.hub.http
    assert server is not None
    changed_by_http.first.batch("push")
    before = changed_by_http.hub.references()
    server.requests.clear()
    done = changed_by_http.first.batch("push")
    assert done.stdout.count("nothing to push") == 2
    assert server.sent_packs == 0
    assert changed_by_http.hub.references() == before


def test_push_that_a_hook_of_the_origin_refuses(changed: Two) -> None:
    hook = changed.hub.root / "analysis.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'only on weekdays' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = references(changed.hub.root / "analysis.git")
    done = changed.first.batch("push", check=False)
    assert done.returncode in FAILED
    assert "only on weekdays" in done.stderr
    assert "dws pull" not in done.stderr
    assert references(changed.hub.root / "analysis.git") == before
    hook.unlink()
    changed.first.batch("push")


def test_pull_with_nothing_new_says_so(two: Two) -> None:
    before = local_state(two.first.cwd)
    assert "up to date" in two.first.batch("pull").stdout
    assert local_state(two.first.cwd) == before


def test_push_sends_no_other_branch(changed: Two) -> None:
    changed.first.git("branch", "private")
    changed.first.batch("push")
    there = references(changed.hub.root / "analysis.git")
    assert [name for name in there if not name.startswith("refs/dws/trees/")] == ["refs/heads/main"]


# -- pull --------------------------------------------------------------------------------------------------------------


def test_pull_that_would_overwrite_local_edits(met: Two) -> None:
    second = met.second
    write_files(second.cwd, {"code/run.py": "theirs\n"})
    second.batch("snapshot", "B")
    second.batch("push")
    write_files(met.first.cwd, {"code/run.py": "mine, not committed\n"})
    refused(met.first, "pull", hub=met.hub, says=["code/run.py"])


def test_pull_that_would_overwrite_an_untracked_file(met: Two) -> None:
    second = met.second
    write_files(second.cwd, {"code/new.py": "theirs\n"})
    second.batch("snapshot", "B")
    second.batch("push")
    write_files(met.first.cwd, {"code/new.py": "mine, not committed\n"})
    refused(met.first, "pull", hub=met.hub, says=["code/new.py"])


def test_pull_that_would_overwrite_local_edits_in_a_resource(behind: Two) -> None:
    """The workspace comes, this resource does not; it does as soon as it can."""
    data = behind.first.at(behind.first.cwd / "data")
    before = data.git("rev-parse", "HEAD")
    write_files(data.cwd, {"data.csv": "mine, not committed\n"})
    done = behind.first.batch("pull", check=False)
    assert done.returncode in FAILED
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "data.csv" in done.stderr
    assert data.git("rev-parse", "HEAD") == before
    assert (data.cwd / "data.csv").read_text() == "mine, not committed\n"
    assert data.git("status", "--porcelain") == " M data.csv\n"
    assert behind.first.git("status", "--porcelain") == ""
    data.git("checkout", "--quiet", "data.csv")
    behind.first.batch("pull")
    assert (data.cwd / "data.csv").read_text() == "5\n"


def test_lineage_of_a_resource_that_is_pulled_after_its_snapshot(behind: Two) -> None:
    behind.first.batch("pull", "--skip", "data")
    behind.first.batch("pull")
    assert lineage(behind.first) == lineage(behind.second)


def test_pull_that_touches_other_files_than_local_edits(met: Two) -> None:
    second = met.second
    write_files(second.cwd, {"code/new.py": "theirs\n"})
    second.batch("snapshot", "B")
    second.batch("push")
    write_files(met.first.cwd, {"notes.txt": "mine, not committed\n", "code/run.py": "mine, not committed\n"})
    done = met.first.batch("pull", check=False)
    assert (met.first.cwd / "notes.txt").read_text() == "mine, not committed\n"
    assert (met.first.cwd / "code" / "run.py").read_text() == "mine, not committed\n"
    if done.returncode == 0:
        assert tags(met.first) == ["A", "B"]
        assert (met.first.cwd / "code" / "new.py").read_text() == "theirs\n"
    else:
        assert tags(met.first) == ["A"]


def test_pull_brings_new_resources(met: Two) -> None:
    second = met.second
    publish_repository(second, met.hub, "more", {"more.csv": "1\n"})
    second.batch("add", "git", "--role", "source-data", "--name", "more", "more")
    write_files(second.cwd, {"tables/t": "1\n"})
    second.batch("add", "git", "--role", "intermediate-data", "--name", "tables", "tables")
    second.batch("snapshot", "B")
    second.batch("push")
    met.first.batch("pull")
    assert (met.first.cwd / "more" / "more.csv").read_text() == "1\n"
    assert (met.first.cwd / "tables" / "t").read_text() == "1\n"
    assert resources(met.first) == resources(second)
    assert met.first.git("status", "--porcelain") == ""


def test_pull_whose_new_resource_is_in_the_way_of_a_file(met: Two) -> None:
    second = met.second
    publish_repository(second, met.hub, "more", {"more.csv": "1\n"})
    second.batch("add", "git", "--role", "source-data", "--name", "more", "more")
    second.batch("snapshot", "B")
    second.batch("push")
    write_files(met.first.cwd, {"more/mine.txt": "mine\n"})
    done = met.first.batch("pull", check=False)
    assert "Traceback" not in done.stderr
    assert "more" in done.stdout + done.stderr
    assert (met.first.cwd / "more" / "mine.txt").read_text() == "mine\n"
    assert snapshots(met.first)


def test_local_work_that_is_committed_is_merged_in_a_resource(met: Two) -> None:
    """Both have new commits in a resource, in different files."""
    second = met.second
    write_files(second.cwd, {"data/second.csv": "2\n"})
    second.batch("snapshot", "B")
    second.batch("push")
    write_files(met.first.cwd, {"data/first.csv": "1\n"})
    met.first.batch("snapshot", "C")
    met.first.batch("pull")
    met.first.batch("push")
    second.batch("pull")
    for user in (met.first, second):
        assert sorted(os.listdir(user.cwd / "data")) == [".git", "data.csv", "first.csv", "second.csv"]
        assert tags(user) == ["A", "B", "C"]


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["push", "pull"])
@pytest.mark.parametrize(
    "options",
    [
        ("--only", "data", "--skip", "data"),
        ("--only", "data", "--only-workspace"),
        ("--skip", "data", "--only-workspace"),
    ],
)
def test_at_most_one_of_the_three_options(two: Two, command: str, options: tuple[str, ...]) -> None:
    done = two.first.batch(command, *options, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["push", "pull"])
@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_unknown_resource(two: Two, command: str, option: str) -> None:
    refused(two.first, command, option, "data,nosuch", hub=two.hub, says=["nosuch"])


@pytest.fixture
def ahead(templates: Templates, tmp_path: Path) -> Two:
    """The first one has new commits in the workspace and in two resources."""
    return copy_of_two(templates.make("ahead"), tmp_path)


@pytest.fixture
def ahead_met(templates: Templates, tmp_path: Path) -> Two:
    """The same, of which the second one has a clone."""
    return copy_of_two(templates.make("ahead_met"), tmp_path)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (["--only", "data"], {"data.git", "analysis.git"}),
        (["--skip", "data"], {"more.git", "analysis.git"}),
        (["--only-workspace"], {"analysis.git"}),
        (["--only", "data,more"], {"data.git", "more.git", "analysis.git"}),
    ],
)
def test_push_of_a_part(ahead: Two, options: list[str], sent: set[str]) -> None:
    before = ahead.hub.references()
    ahead.first.batch("push", *options)
    after = ahead.hub.references()
    assert {name for name in after if after[name] != before[name]} == sent


@pytest.mark.parametrize(
    ("options", "come"),
    [
        (["--only", "data"], {"data"}),
        (["--skip", "data"], {"more"}),
        (["--only-workspace"], set()),
        ([], {"data", "more"}),
    ],
)
def test_pull_of_a_part(ahead_met: Two, options: list[str], come: set[str]) -> None:
    second = ahead_met.second
    write_files(ahead_met.first.cwd, {"more/more.csv": "3\n", "data/extra": "3\n"})
    ahead_met.first.batch("snapshot", "D")
    ahead_met.first.batch("push")
    heads = {name: second.at(second.cwd / name).git("rev-parse", "HEAD") for name in ("data", "more")}
    second.batch("pull", *options)
    now = {name: second.at(second.cwd / name).git("rev-parse", "HEAD") for name in ("data", "more")}
    assert {name for name in now if now[name] != heads[name]} == come
    assert "D" in tags(second)


@pytest.mark.parametrize("command", ["push", "pull"])
def test_json(changed: Two, command: str) -> None:
    """One JSON document, on standard output alone."""
    changed.first.batch("push", "--skip", "data") if command == "pull" else None
    done = changed.first.batch(command, "--json")
    assert json.loads(done.stdout)


def test_json_of_publish_and_clone(unpublished: tuple[Hub, User], tmp_path: Path) -> None:
    hub, first = unpublished
    url = hub.url(hub.repository("analysis.git"))
    assert json.loads(first.batch("publish", url, "--json").stdout)
    second = hub.connect(machine(tmp_path / "machine2", "bob"))
    assert json.loads(second.batch("clone", "--hostname", "second", url, "--json").stdout)


def test_workspace_dir_option(changed: Two) -> None:
    elsewhere = changed.first.at(changed.second.cwd)
    elsewhere.batch("push", "--workspace-dir", changed.first.cwd)
    elsewhere.batch("pull", "--workspace-dir", changed.first.cwd)
    assert tags(changed.clone()) == ["A", "B"]


# -- passwords ---------------------------------------------------------------------------------------------------------

SECRET = "s3cr3t-t0ken"


def test_password_is_used_and_neither_shown_nor_stored(tmp_path: Path) -> None:
    server = HttpServer(tmp_path / "hub")
    server.start()
    try:
        hub = Hub(server.root, http=server)
        first = make_analysis(machine(tmp_path / "machine1", "ada"), hub)
        second = machine(tmp_path / "machine2", "bob")
        path = hub.repository("analysis.git")
        server.user_name, server.password = "ada", SECRET
        # The other repositories are asked for a password as well, which a user's git keeps in its own way.
        helper = f"!f() {{ echo username=ada; echo password={SECRET}; }}; f"
        said = []
        with_helper = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": helper,
        }
        url = server.url(path, user_name="ada", password=SECRET)
        for user, command in (
            (first, ["--verbose", "publish", url]),
            (second, ["--verbose", "clone", "--hostname", "second", url]),
        ):
            done = user.batch(*command, check=False)
            said += [done.stdout, done.stderr]
        first.at(first.cwd, **with_helper).batch("publish", url, check=False)
        second.at(second.cwd, **with_helper).batch("clone", "--hostname", "second", url, "copy", check=False)
        copy = second.at(second.cwd / "copy", **with_helper)
        more_data(copy, "5\n", "B")
        for user, command in (
            (copy, ["--verbose", "push"]),
            (first.at(first.cwd, **with_helper), ["--verbose", "pull"]),
        ):
            done = user.batch(*command)
            said += [done.stdout, done.stderr]
        wrong = f"{SECRET}-wrong"
        for command in (["publish"], ["clone", "--hostname", "second"]):
            done = first.at(tmp_path / "machine1" / "work" / "analysis").batch(
                *command, server.url(path, user_name="ada", password=wrong), check=False
            )
            assert done.returncode in FAILED
            said += [done.stdout, done.stderr]
        assert tags(first) == ["A", "B"]
    finally:
        server.stop()
    assert SECRET not in "".join(said)
    assert files_with(SECRET, tmp_path / "machine1", tmp_path / "machine2", path) == []


def test_password_in_the_origin_of_a_resource_is_not_handed_on(tmp_path: Path) -> None:
    server = HttpServer(tmp_path / "hub")
    server.start()
    try:
        hub = Hub(server.root, http=server)
        first = make_analysis(machine(tmp_path / "machine1", "ada"), hub)
        write_files(first.cwd, {"secret/a": "1\n"})
        here = first.at(first.cwd / "secret")
        here.git("init", "--quiet")
        here.git("add", "--all")
        here.git("commit", "--quiet", "--message", "first")
        path = hub.repository("secret.git")
        here.git("remote", "add", "origin", server.url(path, user_name="ada", password=SECRET))
        here.git("push", "--quiet", "origin", "main")
        first.batch("add", "git", "--role", "source-data", "--name", "secret", "secret")
        first.batch("snapshot", "B")
        done = first.batch("--verbose", "publish", hub.url(hub.repository("analysis.git")))
        second = machine(tmp_path / "machine2", "bob")
        second.batch("clone", "--hostname", "second", hub.url(hub.root / "analysis.git"))
    finally:
        server.stop()
    assert SECRET not in done.stdout + done.stderr
    assert files_with(SECRET, first.cwd / ".dataworkspace", second.cwd, hub.root) == []
    assert (second.cwd / "analysis" / "secret" / "a").exists()


def test_server_that_wants_a_password_that_nobody_knows(changed_by_http: Two) -> None:
    server = changed_by_http.hub.http
    assert server is not None
    server.user_name, server.password = "ada", SECRET
    for command in ("push", "pull"):
        refused(changed_by_http.first, command, hub=changed_by_http.hub, says=[".git"])


# -- results and steps -------------------------------------------------------------------------------------------------


def test_results_survive_a_round_trip(met: Two) -> None:
    second = met.second
    more_data(second, "5\n", None)
    second.batch("push")
    met.first.batch("pull")
    assert results_files(met.first) == results_files(second)
    assert len({Path(name).parent for name in results_files(second)}) == 2


def test_step_is_up_to_date_after_clone(two: Two) -> None:
    """The lineage of the snapshot is the current one of a clone, so `dws run` need not run again what is there."""
    second = two.clone()
    assert {row["state"] for row in lineage(second)} == {"current"}
    second.batch(*STEP)
    assert second.git("status", "--porcelain", "--untracked-files=no") == ""
