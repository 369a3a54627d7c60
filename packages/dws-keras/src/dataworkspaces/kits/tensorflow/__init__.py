"""The kit for Keras 3, on TensorFlow, JAX or PyTorch: models whose training and evaluation leave results with lineage.

Keras is imported when something of it is needed: to know what is installed, nobody has to wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dataworkspaces.kits.tensorflow.config import CheckpointConfig
from dataworkspaces.kits.tensorflow.model_class import add_lineage_to_keras_model_class

if TYPE_CHECKING:
    from dataworkspaces.kits.tensorflow.callback import DwsLineageCallback
    from dataworkspaces.kits.tensorflow.checkpoints import DwsModelCheckpoint

__all__ = ["CheckpointConfig", "DwsLineageCallback", "DwsModelCheckpoint", "add_lineage_to_keras_model_class"]

_SUBCLASSES_OF_KERAS = {
    "DwsLineageCallback": "dataworkspaces.kits.tensorflow.callback",
    "DwsModelCheckpoint": "dataworkspaces.kits.tensorflow.checkpoints",
}


def __getattr__(name: str) -> Any:
    if name not in _SUBCLASSES_OF_KERAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_SUBCLASSES_OF_KERAS[name]), name)
    return value
