"""The lineage API as a user meets it: scripts that run as processes in a real workspace, and what `dws` says of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from endtoend import FAILED, HOST, User, copy_workspace, describe, isolated_environment, whole_state, write_files
from forked import Forked
from stage import Stage

MANUAL = """\
import argparse
import sys
from dataworkspaces.lineage import LineageBuilder

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--gamma', type=float, default=0.01,
                        help="Regularization parameter")
    parser.add_argument('input_data_dir', metavar='INPUT_DATA_DIR', type=str,
                        help='Path to input data')
    parser.add_argument('results_dir', metavar='RESULTS_DIR', type=str,
                        help='Path to where results should be stored')
    args = parser.parse_args()
    # Create a LineageBuilder instance to specify the details of the step
    # to the lineage API.
    builder = LineageBuilder()\\
        .as_script_step()\\
        .with_parameters({'gamma':args.gamma})\\
        .with_input_path(args.input_data_dir)\\
        .as_results_step(args.results_dir)

    # builder.eval() will construct the lineage object. We call it within a
    # with statement to get automatic save/cleanup when we leave the
    # with block.
    with builder.eval() as lineage:

        accuracy, precision, recall, roc_auc = 0.9, 0.8, 0.7, 0.6

        # all done, write the results
        lineage.write_results({'accuracy':accuracy,
                              'precision':precision,
                              'recall':recall,
                              'roc_auc':roc_auc})

    # When leaving the with block, the lineage is automatically saved to the
    # workspace. If an exception is thrown, the lineage is not saved, but the
    # outputs are marked as being in an unknown state.

    return 0

# boilerplate to call our main function if this is called as a script.
if __name__ == '__main__':
    sys.exit(main())
