"""Training is never lost to bookkeeping: what cannot be stored beside the results is said, and costs only itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dataworkspaces.errors import ApiParamError
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.plain_text import escape

NOT_STORED = "not_stored: "
"""Before the name of a file, the parameter of a step that says why there is no such file."""


@contextmanager
def spared(lineage: ResultsLineage, name: str) -> Iterator[None]:
    """The file ``name`` is made and stored within. If that fails, a warning and a parameter of the step say why.

    An ApiParamError is raised all the same: the user asked for what there cannot be."""
    try:
        yield
    except ApiParamError:
        raise
    except Exception as e:  # of any library, or of somebody else's class
        reason = escape(" ".join(f"{type(e).__name__}: {e}".split())[:500])
        lineage.add_param(NOT_STORED + name, reason)
        warnings.warn(f"'{escape(name)}' is not stored ({reason}). All else of the training is kept", stacklevel=3)
