"""Objects without a version of their own: written before the bucket kept versions, or while it had stopped to.

All such versions of a key are called ``null``, and one is overwritten by the next. So what it held is named too, by the
ETag: ``null/ETAG`` here and in manifests. Those of release 1.6, and of earlier ones, have ``null`` alone.
"""

from __future__ import annotations

NULL = "null"


def null_version(etag: str | None) -> str:
    text = (etag or "").strip('"')
    return f"{NULL}/{text}" if text else NULL


def split_version(version: str) -> tuple[str, str | None]:
    """What the server calls a version, and the ETag that it has to have, if that is known."""
    if not version.startswith(f"{NULL}/"):
        return version, None
    return NULL, version.partition("/")[2]


def is_null(version: str) -> bool:
    return split_version(version)[0] == NULL


def is_same(one: str, other: str) -> bool:
    """As far as is known."""
    return one == other or (NULL in (one, other) and is_null(one) and is_null(other))
