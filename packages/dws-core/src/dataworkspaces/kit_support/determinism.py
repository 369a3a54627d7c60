"""What of the settings of frameworks decides whether a training gives the same numbers again."""

from __future__ import annotations

import os
import sys
from typing import Any

_VARIABLES = (
    "TF_DETERMINISTIC_OPS",
    "TF_CUDNN_DETERMINISTIC",
    "TF_ENABLE_ONEDNN_OPTS",
    "CUBLAS_WORKSPACE_CONFIG",
    "XLA_FLAGS",
    "JAX_DEFAULT_PRNG_IMPL",
)


def determinism_settings() -> dict[str, Any]:
    """By name, as they stand beside the random seeds: those that are not as a framework has them by itself."""
    found: dict[str, Any] = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    for name, find in (("torch", _torch), ("tensorflow", _tensorflow)):
        if name in sys.modules:
            try:
                found.update(find(sys.modules[name]))
            except Exception:  # of somebody else's library, in a version that we do not know
                continue
    return found


def _torch(torch: Any) -> dict[str, Any]:
    settings = {
        "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch.backends.cudnn.deterministic": bool(torch.backends.cudnn.deterministic),
        "torch.backends.cudnn.benchmark": bool(torch.backends.cudnn.benchmark),
    }
    return {name: True for name, value in settings.items() if value}


def _tensorflow(tensorflow: Any) -> dict[str, Any]:
    from importlib import import_module

    config = import_module("tensorflow.python.framework.config")
    return {"tensorflow.enable_op_determinism": True} if config.is_op_determinism_enabled() else {}
