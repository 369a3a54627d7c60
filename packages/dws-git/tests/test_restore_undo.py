"""A restore that fails half way leaves everything as it was."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import DwsError


@pytest.mark.slow
def test_a_git_that_restores_half_and_fails_is_undone(
    workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = workspace.paths.root
    with workspace.transaction("add"):
        workspace.add_resource("code", "git-subdirectory", "code", path=str(root / "code"), create=True)
        workspace.save("add code")
    (root / "code" / "a").write_text("old", encoding="utf-8")
    with workspace.transaction("snapshot"):
        metadata, manifest = workspace.snapshot("ONE", "")
        workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
        workspace.finish_snapshot(metadata.hashval)
        workspace.save("snapshot")
    (root / "code" / "a").write_text("new", encoding="utf-8")
    (root / "code" / "b").write_text("new too", encoding="utf-8")

    git = shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *" restore "*--source={metadata.restore_hashes["code"]}*) '
        f'{git} "$@"; rm -f code/b; echo "fatal: disk trouble" >&2; exit 128;; esac\nexec {git} "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    resources = [workspace.get_resource("code")]
    with pytest.raises(DwsError, match="disk trouble"), workspace.transaction("restore"):
        workspace.restore(metadata.hashval, dict(metadata.restore_hashes), resources)
    assert (root / "code" / "a").read_text(encoding="utf-8") == "new"
    assert (root / "code" / "b").read_text(encoding="utf-8") == "new too"
