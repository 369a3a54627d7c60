"""A command that is killed at any point leaves a workspace that opens, with all that was there, and the next one says
what was interrupted and completes or undoes it. docs/internals/write-ordering.md says at which step what happens.

The kills are real: SIGKILL, at each point at which the command changes something (see kill_server.py), and at each
call of git with git going on alone, or dying in the middle and leaving its lock.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from endtoend import (
    FAILED,
    HOST,
    User,
    contents_in_git,
    contents_in_tree,
    copy_workspace,
    isolated_environment,
    read_tree,
    remove,
    write_files,
)
from forked import Forked
from kill_points import EACH, kill_points

pytestmark = pytest.mark.slow

NOTES = ".dataworkspace/scratch"
"""A directory a resource."""
REPOSITORIES = ("", "data", "shared")
"""Places of the workspace's own repository and of its resources that are repositories."""
STRIPES = 3 if EACH else 1
"""The points of a command are shared out among so many tests, which can run at the same time."""
stripes = pytest.mark.parametrize("stripe", range(STRIPES))


@dataclass(frozen=True)
class Answer:
    """What became of a command: see kill_server.py."""

    status: int
    points: int
    killed_at: str
    stdout: str
    stderr: str


@cache
def server_process() -> subprocess.Popen[str]:
    """One for all tests of this process: it imports for a second, and keeps nothing of what it runs."""
    directory = tempfile.mkdtemp(prefix="dws-kill-")
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("kill_server.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=isolated_environment(Path(directory)),
    )  # fmt: skip
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(process.communicate)  # which lets it end
    return process


class Server:
    """Runs `dws` in forked children of one process, with an environment."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def run(
        self, root: Path, *args: str, kill_at: int | None = None, env: dict[str, str] | None = None, wait: bool = True,
        input: str = "", record: tuple[Path, Path] | None = None, fault: str = "", fail_from: int = 0, count: Collection[str] = (),
    ) -> Answer:  # fmt: skip
        request = {
            "args": args, "cwd": str(root), "env": {**self.env, **(env or {})}, "kill_at": kill_at, "wait": wait,
            "input": input, **({"record": [str(path) for path in record]} if record else {}),
            **({"fault": fault, "fail_from": fail_from} if fault else {}),
            **({"count": list(count)} if count else {}),
        }  # fmt: skip
        process = server_process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return Answer(**json.loads(process.stdout.readline()))


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """At a time that stands still, so that the same work gives the same commits."""
    noon = "2030-01-01T12:00:00Z"
    home = tmp_path_factory.mktemp("home")
    return {**isolated_environment(home), "GIT_AUTHOR_DATE": noon, "GIT_COMMITTER_DATE": noon}


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


STEP = """
import sys
from dataworkspaces.lineage import LineageBuilder
at, *paths = sys.argv[1:]
with LineageBuilder().with_step_name("train").with_parameters({"at": at}).with_input_path("data").eval() as lineage:
    for path in paths:
        lineage.add_output_path(path)
