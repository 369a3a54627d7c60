"""What decides, beside versions, which numbers a program computes: threads, BLAS, and CUDA.

Nothing is imported or started for it: a library that a process has loaded shows in its memory map.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["loaded_libraries", "settings_of"]

VARIABLES = (
    "OMP_NUM_THREADS", "OMP_DYNAMIC", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS", "MKL_DYNAMIC",
    "MKL_CBWR", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_DETERMINISTIC_OPS", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS",
    "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "PYTHONHASHSEED",
)  # fmt: skip
"""Environment variables; none of them is for a secret."""
_LIBRARY_RE = (
    r"lib(?:openblas|scipy_openblas|mkl_(?:rt|core|intel_thread|gnu_thread)|blis|atlas|blas|cblas|lapack|gomp|iomp5|omp"
    r"|cudart|cublas|cudnn|cufft|curand|cusolver|cusparse|nccl|amdhip64|rocblas)(?:[-_.0-9A-Za-z]*)?\.so[.0-9]*"
)
_DRIVER = Path("/proc/driver/nvidia/version")
_DRIVER_RE = r"Kernel Module[^0-9]*([0-9][0-9.]*)"
_MOST_CHARACTERS = 200


def loaded_libraries() -> list[str]:
    """The file names of the libraries for linear algebra, threads and GPUs in this process; none where the system does
    not tell."""
    try:
        text = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    names = {line.rpartition("/")[2] for line in text.splitlines() if ".so" in line}
    return sorted(name for name in names if re.fullmatch(_LIBRARY_RE, name))


def settings_of(libraries: Iterable[str], variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``cpus`` that the process may use, ``variables`` that are set, ``libraries``, and ``cuda_driver``; a key is
    missing if there is nothing to say.

    :param libraries: as :func:`loaded_libraries` has them; what does not look like one is left out.
    :param variables: the environment of the process; default: that of this one."""
    known = os.environ if variables is None else variables
    found: dict[str, Any] = {
        "cpus": _cpus(),
        "variables": {name: known[name][:_MOST_CHARACTERS] for name in VARIABLES if name in known},
        "libraries": sorted({name for name in libraries if re.fullmatch(_LIBRARY_RE, name)}),
        "cuda_driver": _cuda_driver(),
    }
    return {key: value for key, value in found.items() if value}


def _cpus() -> int | None:
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cuda_driver() -> str | None:
    try:
        found = re.search(_DRIVER_RE, _DRIVER.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return None if found is None else found[1]
