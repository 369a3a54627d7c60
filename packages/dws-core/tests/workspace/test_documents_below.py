"""The directories in which documents are."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace.documents import directories_below


def test_directories_directly_below_one() -> None:
    keys = ["attestations/b/x.1", "attestations/a/x.1", "environments/y.1", "attestations/a/c/z.1"]
    assert directories_below("attestations", keys) == ["attestations/a", "attestations/b"]
    assert directories_below("environments", keys) == []


def test_a_workspace_without_documents_has_none(tmp_path: Path) -> None:
    assert MemoryWorkspace(tmp_path).list_document_directories("attestations") == []