"""


def run_step(user: User, at: str, *paths: str) -> None:
    """A step that reads `data` and writes to some places."""
    user.python("-c", STEP, at, *paths)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """A workspace with a resource of each kind, snapshots A and B, new results, and work that is not committed."""
    directory = tmp_path_factory.mktemp("kill")
    root = directory / "base"
    root.mkdir()
    user = Forked(root, env)
    user.batch("init", "--hostname", HOST, "--create-resources", "code,results,intermediate-data")
    user.make_repository(root / "data", {"data.csv": "1,2\n", "to delete": "x\n"})
    shutil.move(root / "data.git", directory / "data.git")
    user.at(root / "data").git("remote", "set-url", "origin", directory / "data.git")
    user.make_repository(root / "shared", {"model": "at A\n"})
    shutil.move(root / "shared.git", directory / "shared.git")
    write_files(directory / "files", {"a": "1", "sub/b": "2"})
    write_files(root, {"exported/table": "at A\n"})
    user.batch("add", "git", "--role", "source-data", "--name", "data", "data")
    user.batch("add", "git", "--role", "intermediate-data", "--name", "exported", "--export", "exported")
    user.batch("add", "git", "--role", "intermediate-data", "--name", "shared", "--export", "shared")
    user.batch("add", "local-files", "--role", "source-data", "--name", "files", "--compute-hash", directory / "files")
    for tag in ("A", "B"):
        write_files(
            root,
            {
                "code/run.py": f"print('{tag}')\n",
                f"code/only at {tag}": f"{tag}\n",
                "results/results.json": json.dumps({"metrics": {"accuracy": len(tag)}}),
                "results/model.bin": f"model of {tag}",
                "intermediate-data/binary": bytes(range(256)) + tag.encode(),
                "data/data.csv": f"{tag},2\n",
                "exported/table": f"at {tag}\n",
                "shared/model": f"at {tag}\n",
            },
        )
        run_step(user, tag, "results")
        user.batch("snapshot", tag, "-m", f"snapshot {tag}")
    run_step(user, "C", "results")
    (root / "data" / "to delete").unlink()
    write_files(
        root,
        {
            "code/run.py": "print('not committed')\n",
            "code/untracked.py": "print('untracked')\n",
            "data/data.csv": "not committed\n",
            "results/results.json": json.dumps({"metrics": {"accuracy": 0.5}}),
            "results/model.bin": "model of C",
            "results/plots/plot.png": b"\x89PNG\r\n\0",
            "intermediate-data/binary": bytes(range(255, -1, -1)),
            "exported/table": "not committed\n",
            "shared/model": "not committed\n",
            "notes.txt": "staged by the user, and of no resource\n",
            "todo.txt": "untracked, and of no resource\n",
        },
    )
    user.git("add", "notes.txt")
    return root


# -- what must hold after a kill -------------------------------------------------------------------------------------


def contents(user: User) -> set[str]:
    """All that somebody has in a workspace, in the working tree or in the history of a repository."""
    in_git = (contents_in_git(user.cwd / name, user.env) for name in REPOSITORIES)
    return contents_in_tree(user.cwd).union(*in_git)


class Killed:
    """A copy of a workspace in which a command was killed, or is going to be. ``had`` is what the user had before."""

    def __init__(self, server: Server, base: Path, root: Path, had: set[str]) -> None:
        self.server = server
        self.root = copy_workspace(base, root)
        self.user = Forked(root, server.env)
        self.had = had
        self.problems: list[str] = []

    def age_empty_locks(self, but: Collection[str] = ()) -> set[str]:
        """As if the next command came later, so that it need not wait until it can tell that a lock whose process
        was killed before it could sign it is nobody's. Returns the names of those that are ``but`` left alone."""
        left = set()
        for lock in (self.root / ".git" / "dws").glob("*lock"):
            if lock.stat().st_size == 0 and lock.name in but:
                left.add(lock.name)
            elif lock.stat().st_size == 0:
                long_ago = lock.stat().st_mtime - 60
                os.utime(lock, (long_ago, long_ago))
        return left

    def expect(self, holds: object, what: str) -> None:
        if not holds:
            self.problems.append(what)

    def check_opens(self) -> None:
        """The workspace opens, the first command says what was interrupted, and all earlier snapshots are there."""
        unfinished = (self.root / ".git" / "dws" / "journal.json").exists()
        for number, report in enumerate(("status", "history")):
            answer = self.server.run(self.root, "report", report)
            self.expect(answer.status == 0, f"report {report}: {answer.status} {answer.stderr}")
            told = "was interrupted" in answer.stderr
            self.expect(told == (unfinished and number == 0), f"report {report}: says {answer.stderr!r}")
            self.expect("Traceback" not in answer.stderr, answer.stderr)
        self.expect("snapshot B" in answer.stdout, f"history lacks B: {answer.stdout}")

    def check_nothing_lost(self) -> None:
        lost = self.had - contents(self.user)
        self.expect(not lost, f"lost: {[content[:16] for content in lost]}")

    def check_no_temporary_file_is_kept(self) -> None:
        for name in REPOSITORIES:
            names = self.user.at(self.root / name).git("log", "--all", "--name-only", "--format=")
            self.expect(".tmp" not in names, f"committed: {names}")


