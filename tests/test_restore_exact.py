"""`dws restore` brings back everything exactly, and what was not committed is never lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

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
    whole_state,
    write_files,
)
from forked import Forked
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

HARD_NAMES = [
    "with blank", " leading and trailing ", 'quote"s', "apostrophe's", "back\\slash", "line\nbreak", "tab\there",
    "ünïcödé", "日本語", "e\u0301 decomposed", "-rf", "--output=x", "*", "[a-z]", "?", "**", "{a,b}", ":(exclude)x", "!not",
    "#hash", "$HOME", "$(touch x)", "`touch x`", ";semicolon", "a&b", "~", "%s", "file.tmp", ".hidden", "con", "HEAD",
    "x" * 200,
]  # fmt: skip
BINARY = bytes(range(256)) * 40 + b"\r\n\0diff --git a/x b/x\n@@ -1 +1 @@\n"


class Resources:
    """A workspace with one resource of each kind that keeps content: `sub` (git-subdirectory), `repo` (git) and `files`
    (local-files that are restorable)."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.places = {name: user.cwd / name for name in ("sub", "repo", "files")}

    def tree(self, name: str) -> dict[str, str]:
        return read_tree(self.places[name])


class Templates:
    """Workspaces to copy, each made when somebody asks for it first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.user = Forked(directory, isolated_environment(directory / "home"))

    def workspace(self) -> Path:
        """With the resources `code` and `results`."""
        root = self.directory / "workspace"
        if not root.exists():
            root.mkdir()
            self.user.at(root).batch("init", "--hostname", HOST, "--create-resources", "code,results")
            write_files(root, {"code/run.py": "print(1)\n"})
        return root

    def resources(self) -> Path:
        """With one resource of each kind that keeps content."""
        root = self.directory / "resources"
        if not root.exists():
            here = self.user.at(copy_workspace(self.workspace(), root))
            write_files(root, {"sub/README.txt": "a subdirectory\n", "files/README.txt": "files\n"})
            repository = here.make_repository(root / "repo", {"README.txt": "a repository\n"})
            shutil.rmtree(root / "repo.git")
            repository.git("remote", "remove", "origin")
            here.batch("add", "git", "--role", "intermediate-data", "--name", "sub", "./sub")
            here.batch("add", "git", "--role", "source-data", "--name", "repo", "./repo")
            here.batch("add", "local-files", "--role", "source-data", "--restorable", "./files")
        return root

    def two_snapshots(self) -> Path:
        """At A all files say `A`, at B they say `B`."""
        root = self.directory / "two_snapshots"
        if not root.exists():
            resources = Resources(self.user.at(copy_workspace(self.resources(), root)))
            for tag in ("A", "B"):
                for place in (*resources.places.values(), root / "code"):
                    write_files(place, {"says": tag})
                resources.user.batch("snapshot", tag)
        return root

    def populated(self) -> Path:
        """At A there is one of everything that git can keep, in each resource."""
        root = self.directory / "populated"
        if not root.exists():
            resources = Resources(self.user.at(copy_workspace(self.resources(), root)))
            for place in resources.places.values():
                populate(place)
            resources.user.batch("snapshot", "A")
        return root


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def workspace(user: User, templates: Templates) -> User:
    return user.at(copy_workspace(templates.workspace(), user.cwd / "ws"))


@pytest.fixture
def resources(user: User, templates: Templates) -> Resources:
    return Resources(user.at(copy_workspace(templates.resources(), user.cwd / "ws")))


both = pytest.mark.parametrize("kind", ["sub", "repo"])
each = pytest.mark.parametrize("kind", ["sub", "repo", "files"])


def populate(place: Path) -> None:
    """One of everything that git can keep."""
    write_files(
        place,
        {"binary": BINARY, "empty": b"", "deep/er/file": "deep\n", "no newline": "at the end", "crlf": "a\r\nb\r\n"},
    )
    write_files(place, {f"names/{name}": f"{name!r}\n" for name in HARD_NAMES})
    write_files(place, {f"in {name}/file": name for name in HARD_NAMES})
    write_files(
        place, {"script.sh": "#!/bin/sh\n", "to delete": "1\n", "to rename": "content " * 50, "to change": "old\n"}
    )
    os.makedirs(place / os.fsdecode(b"bytes"), exist_ok=True)
    (place / os.fsdecode(b"bytes/not \xff utf-8")).write_bytes(b"\xff")
    (place / "script.sh").chmod(0o755)
    (place / "link").symlink_to("binary")
    (place / "dangling link").symlink_to("nowhere at all")
    (place / "link to directory").symlink_to("deep")
    (place / "file or directory").write_text("a file\n")
    (place / "directory or file").mkdir()
    (place / "directory or file" / "inside").write_text("inside\n")


def upset(place: Path) -> None:
    """Change everything that `populate` made."""
    (place / "binary").write_bytes(BINARY[::-1])
    (place / "empty").write_text("no more\n")
    (place / "to delete").unlink()
    (place / "to rename").rename(place / "renamed")
    (place / "to change").write_text("new\n")
    (place / "script.sh").chmod(0o644)
    (place / "no newline").chmod(0o755)
    (place / "link").unlink()
    (place / "link").write_text("no link\n")
    (place / "dangling link").unlink()
    (place / "dangling link").symlink_to("elsewhere")
    (place / "file or directory").unlink()
    (place / "file or directory").mkdir()
    (place / "file or directory" / "inside").write_text("now a directory\n")
    shutil.rmtree(place / "directory or file")
    (place / "directory or file").write_text("now a file\n")
    shutil.rmtree(place / "deep")
    shutil.rmtree(place / "names")
    write_files(place, {"new": "new\n", "new directory/file": "new\n"})


@each
def test_everything_comes_back(resources: Resources, kind: str) -> None:
    populate(resources.places[kind])
    before = resources.tree(kind)
    resources.user.batch("snapshot", "A")
    upset(resources.places[kind])
    resources.user.batch("snapshot", "B")
    resources.user.batch("restore", "A")
    assert resources.tree(kind) == before


@each
def test_back_and_forth(resources: Resources, kind: str) -> None:
    populate(resources.places[kind])
    resources.user.batch("snapshot", "A")
    upset(resources.places[kind])
    after = resources.tree(kind)
    resources.user.batch("snapshot", "B")
    resources.user.batch("restore", "A")
    resources.user.batch("restore", "B")
    assert resources.tree(kind) == after


def test_back_and_forth_by_programs_that_start_as_anybody_s(user: Forked, templates: Templates) -> None:
    resources = Resources(user.in_new_processes().at(copy_workspace(templates.resources(), user.cwd / "ws")))
    for place in resources.places.values():
        populate(place)
    resources.user.batch("snapshot", "A")
    before = [resources.tree(kind) for kind in resources.places]
    for place in resources.places.values():
        upset(place)
    resources.user.batch("snapshot", "B")
    resources.user.batch("restore", "A")
    assert [resources.tree(kind) for kind in resources.places] == before


@both
def test_restore_of_what_is_there_makes_no_commit(resources: Resources, kind: str) -> None:
    populate(resources.places[kind])
    resources.user.batch("snapshot", "A")
    here = resources.user.at(resources.places[kind])
    before = here.git("rev-parse", "HEAD")
    resources.user.batch("restore", "A")
    assert here.git("rev-parse", "HEAD") == before


@both
def test_restored_state_is_a_commit_on_top(resources: Resources, kind: str) -> None:
    resources.user.batch("snapshot", "A")
    write_files(resources.places[kind], {"README.txt": "changed\n"})
    resources.user.batch("snapshot", "B")
    here = resources.user.at(resources.places[kind])
    before = here.git("rev-parse", "HEAD").strip()
    resources.user.batch("restore", "A")
    here.git("merge-base", "--is-ancestor", before, "HEAD")
    assert here.git("rev-parse", "HEAD").strip() != before


@both
def test_repository_is_clean_and_on_its_branch_afterwards(resources: Resources, kind: str) -> None:
    populate(resources.places[kind])
    resources.user.batch("snapshot", "A")
    upset(resources.places[kind])
    resources.user.batch("restore", "A")
    here = resources.user.at(resources.places[kind])
    assert here.git("status", "--porcelain") == ""
    assert here.git("symbolic-ref", "--short", "HEAD").strip() == "main"


# -- uncommitted work ----------------------------------------------------------------------------------------------


def modified(here: User) -> None:
    (here.cwd / "README.txt").write_text("precious\n")


def untracked(here: User) -> None:
    (here.cwd / "unknown").write_text("precious\n")


def staged(here: User) -> None:
    (here.cwd / "staged").write_text("precious\n")
    here.git("add", "staged")


def staged_and_deleted(here: User) -> None:
    (here.cwd / "README.txt").write_text("precious\n")
    here.git("add", "README.txt")
    here.git("commit", "-q", "-m", "kept by the user", "--", "README.txt")
    (here.cwd / "README.txt").unlink()


def in_the_way(here: User) -> None:
    """Untracked, and where the snapshot has a file."""
    (here.cwd / "gone later").write_text("precious\n")


def ignored_in_the_way(here: User) -> None:
    (here.cwd / ".gitignore").write_text("gone later\n")
    (here.cwd / "gone later").write_text("precious\n")


@both
@pytest.mark.parametrize("work", [modified, untracked, staged, staged_and_deleted, in_the_way, ignored_in_the_way])
def test_uncommitted_work_is_in_history_after_a_restore(resources: Resources, kind: str, work: object) -> None:
    place = resources.places[kind]
    write_files(place, {"gone later": "as at A\n"})
    resources.user.batch("snapshot", "A")
    before = resources.tree(kind)
    (place / "gone later").unlink()
    resources.user.batch("snapshot", "B")
    work(resources.user.at(place))  # type: ignore[operator]
    resources.user.batch("restore", "A")
    assert resources.tree(kind) == before
    assert hashlib.sha256(b"precious\n").hexdigest() in contents_in_git(place, resources.user.env)


@both
def test_ignored_files_that_are_not_in_the_way_stay(resources: Resources, kind: str) -> None:
    place = resources.places[kind]
    write_files(place, {".gitignore": "cache/\n"})
    resources.user.batch("snapshot", "A")
    write_files(place, {"cache/kept": "stays\n", "new": "goes\n"})
    resources.user.batch("snapshot", "B")
    resources.user.batch("restore", "A")
    assert (place / "cache" / "kept").read_text() == "stays\n"
    assert not (place / "new").exists()


def test_uncommitted_work_elsewhere_in_the_workspace_is_left_alone(resources: Resources) -> None:
    resources.user.batch("snapshot", "A")
    write_files(resources.user.cwd, {"sub/new": "x", "notes.txt": "staged\n", "todo.txt": "untracked\n"})
    resources.user.git("add", "notes.txt")
    resources.user.batch("restore", "A")
    assert resources.user.git("status", "--porcelain").splitlines() == ["A  notes.txt", "?? todo.txt"]


# -- what is restored, and what is left ----------------------------------------------------------------------------


@pytest.fixture
def two_snapshots(user: User, templates: Templates) -> Resources:
    return Resources(user.at(copy_workspace(templates.two_snapshots(), user.cwd / "ws")))


def says(resources: Resources) -> str:
    places = (*resources.places.values(), resources.user.cwd / "code")
    return "".join((place / "says").read_text() for place in places)


def test_all_but_results_by_default(two_snapshots: Resources) -> None:
    two_snapshots.user.batch("restore", "A")
    assert says(two_snapshots) == "AAAA"


def test_only(two_snapshots: Resources) -> None:
    two_snapshots.user.batch("restore", "A", "--only", "sub,repo")
    assert says(two_snapshots) == "AABB"


def test_leave(two_snapshots: Resources) -> None:
    two_snapshots.user.batch("restore", "A", "--leave", "sub")
    assert says(two_snapshots) == "BAAA"


def test_old_data_with_new_code_and_back(two_snapshots: Resources) -> None:
    two_snapshots.user.batch("restore", "A", "--leave", "code")
    two_snapshots.user.batch("snapshot", "MIXED")
    two_snapshots.user.batch("restore", "B")
    two_snapshots.user.batch("restore", "MIXED")
    assert says(two_snapshots) == "AAAB"


def test_only_for_results_is_refused(two_snapshots: Resources) -> None:
    done = two_snapshots.user.batch("restore", "A", "--only", "results", check=False)
    assert done.returncode in FAILED
    assert "results" in done.stderr


def test_results_stay_with_a_line_that_says_so(two_snapshots: Resources) -> None:
    write_files(two_snapshots.user.cwd, {"results/results.json": "{}"})
    two_snapshots.user.batch("snapshot", "C")
    before = read_tree(two_snapshots.user.cwd / "results")
    done = two_snapshots.user.batch("restore", "A")
    assert "results" in done.stdout + done.stderr
    assert read_tree(two_snapshots.user.cwd / "results") == before


def test_new_resource_is_skipped_with_a_line(two_snapshots: Resources) -> None:
    write_files(two_snapshots.user.cwd, {"later/file": "later\n"})
    two_snapshots.user.batch("add", "git", "--role", "code", "--name", "later", "./later")
    done = two_snapshots.user.batch("restore", "A")
    assert says(two_snapshots) == "AAAA"
    assert "later" in done.stdout + done.stderr


def test_strict_refuses_what_the_snapshot_cannot_bring_back(two_snapshots: Resources) -> None:
    two_snapshots.user.batch("add", "api-resource", "--role", "source-data", "--name", "feed")
    two_snapshots.user.batch("snapshot", "C")
    before = whole_state(two_snapshots.user.cwd)
    done = two_snapshots.user.batch("restore", "C", "--strict", check=False)
    assert done.returncode in FAILED
    assert "feed" in done.stderr
    assert whole_state(two_snapshots.user.cwd) == before


def test_question_names_what_is_restored(two_snapshots: Resources) -> None:
    done = two_snapshots.user.dws("restore", "A", input="y\n")
    for name in ("sub", "repo", "code"):
        assert name in done.stdout + done.stderr
    assert says(two_snapshots) == "AAAA"


def test_answer_no_changes_nothing(two_snapshots: Resources) -> None:
    write_files(two_snapshots.user.cwd, {"sub/uncommitted": "x"})
    before = whole_state(two_snapshots.user.cwd)
    done = two_snapshots.user.dws("restore", "A", input="n\n", check=False)
    assert done.returncode in FAILED
    assert whole_state(two_snapshots.user.cwd) == before


# -- dry run -------------------------------------------------------------------------------------------------------


@pytest.fixture
def changed(user: User, templates: Templates) -> Resources:
    resources = Resources(user.at(copy_workspace(templates.populated(), user.cwd / "ws")))
    for place in resources.places.values():
        upset(place)
    return resources


def test_dry_run_changes_nothing(changed: Resources) -> None:
    before = whole_state(changed.user.cwd)
    changed.user.batch("restore", "A", "--dry-run")
    assert whole_state(changed.user.cwd) == before


@each
def test_dry_run_shows_each_file(changed: Resources, kind: str) -> None:
    said = changed.user.batch("restore", "A", "--dry-run", "--only", kind).stdout
    for name in ("binary", "empty", "to delete", "to change", "script.sh", "no newline", "link", "deep/er/file", "new"):
        assert name in said, name


@each
def test_dry_run_shows_a_name_with_a_line_break_on_one_line(changed: Resources, kind: str) -> None:
    said = changed.user.batch("restore", "A", "--dry-run", "--only", kind).stdout
    assert "line\nbreak" not in said
    assert "line" in said


# -- what lies in no resource is state, too --------------------------------------------------------------------------


def test_snapshot_commits_what_lies_in_no_resource(workspace: User) -> None:
    write_files(workspace.cwd, {"notes.txt": "staged\n", "todo.txt": "untracked\n", "code/new.py": "1\n"})
    workspace.git("add", "notes.txt")
    workspace.batch("snapshot", "A")
    assert workspace.git("status", "--porcelain") == ""
    assert workspace.git("show", "HEAD:notes.txt", "HEAD:todo.txt") == "staged\nuntracked\n"


def test_snapshot_commits_its_deletion(workspace: User) -> None:
    write_files(workspace.cwd, {"notes.txt": "committed\n"})
    workspace.git("add", "notes.txt")
    workspace.git("commit", "-q", "-m", "notes")
    workspace.git("rm", "-q", "notes.txt")
    write_files(workspace.cwd, {"code/new.py": "1\n"})
    workspace.batch("snapshot", "A")
    assert workspace.git("status", "--porcelain") == ""
    assert workspace.git("ls-tree", "HEAD", "notes.txt") == ""


def test_resource_beside_one_of_a_longer_name(workspace: User) -> None:
    """`code` is not `code-more`."""
    write_files(workspace.cwd, {"code-more/file": "1\n", "code/new.py": "1\n"})
    workspace.batch("snapshot", "A")
    assert workspace.git("status", "--porcelain") == ""
    write_files(workspace.cwd, {"code-more/file": "2\n"})
    done = workspace.json("report", "status")
    assert [r["name"] for r in done["resources"] if r["state"] != "unchanged"] == ["_workspace"]


# -- hashes and tags -------------------------------------------------------------------------------------------------


def tags(user: User) -> dict[str, list[str]]:
    directory = user.cwd / ".dataworkspace" / "snapshot_metadata"
    return {e["message"]: e["tags"] for e in (json.loads(path.read_text()) for path in directory.iterdir())}


def test_hash_prefix_that_fits_two_lists_them(workspace: User) -> None:
    workspace.batch("snapshot", "A")
    directory = workspace.cwd / ".dataworkspace"
    (metadata,) = (directory / "snapshot_metadata").iterdir()
    real = metadata.name.removesuffix("_md.json")
    twin = real[:10] + ("0" if real[10] != "0" else "1") * 30
    data = {**json.loads(metadata.read_text()), "hash": twin, "tags": ["TWIN"]}
    (directory / "snapshot_metadata" / f"{twin}_md.json").write_text(json.dumps(data))
    shutil.copy(directory / "snapshots" / f"snapshot-{real}.json", directory / "snapshots" / f"snapshot-{twin}.json")
    done = workspace.batch("restore", real[:8], check=False)
    assert done.returncode in FAILED
    assert real in done.stderr
    assert twin in done.stderr


def test_hash_can_be_shortened(two_snapshots: Resources) -> None:
    directory = two_snapshots.user.cwd / ".dataworkspace" / "snapshot_metadata"
    (wanted,) = (path.name for path in directory.iterdir() if '"A"' in path.read_text())
    two_snapshots.user.batch("restore", wanted[:7])
    assert says(two_snapshots) == "AAAA"


def test_moving_a_tag_moves_only_that_tag(workspace: User) -> None:
    workspace.batch("snapshot", "ONE", "-m", "first")
    workspace.batch("snapshot", "MOVES", "-m", "first")
    write_files(workspace.cwd, {"code/new.py": "1\n"})
    workspace.dws("snapshot", "MOVES", "-m", "second", input="y\n")
    assert tags(workspace) == {"first": ["ONE"], "second": ["MOVES"]}


def test_batch_refuses_to_move_a_tag(workspace: User) -> None:
    workspace.batch("snapshot", "TAKEN", "-m", "first")
    write_files(workspace.cwd, {"code/new.py": "1\n"})
    done = workspace.batch("snapshot", "TAKEN", "-m", "second", check=False)
    assert done.returncode in FAILED
    assert "TAKEN" in done.stderr
    assert tags(workspace) == {"first": ["TAKEN"]}


def test_unchanged_snapshot_only_gains_the_tag(workspace: User) -> None:
    workspace.batch("snapshot", "ONE", "-m", "first")
    workspace.batch("snapshot", "TWO", "-m", "first")
    assert tags(workspace) == {"first": ["ONE", "TWO"]}


@pytest.mark.parametrize("kind", ["subdirectory", "repository"])
def test_exported_resource_stays_unchanged_when_its_lineage_is_written(workspace: User, kind: str) -> None:
    place = workspace.cwd / "exported"
    if kind == "repository":
        workspace.make_repository(place, {"table": "1\n"})
        shutil.rmtree(workspace.cwd / "exported.git")
    else:
        write_files(place, {"table": "1\n"})
    workspace.batch("add", "git", "--role", "intermediate-data", "--name", "exported", "--export", "./exported")
    workspace.batch("snapshot", "ONE", "-m", "first")
    status = workspace.dws("report", "status").stdout
    workspace.batch("snapshot", "TWO")
    assert tags(workspace) == {"first": ["ONE", "TWO"]}
    assert "other content" not in status


# -- any tree --------------------------------------------------------------------------------------------------------

names = st.one_of(
    st.sampled_from(HARD_NAMES),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=12),
).filter(
    lambda name: name not in (".", "..") and not name.lower().startswith((".git", "git~")) and len(name.encode()) < 250
)
leaves = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=60)),
    st.tuples(st.just("executable"), st.binary(max_size=20)),
    st.tuples(st.just("link"), names),
)
trees = st.dictionaries(
    names,
    st.recursive(leaves, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=5),
    max_size=5,
)


def make_tree(place: Path, tree: dict[str, object]) -> None:
    """Replace what is at a place. Names that git takes for its own (`.gitignore`) would only test git."""
    for entry in [] if not place.exists() else list(place.iterdir()):
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for name, value in tree.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, dict):
            path.mkdir()
            make_tree(path, value)
        elif value[0] == "link":  # type: ignore[index]
            path.symlink_to(value[1])  # type: ignore[index]
        else:
            path.write_bytes(value[1])  # type: ignore[index]
            path.chmod(0o755 if value[0] == "executable" else 0o644)  # type: ignore[index]


@both
def test_nothing_comes_back_as_nothing(resources: Resources, kind: str) -> None:
    place = resources.places[kind]
    (place / "README.txt").unlink()
    resources.user.batch("snapshot", "EMPTY")
    write_files(place, {"file": "x", "directory/file": "x"})
    resources.user.batch("restore", "EMPTY")
    assert resources.tree(kind) == {}
    assert place.is_dir()
    assert resources.user.at(place).git("status", "--porcelain") == ""


def test_snapshot_commits_the_deletion_of_a_whole_directory(workspace: User) -> None:
    workspace.batch("snapshot", "A")
    workspace.git("rm", "-q", "-r", "code")
    assert "dws restore" in workspace.batch("snapshot", "B", check=False).stderr  # it may have been lost
    (workspace.cwd / "code").mkdir()
    workspace.batch("snapshot", "B")
    assert workspace.git("ls-tree", "-r", "HEAD", "code") == ""
    assert workspace.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_any_tree_comes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("any-tree")
    user = Forked(base / "ws", isolated_environment(base / "home"))
    user.cwd.mkdir()
    user.batch("init", "--hostname", HOST)
    write_files(user.cwd, {"sub/README.txt": "x"})
    user.make_repository(user.cwd / "repo", {"README.txt": "x"})
    shutil.rmtree(user.cwd / "repo.git")
    user.batch("add", "git", "--role", "code", "--name", "sub", "./sub")
    user.batch("add", "git", "--role", "source-data", "--name", "repo", "./repo")
    numbers = iter(range(10**6))

    # Shrinking an example takes minutes, and the first one that fails says enough.
    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
        phases=[Phase.generate],
    )
    @given(trees, trees, trees)
    def holds(first: dict[str, object], second: dict[str, object], uncommitted: dict[str, object]) -> None:
        places = (user.cwd / "sub", user.cwd / "repo")
        tag = f"T{next(numbers)}"
        for place in places:
            make_tree(place, first)
        before = [read_tree(place) for place in places]
        user.batch("snapshot", tag)
        for place in places:
            make_tree(place, second)
        user.batch("snapshot", f"{tag}-second")
        for place in places:
            make_tree(place, uncommitted)
        contents = [contents_in_tree(place) for place in places]
        user.batch("restore", tag)
        assert [read_tree(place) for place in places] == before
        for place, wanted in zip(places, contents, strict=True):
            assert wanted <= contents_in_git(place, user.env)

    holds()
