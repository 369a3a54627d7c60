"""Which settings of a repository's own configuration are harmless, and what git may do where some are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import RefusedError
from dataworkspaces.gitfat import commands
from dataworkspaces.gitfat.repository import FatRepository
from dataworkspaces.gitrepo import restraint
from dataworkspaces.gitrepo.configured_programs import find_settings, is_harmless
from dataworkspaces.gitrepo.restraint import ask, made_here, restraint_of, settings_addresses
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.trust import Agreements
from dataworkspaces.workspace.interaction import BatchInteraction

Git = Callable[..., str]

PROGRAMS = [
    "core.fsmonitor", "core.sshcommand", "core.askpass", "core.gitproxy", "core.worktree", "core.alternaterefscommand",
    "credential.helper", "credential.https://x.helper", "diff.external", "diff.x.command", "diff.x.textconv",
    "merge.x.driver", "filter.x.clean", "filter.x.smudge", "filter.x.process", "filter.lfs.process", "filter.fat.clean",
    "alias.lfs", "gpg.program", "gpg.ssh.program", "gpg.x509.program", "gpg.ssh.defaultkeycommand",
    "uploadpack.packobjectshook", "remote.origin.uploadpack", "remote.origin.receivepack", "remote.origin.vcs",
    "remote.origin.proxy", "remote.origin.lfsurl", "lfs.url", "lfs.pushurl", "lfs.customtransfer.x.path",
    "lfs.standalonetransferagent", "lfs.extension.x.clean", "url.ext::sh.insteadof", "protocol.ext.allow", "http.proxy",
    "http.cookiefile", "http.https://x.extraheader", "include.path", "includeif.gitdir:/.path", "submodule.x.update",
    "trailer.x.command", "trailer.x.cmd", "branch.main.mergeoptions", "gc.recentobjectshook", "fetch.uriprotocols",
    "ssh.variant", "unheard.of",
]  # fmt: skip
DOORS = [
    ("http.sslverify", "false"), ("protocol.ext.allow", "always"), ("core.protectntfs", "false"),
    ("core.worktree", "1"),
    ("filter.x.clean", "1"), ("http.followredirects", "true"), ("transfer.fsckobjects", "false"),
]  # fmt: skip
HARMLESS = [
    ("core.fsmonitor", "true"), ("core.hookspath", ".husky/_"), ("core.editor", "vi"), ("core.pager", "less"),
    ("alias.st", "!git status"), ("user.email", "a@b"), ("pull.rebase", "true"), ("branch.main.remote", "origin"),
    ("branch.main.merge", "refs/heads/main"), ("branch.main.vscode-merge-base", "origin/main"), ("gc.auto", "0"),
    ("color.ui", "false"), ("core.autocrlf", "input"), ("push.default", "simple"), ("submodule.x.url", "https://x"),
    ("submodule.x.active", "true"), ("lfs.https://git.example.com/x.git/info/lfs.access", "basic"),
    ("remote.origin.url", "https://x"), ("extensions.objectformat", "sha256"), ("commit.template", "t"),
    ("filter.lfs.clean", "git-lfs clean -- %f"), ("filter.lfs.process", "git-lfs filter-process --skip"),
    ("filter.x.required", "true"), ("core.deltabasecachelimit", "96m"), ("gitflow.prefix", ""),
]  # fmt: skip


@pytest.mark.parametrize("key", PROGRAMS)
def test_what_can_run_a_program_or_lead_elsewhere(key: str) -> None:
    assert not is_harmless(key, "/bin/x")


@pytest.mark.parametrize(("key", "value"), DOORS)
def test_plain_values_that_open_a_door(key: str, value: str) -> None:
    assert not is_harmless(key, value)


@pytest.mark.parametrize(("key", "value"), HARMLESS)
def test_what_runs_nothing(key: str, value: str) -> None:
    assert is_harmless(key, value)


def test_what_git_and_its_tools_write_is_harmless(repository: Path, git: Git, tmp_path: Path) -> None:
    git(repository, "remote", "add", "origin", "https://git.example.com/x.git")
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    git(repository, "sparse-checkout", "set", "a")
    git(repository, "lfs", "install", "--local")
    commands.init(FatRepository.find(repository))
    assert find_settings(repository)[0] == []
    assert find_settings(tmp_path / "tree")[0] == []


def test_each_repository_below_and_each_file_counts(repository: Path, git: Git, tmp_path: Path) -> None:
    git(repository, "config", "extensions.worktreeConfig", "true")
    git(repository, "config", "--worktree", "core.sshCommand", "x")
    inner, hidden = repository / "data" / "inner", tmp_path / "elsewhere"
    git(repository, "init", "-q", str(inner))
    (tmp_path / "more").write_text("[core]\n\tfsmonitor = y\n")
    git(inner, "config", "include.path", str(tmp_path / "more"))
    git(repository, "init", "-q", "--separate-git-dir", str(hidden), str(repository / "linked"))
    git(repository / "linked", "config", "diff.external", "z")
    (repository / "loop").symlink_to(repository)
    settings, _ = find_settings(repository)
    assert sorted((s.repository.name, s.key, s.value) for s in settings) == [
        ("inner", "core.fsmonitor", "y"),
        ("inner", "include.path", str(tmp_path / "more")),
        ("linked", "diff.external", "z"),
        ("repository", "core.sshcommand", "x"),
    ]


# -- what git does ---------------------------------------------------------------------------------------------------


@pytest.fixture
def canary(repository: Path, git: Git, tmp_path: Path) -> Path:
    """A repository out of an archive; the file is there once anything of its configuration has run."""
    path = tmp_path / "canary"
    touch = f"touch {path}"
    inner = repository / "inner"
    git(repository, "init", "-q", str(inner))
    (inner / "f").write_text("1\n")
    git(inner, "add", "f")
    git(inner, "commit", "-q", "-m", "x")
    git(repository, "add", "inner")
    for place in (repository, inner):
        git(place, "config", "core.fsmonitor", touch)
        git(place, "config", "filter.evil.clean", f"{touch}; cat")
        git(place, "config", "filter.evil.required", "true")
        git(place, "config", "diff.external", touch)
        git(place, "config", "diff.evil.textconv", touch)
        git(place, "config", "core.sshCommand", touch)
        (place / ".git" / "info" / "attributes").write_text("* filter=evil diff=evil\n")
    (repository / "top").write_text("tip\n")  # as long as before, so that git has to look into it
    (inner / "f").write_text("2\n")
    git(repository, "config", "remote.origin.url", "ssh://host.invalid/x")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "remote.origin.uploadpack", touch)
    assert not path.exists()
    return path


READING = [
    ["status", "--porcelain=v2"], ["diff"], ["diff", "HEAD", "--stat"], ["diff-files", "-p"], ["log", "-p"],
    ["ls-files", "-m"], ["ls-files", "--others"], ["cat-file", "blob", "1" * 40], ["fsck"],
    ["config", "--get", "core.fsmonitor"],
]  # fmt: skip
CHANGING = [
    ["add", "."], ["commit", "-m", "x"], ["checkout", "."], ["fetch", "origin"], ["push", "origin"], ["lfs", "pull"],
    ["-c", "a.b=c", "lfs", "update"], ["read-tree", "-u", "HEAD"], ["restore", "."], ["config", "a.b", "c"],
    ["update-ref", "refs/x", "HEAD"], ["symbolic-ref", "HEAD", "refs/heads/x"], ["ls-remote", "origin"],
    ["submodule", "update"], ["hash-object", "-w", "top"], ["st"],
]  # fmt: skip


def test_it_is_read_without_its_programs(repository: Path, canary: Path) -> None:
    for place in (repository, repository / "inner", repository / "a"):
        for arguments in READING:
            run_git(place, arguments, ok=range(256))
            assert not canary.exists(), arguments
    changed = run_git(repository, ["status", "--porcelain"]).stdout
    assert changed == b"A  inner\n M top\n" or b" M top\n" in changed


def test_it_is_not_changed(repository: Path, canary: Path) -> None:
    for arguments in CHANGING:
        with pytest.raises(RefusedError, match=r"nobody on this machine has agreed"):
            run_git(repository, arguments)
    own = {"GIT_INDEX_FILE": str(repository.parent / "index")}
    run_git(repository, ["read-tree", "HEAD"], env=own)
    run_git(repository, ["add", "top"], env=own)
    assert not canary.exists()


def test_the_user_agrees_to_the_settings_as_they_are(repository: Path, canary: Path, git: Git) -> None:
    (address,) = settings_addresses(repository)
    Agreements("/ws").add([address])
    restraint._known.clear()
    assert restraint_of(repository) is None
    assert restraint_of(repository / "inner") is None
    assert settings_addresses(repository) == [address]
    git(repository, "config", "filter.mine.clean", "cat")  # by the user, from now on
    restraint._known.clear()
    assert restraint_of(repository) is None
    Agreements("/ws").remove([address])
    restraint._known.clear()
    assert restraint_of(repository) is not None


def test_others_are_others(repository: Path, canary: Path, git: Git) -> None:
    (address,) = settings_addresses(repository)
    Agreements("/ws").add([address])
    git(repository, "config", "filter.evil.smudge", "cat")
    restraint._known.clear()
    assert settings_addresses(repository) != [address]
    with pytest.raises(RefusedError):
        ask(repository, BatchInteraction())


def test_who_makes_a_repository_may_configure_it(repository: Path, git: Git) -> None:
    made_here(repository)
    git(repository, "config", "filter.mine.clean", "cat")
    restraint._known.clear()
    assert restraint_of(repository) is None


def test_what_was_found_harmless_is_the_users_from_then_on(repository: Path, git: Git) -> None:
    assert restraint_of(repository / "a") is None
    git(repository, "config", "filter.mine.clean", "cat")
    restraint._known.clear()
    assert restraint_of(repository) is None
    moved = repository.rename(repository.with_name("moved"))
    assert restraint_of(moved) is not None


def test_a_no_changes_nothing_and_a_yes_is_kept(repository: Path, canary: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(repository, BatchInteraction())
    assert "dws trust" in str(caught.value.hint)

    class Yes(BatchInteraction):
        def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
            assert "core.fsmonitor = touch" in question
            return True

    ask(repository, Yes())
    restraint._known.clear()
    ask(repository, BatchInteraction())


def test_submodule_s_files_are_where_git_says_that_they_are(repository: Path, git: Git, tmp_path: Path) -> None:
    git(repository, "clone", "-q", str(repository), str(tmp_path / "lib"))
    git(repository, "submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    assert find_settings(repository)[0] == find_settings(repository / "lib")[0] == []
    (repository / "elsewhere").mkdir()
    git(repository / "lib", "config", "core.worktree", "../../../elsewhere")
    assert [setting.key for setting in find_settings(repository)[0]] == ["core.worktree"]