"""

STEP = '''\
"""STEP [NAME=VALUE...]: copies its inputs to its outputs, and does what it is told on top."""
import json, os, sys
from pathlib import Path
from dataworkspaces.lineage import LineageBuilder, ResourceRef

spec = json.loads(sys.argv[1])
builder = LineageBuilder().with_parameters(spec.get("parameters", {}))
builder = builder.with_step_name(spec["name"]) if "name" in spec else builder.as_script_step()
for path in spec.get("inputs", []):
    builder.with_input_path(path)
if not spec.get("inputs"):
    builder.with_no_inputs()
for path in spec.get("code", []):
    builder.with_code_path(path)
with builder.eval() as lineage:
    for path in spec.get("outputs", []):
        lineage.add_output_path(path)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(spec.get("text", "output"))
    exec(spec.get("then", ""))
'''


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> User:
    """At a directory with workspaces to copy: ``project`` has a resource of each role, ``pipeline`` two steps and
    snapshot A on top."""
    directory = tmp_path_factory.mktemp("bases")
    user = Forked(directory, isolated_environment(directory / "home"))
    project = user.at(directory / "project")
    project.cwd.mkdir()
    project.batch("init", "--hostname", HOST, "--create-resources", "code,source-data,intermediate-data,results")
    write_files(project.cwd, {"code/step.py": STEP, "code/train.py": MANUAL, "source-data/a.csv": "1\n"})
    pipeline = user.at(copy_workspace(project.cwd, directory / "pipeline"))
    to_middle(pipeline, name="prepare", code=["code"], text="one")
    step(pipeline, name="train", inputs=["intermediate-data/o"], code=["code"], outputs=["intermediate-data/model"])
    pipeline.batch("snapshot", "A")
    return user


@pytest.fixture
def project(bases: User, user: User) -> User:
    """At the root of a workspace with a resource of each role."""
    return user.at(copy_workspace(bases.cwd / "project", user.cwd / "ws"))


@pytest.fixture
def pipeline(bases: User, user: User) -> User:
    """Snapshot A of a pipeline of two steps."""
    return user.at(copy_workspace(bases.cwd / "pipeline", user.cwd / "ws"))


def step(user: User, check: bool = True, **spec: Any) -> subprocess.CompletedProcess[str]:
    return user.python("code/step.py", json.dumps(spec), check=check)


def to_middle(user: User, **spec: Any) -> dict[str, Any]:
    """Run `step.py` from the source data to ``intermediate-data/o``, and return what was recorded."""
    step(user, inputs=["source-data"], outputs=["intermediate-data/o"], **spec)
    return entry(user, "intermediate-data:o")


def current(user: User, resource: str) -> dict[str, Any]:
    path = user.cwd / ".dataworkspace" / "current_lineage" / f"{resource}.json"
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def entry(user: User, ref: str, snapshot: str | None = None) -> dict[str, Any]:
    """The step that wrote a place."""
    resource, _, subpath = ref.partition(":")
    data = current(user, resource) if snapshot is None else in_snapshot(user, snapshot, resource)
    (found,) = (
        e for e in data["lineages"]
        if e["type"] == "step" and any(o["subpath"] == (subpath or None) for o in e["output_resources"])
    )  # fmt: skip
    return dict(found)


def in_snapshot(user: User, tag: str, resource: str) -> dict[str, Any]:
    (hashval,) = (s["hash"] for s in user.json("report", "history")["snapshots"] if tag in s["tags"])
    path = user.cwd / ".dataworkspace" / "snapshot_lineage" / hashval / f"{resource}.json"
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def snapshot_hashes(user: User, tag: str) -> dict[str, str]:
    (hashval,) = (s["hash"] for s in user.json("report", "history")["snapshots"] if tag in s["tags"])
    manifest = json.loads((user.cwd / ".dataworkspace" / "snapshots" / f"snapshot-{hashval}.json").read_text())
    return {e["name"]: e["hash"] for e in manifest}


def hash_of(cert: dict[str, Any]) -> str:
    return str(cert["certificate"]["hashval"])


def code_hash(user: User, tag: str) -> str:
    """The hash that a snapshot gives the code of the step that wrote ``intermediate-data/o``."""
    return hash_of(entry(user, "intermediate-data:o", tag)["code_resources"][0])


def states(user: User, *options: str) -> dict[str, str]:
    return {row["resource"]: row["state"] for row in user.json("report", "lineage", *options)["lineage"]}


def reasons(user: User, ref: str) -> list[str]:
    (row,) = (row for row in user.json("report", "lineage")["lineage"] if row["resource"] == ref)
    return list(row["reasons"])


# -- the manual's script -----------------------------------------------------------------------------------------------


def test_script_of_the_manual(project: Forked) -> None:
    project = project.in_new_processes()
    project.python("code/train.py", "--gamma", "0.5", "source-data", "results")
    step = entry(project, "results")
    assert step["step_name"] == "train"
    assert step["parameters"] == {"gamma": 0.5}
    assert [(c["resource_name"], c["subpath"]) for c in step["input_resources"]] == [("source-data", None)]
    assert [(c["resource_name"], c["subpath"]) for c in step["code_resources"]] == [("code", None)]
    assert step["command_line"][1:] == ["code/train.py", "--gamma", "0.5", "source-data", "results"]
    results = json.loads((project.cwd / "results" / "results.json").read_text())
    assert results["metrics"] == {"accuracy": 0.9, "precision": 0.8, "recall": 0.7, "roc_auc": 0.6}
    assert results["parameters"] == {"gamma": 0.5}
    project.batch("snapshot", "A")
    (kept,) = (project.cwd / "results" / "snapshots").rglob("lineage.json")
    lineage = json.loads(kept.read_text())
    assert lineage["complete"] is True
    hashes = snapshot_hashes(project, "A")
    train = next(e for e in lineage["lineages"] if e["type"] == "step")
    assert [hash_of(c) for c in train["input_resources"]] == [hashes["source-data"]]
    assert [hash_of(c) for c in train["code_resources"]] == [hashes["code"]]
    assert [hash_of(c) for c in train["output_resources"]] == [hashes["results"]]


def test_script_works_from_elsewhere_and_by_a_link(project: User) -> None:
    (project.cwd.parent / "link").symlink_to(project.cwd / "source-data")
    elsewhere = project.at(project.cwd.parent)
    elsewhere.python("ws/code/train.py", "link", "ws/results/sub")
    step = entry(project, "results:sub")
    assert [(c["resource_name"], c["subpath"]) for c in step["input_resources"]] == [("source-data", None)]
    assert step["run_from_directory"] is None


def test_script_in_no_resource_is_code_of_the_workspace_itself(project: User) -> None:
    write_files(project.cwd, {"train.py": MANUAL})
    project.python("train.py", "source-data", "results")
    code = entry(project, "results")["code_resources"]
    assert [(c["resource_name"], c["subpath"]) for c in code] == [("_workspace", None)]


def test_script_in_a_resource_that_is_no_code_works(project: User) -> None:
    write_files(project.cwd, {"intermediate-data/train.py": MANUAL})
    project.python("intermediate-data/train.py", "source-data", "results")
    assert entry(project, "results")["code_resources"] == []


def test_step_records_what_goes_beyond_release_1_6(project: Forked) -> None:
    project = project.in_new_processes()
    write_files(
        project.cwd,
        {
            "code/seeds.py": "import random\n" + STEP.replace(
                "with builder.eval()", "random.seed(7)\nwith builder.eval()"
            )
        },
    )  # fmt: skip
    project.python("code/seeds.py", json.dumps({"outputs": ["intermediate-data/o"]}))
    step = entry(project, "intermediate-data:o")
    assert step["random_seeds"] == {"random": 7}
    assert step["user"] == "ada"
    assert step["exit_status"] == 0
    environment = step["environment"]
    assert environment["implementation"] == "CPython"
    assert environment["python"].startswith("3.")
    assert environment["platform"]
    assert "dws-core" in environment["distributions"]
    assert "pandas" not in environment["distributions"]


# -- code as it ran ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["git-subdirectory", "git"])
def kind_of_code(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def coded(stage: Stage, bases: User, kind_of_code: str) -> User:
    """A workspace whose code is of either type."""
    return stage.put(kind_of_code, lambda place: make_coded(place, bases, kind_of_code))


@pytest.fixture
def ran(stage: Stage, bases: User, kind_of_code: str) -> tuple[User, str]:
    """The same, after a step and snapshot A; and the hash of the code that the step ran."""

    def make(place: Path) -> tuple[User, str]:
        here = make_coded(place, bases, kind_of_code)
        write_files(here.cwd, {"code/lib.py": "1\n"})
        return here, ran_as(here, "A")

    return stage.put(f"{kind_of_code} that ran", make)


def make_coded(place: Path, bases: User, kind: str) -> User:
    root = place / "ws"
    here = Forked(root, isolated_environment(place / "home"))
    if kind == "git":
        root.mkdir()
        here.batch("init", "--hostname", HOST, "--create-resources", "source-data,intermediate-data,results")
        here.make_repository(root / "code", {"step.py": STEP, ".gitignore": "__pycache__/\n"})
        here.batch("add", "git", "--role", "code", "--name", "code", "code")
    else:
        copy_workspace(bases.cwd / "project", root)
        write_files(root, {"code/.gitignore": "__pycache__/\n"})
    return here


def repository(user: User) -> User:
    """At the root of the repository that holds the code."""
    root = user.cwd / "code"
    return user.at(root) if (root / ".git").exists() else user


def ran_as(user: User, tag: str) -> str:
    """Run a step, take a snapshot, and return the hash of the code that the step ran."""
    to_middle(user, text=tag)
    user.batch("snapshot", tag)
    return code_hash(user, tag)


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("untracked", "deleted", "executable", "link")]


@pytest.mark.parametrize("kind", ["edited", *SLOW])
def test_code_that_differs_between_two_runs_has_two_hashes(ran: tuple[User, str], kind: str) -> None:
    here, first = ran
    lib = here.cwd / "code" / "lib.py"
    if kind == "edited":
        lib.write_text("2\n")
    elif kind == "untracked":
        write_files(here.cwd, {"code/new.py": ""})
    elif kind == "deleted":
        lib.unlink()
    elif kind == "executable":
        lib.chmod(0o755)
    else:
        lib.unlink()
        lib.symlink_to("step.py")
    assert ran_as(here, "B") != first


def test_code_that_changed_between_run_and_snapshot_does_not_get_its_hash(coded: User) -> None:
    write_files(coded.cwd, {"code/lib.py": "1\n"})
    to_middle(coded)
    write_files(coded.cwd, {"code/lib.py": "2\n"})
    coded.batch("snapshot", "A")
    code = entry(coded, "intermediate-data:o", "A")["code_resources"][0]
    assert hash_of(code) != snapshot_hashes(coded, "A")[code["resource_name"]]
    assert states(coded)["intermediate-data:o"] == "out of date"
    assert states(coded, "--snapshot", "A")["intermediate-data:o"] == "out of date"
    write_files(coded.cwd, {"code/lib.py": "1\n"})
    assert states(coded)["intermediate-data:o"] == "current"


def test_what_git_ignores_is_no_code(coded: User) -> None:
    coded.batch("snapshot", "before")
    first = to_middle(coded)
    write_files(coded.cwd, {"code/__pycache__/lib.pyc": b"\0"})
    second = to_middle(coded)
    assert "code_trees" not in second
    assert first["code_resources"] == second["code_resources"]
    assert states(coded)["intermediate-data:o"] == "current"


def test_committed_code_leaves_no_tree(coded: User) -> None:
    here = repository(coded)
    here.git("add", "-A")
    here.git("commit", "-qm", "all", check=False)
    recorded = to_middle(coded)
    assert "code_trees" not in recorded
    assert here.git("for-each-ref", "refs/dws") == ""


def test_kept_code_survives_git_gc(coded: User) -> None:
    write_files(coded.cwd, {"code/lib.py": "as it ran\n"})
    recorded = to_middle(coded)
    (tree,) = recorded["code_trees"].values()
    write_files(coded.cwd, {"code/lib.py": "later\n"})
    here = repository(coded)
    here.git("reflog", "expire", "--expire=now", "--all")
    here.git("gc", "--quiet", "--prune=now")
    lib = "lib.py" if here.cwd != coded.cwd else "code/lib.py"
    assert here.git("cat-file", "blob", f"{tree}:{lib}") == "as it ran\n"
    content = recorded["code_resources"][0]["certificate"]["content"]
    assert here.git("cat-file", "-t", content) == "tree\n"
    assert here.git("fsck", "--strict") == ""


def test_user_s_index_and_files_are_untouched(coded: User) -> None:
    here = repository(coded)
    prefix = "" if here.cwd != coded.cwd else "code/"
    here.git("add", "-A")
    here.git("commit", "-qm", "all", check=False)
    write_files(here.cwd, {f"{prefix}staged.py": "staged\n", f"{prefix}step.py": STEP + "# staged\n"})
    here.git("add", "-A")
    write_files(here.cwd, {f"{prefix}step.py": STEP + "# and edited\n", f"{prefix}untracked.py": ""})
    before = here.git("status", "--porcelain"), here.git("ls-files", "--stage"), describe(here.cwd / ".git" / "index")
    head = here.git("rev-parse", "HEAD")
    recorded = to_middle(coded)
    after = here.git("status", "--porcelain"), here.git("ls-files", "--stage"), describe(here.cwd / ".git" / "index")
    seen = after[0].replace("?? intermediate-data/o\n", "")
    assert (seen, *after[1:]) == before
    assert here.git("rev-parse", "HEAD") == head
    (tree,) = recorded["code_trees"].values()
    assert here.git("show", f"{tree}:{prefix}step.py").endswith("# and edited\n")
    assert here.git("show", f"{tree}:{prefix}staged.py") == "staged\n"


def test_lock_of_git_s_index_does_not_stop_a_step(coded: User) -> None:
    lock = repository(coded).cwd / ".git" / "index.lock"
    lock.touch()
    write_files(coded.cwd, {"code/lib.py": "2\n"})
    recorded = to_middle(coded)
    assert lock.exists()
    assert recorded["code_trees"]


@pytest.mark.slow
def test_detached_head_does_not_stop_a_step(coded: User) -> None:
    here = repository(coded)
    here.git("add", "-A")
    here.git("commit", "-qm", "all", check=False)
    here.git("switch", "-q", "--detach")
    write_files(coded.cwd, {"code/lib.py": "2\n"})
    assert to_middle(coded)["code_trees"]


def test_merge_in_progress_in_the_code_does_not_stop_a_step(coded: User) -> None:
    here = repository(coded)
    lib = "lib.py" if here.cwd != coded.cwd else "code/lib.py"
    write_files(here.cwd, {lib: "base\n"})
    here.git("add", "-A")
    here.git("commit", "-qm", "base")
    here.git("switch", "-qc", "other")
    write_files(here.cwd, {lib: "theirs\n"})
    here.git("commit", "-qam", "theirs")
    here.git("switch", "-q", "-")
    write_files(here.cwd, {lib: "ours\n"})
    here.git("commit", "-qam", "ours")
    here.git("merge", "other", check=False)
    unmerged = here.git("ls-files", "--unmerged")
    assert unmerged
    recorded = to_middle(coded)
    (tree,) = recorded["code_trees"].values()
    assert "<<<<<<<" in here.git("show", f"{tree}:{lib}")
    assert here.git("ls-files", "--unmerged") == unmerged


NAMES = [
    "new\nline.py",
    'quote".py',
    "ünï.py",
    "-leading",
    "--output=x",
    " space ",
    "tab\t.py",
    ":(glob)*",
    "back\\slash",
    "*",
]


@pytest.mark.slow
def test_odd_names_are_code_like_others(coded: User) -> None:
    write_files(coded.cwd, {f"code/{name}": "1\n" for name in NAMES})
    to_middle(coded)
    assert states(coded)["intermediate-data:o"] == "current"
    for name in NAMES:
        write_files(coded.cwd, {f"code/{name}": "2\n"})
        assert states(coded)["intermediate-data:o"] == "out of date", name
        write_files(coded.cwd, {f"code/{name}": "1\n"})
    coded.batch("snapshot", "A")
    assert states(coded)["intermediate-data:o"] == "current"


@pytest.mark.slow
def test_worktree_as_code(project: User) -> None:
    """A linked working tree has its index and HEAD elsewhere."""
    main = project.make_repository(project.cwd.parent / "main", {"step.py": STEP})
    main.git("worktree", "add", "-q", "-b", "side", project.cwd / "side")
    project.batch("add", "git", "--role", "code", "--name", "side", "--branch", "side", "side")
    write_files(project.cwd, {"side/lib.py": "1\n"})
    project.python("side/step.py", json.dumps({"outputs": ["intermediate-data/o"]}))
    recorded = entry(project, "intermediate-data:o")
    assert main.git("show", f"{recorded['code_trees']['side']}:lib.py") == "1\n"
    assert main.git("status", "--porcelain") == ""
    project.batch("snapshot", "A")
    assert code_hash(project, "A") == snapshot_hashes(project, "A")["side"]


@pytest.mark.slow
def test_commit_of_a_submodule_is_code(user: User) -> None:
    project = user.at(user.cwd / "ws")  # no copy: where a submodule's files are is a setting that somebody agrees to
    project.cwd.mkdir()
    project.batch("init", "--hostname", HOST, "--create-resources", "intermediate-data")
    project.make_repository(project.cwd.parent / "lib", {"lib.py": "1\n"})
    own = project.make_repository(project.cwd / "own", {"step.py": STEP})
    own.git("submodule", "--quiet", "add", project.cwd.parent / "lib", "lib")
    own.git("commit", "-qm", "lib")
    project.batch("add", "git", "--role", "code", "--name", "own", "own")
    spec = json.dumps({"outputs": ["intermediate-data/o"]})
    project.python("own/step.py", spec)
    first = entry(project, "intermediate-data:o")["code_resources"]
    lib = project.at(project.cwd / "own" / "lib")
    write_files(lib.cwd, {"lib.py": "2\n"})
    lib.git("commit", "-qam", "two")
    assert states(project)["intermediate-data:o"] == "out of date"
    project.python("own/step.py", spec)
    assert entry(project, "intermediate-data:o")["code_resources"] != first
    # What is not committed in it counts too, and is kept.
    write_files(lib.cwd, {"lib.py": "3\n"})
    assert states(project)["intermediate-data:o"] == "out of date"
    project.python("own/step.py", spec)
    (tree,) = entry(project, "intermediate-data:o")["code_trees"].values()
    kept = own.git("rev-parse", f"{tree}:lib").strip()
    lib.git("gc", "--quiet", "--prune=now")
    assert lib.git("show", f"{kept}:lib.py") == "3\n"
    write_files(lib.cwd, {"lib.py": "2\n"})
    assert states(project)["intermediate-data:o"] == "out of date"


def test_step_in_a_workspace_without_a_commit_of_code(user: User) -> None:
    """The code is a repository in which nothing has been committed."""
    root = user.cwd / "ws"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", HOST, "--create-resources", "intermediate-data")
    own = here.make_repository(root / "own", {"step.py": STEP})
    here.batch("add", "git", "--role", "code", "--name", "own", "own")
    own.git("update-ref", "-d", "HEAD")
    here.python("own/step.py", json.dumps({"outputs": ["intermediate-data/o"]}))
    (tree,) = entry(here, "intermediate-data:o")["code_trees"].values()
    assert own.git("ls-tree", "--name-only", tree) == "step.py\n"


@pytest.mark.slow
def test_big_file_of_code_is_kept_once(coded: User) -> None:
    write_files(coded.cwd, {"code/big.bin": os.urandom(5 << 20)})
    to_middle(coded)
    before = size_of_objects(repository(coded))
    to_middle(coded)
    assert size_of_objects(repository(coded)) - before < 100_000


def size_of_objects(user: User) -> int:
    return sum(path.stat().st_size for path in (user.cwd / ".git" / "objects").rglob("*") if path.is_file())


def test_report_writes_nothing_into_the_repository(coded: User) -> None:
    to_middle(coded)
    write_files(coded.cwd, {"code/lib.py": "2\n", "source-data/a.csv": "2\n"})
    here = repository(coded)
    before = size_of_objects(here), whole_state(coded.cwd)
    states(coded)
    assert (size_of_objects(here), whole_state(coded.cwd)) == before


# -- data that changes between step and snapshot -----------------------------------------------------------------------


def test_source_that_changed_before_the_snapshot_does_not_get_its_hash(project: User) -> None:
    to_middle(project)
    write_files(project.cwd, {"source-data/a.csv": "2\n"})
    assert reasons(project, "intermediate-data:o") == ["source-data has changed"]
    project.batch("snapshot", "A")
    (read,) = entry(project, "intermediate-data:o", "A")["input_resources"]
    assert hash_of(read) != snapshot_hashes(project, "A")["source-data"]
    assert states(project)["intermediate-data:o"] == "out of date"
    write_files(project.cwd, {"source-data/a.csv": "1\n"})
    assert states(project)["intermediate-data:o"] == "current"


def test_local_files_that_stay_get_the_hash_of_the_snapshot(project: User) -> None:
    files = project.cwd.parent / "files"
    write_files(files, {"a": "1"})
    project.batch("add", "local-files", "--role", "source-data", "--name", "files", "--compute-hash", files)
    step(project, inputs=[str(files)], outputs=["intermediate-data/o"])
    project.batch("snapshot", "A")
    (read,) = entry(project, "intermediate-data:o", "A")["input_resources"]
    assert hash_of(read) == snapshot_hashes(project, "A")["files"]
    assert states(project)["intermediate-data:o"] == "current"
    write_files(files, {"a": "2"})
    assert reasons(project, "intermediate-data:o") == ["files has changed"]


@pytest.mark.parametrize("how", ["--compute-hash", "--export"])
def test_local_files_that_changed_before_the_snapshot_do_not_get_its_hash(project: User, how: str) -> None:
    files = project.cwd.parent / "files"
    write_files(files, {"a": "1"})
    project.batch("add", "local-files", "--role", "intermediate-data", "--name", "files", how, files)
    step(project, inputs=[str(files)], outputs=["intermediate-data/o"])
    write_files(files, {"a": "22"})
    project.batch("snapshot", "A")
    (read,) = entry(project, "intermediate-data:o", "A")["input_resources"]
    assert hash_of(read) != snapshot_hashes(project, "A")["files"]


@pytest.mark.parametrize("kind", ["git", "git-subdirectory"])
def test_exported_data_that_changed_before_the_snapshot_does_not_get_its_hash(project: User, kind: str) -> None:
    write_files(project.cwd, {"shared/a": "1"})
    if kind == "git":
        project.make_repository(project.cwd / "shared", {"a": "1"})
    project.batch("add", "git", "--role", "intermediate-data", "--name", "shared", "--export", "shared")
    step(project, inputs=["shared"], outputs=["intermediate-data/o"])
    write_files(project.cwd, {"shared/a": "2"})
    project.batch("snapshot", "A")
    (read,) = entry(project, "intermediate-data:o", "A")["input_resources"]
    assert hash_of(read) != snapshot_hashes(project, "A")["shared"]
    # What stayed as it was gets it.
    step(project, inputs=["shared"], outputs=["intermediate-data/o"], text="2")
    project.batch("snapshot", "B")
    (read,) = entry(project, "intermediate-data:o", "B")["input_resources"]
    assert hash_of(read) == snapshot_hashes(project, "B")["shared"]


API_STEP = """\
import sys
from dataworkspaces.lineage import LineageBuilder, ResourceRef
from dataworkspaces.workspace import find_and_load_workspace

