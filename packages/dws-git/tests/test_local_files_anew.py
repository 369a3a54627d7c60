"""Damaged files of this machine, which `dws fsck --repair` makes anew."""

from __future__ import annotations

import json
from pathlib import Path

from dataworkspaces.backends.git.damaged_files import damaged_file, known_kind
from dataworkspaces.backends.git.paths import WorkspacePaths


def repaired(root: Path, relative: str) -> str:
    paths = WorkspacePaths(root)
    path = paths.metadata / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"a')
    problem = damaged_file(paths, root / ".git" / "dws", relative, known_kind(relative), "it is damaged")
    assert problem.repair is not None
    told = problem.repair()
    assert (root / ".git" / "dws" / "set-aside" / f"1-{path.name}").read_text() == '{"a'
    return told


def test_parameters_get_their_defaults(repository: Path) -> None:
    told = repaired(repository, "local_params.json")
    made = json.loads((repository / ".dataworkspace" / "local_params.json").read_text())
    assert list(made) == ["hostname"]
    assert made["hostname"] in told


def test_resources_in_the_workspace_are_where_they_are(repository: Path) -> None:
    resources = repository / ".dataworkspace" / "resources"
    resources.mkdir(parents=True)
    for name, place in (("here", "a"), ("gone", "nowhere"), ("far", None)):
        params = {"name": name, "role": "code", "resource_type": "git", "relative_local_path": place}
        (resources / f"{name}.json").write_text(json.dumps({"position": 1, "parameters": params}))
    told = repaired(repository, "resource_local_params.json")
    assert json.loads((repository / ".dataworkspace" / "resource_local_params.json").read_text()) == {"here": {}}
    assert "far, gone" in told or "gone, far" in told