def outcome(user: User) -> dict[str, Any]:
    """What a command leaves, without what differs between two runs of it (times, commits)."""
    root = user.cwd
    metadata = {}
    for path in sorted((root / ".dataworkspace" / "snapshot_metadata").glob("*_md.json")):
        data = json.loads(path.read_text())
        del data["timestamp"]
        data.pop("updated_timestamp", None)
        data["restore_hashes"] = sorted(data["restore_hashes"])
        metadata[path.name] = data
    tree = {
        name: text
        for name, text in read_tree(root).items()
        # What a killed write leaves in the metadata is ignored, by git and by us.
        if "snapshot_metadata" not in name and not (name.startswith(".dataworkspace") and ".tmp" in name)
    }
    for note in root.glob(f"{NOTES}/*/after_snapshot.json"):  # names a commit, which has other parents after an undoing
        noted = json.loads(note.read_text())
        head = user.at(root / note.parent.name).git("rev-parse", "HEAD").strip()
        tree[str(note.relative_to(root))] = f"{noted['version']}, of HEAD: {noted['after'] == head}"
    return {
        "files": tree,
        "modes of results": {
            str(path.relative_to(root)): oct(stat.S_IMODE(path.stat().st_mode))
            for path in sorted((root / "results").rglob("*"))
            if path.is_file()
        },
        "metadata": metadata,
        "status": user.git("status", "--porcelain", "--untracked-files=all"),
        "status of repositories": [user.at(root / name).git("status", "--porcelain") for name in REPOSITORIES[1:]],
        "tracked": user.git("ls-files"),
    }


Check = Callable[[Killed], None]


def kill_at_each_point(
    server: Server,
    base: Path,
    tmp_path: Path,
    command: list[str],
    check: Check,
    stripe: int,
    input: str = "",
    wait_for_locks: Collection[str] = (),
) -> None:
    """Kill a command at the points of a stripe, and check what it leaves. The first time that it leaves one of
    ``wait_for_locks`` empty, the lock is as old as it is; all others have been empty for long."""
    problems = []
    had = contents(Forked(base, server.env))
    wait_for = set(wait_for_locks)
    whole = server.run(copy_workspace(base, tmp_path / "whole"), *command, input=input)
    assert whole.status == 0, whole
    assert whole.points > 10
    for number in kill_points(whole.points, stripe, STRIPES):
        killed = Killed(server, base, tmp_path / f"at-{number}", had)
        answer = server.run(killed.root, *command, kill_at=number, input=input)
        if answer.status != -9:
            assert answer.status == 0, answer
            continue
        wait_for -= killed.age_empty_locks(but=wait_for)
        check(killed)
        problems += [f"killed at {number}, {answer.killed_at}: {problem}" for problem in killed.problems]
        remove(killed.root)
    remove(tmp_path / "whole")
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)


# -- snapshot --------------------------------------------------------------------------------------------------------

SNAPSHOT = ["--batch", "snapshot", "C", "-m", "snapshot C"]
RESTORE = ["--batch", "restore", "A"]


def undisturbed(server: Server, base: Path, root: Path, command: list[str], input: str = "") -> dict[str, Any]:
    user = Forked(copy_workspace(base, root), server.env)
    answer = server.run(root, *command, input=input)
    assert answer.status == 0, answer
    result = outcome(user)
    remove(root)
    return result


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = []
    for key in one:
        if one[key] != other[key]:
            if isinstance(one[key], dict):
                names = sorted(n for n in one[key].keys() | other[key].keys() if one[key].get(n) != other[key].get(n))
                found.append(f"{key}: {[(n, one[key].get(n), other[key].get(n)) for n in names][:4]}")
            else:
                found.append(f"{key}: {one[key]!r} is not {other[key]!r}")
    return found


