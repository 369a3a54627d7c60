"""What kits share: for the author of one, see ``docs/kits.md``.

Nothing here knows scikit-learn, Keras or PyTorch. Those parts that look at data need NumPy, on which a kit that uses
them depends.
"""

from dataworkspaces.kit_support.places import (
    Place,
    as_file_resource,
    find_input,
    find_inputs,
    find_results,
    open_workspace,
)
from dataworkspaces.kit_support.result_files import (
    check_result_file,
    save_described_file,
    save_result_file,
    save_result_json,
)
from dataworkspaces.kit_support.step import InputHashes, Running, begin_step, find_running, is_hashed, recorded
from dataworkspaces.kit_support.training import Places, TrainingStep, Where
from dataworkspaces.lineage.probe import settings as determinism_settings

__all__ = [
    "InputHashes",
    "Place",
    "Places",
    "Running",
    "TrainingStep",
    "Where",
    "as_file_resource",
    "begin_step",
    "check_result_file",
    "determinism_settings",
    "find_input",
    "find_inputs",
    "find_results",
    "find_running",
    "is_hashed",
    "open_workspace",
    "recorded",
    "save_described_file",
    "save_result_file",
    "save_result_json",
]
