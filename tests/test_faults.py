"""Two commands at once, locks that nobody holds any more, disks that are full or read-only, homes that are not there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from endtoend import FAILED, User, program, read_tree, whole_state, write_files


@pytest.fixture
def changed(workspace: User) -> User:
    """A workspace with the snapshot A, and new code and results."""
    workspace.batch("snapshot", "A", "-m", "first")
    write_files(workspace.cwd, {"code/run.py": "print(2)\n", "results/results.json": '{"metrics": {"loss": 1}}'})
    return workspace


def tags(user: User) -> list[str]:
    files = (user.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
    return sorted(tag for path in files for tag in json.loads(path.read_text())["tags"])


# -- two commands at once ------------------------------------------------------------------------------------------


class Held:
    """A `dws snapshot B` that holds the lock, and goes on when it is told to: its git waits at a pipe."""

    def __init__(self, user: User, directory: Path) -> None:
        self.gate = directory / "gate"
        os.mkfifo(self.gate)
        shim = directory / "shim" / "git"
        real = shutil.which("git")
        write_files(
            shim.parent, {"git": f'#!/bin/sh\n[ -p {self.gate} ] && read line < {self.gate}\nexec {real} "$@"\n'}
        )
        shim.chmod(0o755)
        self.process = subprocess.Popen(
            [program("dws"), "--batch", "snapshot", "B"],
            cwd=user.cwd, env={**user.env, "PATH": f"{shim.parent}:{user.env['PATH']}"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8",
        )  # fmt: skip
        lock = user.cwd / ".git" / "dws" / "lock.command"
        while not lock.exists() and self.process.poll() is None:
            time.sleep(0.01)

    def go_on(self) -> str:
        """Let it finish; returns what it said."""
        gate = self.gate.rename(self.gate.with_name("open gate"))
        for _ in range(100):  # one git may wait for the gate already
            try:
                fd = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
                os.write(fd, b"go\n")
                os.close(fd)
                break
            except OSError:
                time.sleep(0.02)
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return out + err


@pytest.fixture
def held(changed: User, tmp_path: Path) -> Iterator[Held]:
    holder = Held(changed, tmp_path)
    yield holder
    if holder.process.poll() is None:
        holder.process.kill()
        holder.process.communicate()


def test_second_command_names_who_holds_the_lock(changed: User, held: Held) -> None:
    done = changed.at(changed.cwd, DWS_LOCK_TIMEOUT="0.2").batch("snapshot", "C", check=False)
    held.go_on()
    assert done.returncode in FAILED
    assert str(held.process.pid) in done.stderr
    assert socket.gethostname() in done.stderr
    assert "dws snapshot" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_second_command_waits(changed: User, held: Held) -> None:
    second = subprocess.Popen(
        [program("dws"), "--batch", "config", "results.dir_template", "snapshots/{TAG}"],
        cwd=changed.cwd, env={**changed.env, "DWS_LOCK_TIMEOUT": "60"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    held.go_on()
    _, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    assert tags(changed) == ["A", "B"]
    assert changed.git("status", "--porcelain") == ""


@pytest.mark.parametrize("report", ["status", "history"])
def test_reading_needs_no_lock(changed: User, held: Held, report: str) -> None:
    done = changed.dws("report", report, check=False)
    held.go_on()
    assert (done.returncode, done.stderr) == (0, "")


def test_many_at_once_all_take_their_turn(workspace: User) -> None:
    """Each snapshot finds the same content, so all but the first only add their tag."""
    processes = [
        subprocess.Popen(
            [program("dws"), "--batch", "snapshot", f"T{number}", "-m", "same"],
            cwd=workspace.cwd, env={**workspace.env, "DWS_LOCK_TIMEOUT": "100"}, stderr=subprocess.PIPE,
        )
        for number in range(5)
    ]  # fmt: skip
    errors = [process.communicate(timeout=100)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 5, errors
    assert tags(workspace) == [f"T{number}" for number in range(5)]


# -- locks ---------------------------------------------------------------------------------------------------------


def lock(user: User, content: str) -> Path:
    path = user.cwd / ".git" / "dws" / "lock"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_lock_of_a_dead_process_is_no_obstacle(changed: User) -> None:
    lock(changed, f"{dead_process()}\n{socket.gethostname()}\n")
    changed.batch("snapshot", "B")
    assert tags(changed) == ["A", "B"]


def test_lock_of_another_host_is_respected(changed: User) -> None:
    path = lock(changed, "4711\nelsewhere\n")
    before = whole_state(changed.cwd)
    done = changed.at(changed.cwd, DWS_LOCK_TIMEOUT="0.2").batch("snapshot", "B", check=False)
    assert done.returncode in FAILED
    assert "4711" in done.stderr
    assert "elsewhere" in done.stderr
    assert path.exists()
    assert whole_state(changed.cwd) == before


@pytest.mark.parametrize("content", ["", "47", "no lock of ours\n", "\0" * 100])
def test_lock_that_was_half_written_is_no_obstacle_for_long(changed: User, content: str) -> None:
    path = lock(changed, content)
    minute_ago = time.time() - 60
    os.utime(path, (minute_ago, minute_ago))
    changed.batch("snapshot", "B")
    assert tags(changed) == ["A", "B"]


def test_wait_that_is_no_number(changed: User) -> None:
    done = changed.at(changed.cwd, DWS_LOCK_TIMEOUT="long").batch("snapshot", "B", check=False)
    assert done.returncode in FAILED
    assert "DWS_LOCK_TIMEOUT" in done.stderr


def test_lock_is_gone_after_an_error(changed: User) -> None:
    changed.batch("restore", "NONE", check=False)
    changed.batch("snapshot", "no blanks", check=False)
    assert not (changed.cwd / ".git" / "dws" / "lock").exists()


# -- the journal ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"operation": "snapshot", "data": {}}', '{"operation": 3}'])
def test_damaged_journal_is_named_and_reading_goes_on(changed: User, content: str) -> None:
    write_files(changed.cwd, {".git/dws/journal.json": content})
    done = changed.dws("report", "history", check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or "journal.json" in done.stderr


# -- disks ---------------------------------------------------------------------------------------------------------


def in_own_mounts(user: User, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script that may mount, unseen by anybody else."""
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    return user.run(*namespace, "sh", "-euc", script, check=False)


