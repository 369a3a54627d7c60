"""What is known of the kit where Keras has no backend, or is not needed."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_the_kits_are_there_without_importing_keras() -> None:
    code = (
        "import sys, dataworkspaces.kits.tensorflow as k, dataworkspaces.kits.torch\n"
        "k.CheckpointConfig('m'), k.add_lineage_to_keras_model_class\n"
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_old_place_names_the_new_one() -> None:
    with pytest.raises(ImportError, match=r"dataworkspaces\.kits\.tensorflow,"):
        import dataworkspaces.kits.tensorflow1  # noqa: F401


def test_the_kit_is_announced() -> None:
    from dataworkspaces import plugins

    assert {"keras", "torch"} <= set(plugins.names(plugins.KITS))
