"""Where a model has its recorder; no Keras is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from dataworkspaces.kits.tensorflow.recorder import Recorder

RECORDER = "_dws_recorder"
"""The attribute of the model."""


def recorder_if_any(model: Any) -> Recorder | None:
    """What records the steps of a model, if its class is wrapped."""
    return cast("Recorder | None", getattr(model, "__dict__", {}).get(RECORDER))
