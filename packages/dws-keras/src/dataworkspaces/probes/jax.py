"""What decides on the numbers of JAX, which has its seeds in keys that programs pass around."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dataworkspaces.lineage.probe import Probe

_VARIABLES = ("XLA_FLAGS", "JAX_DEFAULT_PRNG_IMPL")


class _Jax(Probe):
    def settings(self) -> Mapping[str, Any]:
        return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


PROBE = _Jax()
