"""Git converts nothing of the metadata, whatever it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.backends.git.conversion import as_committed, converted_files, protect
from dataworkspaces.backends.git.paths import METADATA_ATTRIBUTES, WorkspacePaths
from dataworkspaces.gitrepo.attributes import keep_results_as_they_are, lines_of
from dataworkspaces.gitrepo.ignore_lines import add_lines
from dataworkspaces.gitrepo.repo import GitRepo

pytestmark = pytest.mark.slow

Git = Callable[..., str]
CONTENT = b'{"a": "$Id$",\n "b": 1}\n'
STATE = ".dataworkspace/snapshots/snapshot-x.json"
SETTINGS = ["core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf"]
ATTRIBUTES = ["* text=auto eol=crlf", "*.json eol=crlf", "*.json working-tree-encoding=UTF-16", "*.json ident",
              "*.json filter=upper", "*.json text=auto filter=upper ident"]  # fmt: skip
WHERE = ["root", "global", "info"]


CASES = [("settings", setting) for setting in SETTINGS] + [(where, line) for where in WHERE for line in ATTRIBUTES]


@pytest.mark.parametrize(("where", "said"), CASES, ids=[f"{where}: {said}" for where, said in CASES])
def test_metadata_is_committed_and_checked_out_as_it_is(
    repository: Path, home: Path, git: Git, tmp_path: Path, where: str, said: str
) -> None:
    git(repository, "config", "--global", "filter.upper.clean", "tr a-z A-Z")
    git(repository, "config", "--global", "filter.upper.smudge", "tr a-z A-Z")
    paths = WorkspacePaths(repository)
    _tell(repository, home, git, where, said)
    (repository / STATE).parent.mkdir(parents=True)
    (repository / STATE).write_bytes(CONTENT)
    assert protect(paths)
    assert not protect(paths)
    assert GitRepo(repository).commit_paths([], "metadata", own=[STATE, ".dataworkspace/.gitattributes"])
    assert as_committed(paths, repository / STATE) == CONTENT
    git(repository, "rm", "-q", "--cached", ".dataworkspace/.gitattributes")  # as in a workspace of an older release
    git(repository, "commit", "-q", "-m", "older")
    git(tmp_path, "clone", "-q", "--no-checkout", str(repository), "clone")
    clone = tmp_path / "clone"
    _tell(clone, home, git, where, said)
    protect(WorkspacePaths(clone), for_all=False)
    git(clone, "checkout", "-q", "HEAD", "--", ".dataworkspace")
    assert (clone / STATE).read_bytes() == CONTENT
    assert not (clone / ".dataworkspace" / ".gitattributes").exists()


def _tell(root: Path, home: Path, git: Git, where: str, said: str) -> None:
    if where == "settings":
        git(root, "config", *said.split("="))
        return
    place = {"root": root / ".gitattributes", "global": home / "attributes", "info": root / ".git/info/attributes"}
    place[where].parent.mkdir(exist_ok=True)
    place[where].write_text(f"{said}\n", encoding="utf-8")
    git(root, "config", "--global", "core.attributesFile", str(home / "attributes"))


def test_what_git_has_converted_is_written_again(repository: Path, git: Git) -> None:
    paths = WorkspacePaths(repository)
    (repository / STATE).parent.mkdir(parents=True)
    (repository / STATE).write_bytes(CONTENT)
    git(repository, "add", STATE)
    git(repository, "commit", "-q", "-m", "of an older release")
    git(repository, "config", "core.autocrlf", "true")
    (repository / STATE).unlink()
    git(repository, "checkout", "--", STATE)
    assert (repository / STATE).read_bytes() == CONTENT.replace(b"\n", b"\r\n")
    assert converted_files(paths) == [repository / STATE]
    assert as_committed(paths, repository / STATE) == CONTENT
    protect(paths)
    assert (repository / STATE).read_bytes() == CONTENT
    assert converted_files(paths) == []
    assert GitRepo(repository).status([STATE]).dirty == ()


def test_our_line_is_the_last(repository: Path) -> None:
    paths = WorkspacePaths(repository)
    paths.metadata.mkdir()
    protect(paths)
    add_lines(paths.metadata_gitattributes, ["*.json text"])
    add_lines(repository / ".git" / "info" / "attributes", ["*.json text"])
    assert protect(paths)
    assert paths.metadata_gitattributes.read_text(encoding="utf-8") == f"*.json text\n{METADATA_ATTRIBUTES}\n"
    said = (repository / ".git/info/attributes").read_text(encoding="utf-8").splitlines()
    assert said[0] == "*.json text"
    assert said[-1].startswith("/.dataworkspace/** -text")


RESULTS = '{"step": "$Id$ train", "metrics": {"accuracy": 0.5}}\n'


def test_what_we_write_among_results_is_everywhere_as_it_is(repository: Path, tmp_path: Path, git: Git) -> None:
    """A filter that a clone lacks, an encoding that JSON has not."""
    (repository / ".gitattributes").write_text("*.json filter=up ident working-tree-encoding=UTF-16\n")
    git(repository, "config", "filter.up.clean", "tr a-z A-Z")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-q", "-m", "attributes")
    protect(WorkspacePaths(repository))
    names = [f"results/snapshots/h-S1/{name}" for name in ("lineage.json", "results.json")]
    for name in names:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(RESULTS)
    git(repository, "add", *names)
    git(repository, "commit", "-q", "-m", "results")
    assert git(repository, "show", f"HEAD:{names[0]}").strip() == RESULTS.strip()
    git(tmp_path, "clone", "-q", "--no-checkout", str(repository), "clone")
    clone = tmp_path / "clone"
    protect(WorkspacePaths(clone), for_all=False, commit=git(clone, "rev-parse", "HEAD").strip())
    git(clone, "reset", "-q", "--hard")
    for name in names:
        assert (clone / name).read_text() == RESULTS
    assert not keep_results_as_they_are(clone, lines_of(clone / ".git/info/attributes")[-1:])


@pytest.mark.parametrize("said", ["*.json filter=lfs diff=lfs merge=lfs -text", "*.json filter=fat -crlf"])
def test_results_that_are_kept_as_large_files_stay_so(repository: Path, git: Git, said: str) -> None:
    (repository / ".gitattributes").write_text(f"{said}\n")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-q", "-m", "attributes", "--no-verify")
    for commit in (None, git(repository, "rev-parse", "HEAD").strip()):
        (repository / ".git/info/attributes").unlink(missing_ok=True)
        assert keep_results_as_they_are(repository, commit=commit)
        assert "-filter" not in (repository / ".git/info/attributes").read_text()