@pytest.fixture(scope="module")
def after_snapshot(server: Server, base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return undisturbed(server, base, tmp_path_factory.mktemp("undisturbed") / "ws", SNAPSHOT)


@pytest.fixture(scope="module")
def after_restore(server: Server, base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return undisturbed(server, base, tmp_path_factory.mktemp("undisturbed") / "ws", RESTORE)


def then_succeeds(command: list[str], expected: dict[str, Any]) -> Check:
    """The workspace opens with all that was there, and the same command leaves what it always leaves, or a snapshot
    has been completed without it."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        killed.check_nothing_lost()
        completed = "snapshot C" in tags(killed.root)
        answer = killed.server.run(killed.root, *command)
        if completed:
            killed.expect("Tag 'C' already names snapshot" in answer.stderr, f"the same command: {answer.stderr}")
        else:
            killed.expect(answer.status == 0, f"the same command: {answer.status} {answer.stderr}")
        killed.expect("interrupted" not in answer.stderr, f"the same command: {answer.stderr}")
        killed.check_nothing_lost()
        killed.check_no_temporary_file_is_kept()
        for difference in differences(outcome(killed.user), expected):
            killed.expect(False, difference)

    return check


@stripes
def test_snapshot_killed_at_each_point(
    server: Server, base: Path, tmp_path: Path, after_snapshot: dict[str, Any], stripe: int
) -> None:
    check = then_succeeds(SNAPSHOT, after_snapshot)
    kill_at_each_point(server, base, tmp_path, SNAPSHOT, check, stripe, wait_for_locks=("lock", "lineage.lock"))


@stripes
def test_restore_killed_at_each_point(
    server: Server, base: Path, tmp_path: Path, after_restore: dict[str, Any], stripe: int
) -> None:
    kill_at_each_point(server, base, tmp_path, RESTORE, then_succeeds(RESTORE, after_restore), stripe)


@stripes
def test_rename_killed_at_each_point(server: Server, base: Path, tmp_path: Path, stripe: int) -> None:
    """A resource is called as before, or otherwise, in snapshots as well; and the next command completes it."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        killed.check_nothing_lost()
        shown = json.loads(server.run(killed.root, "show", "B", "--json").stdout)
        called = {each["name"] for each in shown["resources"]} & {"files", "measured"}
        killed.expect(len(called) == 1, f"called {called}")
        answer = server.run(killed.root, "--batch", "rename", *called, "again")
        killed.expect(answer.status == 0, f"the next command: {answer.stderr}")
        killed.check_no_temporary_file_is_kept()
        killed.expect(killed.user.git("status", "--porcelain", ".dataworkspace") == "", "not committed")

    kill_at_each_point(server, base, tmp_path, ["--batch", "rename", "files", "measured"], check, stripe)


@stripes
def test_undo_restore_killed_at_each_point(server: Server, base: Path, tmp_path: Path, stripe: int) -> None:
    """It is done, or not at all; and nothing is lost."""
    template = copy_workspace(base, tmp_path / "template")
    user = Forked(template, server.env)
    before = {name: text for name, text in read_tree(template).items() if name.startswith("code/")}
    user.batch(*RESTORE[1:])
    restored = {name: text for name, text in read_tree(template).items() if name.startswith("code/")}

    def check(killed: Killed) -> None:
        killed.check_opens()
        now = {name: text for name, text in read_tree(killed.root).items() if name.startswith("code/")}
        killed.expect(now in (before, restored), f"half of it: {sorted(now)}")
        if now == restored:
            killed.expect(server.run(killed.root, "--batch", "undo-restore").status == 0, "the same command")
            now = {name: text for name, text in read_tree(killed.root).items() if name.startswith("code/")}
            killed.expect(now == before, "not undone")

    kill_at_each_point(server, template, tmp_path, ["--batch", "undo-restore"], check, stripe)


@stripes
def test_snapshot_with_new_lineage_of_exports_killed_at_each_point(
    server: Server, base: Path, tmp_path: Path, stripe: int
) -> None:
    """What an undone snapshot has written into exported resources is content of the next, whose hash is another one
    then; whatever happened, the snapshot after it finds nothing changed."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        killed.check_nothing_lost()
        for tag in ("C", "D"):
            if not any(tag in each for each in tags(killed.root).values()):
                answer = server.run(killed.root, "--batch", "snapshot", tag, "-m", f"snapshot {tag}")
                killed.expect(answer.status == 0, f"{tag}: {answer.status} {answer.stderr}")
        wanted = {"snapshot A": ["A"], "snapshot B": ["B"], "snapshot C": ["C", "D"]}
        killed.expect(tags(killed.root) == wanted, f"tags: {tags(killed.root)}")
        killed.check_no_temporary_file_is_kept()
        killed.expect(killed.user.git("status", "--porcelain") == "", "not clean")

    template = copy_workspace(base, tmp_path / "template")
    run_step(Forked(template, server.env), "C", "shared", "exported", "results")
    kill_at_each_point(server, template, tmp_path, SNAPSHOT, check, stripe)


@pytest.mark.parametrize("part", [0.5, 0.6, 0.75, 0.95])
@pytest.mark.parametrize("command", [SNAPSHOT, RESTORE], ids=["snapshot", "restore"])
def test_recovery_that_is_killed_itself(
    server: Server,
    base: Path,
    tmp_path: Path,
    command: list[str],
    part: float,
    request: pytest.FixtureRequest,
) -> None:
    """A command is killed when it has done a part of its work, and then the one that sets it right, at many points.

    Nothing is lost of what was there before the first. What that one made of its own, such as the lineage beside the
    results of a snapshot that is undone, may go."""
    expected = request.getfixturevalue("after_snapshot" if command is SNAPSHOT else "after_restore")
    had = contents(Forked(base, server.env))
    first = copy_workspace(base, tmp_path / "first")
    points = server.run(copy_workspace(base, tmp_path / "whole"), *command).points
    server.run(first, *command, kill_at=int(points * part))
    assert (first / ".git" / "dws" / "journal.json").exists()
    problems = []
    recovery = server.run(copy_workspace(first, tmp_path / "recovered"), "report", "history")
    assert recovery.points > 4
    for number in kill_points(recovery.points + 1, some=5):
        killed = Killed(server, first, tmp_path / f"at-{number}", had)
        answer = server.run(killed.root, "report", "history", kill_at=number)
        killed.age_empty_locks()
        then_succeeds(command, expected)(killed)
        problems += [f"killed at {number}, {answer.killed_at}: {problem}" for problem in killed.problems]
        remove(killed.root)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)


# -- other commands --------------------------------------------------------------------------------------------------


def tags(root: Path) -> dict[str, list[str]]:
    """The tags of each snapshot, by its message."""
    files = (root / ".dataworkspace" / "snapshot_metadata").glob("*_md.json")
    return {data["message"]: data["tags"] for data in (json.loads(path.read_text()) for path in files)}


@stripes
def test_moving_a_tag_killed_at_each_point(server: Server, base: Path, tmp_path: Path, stripe: int) -> None:
    """The tag is somewhere all the time, and in one place in the end."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        killed.expect(
            any("A" in each for each in tags(killed.root).values()), f"the tag is nowhere: {tags(killed.root)}"
        )
        answer = server.run(killed.root, "snapshot", "A", "-m", "moved", input="y\n")
        killed.expect(answer.status == 0, f"the same command: {answer.stderr}")
        wanted = {"snapshot A": [], "snapshot B": ["B"], "moved": ["A"]}
        killed.expect(tags(killed.root) == wanted, f"tags: {tags(killed.root)}")

    template = copy_workspace(base, tmp_path / "template")
    Forked(template, server.env).batch("config", "results.dir_template", "snapshots/{SNAPSHOT_NO}")
    kill_at_each_point(server, template, tmp_path, ["snapshot", "A", "-m", "moved"], check, stripe, input="y\n")


@stripes
def test_move_of_a_tag_killed_at_each_point(server: Server, base: Path, tmp_path: Path, stripe: int) -> None:
    """From one snapshot that is there to another."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        holders = [message for message, found in tags(killed.root).items() if "A" in found]
        killed.expect(len(holders) == 1, f"the tag is in {holders}")
        killed.expect(server.run(killed.root, "tag", "--move", "A", "B").status == 0, "the same command")
        wanted = {"snapshot A": [], "snapshot B": ["A", "B"]}
        found = {message: sorted(each) for message, each in tags(killed.root).items()}
        killed.expect(found == wanted, f"tags: {found}")

    kill_at_each_point(server, base, tmp_path, ["tag", "--move", "A", "B"], check, stripe)


@stripes
def test_delete_snapshot_killed_at_each_point(server: Server, base: Path, tmp_path: Path, stripe: int) -> None:
    """The snapshot is whole, or it is gone with its results."""

    def check(killed: Killed) -> None:
        killed.check_opens()
        if "snapshot A" in tags(killed.root):
            killed.expect(server.run(killed.root, *RESTORE, "--dry-run").status == 0, "A cannot be restored")
            answer = server.run(killed.root, "delete-snapshot", "A", input="y\n")
            killed.expect(answer.status == 0, f"the same command: {answer.stderr}")
        killed.expect(tags(killed.root) == {"snapshot B": ["B"]}, f"snapshots: {tags(killed.root)}")
        kept = [path.name for path in (killed.root / "results" / "snapshots").iterdir()]
        killed.expect(kept == [f"{HOST}-B"], f"results: {kept}")
        lineage = list((killed.root / ".dataworkspace" / "snapshot_lineage").iterdir())
        killed.expect(len(lineage) == 1, f"lineage: {lineage}")
        answer = server.run(killed.root, *SNAPSHOT)
        killed.expect(answer.status == 0, f"a snapshot after it: {answer.stderr}")
        killed.check_no_temporary_file_is_kept()

    kill_at_each_point(server, base, tmp_path, ["delete-snapshot", "A"], check, stripe, input="y\n")


def test_add_killed_at_each_point(server: Server, base: Path, tmp_path: Path) -> None:
    """The resource is there or not; what was written is committed with the next command that changes something."""
    command = ["--batch", "add", "git", "--role", "source-data", "--name", "more", "more"]

    def check(killed: Killed) -> None:
        killed.check_opens()
        if "more" not in server.run(killed.root, "report", "status").stdout:
            answer = server.run(killed.root, *command)
            killed.expect(answer.status == 0, f"the same command: {answer.stderr}")
        answer = server.run(killed.root, *SNAPSHOT)
        killed.expect(answer.status == 0, f"a snapshot after it: {answer.stderr}")
        committed = killed.user.git("ls-tree", "--name-only", "HEAD", ".dataworkspace/resources/")
        killed.expect("resources/more.json" in committed, "not committed")
        killed.check_no_temporary_file_is_kept()

    with_more = copy_workspace(base, tmp_path / "with more")
    write_files(with_more, {"more/table": "1\n"})
    for stripe in range(STRIPES):
        kill_at_each_point(server, with_more, tmp_path, command, check, stripe)


def test_config_killed_at_each_point(server: Server, base: Path, tmp_path: Path) -> None:
    command = ["--batch", "config", "results.dir_template", "snapshots/{TAG}"]

    def check(killed: Killed) -> None:
        killed.check_opens()
        answer = server.run(killed.root, *command)
        killed.expect(answer.status == 0, f"the same command: {answer.stderr}")
        killed.expect("snapshots/{TAG}" in killed.user.git("show", "HEAD:.dataworkspace/config.json"), "not committed")

    for stripe in range(STRIPES):
        kill_at_each_point(server, base, tmp_path, command, check, stripe)


def test_init_killed_at_each_point(server: Server, tmp_path: Path) -> None:
    """In a directory that holds files already: there is a workspace that works, or none and `init` makes one."""
    command = ["--batch", "init", "--hostname", HOST, "--create-resources", "code,results"]
    problems = []
    mine = {"code/mine.py": "mine\n", ".gitignore": "mine\n"}
    write_files(tmp_path / "whole", mine)
    for number in kill_points(server.run(tmp_path / "whole", *command).points):
        root = tmp_path / f"at-{number}"
        write_files(root, mine)
        answer = server.run(root, *command, kill_at=number)
        if answer.status == 0:
            continue
        again = server.run(root, *command)
        if again.status != 0 and "is already a workspace" not in again.stderr:
            problems.append(f"killed at {number}, {answer.killed_at}: {again.stderr}")
        if "mine\n" not in (root / ".gitignore").read_text() or not (root / "code" / "mine.py").exists():
            problems.append(f"killed at {number}, {answer.killed_at}: the user's files are gone")
        status = server.run(root, "--batch", "snapshot", "A")
        if status.status != 0:
            problems.append(f"killed at {number}, {answer.killed_at}: {status.stderr}")
        remove(root)
    assert not problems, "\n".join(problems)


# -- git goes on, or dies -----------------------------------------------------------------------------------------

SHIM = """#!/bin/sh
# Stands before git on the PATH, counts its calls (each appends a line, as some run at once), and does harm at one.
echo $$ >> "$SHIM_COUNT"
n=0; while read pid; do n=$((n + 1)); [ "$pid" = $$ ] && break; done < "$SHIM_COUNT"
lock() {  # which only these calls of git ever leave behind
    case " $* " in *" add "*|*" commit "*|*" restore "*) : > "$PWD/.git/index.lock" ;; esac
}
if [ "$n" = "$SHIM_AT" ]; then
    case "$SHIM_DOES" in
        parent-dies) kill -9 $PPID ;;
        parent-dies-git-is-late) kill -9 $PPID; sleep 0.3 ;;
        git-dies) kill -9 $$ ;;
        all-die-locked) lock "$@"; kill -9 $PPID $$ ;;
        git-dies-locked) lock "$@"; kill -9 $$ ;;
    esac
