"""The Python in a page of the documentation, for tests that run it."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def examples(page: str, kind: str) -> str:
    """All blocks of a page that begin with ```python KIND, one after the other."""
    blocks = re.findall(rf"^```python {kind}\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks, f"{page} has no examples of the kind {kind}"
    return "\n".join(blocks)
