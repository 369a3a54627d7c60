"""A workspace with snapshots, taken without the command line."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.workspace import find_and_load_workspace


def with_snapshots(workspace: GitWorkspace, tags: str) -> GitWorkspace:
    """Add the resource ``code``, and take a snapshot for each letter."""
    with workspace.transaction("add"):
        workspace.add_resource("code", "git-subdirectory", "code", path=str(workspace.paths.root / "code"), create=True)
        workspace.save("add code")
    for tag in tags:
        take(workspace, tag)
    return workspace


def take(workspace: GitWorkspace, tag: str, content: str | None = None) -> str:
    """A snapshot with a file more, named for its content: the tag, if none is given. Returns its hash."""
    file = workspace.paths.root / "code" / f"{content or tag}.py"
    file.write_text(f"print('{content or tag}')\n", encoding="utf-8")
    with workspace.transaction("snapshot"):
        metadata, manifest = workspace.snapshot(tag, f"snapshot {content or tag}")
        workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
        workspace.finish_snapshot(metadata.hashval)
        workspace.save(f"snapshot {tag}")
    return metadata.hashval


def reopened(place: Path) -> GitWorkspace:
    loaded = find_and_load_workspace(True, False, str(place))
    assert isinstance(loaded, GitWorkspace)
    return loaded
