"""At the commit point of a snapshot all that it needs is on disk: each flush is recorded, and what it made durable.

The strictest file system is assumed: content is there if its file was flushed since it changed, a name if its directory
was. Git flushes its own files, as it is told to (`core.fsync`); their names are ours to flush.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.workspace import find_and_load_workspace, init_workspace


class Recorder:
    """What was flushed: contents by inode and size, names by the inode of their directory."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.contents: set[tuple[int, int]] = set()
        self.names: dict[int, set[str]] = {}
        self.at_commit_point: list[str] | None = None
        self.old = {path for path in root.rglob("*") if path.is_file()}
        flush, replace = os.fsync, os.replace

        def recorded_flush(fd: int) -> None:
            flush(fd)
            status = os.fstat(fd)
            self.contents.add((status.st_ino, status.st_size))
            if stat.S_ISDIR(status.st_mode):
                self.names.setdefault(status.st_ino, set()).update(os.listdir(fd))

        def recorded_replace(source: str | Path, target: str | Path, **options: int) -> None:
            if {"snapshot_metadata", "snapshot_shards"} & {*Path(target).parts}:
                assert self._has_content(Path(source)), f"{target} is not flushed"
                self.at_commit_point = sorted(self._not_on_disk())
            replace(source, target, **options)

        monkeypatch.setattr("os.fsync", recorded_flush)
        monkeypatch.setattr("os.replace", recorded_replace)
        # Python 3.10's own keeps the function that it found when it was imported.
        monkeypatch.setattr(Path, "replace", lambda path, target: recorded_replace(path, target) or Path(target))

    def _has_content(self, path: Path) -> bool:
        status = path.stat()
        return (status.st_ino, status.st_size) in self.contents

    def _not_on_disk(self) -> set[str]:
        """Contents and names of new files that a power cut takes."""
        found = set()
        objects = self.root / ".git" / "objects"
        for place in (self.root / ".dataworkspace", objects):
            for path in place.rglob("*"):
                if path in self.old or not path.is_file() or path.name.endswith((".tmp", "generation")):
                    continue
                if path.name not in self.names.get(path.parent.stat().st_ino, set()):
                    found.add(f"name of {path.relative_to(self.root)}")
                if place != objects and not self._has_content(path):
                    found.add(f"content of {path.relative_to(self.root)}")
        return found


@pytest.fixture
def workspace(tmp_path: Path) -> GitWorkspace:
    root = Path(os.path.realpath(tmp_path)) / "ws"
    root.mkdir()
    made = init_workspace("git", "ws", "host1", True, False, "scratch", directory=str(root))
    (root / "files" / "below").mkdir(parents=True)
    with made.transaction("add"):
        made.add_resource("code", "git-subdirectory", "code", path=str(root / "code"), create=True)
        made.add_resource("files", "file", "source-data", path=str(root / "files"), restorable=True)
        made.save("add")
    (root / "code" / "run.py").write_text("1\n", encoding="utf-8")
    loaded = find_and_load_workspace(True, False, str(root))
    assert isinstance(loaded, GitWorkspace)
    return loaded


@pytest.mark.slow
@pytest.mark.parametrize(("files", "others"), [(1, 512), (100, 512), (1, 0)])
def test_a_snapshot(workspace: GitWorkspace, monkeypatch: pytest.MonkeyPatch, files: int, others: int) -> None:
    """Whether its metadata goes to the directory of release 1.6 or, as that of one that comes to many, to a shard."""
    monkeypatch.setattr("dataworkspaces.backends.git.paths.MANY_SNAPSHOTS", others)
    root = workspace.paths.root
    for number in range(files):
        (root / "files" / "below" / f"{number}").write_text(f"{number}\n", encoding="utf-8")
    (root / "files" / "large").write_bytes(b"large" * 50_000)
    recorder = Recorder(root, monkeypatch)
    with workspace.transaction("snapshot"):
        metadata, manifest = workspace.snapshot("A", "")
        workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
        workspace.finish_snapshot(metadata.hashval)
        workspace.save("snapshot")
    assert recorder.at_commit_point == []
    assert workspace.paths.snapshot_metadata_file(metadata.hashval).parent.parent.name == (
        "snapshot_shards" if others == 0 else ".dataworkspace"
    )
    assert not [lost for lost in recorder._not_on_disk() if "_md.json" in lost]


def test_what_another_git_wrote_is_flushed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: set[str] = set()
    monkeypatch.setattr(
        "dataworkspaces.gitrepo.repository_flush.flush_files", lambda paths: flushed.update(p.name for p in paths)
    )
    flush_repository(repository)
    objects = [path.name for path in (repository / ".git" / "objects").rglob("*") if path.is_file()]
    assert objects
    assert {*objects, "main", "index"} <= flushed
    for path in (repository / ".git").rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)  # long since
    flushed.clear()
    (repository / ".git" / "dws" / "flushed").unlink()
    flush_repository(repository)
    assert flushed == set()
