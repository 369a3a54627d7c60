"""What git says is read right, whatever files are called; with real git."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import MetadataError, ToolError
from dataworkspaces.gitfat.repository import FatRepository
from dataworkspaces.gitfat.store import ObjectStore
from dataworkspaces.gitrepo import plumbing, restraint
from dataworkspaces.gitrepo.objects import index_info
from dataworkspaces.gitrepo.plumbing import LINK, SUBMODULE, IndexEntry, ObjectInfo, TreeEntry
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.gitrepo.stripped import tree_without

Git = Callable[..., str]
NASTY = [
    "new\nline", "return\r", "tab\tin", "quo'te\"", '"quoted"', "-dash", "--end-of-options", "--", "back\\slash",
    "star*", ":(top)magic", " blanks ", "a missing", "a blob 3", "ümlaut", os.fsdecode(b"latin-\xe4\xff"),
]  # fmt: skip


@pytest.fixture
def nasty(tmp_path: Path, git: Git) -> Path:
    """A repository with a commit of files with such names, each in a directory of such a name."""
    root = tmp_path / "nasty"
    for name in NASTY:
        (root / name).mkdir(parents=True)
        (root / name / name).write_bytes(b"content of " + os.fsencode(name))
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


PATHS = {f"{name}/{name}" for name in NASTY}


def test_trees_are_listed(nasty: Path) -> None:
    listed = plumbing.list_tree(nasty, "HEAD", sizes=True)
    assert set(listed) == PATHS
    for path, entry in listed.items():
        assert (entry.mode, entry.size) == ("100644", (nasty / path).stat().st_size)
    top = plumbing.list_tree(nasty, "HEAD", recursive=False)
    assert set(top) == set(NASTY)
    assert {entry.kind for entry in top.values()} == {"tree"}
    for name in NASTY:
        assert set(plumbing.list_tree(nasty, "HEAD", [name])) == {f"{name}/{name}"}


@pytest.mark.slow
def test_the_index_is_listed(nasty: Path) -> None:
    tree = plumbing.list_tree(nasty, "HEAD")
    assert {e.path: TreeEntry(e.mode, e.name) for e in plumbing.list_index(nasty)} == tree
    for name in NASTY:
        assert [entry.path for entry in plumbing.list_index(nasty, [name])] == [f"{name}/{name}"]
        assert plumbing.is_tracked(nasty, name)
    assert not plumbing.is_tracked(nasty, "new")
    assert plumbing.is_tracked(nasty, "")


def test_files_are_listed(nasty: Path) -> None:
    for name in NASTY:
        (nasty / name / "new").write_text("new", encoding="utf-8")
        (nasty / name / name).unlink()
    assert set(plumbing.list_paths(nasty)) == PATHS
    assert set(plumbing.list_paths(nasty, ["--others"])) == {f"{name}/new" for name in NASTY}
    assert set(plumbing.list_paths(nasty, ["--deleted"])) == PATHS
    listed = run_git(nasty, ["ls-files", "-t", "-z", "--deleted", "--others"]).stdout
    labelled = {*plumbing.parse_labelled(listed, b" ")}
    assert labelled == {("?", f"{name}/new") for name in NASTY} | {("R", path) for path in PATHS}


def test_objects_are_found_and_read(nasty: Path) -> None:
    tree = plumbing.list_tree(nasty, "HEAD", sizes=True)
    paths = sorted(PATHS)
    names = [tree[path].name for path in paths]
    assert plumbing.resolve(nasty, [f"HEAD:{path}" for path in paths]) == names
    found = plumbing.describe(nasty, [f"HEAD:{path}" for path in paths])
    assert found == [ObjectInfo(tree[path].name, "blob", tree[path].size or 0) for path in paths]
    contents = plumbing.read_blobs(nasty, names)
    assert [contents[name] for name in names] == [(nasty / path).read_bytes() for path in paths]


@pytest.mark.parametrize(
    "name", ["HEAD:no", "HEAD:no\nHEAD", "HEAD:new", "no blob 3", "", "-h", "HEAD:return", "ü", "\r"]
)
def test_what_is_not_there_is_none(nasty: Path, name: str) -> None:
    assert [found is None for found in plumbing.resolve(nasty, ["HEAD", name, "HEAD"])] == [False, True, False]
    assert [found is None for found in plumbing.describe(nasty, ["HEAD", name, "HEAD"])] == [False, True, False]


def test_an_object_that_is_no_blob_or_not_there_is_told(nasty: Path, git: Git) -> None:
    for name in (git(nasty, "rev-parse", "HEAD"), "0" * 40):
        with pytest.raises(ToolError, match=f"lacks the object {name}"):
            plumbing.read_blobs(nasty, [name])
    assert plumbing.read_object(io.BytesIO(b"abc blob 10\nshort\n")) == (None, b"")


def test_links_and_submodules_are_told_from_files(repository: Path, git: Git) -> None:
    (repository / "link").symlink_to("top")
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "add", "link")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    git(repository, "commit", "-q", "-m", "more")
    modes = {path: entry.mode for path, entry in plumbing.list_tree(repository, "HEAD", sizes=True).items()}
    assert (modes["link"], modes["sub"]) == (LINK, SUBMODULE)
    assert [e.path for e in plumbing.list_index(repository) if not e.is_plain_file] == ["link", "sub"]


def test_conflicts_have_stages(repository: Path, git: Git) -> None:
    names = [git(repository, "rev-parse", f"HEAD:{path}") for path in ("top", "a/one", "b/two")]
    lines = "".join(f"100644 {name} {stage}\tnew\nline\0" for stage, name in enumerate(names, 1))
    run_git(repository, ["update-index", "-z", "--index-info"], stdin=lines.encode())
    conflict = [IndexEntry("new\nline", "100644", name, stage) for stage, name in enumerate(names, 1)]
    assert plumbing.list_index(repository, unmerged=True) == conflict


def test_a_tree_that_holds_a_name_twice_is_refused(repository: Path, git: Git) -> None:
    names = [bytes.fromhex(git(repository, "rev-parse", f"HEAD:{path}")) for path in ("top", "a/one")]
    content = b"".join(
        b"%s .gitattributes\0%s" % (mode, name) for mode, name in zip((b"100644", b"120000"), names, strict=True)
    )
    arguments = ["hash-object", "-w", "-t", "tree", "--literally", "--stdin"]
    tree = run_git(repository, arguments, stdin=content).stdout.decode().strip()
    with pytest.raises(MetadataError, match=r"holds '.gitattributes' twice"):
        plumbing.list_tree(repository, tree)


def test_a_tree_without_places_keeps_all_others(nasty: Path) -> None:
    tree = tree_without(nasty, "HEAD", [f"{name}/{name}" for name in NASTY[:8]])
    assert set(plumbing.list_tree(nasty, tree)) == {f"{name}/{name}" for name in NASTY[8:]}


def test_repositories_with_long_names(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "file").write_text("content", encoding="utf-8")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "first")
    (entry,) = plumbing.list_index(tmp_path)
    assert plumbing.list_tree(tmp_path, "HEAD") == {"file": TreeEntry("100644", entry.name)}
    assert plumbing.read_blobs(tmp_path, [entry.name]) == {entry.name: b"content"}
    assert index_info(tmp_path, {"gone": None}) == b"0 " + b"0" * 64 + b"\tgone\0"


# -- git-fat calls git as the rest does -----------------------------------------------------------------------------


def test_git_fat_runs_no_program_of_a_repository_and_heeds_no_variable_of_git(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    git(repository, "config", "core.fsmonitor", f"touch {canary}; false")
    restraint._known.clear()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    found = FatRepository.find(repository)
    assert found.root == repository
    assert found.index_files() == found.head_files() == []
    assert not canary.exists()


def test_git_fat_by_hand_takes_the_repository_that_git_names(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    git(repository, "config", "core.fsmonitor", f"touch {canary}; false")
    (repository / ".git").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repository))
    found = FatRepository.find(repository, by_hand=True)
    assert found.store == ObjectStore(tmp_path / "elsewhere" / "fat")
    found.git(["update-index", "-q", "--refresh"])
    assert found.head_files() == []
    assert not canary.exists()
    assert not (tmp_path / "elsewhere" / "dws").exists()
    restraint._known.clear()


@pytest.mark.parametrize("linked", [False, True])
def test_a_filter_finds_the_store_of_its_repository(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, linked: bool
) -> None:
    here, git_dir = repository, repository / ".git"
    if linked:
        here = tmp_path / "tree"
        git(repository, "worktree", "add", "-q", str(here))
        git_dir = repository / ".git" / "worktrees" / "tree"
    monkeypatch.chdir(here)
    assert ObjectStore.of_filter() == ObjectStore(repository / ".git" / "fat")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(git_dir))
    assert ObjectStore.of_filter() == ObjectStore(repository / ".git" / "fat")


def test_only_the_plumbing_reads_what_git_lists() -> None:
    """So that names are read right everywhere."""
    sources = Path(plumbing.__file__).parent.parent
    places = ("gitrepo", "gitfat", "backends/git", "resources")
    files = [path for place in places for path in (sources / place).rglob("*.py")]
    for words in ('"ls-tree"', '"ls-files", "-z", "--stage"', '"cat-file", "--batch-check', '"cat-file", "--batch"'):
        found = {f.name for f in files if words in f.read_text(encoding="utf-8")}
        assert found <= {"plumbing.py", "objects.py", "restraint.py"}, (words, found)


@pytest.mark.parametrize(
    ("command", "modules"),
    [
        ("cat-file", {"objects", "plumbing"}),
        ("ls-tree", {"plumbing"}),
        ("ls-files", {"large_files", "new_files", "plumbing", "repo", "rest"}),
    ],
)
def test_git_is_asked_in_one_place(command: str, modules: set[str]) -> None:
    """See the module's docstring. A command begins a list of arguments, behind an option at most."""
    asking = re.compile(rf'\[(?:"--[a-z-]+", )?"{command}"')
    root = Path(plumbing.__file__).parents[1]
    assert {path.stem for path in root.rglob("*.py") if asking.search(path.read_text())} == modules
