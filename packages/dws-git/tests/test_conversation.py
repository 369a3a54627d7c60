"""Remotes by way of GitPython: it runs git as we do, and what it makes of the answers is right; with real git."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dataworkspaces.errors import ConfigurationError, RefusedError, ToolError
from dataworkspaces.gitrepo import process, restraint
from dataworkspaces.gitrepo.kept_trees import FETCH_KEPT_TREES
from dataworkspaces.gitrepo.remote import branch_refspec, clone, fetch, plan_push, push
from dataworkspaces.resources.git_repo import _origin_url
from dataworkspaces.workspace.interaction import BatchInteraction

Git = Callable[..., str]
ASK = BatchInteraction()


@pytest.fixture(params=["sha1", "sha256"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, git: Git) -> tuple[Path, Path]:
    """A bare repository with blanks and a backslash in its name, and a clone of it with one commit more."""
    bare, here = tmp_path / "the $HOME\\origin.git", tmp_path / "here"
    git(tmp_path, "init", "-q", "--bare", f"--object-format={request.param}", str(bare))
    git(tmp_path, "init", "-q", f"--object-format={request.param}", str(here))
    git(here, "remote", "add", "origin", str(bare))
    for number in range(2):
        (here / "file").write_text(str(number), encoding="utf-8")
        git(here, "add", "file")
        git(here, "commit", "-q", "-m", f"number {number}")
        if not number:
            git(here, "push", "-q", "origin", "main")
    return bare, here


def test_commits_go_and_come(pair: tuple[Path, Path], tmp_path: Path, git: Git) -> None:
    bare, here = pair
    there, main = tmp_path / "there", [branch_refspec("main")]
    clone(str(bare), there, ASK, "it")
    assert git(there, "config", "--get-all", "remote.origin.url") == str(bare)
    assert FETCH_KEPT_TREES in git(there, "config", "--get-all", "remote.origin.fetch").splitlines()
    assert plan_push(here, "origin", main, ASK, "it").is_needed
    push(here, "origin", main, ASK, "it")
    assert not plan_push(here, "origin", main, ASK, "it").is_needed
    assert fetch(there, "main", ASK, "it") == git(here, "rev-parse", "HEAD")  # which goes forward
    assert fetch(there, "other", ASK, "it") is None


def test_kept_trees_travel(pair: tuple[Path, Path], tmp_path: Path, git: Git) -> None:
    bare, here = pair
    tree = git(here, "rev-parse", "HEAD^{tree}")
    git(here, "update-ref", f"refs/dws/trees/{tree}", tree)
    refspecs = [branch_refspec("main"), f"refs/dws/trees/{tree}:refs/dws/trees/{tree}"]
    push(here, "origin", refspecs[:1], ASK, "it")
    assert plan_push(here, "origin", refspecs, ASK, "it").is_needed
    push(here, str(bare), refspecs, ASK, "it")
    assert not plan_push(here, str(bare), refspecs, ASK, "it").is_needed
    there = tmp_path / "there"
    clone(str(bare), there, ASK, "it", branch="main", checkout=False)
    assert git(there, "rev-parse", f"refs/dws/trees/{tree}") == tree


def test_a_push_that_would_lose_commits_is_rejected(pair: tuple[Path, Path], git: Git) -> None:
    _bare, here = pair
    git(here, "push", "-q", "origin", "main")
    git(here, "commit", "-q", "--amend", "-m", "another")
    main = [branch_refspec("main")]
    assert "non-fast-forward" in str(plan_push(here, "origin", main, ASK, "it").rejected)
    with pytest.raises(ConfigurationError, match=r"refused the push: \[rejected\] \(non-fast-forward\)"):
        push(here, "origin", main, ASK, "it")


def test_a_hook_of_the_origin_is_heard(pair: tuple[Path, Path]) -> None:
    bare, here = pair
    hook = bare / "hooks" / "pre-receive"
    hook.write_bytes(b"#!/bin/sh\nprintf 'No \\344\\377 pushes on a Sunday\\n' >&2\nexit 1\n")  # no UTF-8
    hook.chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"\[remote rejected\] \(pre-receive hook declined\) \(No .* Sunday\)"):
        push(here, "origin", [branch_refspec("main")], ASK, "it")


@pytest.mark.parametrize("name", [os.fsdecode(b"refs/heads/latin-\xe4"), "refs/heads/a->b", "refs/heads/(x)"])
def test_strange_names_of_branches_are_in_nobodys_way(repository: Path, tmp_path: Path, git: Git, name: str) -> None:
    git(repository, "update-ref", name, "HEAD")
    there = tmp_path / "there"
    clone(str(repository), there, ASK, "it")
    git(repository, "commit", "-q", "--allow-empty", "-m", "more")
    branch = name.removeprefix("refs/heads/")
    git(repository, "update-ref", name, "HEAD")
    assert fetch(there, "main", ASK, "it") == fetch(there, branch, ASK, "it") == git(repository, "rev-parse", "HEAD")
    git(there, "config", "remote.origin.url", str(tmp_path / "bare"))
    git(tmp_path, "init", "-q", "--bare", "bare")
    git(there, "update-ref", name, "HEAD")
    push(there, "origin", [branch_refspec(branch)], ASK, "it")
    assert not plan_push(there, "origin", [branch_refspec(branch)], ASK, "it").is_needed


def test_what_git_says_of_a_failure_is_told(repository: Path, tmp_path: Path, git: Git) -> None:
    git(repository, "remote", "add", "origin", str(tmp_path / "no\\where"))
    where = r"it: .*no\\where cannot be"
    with pytest.raises(ConfigurationError, match=rf"{where} read: '.*' does not appear to be a git repository"):
        fetch(repository, "main", ASK, "it")
    for ask in (plan_push, push):
        with pytest.raises(ConfigurationError, match=rf"{where} pushed to: '.*' does not appear to be"):
            ask(repository, "origin", [branch_refspec("main")], ASK, "it")
    with pytest.raises(ConfigurationError, match=r"cannot be read: repository '.*' does not exist"):
        clone(str(tmp_path / "nowhere"), tmp_path / "there", ASK, "it")
    with pytest.raises(ConfigurationError, match=r"has no branch 'other'"):
        clone(str(repository), tmp_path / "there", ASK, "it", branch="other")


def test_nobody_is_contacted_before_the_user_has_agreed(repository: Path, tmp_path: Path, git: Git) -> None:
    git(repository, "remote", "add", "origin", str(repository))
    git(repository, "config", "core.sshCommand", "touch canary")
    restraint._known.clear()
    with pytest.raises(RefusedError, match=r"nobody on this machine has agreed"):
        fetch(repository, "main", ASK, "it")
    with pytest.raises(RefusedError, match=r"nobody on this machine has agreed"):
        push(repository, "origin", [branch_refspec("main")], ASK, "it")


@pytest.mark.parametrize("url", ["ext::sh -c 'touch canary'", "--upload-pack=touch canary"])
def test_no_url_is_a_program_or_an_option(
    repository: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    git(repository, "config", "remote.origin.url", url)
    restraint.made_here(repository)
    with pytest.raises((ConfigurationError, ToolError)):
        clone(url, tmp_path / "there", ASK, "it")
    with pytest.raises((ConfigurationError, ToolError)):
        fetch(repository, "main", ASK, "it")
    with pytest.raises((ConfigurationError, ToolError)):
        push(repository, url, [branch_refspec("main")], ASK, "it")
    assert not list(tmp_path.rglob("canary"))


def test_hooks_and_variables_of_git_are_left_out(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, git: Git
) -> None:
    bare, here = pair
    hook = here / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    commit = git(here, "rev-parse", "HEAD")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_NAMESPACE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    push(here, "origin", [branch_refspec("main")], ASK, "it")
    assert os.environ["GIT_NAMESPACE"] == str(tmp_path / "elsewhere")
    assert (bare / "refs" / "heads" / "main").read_text(encoding="ascii").strip() == commit


@pytest.mark.slow
@pytest.mark.parametrize(("talk", "has_bar"), [("fetch", True), ("fetch", False), ("push", True)])
def test_who_stops_us_stops_git(
    repository: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, talk: str, has_bar: bool
) -> None:
    """And the ssh that git has started, here one that never answers."""
    note = tmp_path / "pid"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"echo $$ > {note}.new; mv {note}.new {note}; exec sleep 60; :")
    git(repository, "remote", "add", "origin", "ssh://nobody/x")
    restraint.made_here(repository)

    def interrupted(*_arguments: object, **_options: object) -> None:
        for _ in range(3000):
            if note.exists():
                raise KeyboardInterrupt
            time.sleep(0.01)

    for module in ("git.remote", "git.cmd"):
        monkeypatch.setattr(f"{module}.handle_process_output", interrupted)
    finish = process._finish

    def finish_or_not(git: subprocess.Popen[bytes], *arguments: object) -> object:
        return interrupted() if talk in git.args else finish(git, *arguments)  # type: ignore[operator,arg-type]

    monkeypatch.setattr(process, "_finish", finish_or_not)
    monkeypatch.setattr("sys.stderr.isatty", lambda: has_bar, raising=False)
    calls: dict[str, Callable[[], object]] = {
        "fetch": lambda: fetch(repository, "main", ASK, "it"),
        "push": lambda: push(repository, "origin", [branch_refspec("main")], ASK, "it"),
    }
    with pytest.raises(KeyboardInterrupt):
        calls[talk]()
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(note.read_text(encoding="ascii"))).wait(timeout=30) is None


def test_the_bar_goes_from_0_to_100() -> None:
    from dataworkspaces.gitrepo.conversation import Progress

    steps: list[int] = []
    progress = Progress(steps.append)
    handle = progress.new_message_handler()
    for line in (
        "remote: Counting objects: 100% (9/9), done.",
        "Receiving objects:  50% (2/4)",
        "Receiving objects: 100% (4/4), 1.2 KiB | 1.2 MiB/s, done.",
        "remote: hello",
        "Resolving deltas: 100% (2/2), done.",
        "Updating files: 100% (2/2), done.",
        "fatal: it ends",
    ):
        handle(line)
    assert steps == [40, 40, 15]
    assert progress.text == "remote: hello\nfatal: it ends"


@pytest.mark.parametrize("text", [b"", b"[user]\n\tname = J\xf6rg\n", b'[remote "other"]\n\tfetch = x\n'])
def test_the_remotes_of_a_repository_that_is_added_are_looked_up(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: bytes
) -> None:
    assert _origin_url(repository) is None
    git(repository, "remote", "add", "origin", "ssh://host/x")
    with (repository / ".git" / "config").open("ab") as file:
        file.write(text)
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "elsewhere"))
    assert _origin_url(repository) == "ssh://host/x"


def test_git_python_is_imported_for_remotes_alone() -> None:
    code = (
        "import sys; import dataworkspaces.backends.git, dataworkspaces.backends.git.sync, "
        "dataworkspaces.backends.git.push, dataworkspaces.resources.git_repo; print('git' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