workspace = find_and_load_workspace(True, False)
ref = ResourceRef("api")
builder = LineageBuilder().with_workspace(workspace).with_step_name("fetch").with_input_ref(ref)
with builder.eval() as lineage:
    workspace.get_resource("api").save_input_hash(sys.argv[1])
    lineage.add_input_hash(ref, sys.argv[1])
    lineage.add_output_path("intermediate-data/o")
"""


@pytest.mark.slow
def test_hash_of_an_api_resource(project: User) -> None:
    project.batch("add", "api-resource", "--role", "source-data", "--name", "api")
    write_files(project.cwd, {"fetch.py": API_STEP})
    project.python("fetch.py", "aaa")
    project.batch("snapshot", "A")
    assert hash_of(entry(project, "intermediate-data:o", "A")["input_resources"][0]) == "aaa"
    project.python("fetch.py", "bbb")
    assert states(project)["intermediate-data:o"] == "current"
    project.batch("snapshot", "B")
    assert hash_of(entry(project, "intermediate-data:o", "B")["input_resources"][0]) == "bbb"
    assert hash_of(entry(project, "intermediate-data:o", "A")["input_resources"][0]) == "aaa"


@pytest.mark.parametrize("name", ["a\x0cb", "a\u2028b", "a\rb", "a\nb"])
def test_input_whose_name_breaks_lines_stops_no_snapshot(project: User, name: str) -> None:
    step(project, inputs=[f"source-data/{name}"], outputs=["intermediate-data/o"])
    assert states(project)["intermediate-data:o"] == "current"
    project.batch("snapshot", "A")
    write_files(project.cwd, {f"source-data/{name}": "1"})
    step(project, inputs=[f"source-data/{name}"], outputs=["intermediate-data/o"])
    project.batch("snapshot", "B")
    assert states(project)["intermediate-data:o"] == "current"


# -- states ------------------------------------------------------------------------------------------------------------


def test_snapshot_leaves_all_current(pipeline: User) -> None:
    assert set(states(pipeline).values()) == {"current"}
    assert set(states(pipeline, "--snapshot", "A").values()) == {"current"}


def test_change_goes_down_the_pipeline(pipeline: User) -> None:
    write_files(pipeline.cwd, {"source-data/b.csv": "2\n"})
    assert reasons(pipeline, "intermediate-data:o") == ["source-data has changed"]
    assert reasons(pipeline, "intermediate-data:model") == ["intermediate-data:o is out of date"]
    to_middle(pipeline, name="prepare", code=["code"], text="two")
    assert states(pipeline)["intermediate-data:o"] == "current"
    assert states(pipeline)["intermediate-data:model"] == "out of date"


def test_restored_snapshot_is_current_again(pipeline: User) -> None:
    write_files(pipeline.cwd, {"source-data/b.csv": "2\n", "code/lib.py": ""})
    to_middle(pipeline, name="prepare", code=["code"], text="two")
    pipeline.batch("snapshot", "B")
    assert states(pipeline)["intermediate-data:model"] == "out of date"
    pipeline.batch("restore", "A")
    assert set(states(pipeline).values()) == {"current"}
    assert states(pipeline, "--snapshot", "B")["intermediate-data:model"] == "out of date"
    pipeline.batch("restore", "B")
    assert states(pipeline)["intermediate-data:o"] == "current"
    assert states(pipeline)["intermediate-data:model"] == "out of date"


@pytest.mark.slow
def test_part_that_is_restored_alone_makes_the_rest_out_of_date(pipeline: User) -> None:
    write_files(pipeline.cwd, {"source-data/b.csv": "2\n"})
    to_middle(pipeline, name="prepare", code=["code"], text="two")
    step(pipeline, name="train", inputs=["intermediate-data/o"], code=["code"], outputs=["intermediate-data/model"])
    pipeline.batch("snapshot", "B")
    pipeline.batch("restore", "A", "--only", "source-data")
    found = states(pipeline)
    assert found["intermediate-data:o"] == "out of date"
    assert found["intermediate-data:model"] == "out of date"


def test_deleted_snapshot_changes_no_state(pipeline: User) -> None:
    before = current(pipeline, "intermediate-data")
    write_files(pipeline.cwd, {"source-data/b.csv": "2\n"})
    pipeline.batch("snapshot", "B")
    pipeline.batch("delete-snapshot", "A")
    assert current(pipeline, "intermediate-data") == before
    assert states(pipeline)["intermediate-data:o"] == "out of date"
    assert len(list((pipeline.cwd / ".dataworkspace" / "snapshot_lineage").iterdir())) == 1


def test_versions_go_on_to_grow_after_a_restore(pipeline: User) -> None:
    for text in ("two", "three"):
        to_middle(pipeline, name="prepare", code=["code"], text=text)
    (before,) = entry(pipeline, "intermediate-data:o")["output_resources"]
    pipeline.batch("restore", "A")
    to_middle(pipeline, name="prepare", code=["code"], text="four")
    (after,) = entry(pipeline, "intermediate-data:o")["output_resources"]
    assert after["certificate"]["version"] > before["certificate"]["version"]


def test_what_is_gone_is_not_current(pipeline: User) -> None:
    (pipeline.cwd / "intermediate-data" / "o").unlink()
    assert reasons(pipeline, "intermediate-data:o") == ["it is gone"]
    assert states(pipeline)["intermediate-data:model"] == "out of date"
    to_middle(pipeline, name="prepare", code=["code"], text="one")
    assert set(states(pipeline).values()) == {"current"}
    shutil.rmtree(pipeline.cwd / "source-data")
    assert reasons(pipeline, "intermediate-data:o") == ["source-data has changed"]


def test_two_versions_behind_a_step_are_refused_with_both_ways(pipeline: User) -> None:
    write_files(pipeline.cwd, {"source-data/a.csv": "2\n"})
    step(pipeline, name="other", inputs=["source-data"], outputs=["intermediate-data/p"])
    done = step(
        pipeline, check=False, name="both", inputs=["intermediate-data/o", "intermediate-data/p"],
        outputs=["intermediate-data/q"],
    )  # fmt: skip
    assert done.returncode in FAILED
    message = done.stderr.strip().splitlines()[-1]
    assert "both <- intermediate-data:o <- step prepare <- source-data" in message
    assert "both <- intermediate-data:p <- step other <- source-data" in message
    assert "two versions of source-data" in message


def test_overlapping_outputs_are_refused(pipeline: User) -> None:
    done = step(pipeline, check=False, name="other", outputs=["intermediate-data/o/inner"])
    assert done.returncode in FAILED
    assert "intermediate-data:o/inner, which overlaps with intermediate-data:o" in done.stderr
    assert entry(pipeline, "intermediate-data:o")["step_name"] == "prepare"


# -- steps that fail ---------------------------------------------------------------------------------------------------

FAILURES = {
    "raises": "raise ValueError('no')",
    "exits": "sys.exit(3)",
    "is interrupted": "raise KeyboardInterrupt",
    "aborts": "lineage.abort()",
    "is killed": "os.kill(os.getpid(), 9)",
    "is terminated": "os.kill(os.getpid(), 15)",
    "leaves at once": "os._exit(0)",
}


@pytest.mark.parametrize("how", FAILURES)
def test_step_that_fails_leaves_its_outputs_unknown(pipeline: Forked, how: str) -> None:
    step(
        pipeline.in_new_processes(),
        check=False,
        name="prepare",
        outputs=["intermediate-data/o"],
        text="half",
        then=FAILURES[how],
    )
    table = pipeline.dws("report", "lineage").stdout
    (line,) = (line for line in table.splitlines() if line.startswith("| intermediate-data:o "))
    assert "unknown" in line
    assert "prepare" in line
    assert ("was killed" if how in ("is killed", "is terminated", "leaves at once") else "failed") in line
    assert reasons(pipeline, "intermediate-data:model") == ["intermediate-data:o is unknown"]
    assert states(pipeline, "--snapshot", "A")["intermediate-data:o"] == "current"
    to_middle(pipeline, name="prepare", code=["code"], text="one")
    assert states(pipeline)["intermediate-data:o"] == "current"


@pytest.mark.slow
def test_snapshot_does_not_make_known_what_is_unknown(pipeline: User) -> None:
    step(pipeline, check=False, name="prepare", outputs=["intermediate-data/o"], then="os.kill(os.getpid(), 9)")
    pipeline.batch("snapshot", "B")
    assert states(pipeline)["intermediate-data:o"] == "unknown"
    assert states(pipeline, "--snapshot", "B")["intermediate-data:o"] == "unknown"
    pipeline.batch("restore", "A")
    assert states(pipeline)["intermediate-data:o"] == "current"
    pipeline.batch("restore", "B")
    assert states(pipeline)["intermediate-data:o"] == "unknown"


def test_step_that_fails_before_it_names_its_outputs_leaves_them(pipeline: User) -> None:
    before = current(pipeline, "intermediate-data")
    done = step(pipeline, check=False, name="prepare", then="raise ValueError('no')")
    assert done.returncode in FAILED
    assert current(pipeline, "intermediate-data") == before


WITHOUT_END = """\
from dataworkspaces.lineage import LineageBuilder
lineage = LineageBuilder().with_step_name("prepare").with_no_inputs().eval()
lineage.add_output_path("intermediate-data/o")
"""


def test_process_that_ends_without_complete_leaves_what_was_there(pipeline: Forked) -> None:
    before = current(pipeline, "intermediate-data")
    pipeline.in_new_processes().python("-c", WITHOUT_END)
    assert states(pipeline)["intermediate-data:o"] == "current"
    assert current(pipeline, "intermediate-data") == before
    assert not list((pipeline.cwd / ".git" / "dws" / "steps").iterdir())


def test_failed_step_keeps_its_error(pipeline: User) -> None:
    done = step(pipeline, check=False, name="x", outputs=["intermediate-data/x"], then="raise ValueError('my error')")
    assert done.stderr.strip().splitlines()[-1] == "ValueError: my error"


# -- wrong use ---------------------------------------------------------------------------------------------------------

WRONG = {
    "no name": ("LineageBuilder().with_no_inputs().eval()", "Call as_script_step() or with_step_name(NAME)"),
    "no inputs": ("LineageBuilder().with_step_name('a').eval()", "with_no_inputs()"),
    "both": ("LineageBuilder().with_no_inputs().with_input_path('source-data')", "Use only one of them"),
    "two names": ("LineageBuilder().with_step_name('a').with_step_name('b')", "once"),
    "ref as path": ("LineageBuilder().with_input_path(ResourceRef('source-data'))", "takes a ResourceRef"),
    "path as ref": ("LineageBuilder().with_input_ref('source-data')", "takes a local path"),
    "path as paths": ("LineageBuilder().with_input_paths('source-data')", "Call with_input_path() for one"),
    "parameters": ("LineageBuilder().with_parameters([1])", "takes a dictionary"),
    "script": ("LineageBuilder().as_script_step()", "Call with_step_name(NAME)"),
    "results": (f"{WITHOUT_END}lineage.write_results({{}})", "Call as_results_step(RESULTS_DIRECTORY)"),
    "ended": (f"{WITHOUT_END}lineage.complete(); lineage.complete()", "restart() begins another run"),
    "no results": (
        "LineageBuilder().with_step_name('a').with_no_inputs().as_results_step('source-data').eval()", "results",
    ),
    "nowhere": ("LineageBuilder().with_step_name('a').with_input_path('/').eval()", "dws add"),
}  # fmt: skip


ALL_WRONG = """\
import json
import os
import sys
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage import LineageBuilder, ResourceRef
assert False, "asserts are off"
said = {}
for name, program in json.loads(sys.argv[1]).items():
    out, into = os.pipe()
    if os.fork() == 0:
        try:
            exec(program)
        except DwsError as e:
            os.write(into, f"{e} | {e.hint}".encode())
        finally:
            os._exit(0)
    os.close(into)
    said[name] = os.fdopen(out).read()
    os.wait()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def wrong(bases: Forked, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each wrong use, where `assert` does nothing: each in a fork of one process."""
    root = copy_workspace(bases.cwd / "project", tmp_path_factory.mktemp("wrong") / "ws")
    programs = json.dumps({name: program for name, (program, _) in WRONG.items()})
    done = bases.in_new_processes().at(root).python("-O", "-c", ALL_WRONG, programs)
    said: dict[str, str] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_says_what_to_call(wrong: dict[str, str], case: str) -> None:
    assert WRONG[case][1] in wrong[case]


REFS = {
    "ResourceRef('source-data', '../x')": "leads out", "ResourceRef('source-data', '/etc')": "leads out",
    "ResourceRef('source-data', 'a/../../x')": "leads out", "ResourceRef('source-data', 'a\\0b')": "leads out",
    "ResourceRef('source-data', 3)": "is a text",
}  # fmt: skip


@pytest.mark.parametrize(
    "call", ["with_input_ref({})", "with_code_ref({})", "with_no_inputs().eval().add_output_ref({})"]
)
@pytest.mark.parametrize("ref", REFS)
def test_reference_that_leads_out_is_refused(project: User, call: str, ref: str) -> None:
    program = "from dataworkspaces.lineage import LineageBuilder, ResourceRef\n"
    program += f"LineageBuilder().with_step_name('a').{call.format(ref)}"
    done = project.python("-c", program, check=False)
    assert REFS[ref] in done.stderr.strip().splitlines()[-1]
    assert "LineageError" in done.stderr
    project.dws("report", "lineage")


@pytest.mark.parametrize("subpath", ["sub/", "./sub", "sub//", "sub/."])
def test_reference_has_one_form(project: User, subpath: str) -> None:
    program = "from dataworkspaces.lineage import LineageBuilder, ResourceRef\n"
    program += f"with LineageBuilder().with_step_name('a').with_input_ref(ResourceRef('source-data', {subpath!r})).eval() as l:"
    program += " l.add_output_ref(ResourceRef('intermediate-data', ''))"
    project.python("-c", program)
    recorded = entry(project, "intermediate-data")
    assert [c["subpath"] for c in recorded["input_resources"]] == ["sub"]


# -- release 1.6 -------------------------------------------------------------------------------------------------------

RELEASE_1_6 = Path(__file__).parent.parent / "packages" / "dws-lineage" / "tests" / "release-1.6"


def test_current_lineage_of_release_1_6_goes_on(project: User) -> None:
    lineage = project.cwd / ".dataworkspace" / "current_lineage"
    lineage.mkdir(exist_ok=True)
    for path in (RELEASE_1_6 / "placeholders").iterdir():
        shutil.copy(path, lineage)
    for name in {path.stem for path in lineage.iterdir()} - {"code", "source-data", "intermediate-data", "results"}:
        (project.cwd / name).mkdir()
        project.batch("add", "git", "--role", "intermediate-data", "--name", name, name)
    before = project.json("report", "lineage")["lineage"]
    assert any(row["type"] == "Step" for row in before)
    to_middle(project)
    project.batch("snapshot", "A")
    assert len(project.json("report", "lineage", "--snapshot", "A")["lineage"]) >= len(before)


def test_interrupt_from_the_terminal_leaves_outputs_unknown(pipeline: User) -> None:
    done = step(
        pipeline, check=False, name="prepare", outputs=["intermediate-data/o"],
        # Whoever runs the tests in the background leaves the signal ignored, for the step too.
        then="import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
    )  # fmt: skip
    assert done.returncode == -signal.SIGINT
    assert states(pipeline)["intermediate-data:o"] == "unknown"
