"""Where releases 1.x had the kit for TensorFlow 1: the kit for Keras 3 by another name, as the manual imports it."""

from __future__ import annotations

from dataworkspaces.kits.tensorflow import CheckpointConfig, add_lineage_to_keras_model_class

__all__ = ["CheckpointConfig", "add_lineage_to_keras_model_class"]
