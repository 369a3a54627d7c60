"""What PyTorch tells of the program that uses it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from dataworkspaces.lineage.probe import Probe

_VARIABLES = ("CUBLAS_WORKSPACE_CONFIG",)
_DEFAULT_SEED = 67280421310721
"""The seed of PyTorch's generator if nobody sets one (at::default_rng_seed_val)."""


class _Torch(Probe):
    def random_seeds(self) -> Mapping[str, Any]:
        torch: Any = sys.modules.get("torch")
        seed = _DEFAULT_SEED if torch is None else int(torch.initial_seed())
        return {} if seed == _DEFAULT_SEED else {"torch": seed}

    def settings(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            switches = {
                "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
                "torch.backends.cudnn.deterministic": bool(torch.backends.cudnn.deterministic),
                "torch.backends.cudnn.benchmark": bool(torch.backends.cudnn.benchmark),
            }
            found.update({name: True for name, is_on in switches.items() if is_on})
        return found


PROBE = _Torch()
