"""Names, values and times of a lineage in forms that each standard takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote


def clean(text: str) -> str:
    """``text`` as Unicode that can be written: a byte of a file name that is no UTF-8 becomes ``\\udcff``, in words."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: Any) -> Any:
    """A value as strict JSON: NaN and the infinities, which JSON lacks, become their names."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else json.dumps(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return clean(str(value))


def is_scalar(value: Any) -> bool:
    """Whether each format has a type for a plain value; the others are written as JSON text."""
    return isinstance(value, (bool, int, float, str))


def as_text(value: Any) -> str:
    """A value in words: a text as it is, anything else as JSON."""
    value = plain(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def named_values(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Objects with ``name`` and ``value``, or ``json`` for what is no scalar: the serializers of formats drop each null
    in a value."""
    found = []
    for name, value in plain(values).items():
        key, content = ("value", value) if is_scalar(value) else ("json", json.dumps(value, ensure_ascii=False))
        found.append({"name": name, key: content})
    return found


def iri_part(text: str) -> str:
    """``text`` percent-encoded as one segment of an IRI's path, which neither ``@`` nor ``~`` occurs in, nor ``..``."""
    if text in (".", ".."):
        return text.replace(".", "%2E")
    return quote(text, safe="", errors="surrogatepass").replace("~", "%7E")


def iri_path(path: str) -> str:
    """A path whose parts are separated by ``/``, percent-encoded."""
    return "/".join(map(iri_part, path.split("/")))


def with_zone(local: datetime) -> datetime:
    """A local time of this machine with its offset from UTC."""
    try:
        at = local.astimezone()
    except (OverflowError, OSError, ValueError):  # in a year that the system's clock does not know
        return local.replace(tzinfo=local.tzinfo or timezone.utc)
    offset = at.utcoffset() or timedelta()
    # RFC 3339 has no seconds in an offset, as local times of the 19th century do.
    return at if offset % timedelta(minutes=1) == timedelta() else in_utc(at)


def in_utc(at: datetime) -> datetime:
    """The same time in UTC; as it is, if that would be before the year 1 or after 9999."""
    try:
        return at.astimezone(timezone.utc)
    except OverflowError:
        return at


def later(start: datetime, seconds: float | None) -> datetime | None:
    """The time so many seconds after ``start``, in its offset; None if that is not known, or is no time."""
    try:
        return None if seconds is None or seconds < 0 else start + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None