def test_read_only_disk(changed: User) -> None:
    before = whole_state(changed.cwd)
    dws, root = shlex.quote(program("dws")), shlex.quote(str(changed.cwd))
    done = in_own_mounts(
        changed,
        f"mount --bind {root} {root}; mount -o remount,bind,ro {root}; cd {root}; {dws} --batch snapshot B",
    )
    assert done.returncode in FAILED, done.stderr
    assert "Read-only" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert whole_state(changed.cwd) == before


@pytest.mark.parametrize("report", ["status", "history", "lineage", "results"])
def test_reading_on_a_read_only_disk(changed: User, report: str) -> None:
    dws, root = shlex.quote(program("dws")), shlex.quote(str(changed.cwd))
    done = in_own_mounts(
        changed, f"mount --bind {root} {root}; mount -o remount,bind,ro {root}; cd {root}; {dws} report {report}"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("free", [0, 4, 8, 64, 96, 104, 112, 120, 128, 152, 176, 200])
def test_full_disk(changed: User, tmp_path: Path, free: int) -> None:
    """Whatever does not fit any more: the command ends with a line, all is there, and when there is room it succeeds.

    `free` is in KiB."""
    dws, root = shlex.quote(program("dws")), shlex.quote(str(changed.cwd))
    write_files(changed.cwd, {"code/large": os.urandom(60_000)})
    disk, after = tmp_path / "disk", tmp_path / "after"
    disk.mkdir()
    done = in_own_mounts(
        changed,
        f"""
        mount -t tmpfs -o size=8m none {disk}
        cp -a {root} {disk}/ws; cd {disk}/ws
        dd if=/dev/zero of={disk}/filler bs=1024 count={free} 2>/dev/null
        dd if=/dev/zero of={disk}/filler2 bs=1024 2>/dev/null || true
        rm {disk}/filler
        {dws} --batch snapshot B >&2 && echo status 0 || echo status $?
        rm {disk}/filler2
        {dws} report history
        {dws} --batch snapshot B || true  # it has been completed by the report, if it was that far
        cp -a {disk}/ws {after}
        """,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    status = int(re.search(r"status (\d+)", done.stdout).group(1))  # type: ignore[union-attr]
    assert status in (0, *FAILED)
    user = changed.at(after)
    assert tags(user) == ["A", "B"]
    assert sorted(read_tree(after / "results" / "snapshots" / "host1-B")) == ["lineage.json", "results.json"]
    assert (after / "code" / "large").read_bytes() == (changed.cwd / "code" / "large").read_bytes()
    assert user.git("status", "--porcelain") == ""
    user.git("fsck", "--strict")


def test_file_that_may_not_grow(changed: User) -> None:
    """A quota: writing fails with an error of its own."""
    write_files(changed.cwd, {"code/large": os.urandom(300_000)})
    before = read_tree(changed.cwd)
    done = changed.run(
        "sh",
        "-c",
        f"trap '' XFSZ; ulimit -f 100; PYTHONDONTWRITEBYTECODE=1 exec '{program('dws')}' --batch snapshot B",
        check=False,
    )
    assert done.returncode in FAILED
    assert "Traceback" not in done.stderr
    assert read_tree(changed.cwd) == before
    changed.batch("snapshot", "B")
    assert tags(changed) == ["A", "B"]


# -- the user's home -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", ["/nonexistent", "/dev/null", "/proc"])
def test_home_that_cannot_be_written(changed: User, home: str) -> None:
    homeless = changed.at(
        changed.cwd, HOME=home, XDG_CONFIG_HOME=f"{home}/.config", XDG_CACHE_HOME=f"{home}/.cache", XDG_DATA_HOME=home
    )
    done = homeless.batch("snapshot", "B")
    assert done.stderr == ""
    assert tags(changed) == ["A", "B"]


def test_no_home(changed: User) -> None:
    env = {
        name: value for name, value in changed.env.items() if not name.startswith(("XDG_", "HOME", "USER", "LOGNAME"))
    }
    User(changed.cwd, env).batch("snapshot", "B")
    assert tags(changed) == ["A", "B"]


# -- sharing -------------------------------------------------------------------------------------------------------


def test_shared_results_keep_the_modes_of_a_group(changed: User) -> None:
    """With a umask of 002, what is written is for the group, too."""
    changed.run("sh", "-c", f"umask 002; exec '{program('dws')}' --batch snapshot B")
    for path in (changed.cwd / ".dataworkspace").rglob("*.json"):
        if path.name.startswith(("snapshot-", "resources")) and path.stat().st_mtime > changed.cwd.stat().st_ctime:
            assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRGRP, path


def test_hooks_of_the_user_are_not_run(changed: User) -> None:
    """A commit that a hook could refuse, half way through a snapshot, would help nobody."""
    write_files(changed.cwd, {".git/hooks/pre-commit": "#!/bin/sh\nexit 1\n"})
    (changed.cwd / ".git" / "hooks" / "pre-commit").chmod(0o755)
    changed.batch("snapshot", "B")
    assert tags(changed) == ["A", "B"]
