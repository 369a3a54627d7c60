"""What is known of the kit where Keras has no backend, or is not needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_kits_are_there_without_importing_keras() -> None:
    code = (
        "import sys, dataworkspaces.kits.tensorflow as k, dataworkspaces.kits.torch\n"
        "k.CheckpointConfig('m'), k.add_lineage_to_keras_model_class\n"
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_old_place_has_the_kit_too() -> None:
    from dataworkspaces.kits import tensorflow, tensorflow1

    assert tensorflow1.add_lineage_to_keras_model_class is tensorflow.add_lineage_to_keras_model_class
    assert tensorflow1.CheckpointConfig is tensorflow.CheckpointConfig


def test_the_kit_is_announced() -> None:
    from dataworkspaces import plugins

    assert {"keras", "torch"} <= set(plugins.names(plugins.KITS))


# -- probes: a framework that is imported tells, in whatever version it is ----------------------------------


def seeds(cwd: Path, program: str) -> str:
    """What is printed of the random seeds, after the program has run where these modules are."""
    code = f"{program}\nfrom dataworkspaces.lineage import probe\nprint(probe.random_seeds(), probe.settings())"
    names = ("PYTHONHASHSEED", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS")
    env = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torch_tells_its_seed(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("def initial_seed(): return SEED\nSEED = 67280421310721\n")
    assert seeds(tmp_path, "import torch") == "{} {}"
    assert seeds(tmp_path, "import torch; torch.SEED = 5") == "{'torch': 5} {}"


def test_library_that_fails_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "tensorflow.py").write_text("")
    assert seeds(tmp_path, "import torch, tensorflow") == "{} {}"


# -- phases of a training --------------------------------------------------------------------------------------------


def test_phases_tell_what_they_do_not_share() -> None:
    from dataworkspaces.kits.tensorflow.phases import Phases

    phases = Phases()
    assert phases.begin({"epochs": 1, "rate": {"lr": 0.5, "momentum": 0}, "model": "m"}) == {}
    phases.end_epoch()
    phases.end()
    assert phases.begin({"epochs": 2, "rate": {"lr": 0.25, "momentum": 0}, "model": "m", "loss_settings": 1}) == {
        "phases": [
            {"calls": 1, "epochs_requested": 1, "epochs_trained": 1, "rate": {"lr": 0.5}},
            {"calls": 1, "epochs_requested": 2, "epochs_trained": 0, "rate": {"lr": 0.25}, "loss_settings": 1},
        ]
    }


def test_thousands_of_phases_are_not_all_told() -> None:
    from dataworkspaces.kits.tensorflow.phases import Phases

    phases = Phases()
    told = [phases.begin({"epochs": 1, "lr": number}) for number in range(60)][-1]["phases"]
    assert [phase.get("lr", phase.get("left_out")) for phase in told] == [*range(25), 10, *range(35, 60)]
    same = Phases()
    told = [same.begin({"epochs": number + 1, "initial_epoch": number}) for number in range(60)][-1]["phases"]
    assert told == [{"calls": 60, "epochs_requested": 60, "epochs_trained": 0}]
