"""A manifest may hold entries that a reader does not know: ``_workspace`` for an older one, anything for us."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from endtoend import User, write_files

COMMANDS = [
    ["report", "status"],
    ["report", "history"],
    ["report", "results", "--snapshot", "T"],
    ["report", "lineage", "--snapshot", "T"],
    ["diff", "T", "S2"],
    ["diff", "S2", "T"],
    ["restore", "--dry-run", "T"],
    ["restore", "T"],
    ["ls", "code@T:"],
    ["cat", "code@T:run.py"],
    ["du"],
    ["verify"],
    ["fsck"],
]


def as_other_release(here: User, tag: str, change: str) -> str:
    """Let the newest snapshot be one of which another release wrote the manifest; returns its hash."""
    old = here.json("report", "history")["snapshots"][0]["hash"]
    metadata = here.cwd / ".dataworkspace"
    manifest = json.loads((metadata / f"snapshots/snapshot-{old}.json").read_text())
    told = json.loads((metadata / f"snapshot_metadata/{old}_md.json").read_text())
    if change == "unknown":
        added = {"resource_type": "of-2.9", "name": "future", "role": "code", "hash": "abc", "odd": [{"a": None}]}
        manifest.append(added)
        told["restore_hashes"]["future"] = "abc"
    else:
        manifest = [entry for entry in manifest if entry["name"] != "_workspace"]
        del told["restore_hashes"]["_workspace"]
    content = json.dumps(manifest, indent=2).encode()
    new = hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest()
    (metadata / f"snapshots/snapshot-{new}.json").write_bytes(content)
    (metadata / f"snapshots/snapshot-{old}.json").unlink()
    (metadata / f"snapshot_metadata/{old}_md.json").unlink()
    write_files(metadata, {f"snapshot_metadata/{new}_md.json": json.dumps({**told, "hash": new, "tags": [tag]})})
    lineage = metadata / f"snapshot_lineage/{old}"
    if lineage.is_dir():
        lineage.rename(metadata / f"snapshot_lineage/{new}")
    here.git("add", "-A", ".dataworkspace")
    here.git("commit", "-qm", "by another release")
    return new


@pytest.mark.parametrize("change", ["unknown", "without"])
def test_every_command_reads_it(workspace: User, change: str) -> None:
    write_files(workspace.cwd, {"params.yaml": "a: 1\n"})
    workspace.batch("snapshot", "S1")
    new = as_other_release(workspace, "T", change)
    write_files(workspace.cwd, {"params.yaml": "a: 2\n", "code/run.py": "print(2)\n"})
    workspace.batch("snapshot", "S2")
    said = {}
    for command in COMMANDS:
        done = workspace.batch(*command)
        said[" ".join(command[:2])] = done.stdout + done.stderr
    if change == "unknown":
        assert "Will leave future: it is no longer in the workspace" in said["restore T"]
        assert (workspace.cwd / "params.yaml").read_text() == "a: 1\n"
    else:
        assert "Will leave _workspace: the snapshot holds no files of the workspace's own" in said["restore T"]
        assert (workspace.cwd / "params.yaml").read_text() == "a: 2\n"
    assert (workspace.cwd / "code/run.py").read_text() == "print(1)\n"
    assert "No problems found" in said["fsck"]
    refused = workspace.batch("restore", "T", "--strict", check=False)
    assert refused.returncode == 1
    assert "cannot be restored" in refused.stderr
    workspace.batch("snapshot", "S3")
    workspace.batch("delete-snapshot", "T")
    assert new not in workspace.batch("report", "history").stdout


def test_a_workspace_of_1_6_gets_one_beside_those_without(user: User, tmp_path: Path) -> None:
    """What :mod:`test_release_1_6` does not: files of its own appear in a workspace whose snapshots know none."""
    from test_release_1_6 import HALF, digits_workspace

    here = digits_workspace.__wrapped__(user)  # type: ignore[attr-defined]
    write_files(here.cwd, {"params.yaml": "a: 1\n"})
    here.batch("snapshot", "NEW")
    assert "_workspace" in here.batch("diff", HALF, "NEW").stdout
    restored = here.batch("restore", HALF)
    assert "Will leave _workspace" in restored.stdout + restored.stderr
    assert (here.cwd / "params.yaml").read_text() == "a: 1\n"
