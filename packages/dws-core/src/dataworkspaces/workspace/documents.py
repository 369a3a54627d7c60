"""Documents that belong to all copies of a workspace, beside parameters, snapshots and lineage: the environments that
steps ran in, say. A backend keeps them by the methods of :class:`Workspace` that have ``document`` in their names.

A document never changes once it is written: its name has a hash of what it holds. So two people who write the same one
write the same, and copies of a workspace that are brought together have no conflicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.workspace.storage import decoded

__all__ = [
    "ATTESTATIONS",
    "DOCUMENT_NAME",
    "ENVIRONMENTS",
    "MAX_BYTES",
    "check_document_key",
    "directories_below",
    "document_name",
    "is_document_name",
    "verified_document",
]

ENVIRONMENTS = "environments"
"""The directory of those that steps ran in, for :func:`document_name`."""
ATTESTATIONS = "attestations"
"""Those about a snapshot are in ``attestations/HASH``."""
MAX_BYTES = 16 * 1024 * 1024
"""A larger document is refused: none of ours comes near."""
PARAM = "dws.documents"
"""Among the global parameters of a backend that has no other place for them."""

DOCUMENT_NAME = r"[a-z0-9][a-z0-9_-]{0,60}\.([0-9a-f]{64})\.[a-z0-9]{1,10}"
_DIRECTORY_RE = r"[a-z]+(/[0-9A-Za-z]+)?"


def document_name(prefix: str, content: bytes, suffix: str) -> str:
    """``PREFIX.SHA256.SUFFIX``."""
    return f"{prefix}.{_sha256(content)}.{suffix}"


def is_document_name(name: str) -> bool:
    """Whether a text, which may come from anywhere, can name a document."""
    return re.fullmatch(DOCUMENT_NAME, name) is not None


def directories_below(directory: str, keys: Iterable[str]) -> list[str]:
    """The directories of documents that lie directly below one, sorted."""
    found = {key.rpartition("/")[0] for key in keys}
    return sorted(each for each in found if each.rpartition("/")[0] == directory)


def check_document_key(key: str) -> str:
    """Return ``key``, ``DIRECTORY/NAME``, if it is one: names from lineage come from others, and become paths.

    Raises ConfigurationError."""
    directory, _, name = key.rpartition("/")
    if re.fullmatch(_DIRECTORY_RE, directory) is None or not is_document_name(name):
        raise ConfigurationError(f"{key!r:.200} is not a name of a document of a workspace")
    return key


def verified_document(key: str, content: bytes) -> bytes:
    """Return ``content`` if its hash is the one in the name; raises MetadataError if it was changed."""
    found = re.fullmatch(DOCUMENT_NAME, key.rpartition("/")[2])
    if found is None or _sha256(content) != found[1]:
        raise MetadataError(
            f"{key} does not match its name: somebody has changed it",
            hint="Bring it back from the workspace's history, or pull from a copy that has it",
        )
    return content


def _sha256(content: bytes) -> str:
    import hashlib  # slow to import

    return hashlib.sha256(content).hexdigest()


def read_among(params: dict[str, Any], key: str) -> bytes | None:
    """Of :data:`PARAM` in global parameters."""
    text = params.get(PARAM, {}).get(check_document_key(key))
    return None if text is None else decoded(text, key)
