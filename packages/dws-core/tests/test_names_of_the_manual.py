"""Modules that the manual names, and that are elsewhere now."""

from __future__ import annotations

import subprocess
import sys

from dataworkspaces import lineage
from dataworkspaces.cli import main
from dataworkspaces.dws import dws
from dataworkspaces.utils import lineage_utils


def test_they_are_the_same() -> None:
    assert lineage_utils.ResourceRef is lineage.ResourceRef
    assert lineage_utils.LineageStore is lineage.LineageStore
    assert dws is main.dws


def test_the_command_line_is_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "dataworkspaces.dws", "version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:24]) == (0, "Data Workspaces version ")