fi
PATH=$SHIM_PATH exec git "$@"
"""


def calls_of_git(counted: Path) -> int:
    """The calls that SHIM counted in a file."""
    return len(counted.read_text().splitlines())


@pytest.fixture
def shim(tmp_path: Path, env: dict[str, str]) -> dict[str, str]:
    directory = tmp_path / "shim"
    write_files(directory, {"git": SHIM})
    (directory / "git").chmod(0o755)
    count = tmp_path / "count"
    return {"PATH": f"{directory}:{env['PATH']}", "SHIM_PATH": env["PATH"], "SHIM_COUNT": str(count)}


HARM = ["parent-dies", "parent-dies-git-is-late", "git-dies", "all-die-locked", "git-dies-locked"]


@pytest.mark.parametrize("does", HARM)
@pytest.mark.parametrize("command", [SNAPSHOT, RESTORE], ids=["snapshot", "restore"])
def test_harm_at_each_call_of_git(
    server: Server,
    base: Path,
    tmp_path: Path,
    shim: dict[str, str],
    does: str,
    command: list[str],
    request: pytest.FixtureRequest,
) -> None:
    expected = request.getfixturevalue("after_snapshot" if command is SNAPSHOT else "after_restore")
    had = contents(Forked(base, server.env))
    problems = []
    Path(shim["SHIM_COUNT"]).write_text("")
    server.run(copy_workspace(base, tmp_path / "whole"), *command, env={**shim, "SHIM_AT": "0", "SHIM_DOES": does})
    calls = calls_of_git(Path(shim["SHIM_COUNT"]))
    assert calls > 3
    for number in kill_points(calls, some=5):
        killed = Killed(server, base, tmp_path / f"at-{number}", had)
        Path(shim["SHIM_COUNT"]).write_text("")
        harm = {**shim, "SHIM_AT": str(number), "SHIM_DOES": does}
        answer = server.run(killed.root, *command, env=harm, wait=does != "parent-dies-git-is-late")
        if calls_of_git(Path(shim["SHIM_COUNT"])) < number:
            assert answer.status == 0, answer
            continue
        if does.startswith("git-dies"):
            killed.expect(answer.status in FAILED, f"exit status {answer.status}")
            killed.expect("Traceback" not in answer.stderr, answer.stderr)
        then_succeeds(command, expected)(killed)
        problems += [f"call {number}: {problem}" for problem in killed.problems]
        remove(killed.root)
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)


@pytest.mark.parametrize("victim", ["git", "git and dws"])
@pytest.mark.parametrize("command", [SNAPSHOT, RESTORE], ids=["snapshot", "restore"])
def test_git_dies_in_the_middle_of_a_file(
    server: Server,
    base: Path,
    tmp_path: Path,
    command: list[str],
    victim: str,
    request: pytest.FixtureRequest,
) -> None:
    """A filter, which git calls while it holds its lock and has done some files, kills it."""
    expected = request.getfixturevalue("after_snapshot" if command is SNAPSHOT else "after_restore")
    killed = Killed(server, base, tmp_path / "ws", contents(Forked(base, server.env)))
    parents = "$PPID" if victim == "git" else "$(ps -o ppid= -p $PPID) $PPID"
    attributes = killed.root / ".git" / "info" / "attributes"
    server.run(killed.root, "report", "status")  # it is known, and what is configured from here on is the user's
    write_files(killed.root, {".git/info/attributes": "run.py filter=fatal\n"})
    for direction in ("clean", "smudge"):
        killed.user.git("config", f"filter.fatal.{direction}", f"kill -9 {parents}")
    answer = server.run(killed.root, *command)
    assert answer.status in FAILED if victim == "git" else answer.status == -9, answer
    killed.user.git("config", "--remove-section", "filter.fatal")
    attributes.unlink()
    then_succeeds(command, expected)(killed)
    assert killed.problems == []
