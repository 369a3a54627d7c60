"""What may go wrong with the record of a training while it runs, whichever framework it is of."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from dataworkspaces.lineage import ResultsLineage


def fail(*args: Any, **kwargs: Any) -> Any:
    raise OSError(28, "No space left on device")


def no_end_and_no_abort(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ResultsLineage, "complete", fail)
    patch.setattr(ResultsLineage, "abort", fail)


def no_results_directory(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(workspace.root / "results")
    (workspace.root / "results").write_text("no directory")


def no_workspace(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(workspace.root.parent)
    shutil.rmtree(workspace.root)
