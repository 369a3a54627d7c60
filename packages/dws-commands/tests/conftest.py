"""A workspace in memory with a code and a results folder, and somebody who answers questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.testing.fixtures import workspace
from dataworkspaces.testing.folder import FolderFactory
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import BatchInteraction

__all__ = ["Answers", "answer", "workspace", "write_code", "write_results", "ws"]


class Answers(BatchInteraction):
    """Gives the answers in their order, and keeps what was asked and said."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []
        self.warnings: list[str] = []

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        self.questions.append(question)
        return self.answers.pop(0)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def ws(tmp_path: Path) -> MemoryWorkspace:
    """Resources ``code`` (with ``a.py``) and ``results``, whose folders have their names."""
    directory = tmp_path / "ws"
    directory.mkdir()
    lineage = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "lineage.lock")
    workspace = MemoryWorkspace(directory, factories={"folder": FolderFactory()}, lineage_store=lineage)
    for role in ("code", "results"):
        (directory / role).mkdir()
        add_command(workspace, "folder", role, role, path=directory / role)
    (directory / "code" / "a.py").write_text("1")
    workspace.store.saved.clear()
    return workspace


@pytest.fixture
def answer(ws: MemoryWorkspace) -> Callable[..., Answers]:
    """Put somebody in front of the workspace who gives these answers."""

    def put(*answers: bool) -> Answers:
        interaction = Answers(*answers)
        ws.batch = False
        ws.interaction = interaction
        return interaction

    return put


@pytest.fixture
def write_results(ws: MemoryWorkspace) -> Callable[..., None]:
    """Write a results file, as a run does."""

    def write(metrics: Any = None, parameters: Any = None, directory: str = "results", **properties: Any) -> None:
        data = {"step": "train", **properties, "parameters": parameters or {}, "metrics": metrics or {}}
        (ws.directory / directory / "results.json").write_text(json.dumps(data))

    return write


@pytest.fixture
def write_code(ws: MemoryWorkspace) -> Callable[[str], None]:
    """Change the file of the code resource."""

    def write(text: str) -> None:
        (ws.directory / "code" / "a.py").write_text(text)

    return write
