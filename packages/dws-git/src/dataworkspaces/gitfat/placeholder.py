"""What git holds in the place of a large file: one line with the hash and the size of its content."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COOKIE = b"#$# git-fat "
LENGTHS = frozenset({74, 53})
"""Of a placeholder, in bytes; the shorter one, of early repositories, has no size."""
_RE = re.compile(rb"#\$# git-fat ([0-9a-f]{40})(?: {1,20}([0-9]{1,20}))?\n\Z")


@dataclass(frozen=True)
class Placeholder:
    """:ivar sha1: of the content, in hexadecimal digits; the name of the object that holds it.
    :ivar size: in bytes; None if the placeholder does not say."""

    sha1: str
    size: int | None

    def encode(self) -> bytes:
        """The line that git holds."""
        if self.size is None:
            return _COOKIE + self.sha1.encode("ascii") + b"\n"
        return _COOKIE + f"{self.sha1} {self.size:20d}\n".encode("ascii")


def parse(content: bytes) -> Placeholder | None:
    """The placeholder that a file's content is; None if it is something else."""
    if len(content) not in LENGTHS:
        return None
    found = _RE.match(content)
    if found is None:
        return None
    return Placeholder(found[1].decode("ascii"), None if found[2] is None else int(found[2]))
