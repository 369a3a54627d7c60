"""Restorable local files on a real exFAT: no modes, no links, no difference of cases, few names.

Skipped where one cannot be mounted: that takes root, loop devices, ``mkfs.exfat``, and the file system in the kernel or
``mount.exfat-fuse``. What is not of one file system is in ``test_lacking.py`` of dws-files, with refusals injected.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from endtoend import User, read_tree, write_files

pytestmark = pytest.mark.slow


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        pytest.skip(f"no exFAT can be mounted here: {' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout.strip()


@pytest.fixture
def exfat(tmp_path: Path) -> Iterator[Path]:
    """A directory on an exFAT."""
    if os.geteuid() != 0 or shutil.which("mkfs.exfat") is None or shutil.which("losetup") is None:
        pytest.skip("mounting an exFAT takes root, losetup and mkfs.exfat")
    image, place = tmp_path / "exfat.img", tmp_path / "exfat"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    run("mkfs.exfat", image)
    device = run("losetup", "--find", "--show", image)
    fuse = None
    try:
        if subprocess.run(["mount", "-t", "exfat", device, place], capture_output=True).returncode != 0:
            if shutil.which("mount.exfat-fuse") is None:
                pytest.skip("neither the kernel nor FUSE mounts an exFAT here")
            fuse = subprocess.Popen(
                ["mount.exfat-fuse", "-d", device, place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for _ in range(100):
                if place.is_mount():
                    break
                time.sleep(0.1)
            else:
                pytest.skip("mount.exfat-fuse mounts nothing here")
        yield place
    finally:
        subprocess.run(["umount", place], capture_output=True)
        if fuse is not None:
            fuse.wait(10)
        subprocess.run(["losetup", "--detach", device], capture_output=True)


def test_what_an_exfat_cannot_hold_is_deleted_for_nobody(workspace: User, exfat: Path) -> None:
    data = workspace.cwd / "data"
    write_files(data, {"plain": "p", "File": "F", "file": "f", "a:b": "c", "Dir/x": "1", "dir/x": "2", "script": "#!"})
    (data / os.fsdecode(b"bad\xff")).write_text("x")
    (data / "script").chmod(0o755)
    (data / "link").symlink_to("plain")
    before = read_tree(data)
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    workspace.batch("snapshot", "A")
    workspace.batch("config", "--resource", "data", "my_local_path", exfat)
    told = workspace.batch("restore", "A").stderr
    assert "cannot hold 'a:b'" in told
    assert sorted(path.name.lower() for path in exfat.iterdir()) == ["dir", "file", "plain", "script"]
    assert "Nothing has changed" in workspace.batch("snapshot").stdout
    write_files(exfat, {"new": "new", "plain": "changed"})
    workspace.batch("snapshot", "B")
    workspace.batch("config", "--resource", "data", "my_local_path", data)
    workspace.batch("restore", "B")
    after = read_tree(data)
    assert after.keys() == {*before, "new"}
    assert {path for path in before if after[path] != before[path]} == {"plain"}
