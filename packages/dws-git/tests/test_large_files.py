"""Repositories that use git-lfs, with the real program and remotes that are directories."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, RefusedError, ToolError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.trust import Agreements
from dataworkspaces.workspace.interaction import BatchInteraction
from dataworkspaces.workspace.trust import Consent

pytestmark = pytest.mark.slow

CONSENT = Consent("/ws", BatchInteraction())

needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
LFS = "filter=lfs diff=lfs merge=lfs -text"
CONTENT = b"large " * 1000
Git = Callable[..., str]
progress = BatchInteraction().progress


def write(root: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def commit(root: Path, git: Git) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "change")


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setattr(subprocess, "Popen", fail)


@contextmanager
def without_lfs(monkeypatch: pytest.MonkeyPatch, directory: Path) -> Iterator[None]:
    """A machine that has git, and not git-lfs."""
    programs = directory / "programs"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    with monkeypatch.context() as context:
        context.setenv("PATH", str(programs))
        yield


# -- detection ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [f"*.bin {LFS}", '"with blank" filter=lfs', "[attr]big filter=lfs -text", "a\tfilter=lfs"]
)
def test_attributes_at_the_root_are_seen(repository: Path, line: str) -> None:
    write(repository, _gitattributes=f"*.txt text\n{line}\n")
    assert large_files.uses_lfs(repository)


@pytest.mark.parametrize(
    "line", ["", "*.txt text", f"# *.bin {LFS}", "filter=lfs text", "*.bin filter=lfsx", "*.bin filter=fat"]
)
def test_other_attributes_are_not(repository: Path, line: str) -> None:
    write(repository, _gitattributes=f"{line}\n")
    assert not large_files.uses_lfs(repository)


def test_attributes_in_a_directory_are_seen_once_git_tracks_them(repository: Path, git: Git) -> None:
    write(repository, a__b___gitattributes=f"*.bin {LFS}\n")
    assert not large_files.uses_lfs(repository)
    git(repository, "add", "-A")
    assert large_files.uses_lfs(repository)


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_in_an_index_of_any_version(repository: Path, git: Git, version: str) -> None:
    write(repository, a___gitattributes=f"*.bin {LFS}\n", a___gitattribute="")
    git(repository, "add", "-A")
    git(repository, "update-index", "--index-version", version)
    assert large_files.uses_lfs(repository)


def test_in_a_split_index(repository: Path, git: Git) -> None:
    write(repository, a___gitattributes=f"*.bin {LFS}\n")
    git(repository, "add", "-A")
    git(repository, "update-index", "--split-index")
    assert large_files.uses_lfs(repository)


def test_attributes_of_this_copy_alone_are_seen(repository: Path) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text(f"*.bin {LFS}\n", encoding="utf-8")
    assert large_files.uses_lfs(repository)


def test_in_a_linked_working_tree_too(repository: Path, git: Git, tmp_path: Path) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text(f"*.bin {LFS}\n", encoding="utf-8")
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert large_files.uses_lfs(tmp_path / "linked")


def test_a_link_is_no_file_of_attributes(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(f"*.bin {LFS}\n", encoding="utf-8")
    (repository / ".gitattributes").symlink_to(tmp_path / "elsewhere")
    assert not large_files.uses_lfs(repository)


def test_without_attributes_no_process_is_started(repository: Path, no_processes: None) -> None:
    assert not large_files.uses_lfs(repository)
    large_files.check_programs(repository)
    large_files.set_up(repository)
    large_files.fetch(repository, CONSENT, progress)
    large_files.send(repository, "origin", "main", CONSENT, progress)


def test_nor_with_those_of_the_root_and_of_a_workspace(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository, _gitattributes="*.txt text\n", _dataworkspace___gitattributes="* !filter\n")
    commit(repository, git)
    monkeypatch.setattr(large_files, "run_git", None)
    assert not large_files.uses_lfs(repository)


@pytest.mark.parametrize(("name", "content"), [("_gitfat", "[rsync]\n"), ("_gitattributes", "*.gz filter=fat -crlf\n")])
def test_git_fat_is_seen(repository: Path, name: str, content: str) -> None:
    assert not large_files.uses_fat(repository)
    write(repository, **{name: content})
    assert large_files.uses_fat(repository)


# -- programs ----------------------------------------------------------------------------------------------------------


def test_a_missing_program_is_named(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repository, _gitattributes=f"*.bin {LFS}\n")
    with without_lfs(monkeypatch, tmp_path), pytest.raises(ConfigurationError, match="'git-lfs' was not found") as e:
        large_files.check_programs(repository)
    assert str(repository) in e.value.message
    assert "Install" in str(e.value.hint)


def test_so_it_is_for_a_commit_that_is_not_checked_out(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = git(repository, "rev-parse", "HEAD")
    write(repository, a___gitattributes=f"*.bin {LFS}\n")
    commit(repository, git)
    uses = git(repository, "rev-parse", "HEAD")
    git(repository, "reset", "-q", "--hard", before)
    with without_lfs(monkeypatch, tmp_path):
        large_files.check_programs(repository)
        large_files.check_programs_of_tree(repository, before)
        with pytest.raises(ConfigurationError, match="'git-lfs' was not found"):
            large_files.check_programs_of_tree(repository, uses)


# -- setting up --------------------------------------------------------------------------------------------------------


@pytest.fixture
def uses(repository: Path, git: Git) -> Path:
    """A repository that has a large file in git-lfs, and whose account is set up for it by other means than ours."""
    run_git(repository, ["lfs", "install", "--local", "--skip-repo"])
    write(repository, _gitattributes=f"*.bin {LFS}\n", a__x_bin=CONTENT)
    run_git(repository, ["add", "-A"])  # as dws does it: git-lfs cannot install its hooks
    run_git(repository, ["commit", "-q", "-m", "large"])
    assert not (repository / ".git" / "hooks" / "pre-push").exists()
    assert git(repository, "show", "HEAD:a/x.bin").startswith("version https://git-lfs")
    return repository


def filters_of(path: Path) -> str:
    return subprocess.run(
        ["git", "config", "--file", str(path), "--get", "filter.lfs.clean"], capture_output=True, text=True
    ).stdout.strip()


@needs_lfs
def test_an_account_without_filters_gets_them(repository: Path, home: Path) -> None:
    write(repository, _gitattributes=f"*.bin {LFS}\n")
    large_files.set_up(repository)
    assert filters_of(home / ".gitconfig") == "git-lfs clean -- %f"


@needs_lfs
def test_an_account_that_has_them_is_left_alone(repository: Path, git: Git, home: Path) -> None:
    write(repository, _gitattributes=f"*.bin {LFS}\n")
    git(repository, "config", "--global", "filter.lfs.clean", "my-lfs clean")
    before = (home / ".gitconfig").read_bytes()
    large_files.set_up(repository)
    assert (home / ".gitconfig").read_bytes() == before


@needs_lfs
def test_so_is_one_that_needs_none(repository: Path, home: Path) -> None:
    before = (home / ".gitconfig").read_bytes()
    large_files.set_up(repository)
    assert (home / ".gitconfig").read_bytes() == before


@needs_lfs
def test_without_a_home_to_write_to_this_repository_gets_them(
    repository: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(repository, _gitattributes=f"*.bin {LFS}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null/.gitconfig")
    large_files.set_up(repository)
    assert filters_of(repository / ".git" / "config") == "git-lfs clean -- %f"


@needs_lfs
def test_a_push_by_hand_sends_large_files_too(uses: Path, git: Git, tmp_path: Path) -> None:
    large_files.set_up(uses)
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(uses, "push", "-q", (tmp_path / "hub.git").as_uri(), "main")
    assert contents(tmp_path / "hub.git") == [CONTENT]


@needs_lfs
def test_hooks_that_are_there_stay(uses: Path) -> None:
    hook = uses / ".git" / "hooks" / "pre-push"
    write(hook.parent, **{"pre-push": "#!/bin/sh\nexit 0\n"})
    large_files.set_up(uses)
    assert hook.read_text(encoding="utf-8") == "#!/bin/sh\nexit 0\n"


@needs_lfs
def test_hooks_of_the_user_stay(uses: Path, git: Git, tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    git(uses, "config", "--global", "core.hooksPath", str(tmp_path / "hooks"))
    large_files.set_up(uses)
    assert not list((tmp_path / "hooks").iterdir())
    assert not (uses / ".git" / "hooks" / "pre-push").exists()


# -- getting and sending -----------------------------------------------------------------------------------------------


def contents(remote: Path) -> list[bytes]:
    """The large files at a remote."""
    return sorted(path.read_bytes() for path in (remote / "lfs" / "objects").rglob("*") if path.is_file())


@pytest.fixture
def hub(uses: Path, git: Git, tmp_path: Path) -> Path:
    """An origin, which has the commits, but no large files."""
    hub = tmp_path / "hub.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(hub))
    git(uses, "remote", "add", "origin", hub.as_uri())
    git(uses, "push", "-q", "--no-verify", str(hub), "main")
    return hub


def clone(hub: Path, place: Path) -> Path:
    """As it is before large files are looked at."""
    run_git(hub.parent, ["clone", "-q", str(hub), str(place)], env={"GIT_LFS_SKIP_SMUDGE": "1"})
    assert (place / "a" / "x.bin").stat().st_size < 200
    return place


@needs_lfs
@pytest.mark.parametrize("remote", ["origin", "{}", "file://{}"])
def test_large_files_are_sent(uses: Path, hub: Path, remote: str) -> None:
    large_files.send(uses, remote.format(hub), "main", CONSENT, progress)
    assert contents(hub) == [CONTENT]


@needs_lfs
def test_of_all_commits_that_are_new_to_the_origin(uses: Path, hub: Path, git: Git) -> None:
    write(uses, a__x_bin=b"second")
    commit(uses, git)
    write(uses, a__x_bin=b"third")
    commit(uses, git)
    large_files.send(uses, "origin", "main", CONSENT, progress)
    assert contents(hub) == [CONTENT, b"second", b"third"]


@needs_lfs
def test_of_a_commit_that_no_branch_has(uses: Path, hub: Path, git: Git) -> None:
    write(uses, a__x_bin=b"beside")
    commit(uses, git)
    beside = git(uses, "rev-parse", "HEAD").strip()
    git(uses, "reset", "-q", "--hard", "HEAD^")
    git(uses, "rm", "-q", "--cached", ".gitattributes")
    (uses / ".gitattributes").unlink()
    large_files.send_of_commits(uses, "origin", [beside], CONSENT, progress)
    assert b"beside" in contents(hub)


@needs_lfs
def test_a_clone_gets_them(uses: Path, hub: Path, git: Git, tmp_path: Path) -> None:
    large_files.send(uses, "origin", "main", CONSENT, progress)
    copy = clone(hub, tmp_path / "copy")
    large_files.set_up(copy)
    large_files.fetch(copy, CONSENT, progress)
    assert (copy / "a" / "x.bin").read_bytes() == CONTENT
    assert git(copy, "status", "--porcelain") == ""
    large_files.fetch(copy, CONSENT, progress)  # once more does no harm


@needs_lfs
def test_a_file_that_was_changed_here_is_left_alone(uses: Path, hub: Path, git: Git, tmp_path: Path) -> None:
    large_files.send(uses, "origin", "main", CONSENT, progress)
    copy = clone(hub, tmp_path / "copy")
    large_files.set_up(copy)
    write(copy, a__x_bin=b"mine")
    large_files.fetch(copy, CONSENT, progress)
    assert (copy / "a" / "x.bin").read_bytes() == b"mine"


@needs_lfs
@pytest.mark.parametrize("config", ["", "[lfs]\n\tskipdownloaderrors = true\n"])
def test_one_that_the_origin_lacks_is_an_error(hub: Path, tmp_path: Path, config: str) -> None:
    copy = clone(hub, tmp_path / "copy")
    (copy / ".lfsconfig").write_text(config, encoding="utf-8")
    large_files.set_up(copy)
    with pytest.raises(ToolError, match="Getting large files with git-lfs failed") as e:
        large_files.fetch(copy, CONSENT, progress)
    assert "\n" not in e.value.message
    assert "repeat the command" in str(e.value.hint)


@needs_lfs
@pytest.mark.parametrize("config", ["", "[lfs]\n\tallowincompletepush = true\n"])
def test_one_that_is_nowhere_is_an_error(uses: Path, hub: Path, config: str) -> None:
    (uses / ".lfsconfig").write_text(config, encoding="utf-8")
    shutil.rmtree(uses / ".git" / "lfs" / "objects")
    with pytest.raises(ToolError, match="Sending large files with git-lfs failed"):
        large_files.send(uses, "origin", "main", CONSENT, progress)


@needs_lfs
def test_a_copy_without_the_older_ones_can_send(uses: Path, hub: Path, git: Git, tmp_path: Path) -> None:
    write(uses, a__x_bin=b"second")
    commit(uses, git)
    large_files.send(uses, "origin", "main", CONSENT, progress)
    git(uses, "push", "-q", "--no-verify", "origin", "main")
    copy = clone(hub, tmp_path / "copy")
    large_files.set_up(copy)
    large_files.fetch(copy, CONSENT, progress)
    write(copy, a__x_bin=b"third")
    commit(copy, git)
    large_files.send(copy, "origin", "main", CONSENT, progress)
    assert contents(hub) == [CONTENT, b"second", b"third"]


@pytest.mark.parametrize(
    ("lines", "percent"),
    [
        ([], 0),
        (["clean 1/1 5/5 x"], 0),
        (["download 1/4 0/100 x"], 0),
        (["download 1/4 0/100 x", "download 2/4 50/100 a name"], 37),
        (["upload 4/4 0/0 empty"], 100),
        (["download 4/4 100/100 x", "half a li"], 100),
        (["download 1/0 1/1 x"], 0),
    ],
)
def test_the_bar_follows_what_git_lfs_writes(lines: list[str], percent: int) -> None:
    assert large_files._percent(lines) == percent


# -- what a repository says of servers ---------------------------------------------------------------------------------

HTTPS = "https://git.example.com/team/data.git"


def with_config(root: Path, git: Git, origin: str, config: str) -> None:
    write(root, _gitattributes=f"*.bin {LFS}\n", _lfsconfig=config)
    commit(root, git)
    git(root, "remote", "add", "origin", origin)


@needs_lfs
@pytest.mark.parametrize(
    "key", ['[lfs]\n\turl = "{}"', '[lfs]\n\tpushurl = "{}"', '[remote "origin"]\n\tlfsurl = "{}"']
)
@pytest.mark.parametrize(
    "url",
    ["file:///srv/other", "/srv/other", "../other", "ext::sh -c x", "ssh://-oProxyCommand=x/y", "-x", "s3://bucket"],
)
def test_a_place_of_this_machine_is_refused(repository: Path, git: Git, key: str, url: str) -> None:
    with_config(repository, git, HTTPS, key.format(url))
    with pytest.raises(ConfigurationError, match=r"\.lfsconfig of https://git.example.com/team/data.git"):
        large_files.check_programs_of_tree(repository, "HEAD")
    with pytest.raises(ConfigurationError, match=r"\.lfsconfig of"):
        large_files.fetch(repository, CONSENT, progress)


@needs_lfs
def test_but_not_if_the_origin_is_one(repository: Path, git: Git) -> None:
    with_config(repository, git, "/srv/data.git", "[lfs]\n\turl = file:///srv/lfs\n")
    large_files.check_programs_of_tree(repository, "HEAD")


@needs_lfs
@pytest.mark.parametrize("key", ["lfs.url", "lfs.pushurl", "remote.origin.lfsurl"])
@pytest.mark.parametrize("url", ["https://other.example.org/x", "git@other.example.org:x", "ssh://other.example.org/x"])
def test_nothing_is_sent_to_another_host(repository: Path, git: Git, key: str, url: str) -> None:
    with_config(repository, git, HTTPS, "")
    git(repository, "config", "--file", ".lfsconfig", key, url)
    with pytest.raises(RefusedError, match=r"git-lfs \S*other\.example\.org") as e:
        large_files.send(repository, "origin", "main", CONSENT, progress)
    assert "dws trust 'git-lfs " in str(e.value.hint)


@needs_lfs
def test_the_advice_is_safe_to_copy(repository: Path, git: Git) -> None:
    with_config(repository, git, HTTPS, '[lfs]\n\turl = "https://other.example.org/$(reboot)"\n')
    with pytest.raises(ConfigurationError) as e:
        large_files.send(repository, "origin", "main", CONSENT, progress)
    assert "dws trust 'git-lfs https://other.example.org/$(reboot)'" in str(e.value.hint)


@needs_lfs
@pytest.mark.parametrize(
    "url", ["https://git.example.com/lfs", "git@git.example.com:lfs", "https://GIT.example.com:8443/x"]
)
def test_another_place_at_the_same_host_is_no_matter(repository: Path, git: Git, url: str) -> None:
    with_config(repository, git, HTTPS, f"[lfs]\n\turl = {url}\n")
    large_files.check_programs_of_tree(repository, "HEAD")
    large_files.check_servers(repository, "origin", CONSENT, sending=True)


@needs_lfs
def test_nor_is_the_host_that_a_short_name_stands_for(repository: Path, git: Git) -> None:
    with_config(repository, git, "team:data.git", "[lfs]\n\turl = https://git.example.com/lfs\n")
    git(repository, "config", "--global", "url.https://git.example.com/.insteadOf", "team:")
    large_files.check_servers(repository, "origin", CONSENT, sending=True)


@needs_lfs
@pytest.mark.parametrize("options", [["--cached"], []])
def test_a_file_that_is_not_in_the_working_tree_counts_too(repository: Path, git: Git, options: list[str]) -> None:
    """In the index, or in HEAD alone."""
    with_config(repository, git, HTTPS, "[lfs]\n\turl = https://other.example.org/x\n")
    if options:
        git(repository, "rm", "-q", *options, ".lfsconfig")
    (repository / ".lfsconfig").unlink()
    with pytest.raises(RefusedError, match=r"other\.example\.org"):
        large_files.send(repository, "origin", "main", CONSENT, progress)


@needs_lfs
def test_nor_is_one_that_the_user_has_named(repository: Path, git: Git) -> None:
    with_config(repository, git, HTTPS, "[lfs]\n\turl = https://other.example.org/x\n")
    git(repository, "config", "lfs.url", "https://other.example.org/x")
    large_files.check_servers(repository, "origin", CONSENT, sending=True)


@needs_lfs
def test_large_files_are_not_taken_from_another_host_either(repository: Path, git: Git) -> None:
    with_config(repository, git, HTTPS, "[lfs]\n\turl = https://other.example.org/x\n")
    with pytest.raises(RefusedError, match=r"other\.example\.org"):
        large_files.check_servers(repository, "origin", CONSENT, sending=False)


@needs_lfs
def test_but_from_one_that_has_been_agreed_to(repository: Path, git: Git) -> None:
    with_config(repository, git, HTTPS, "[lfs]\n\turl = https://other.example.org/x\n")
    assert large_files.addresses(repository) == ["git-lfs https://other.example.org/x"]
    Agreements(CONSENT.place).add(large_files.addresses(repository))
    large_files.check_servers(repository, "origin", CONSENT, sending=True)
    git(repository, "config", "--file", ".lfsconfig", "lfs.url", "https://third.example.org/x")
    with pytest.raises(RefusedError, match=r"third\.example\.org"):
        large_files.check_servers(repository, "origin", CONSENT, sending=True)


@needs_lfs
def test_git_lfs_runs_no_program_that_a_repository_names(uses: Path, hub: Path, git: Git, tmp_path: Path) -> None:
    """That it honours a few keys only is git-lfs's doing; should it ever change, this says so."""
    trace = tmp_path / "ran"
    script = tmp_path / "program"
    script.write_text(f"#!/bin/sh\ntouch '{trace}'\n", encoding="utf-8")
    script.chmod(0o755)
    large_files.send(uses, "origin", "main", CONSENT, progress)
    copy = clone(hub, tmp_path / "copy")
    for key in (
        "lfs.customtransfer.x.path", "lfs.standalonetransferagent", "lfs.extension.x.smudge", "core.sshCommand",
        "credential.helper", "core.askPass", "core.fsmonitor", "filter.lfs.process", "core.gitproxy",
    ):  # fmt: skip
        git(copy, "config", "--file", ".lfsconfig", key, "x" if key.endswith("agent") else str(script))
    large_files.set_up(copy)
    large_files.fetch(copy, CONSENT, progress)
    assert (copy / "a" / "x.bin").read_bytes() == CONTENT
    assert not os.path.lexists(trace)
