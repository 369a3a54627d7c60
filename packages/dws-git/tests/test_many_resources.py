"""Many resources: a command that asks for each reads the file of each, and not all files for each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataworkspaces.backends.git.workspace import GitWorkspace

COUNT = 50


def test_each_file_is_looked_at_a_few_times(workspace: GitWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    root = workspace.paths.root
    for number in range(COUNT):
        name = f"r{number:02}"
        (root / name).mkdir()
        entry = {"resource_type": "git-subdirectory", "name": name, "role": "code", "relative_path": name}
        path = root / ".dataworkspace" / "resources" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"position": number, "parameters": entry}))
    looked_at = 0
    stat = Path.stat

    def counted(path: Path, **options: bool) -> object:
        nonlocal looked_at
        looked_at += path.parent.name == "resources"
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", counted)
    resources = list(workspace.get_resources())
    assert [resource.name for resource in resources][:2] == ["r00", "r01"]
    assert len(resources) == COUNT
    assert looked_at <= 6 * COUNT  # and not COUNT times COUNT
