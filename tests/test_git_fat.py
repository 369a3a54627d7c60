"""The command `git-fat`: with real rsync, a real sshd, and repositories as the old script made them."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from endtoend import FAILED, User, isolated_environment, write_files
from servers import SshServer, needs_sshd, ssh_server

__all__ = ["ssh_server"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync"),
]

NAMES = [
    "plain.gz",
    "we ird.gz",
    "qu'o\"te.gz",
    "new\nline.gz",
    "-option.gz",
    "ünïcode.gz",
    os.fsdecode(b"no\xffutf8.gz"),
]
CONTENT = b"a large file\n" * 1000


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def placeholder(content: bytes) -> bytes:
    return b"#$# git-fat %s %20d\n" % (sha1(content).encode(), len(content))


def objects(user: User) -> Path:
    return user.cwd / ".git" / "fat" / "objects"


def fat(user: User, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return user.git_run("fat", *arguments, check=check)


class FatUser(User):
    def git_run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("git", *arguments, check=check)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "store"
    directory.mkdir()
    return directory


@pytest.fixture
def repository(user: User, store: Path) -> FatUser:
    return make_repository(user, store)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> FatUser:
    directory = tmp_path_factory.mktemp("made")
    here = make_repository(User(directory, isolated_environment(directory / "home")), directory / "store")
    commit(here, {"a.gz": CONTENT})
    return here


@pytest.fixture
def unconfigured(made_once: FatUser) -> FatUser:
    """A repository with a large file, and nothing at `.gitfat`."""
    path = made_once.cwd / ".gitfat"
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    return made_once


def make_repository(user: User, store: Path) -> FatUser:
    """A repository with git-fat for `*.gz`, and its bare origin `origin.git`."""
    user.git("init", "-q", "--bare", "origin.git")
    user.git("init", "-q", "repo")
    here = FatUser(user.cwd / "repo", user.env)
    write_files(here.cwd, {".gitattributes": "*.gz filter=fat -crlf\n", ".gitfat": f"[rsync]\n\tremote = {store}\n"})
    fat(here, "init")
    here.git("remote", "add", "origin", user.cwd / "origin.git")
    return here


def commit(user: User, files: dict[str, bytes], message: str = "files") -> None:
    write_files(user.cwd, dict(files))
    user.git("add", "-A")
    user.git("commit", "-q", "-m", message)
    user.git("push", "-q", "origin", "HEAD:main")


def another_clone(user: FatUser, name: str = "clone") -> FatUser:
    """A clone that has not been set up: the files are placeholders."""
    user.git("clone", "-q", user.cwd.parent / "origin.git", user.cwd.parent / name)
    return FatUser(user.cwd.parent / name, user.env)


def test_round_trip_of_files_with_any_name(repository: FatUser, store: Path) -> None:
    contents = {name: os.fsencode(name) * 50 for name in NAMES}
    commit(repository, {**contents, "small.txt": b"small"})
    stored = subprocess.run(
        ["git", "show", "HEAD:plain.gz"], cwd=repository.cwd, capture_output=True, check=True
    ).stdout
    assert stored == placeholder(contents["plain.gz"])
    assert repository.git("status", "--porcelain") == ""
    fat(repository, "push")
    assert {path.name for path in store.iterdir()} == {sha1(c) for c in contents.values()}
    other = another_clone(repository)
    assert (other.cwd / "plain.gz").read_bytes() == placeholder(contents["plain.gz"])
    fat(other, "init")
    fat(other, "pull")
    for name, content in contents.items():
        assert (other.cwd / name).read_bytes() == content
    assert other.git("status", "--porcelain") == ""


@needs_sshd
def test_over_ssh(repository: FatUser, store: Path, ssh_server: SshServer) -> None:
    user = FatUser(repository.cwd, {**repository.env, **ssh_server.environment})
    location = f"hub.example.com:{store}"
    write_files(user.cwd, {".gitfat": f"[rsync]\n\tremote = {location}\n\tsshport = {ssh_server.port}\n"})
    commit(user, {"a.gz": CONTENT})
    assert "Sent 1 object" in fat(user, "push").stdout
    assert (store / sha1(CONTENT)).read_bytes() == CONTENT
    assert "has all" in fat(user, "push").stdout
    other = another_clone(user)
    fat(other, "init")
    fat(other, "pull")
    assert (other.cwd / "a.gz").read_bytes() == CONTENT
    shutil.rmtree(store)
    shutil.rmtree(objects(other))
    (other.cwd / "a.gz").write_bytes(placeholder(CONTENT))
    done = fat(other, "pull", check=False)
    assert done.returncode in FAILED
    assert len(done.stderr.strip().splitlines()) == 1


def test_repository_of_the_old_script(user: User, store: Path) -> None:
    """Filters of that name, placeholders with a size and (in early ones) without, a flat directory of objects."""
    old = b"early" * 100
    early = b"#$# git-fat %s\n" % sha1(old).encode()
    user.git("init", "-q", "--bare", "origin.git")
    user.git("init", "-q", "repo")
    here = FatUser(user.cwd / "repo", user.env)
    write_files(
        here.cwd,
        {
            "a.gz": placeholder(CONTENT), "old.gz": early, ".gitattributes": "*.gz filter=fat -crlf\n",
            ".gitfat": f"[rsync]\nremote = {store}\nsshport = 22\nsshuser = fat\n",
        },
    )  # fmt: skip
    here.git("add", "-A")  # the filter is not set up: what is there goes in as it is
    here.git("commit", "-q", "-m", "made by the old script")
    (store / sha1(CONTENT)).write_bytes(CONTENT)
    (store / sha1(old)).write_bytes(old)
    fat(here, "init")
    assert here.git("status", "--porcelain") == ""
    assert sha1(CONTENT) in fat(here, "status").stdout
    fat(here, "pull")
    assert (here.cwd / "a.gz").read_bytes() == CONTENT
    assert (here.cwd / "old.gz").read_bytes() == old
    assert here.git("status", "--porcelain", "a.gz") == ""
    assert here.git("config", "filter.fat.clean").strip().endswith("git-fat filter-clean")
    assert here.git("config", "filter.fat.smudge").strip().endswith("git-fat filter-smudge")


@pytest.mark.parametrize(
    "content", [CONTENT, b"", b"x", placeholder(CONTENT), placeholder(CONTENT)[:-1], b"#$# git-fat "]
)
def test_filters_one_file_at_a_time(repository: FatUser, content: bytes) -> None:
    program = [sys.executable, "-m", "dataworkspaces.gitfat"]

    def run(name: str, given: bytes) -> bytes:
        return subprocess.run(
            [*program, name], input=given, cwd=repository.cwd, env=repository.env, capture_output=True, check=True
        ).stdout

    cleaned = run("filter-clean", content)
    assert cleaned == (content if content == placeholder(CONTENT) else placeholder(content))
    assert run("filter-clean", cleaned) == cleaned
    assert run("filter-smudge", cleaned) == content
    assert run("filter-smudge", content) == content


def test_smudge_of_a_file_that_is_no_placeholder(repository: FatUser) -> None:
    """Committed before the filter was there, and larger than any buffer."""
    content = os.urandom(3_000_000)
    repository.git("config", "--unset", "filter.fat.process")
    repository.git("config", "filter.fat.clean", "cat")
    commit(repository, {"raw.gz": content})
    fat(repository, "init")
    (repository.cwd / "raw.gz").unlink()
    repository.git("checkout", "--", "raw.gz")
    assert (repository.cwd / "raw.gz").read_bytes() == content


def test_pull_by_pattern(repository: FatUser) -> None:
    commit(repository, {"a/x.gz": b"1" * 100, "a/y.gz": b"2" * 100, "b/x.gz": b"3" * 100})
    fat(repository, "push")
    other = another_clone(repository)
    fat(other, "init")
    fat(other, "pull", "a")
    assert (other.cwd / "a/x.gz").read_bytes() == b"1" * 100
    assert (other.cwd / "a/y.gz").read_bytes() == b"2" * 100
    assert (other.cwd / "b/x.gz").read_bytes() == placeholder(b"3" * 100)
    assert len(list(objects(other).iterdir())) == 2
    fat(other, "pull", "*.gz")
    assert (other.cwd / "b/x.gz").read_bytes() == b"3" * 100


def test_gc_keeps_what_any_commit_or_the_index_refers_to(repository: FatUser) -> None:
    commit(repository, {"a.gz": b"first" * 50})
    commit(repository, {"a.gz": b"second" * 50})
    write_files(repository.cwd, {"a.gz": b"staged" * 50})
    repository.git("add", "a.gz")
    write_files(repository.cwd, {"a.gz": b"dropped" * 50})
    repository.git("add", "a.gz")
    assert sha1(b"staged" * 50) in fat(repository, "status").stdout
    assert "1 object" in fat(repository, "gc").stdout
    kept = {path.name for path in objects(repository).iterdir()}
    assert kept == {sha1(b"first" * 50), sha1(b"second" * 50), sha1(b"dropped" * 50)}


def test_history_is_sent_and_fetched_when_asked(repository: FatUser, store: Path) -> None:
    commit(repository, {"a.gz": b"first" * 50})
    commit(repository, {"a.gz": b"second" * 50})
    fat(repository, "push")
    assert {p.name for p in store.iterdir()} == {sha1(b"second" * 50)}
    fat(repository, "push", "--all")
    assert len(list(store.iterdir())) == 2
    other = another_clone(repository)
    fat(other, "init")
    assert sha1(b"first" * 50) in fat(other, "status", "--all").stdout
    fat(other, "pull", "--all")
    assert fat(other, "status", "--all").stdout == ""


def test_verify_names_a_broken_object_and_push_does_not_send_it(repository: FatUser, store: Path) -> None:
    commit(repository, {"a.gz": CONTENT})
    path = objects(repository) / sha1(CONTENT)
    path.chmod(0o644)
    path.write_bytes(b"X" * len(CONTENT))
    done = fat(repository, "verify", check=False)
    assert done.returncode in FAILED
    assert sha1(CONTENT) in done.stdout
    done = fat(repository, "push", check=False)
    assert done.returncode in FAILED
    assert sha1(CONTENT) in done.stderr
    assert list(store.iterdir()) == []


@pytest.mark.parametrize(
    "broken", [b"", CONTENT[:-1], CONTENT[:-1] + b"X", CONTENT + b"X"], ids=["empty", "short", "other", "long"]
)
def test_a_broken_object_of_the_remote_is_never_put_in_place(repository: FatUser, store: Path, broken: bytes) -> None:
    good = b"good" * 100
    commit(repository, {"a.gz": CONTENT, "b.gz": good})
    fat(repository, "push")
    path = store / sha1(CONTENT)
    path.chmod(0o644)
    path.write_bytes(broken)
    other = another_clone(repository)
    fat(other, "init")
    done = fat(other, "pull", check=False)
    assert done.returncode in FAILED
    assert sha1(CONTENT) in done.stderr
    assert (other.cwd / "a.gz").read_bytes() == placeholder(CONTENT)
    assert (other.cwd / "b.gz").read_bytes() == good, "the others are put in place"
    assert [p.name for p in objects(other).iterdir()] == [sha1(good)]
    path.write_bytes(CONTENT)
    fat(other, "pull")
    assert (other.cwd / "a.gz").read_bytes() == CONTENT


def test_an_object_that_the_remote_holds_as_a_link_is_not_followed(repository: FatUser, store: Path) -> None:
    commit(repository, {"a.gz": CONTENT})
    secret = store.parent / "secret"
    secret.write_bytes(CONTENT)
    (store / sha1(CONTENT)).symlink_to(secret)
    other = another_clone(repository)
    fat(other, "init")
    assert fat(other, "pull", check=False).returncode in FAILED
    assert not (objects(other) / sha1(CONTENT)).exists()


def test_files_that_hold_something_else_stay(repository: FatUser) -> None:
    commit(repository, {"a.gz": CONTENT})
    write_files(repository.cwd, {"a.gz": b"my own work"})
    fat(repository, "checkout")
    assert (repository.cwd / "a.gz").read_bytes() == b"my own work"


def test_checkout_follows_no_link_out_of_the_repository(repository: FatUser, tmp_path: Path) -> None:
    commit(repository, {"d/a.gz": CONTENT})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.gz").write_bytes(placeholder(CONTENT))
    shutil.rmtree(repository.cwd / "d")
    (repository.cwd / "d").symlink_to(outside)
    fat(repository, "checkout")
    assert (outside / "a.gz").read_bytes() == placeholder(CONTENT)


def test_the_mode_of_a_file_stays(repository: FatUser) -> None:
    write_files(repository.cwd, {"run.gz": CONTENT})
    (repository.cwd / "run.gz").chmod(0o755)
    commit(repository, {})
    fat(repository, "push")
    other = another_clone(repository)
    fat(other, "init")
    fat(other, "pull")
    assert os.access(other.cwd / "run.gz", os.X_OK)
    assert other.git("status", "--porcelain") == ""


HOSTILE = [
    "remote = -oProxyCommand=touch${IFS}CANARY:/x",
    "remote = --rsh=touch CANARY",
    "remote = host:--rsh=touch",
    "remote = ext::sh -c touch% CANARY",
    "remote = host name:/x",
    "remote = rsync://-host/x",
    "remote = ho\\nst:/x",
    "remote = /x\n\tsshuser = -oProxyCommand=touch CANARY",
    "remote = host:/x\n\tsshport = 22 -oProxyCommand=x",
    "remote = host:/x\n\tsshport = -1",
    "remote = /x\n\toptions = --rsync-path=touch",
    "remote = /x\n\toptions = -e touch",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_configuration_is_refused(unconfigured: FatUser, text: str) -> None:
    repository = unconfigured
    write_files(repository.cwd, {".gitfat": f"[rsync]\n\t{text}\n"})
    for command in ("push", "pull"):
        shutil.rmtree(objects(repository), ignore_errors=command == "pull")
        objects(repository).mkdir(parents=True)
        if command == "push":
            (objects(repository) / sha1(CONTENT)).write_bytes(CONTENT)
        done = fat(repository, command, check=False)
        assert done.returncode in FAILED
        assert ".gitfat" in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not list(repository.cwd.rglob("CANARY*"))


@pytest.mark.parametrize("kind", ["missing", "link", "directory", "huge", "binary"])
def test_a_configuration_that_is_no_file_is_named(unconfigured: FatUser, kind: str) -> None:
    repository = unconfigured
    path = repository.cwd / ".gitfat"
    if kind == "link":
        (repository.cwd / "other").write_text("[rsync]\nremote = /x\n")
        path.symlink_to("other")
    elif kind == "directory":
        path.mkdir()
    elif kind in ("huge", "binary"):
        path.write_bytes(b"#" * 100_000 if kind == "huge" else b"\0\xff[")
    done = fat(repository, "push", check=False)
    assert done.returncode in FAILED
    assert "Traceback" not in done.stderr
    assert ".gitfat" in done.stderr or "git config" in done.stderr


def test_a_filter_that_fails_lets_nothing_into_git(repository: FatUser) -> None:
    """Else a large file would be in git for good."""
    commit(repository, {})
    write_files(repository.cwd, {"a.gz": CONTENT})
    (repository.cwd / ".git" / "fat").mkdir(exist_ok=True)
    shutil.rmtree(repository.cwd / ".git" / "fat" / "objects", ignore_errors=True)
    (repository.cwd / ".git" / "fat" / "objects").write_text("in the way")
    done = repository.git_run("add", "a.gz", check=False)
    assert done.returncode != 0
    assert repository.git("ls-files", "a.gz") == ""


def test_full_disk_puts_nothing_half_in_place(repository: FatUser) -> None:
    commit(repository, {})
    write_files(repository.cwd, {"a.gz": os.urandom(500_000)})
    done = subprocess.run(
        ["git", "add", "a.gz"], cwd=repository.cwd, capture_output=True,
        env={**repository.env, "PYTHONDONTWRITEBYTECODE": "1"},  # cut off, it would stay for all later tests
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    assert done.returncode != 0
    assert not [p for p in objects(repository).iterdir() if not p.name.startswith(".")]
    repository.git("add", "a.gz")
    assert fat(repository, "verify").stdout == ""


def test_pull_that_is_killed_goes_on(repository: FatUser, store: Path) -> None:
    contents = {f"{n}.gz": os.urandom(2_000_000) for n in range(4)}
    commit(repository, contents)
    fat(repository, "push")
    other = another_clone(repository)
    write_files(other.cwd, {".gitfat": f"[rsync]\n\tremote = {store}\n\toptions = --bwlimit=3000\n"})
    fat(other, "init")
    process = subprocess.Popen(
        ["git", "fat", "pull"], cwd=other.cwd, env=other.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    incoming = other.cwd / ".git" / "fat" / "incoming"
    while process.poll() is None and not (incoming.exists() and any(incoming.iterdir())):
        pass
    os.killpg(process.pid, 9)
    process.wait()
    assert fat(other, "verify").stdout == ""
    write_files(other.cwd, {".gitfat": f"[rsync]\n\tremote = {store}\n"})
    fat(other, "pull")
    for name, content in contents.items():
        assert (other.cwd / name).read_bytes() == content
    assert not incoming.exists()


def test_outside_of_a_repository(user: User) -> None:
    done = FatUser(user.cwd, user.env).run(Path(sys.executable).with_name("git-fat"), "status", check=False)
    assert done.returncode in FAILED
    assert "not in a git repository" in done.stderr


@pytest.mark.slow
def test_half_a_gibibyte_in_64_mebibytes_of_memory(repository: FatUser, store: Path) -> None:
    """Each process of git-fat: when a file is added, sent, fetched and written."""
    size = 512 << 20
    commit(repository, {})
    with (repository.cwd / "big.gz").open("wb") as file:
        file.truncate(size)
        file.write(b"start")
    peak = repository.cwd.parent / "peak"
    wrapper = repository.cwd.parent / "git-fat"
    wrapper.write_text(
        f"#!{sys.executable}\n"
        "import os, resource, subprocess, sys\n"
        f"status = subprocess.call([{sys.executable!r}, '-m', 'dataworkspaces.gitfat', *sys.argv[1:]])\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        f"open({str(peak)!r}, 'a').write(f'{{used}}\\n')\n"
        "sys.exit(status)\n"
    )
    wrapper.chmod(0o755)
    user = FatUser(repository.cwd, {**repository.env, "PATH": f"{wrapper.parent}:{repository.env['PATH']}"})
    fat(user, "init")
    user.run("git", "add", "big.gz", timeout=600)
    user.git("commit", "-q", "-m", "big")
    user.run("git", "fat", "push", timeout=600)
    shutil.rmtree(objects(user))
    (user.cwd / "big.gz").write_bytes(
        subprocess.run(["git", "show", "HEAD:big.gz"], cwd=user.cwd, capture_output=True, check=True).stdout
    )
    user.run("git", "fat", "pull", timeout=600)
    assert (user.cwd / "big.gz").stat().st_size == size
    assert user.git("status", "--porcelain") == ""
    used = [int(line) for line in peak.read_text().split()]
    assert len(used) >= 4
    assert max(used) < 64 * 1024, f"{max(used)} KiB"
