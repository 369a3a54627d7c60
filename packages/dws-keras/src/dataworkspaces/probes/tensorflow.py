"""What TensorFlow tells of the program that uses it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from dataworkspaces.lineage.probe import Probe

_VARIABLES = ("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS")


class _TensorFlow(Probe):
    def random_seeds(self) -> Mapping[str, Any]:
        if "tensorflow" not in sys.modules:
            return {}
        seed = import_module("tensorflow.python.eager.context").global_seed()
        return {} if seed is None else {"tensorflow": int(seed)}

    def settings(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        if "tensorflow" in sys.modules:
            config = import_module("tensorflow.python.framework.config")
            if config.is_op_determinism_enabled():
                found["tensorflow.enable_op_determinism"] = True
        return found


PROBE = _TensorFlow()
