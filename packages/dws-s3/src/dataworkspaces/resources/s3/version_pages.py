"""Pages of ``ListObjectVersions``, read by expat: botocore's own reading of them takes longer than the server needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from xml.parsers import expat

from dataworkspaces.resources.s3.null_version import NULL, null_version

_STASH = "DwsVersionPage"
_EMPTY = b"<ListVersionsResult/>"
_FIELDS = frozenset({"Key", "VersionId", "IsLatest", "Size", "Prefix", "ETag"})
_ENTRIES = frozenset({"Version", "DeleteMarker", "CommonPrefixes"})
_TOP = frozenset({"IsTruncated", "NextKeyMarker", "NextVersionIdMarker", "EncodingType"})


class KeyVersion(NamedTuple):
    """:ivar is_latest: what the key holds now; never so for a delete marker here, since that is no content.
    :ivar size: in bytes."""

    key: str
    version: str
    is_latest: bool
    size: int = 0


class VersionPage(NamedTuple):
    """:ivar next_key: where the next page begins, with ``next_version``; None if this is the last.
    :ivar directories: if a delimiter was given."""

    versions: list[KeyVersion]
    directories: list[str]
    next_key: str | None = None
    next_version: str | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> VersionPage:
        page = answer[_STASH]
        if not isinstance(page, cls):
            raise TypeError(f"no page of versions: {page!r}")
        return page

    def without_prefix(self, prefix: str) -> VersionPage:
        """With keys relative to a prefix."""
        if not prefix:
            return self
        start = len(prefix)
        return VersionPage(
            [KeyVersion(key[start:], version, latest, size) for key, version, latest, size in self.versions],
            [directory[start:] for directory in self.directories],
            None if self.next_key is None else self.next_key[start:],
            self.next_version,
        )


def read_pages_fast(client: Any) -> None:
    """Let this module read the answers; retries, signatures and errors stay with botocore."""
    client.meta.events.register("before-parse.s3.ListObjectVersions", _take_over)


def _take_over(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] < 300:
        customized_response_dict[_STASH] = parse_page(response_dict["body"])
        response_dict["body"] = _EMPTY


def parse_page(body: bytes) -> VersionPage:
    """Raises :class:`botocore.parsers.ResponseParserError`, for which botocore tries again, if it is cut off."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as e:  # the last two of its encoding, and of a size
        from botocore.parsers import ResponseParserError

        raise ResponseParserError(f"The answer is not a whole XML document: {e}") from e
    return reader.page()


class _Reader:
    """Namespaces are ignored, as some servers leave them out."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._depth = 0
        self._top: dict[str, str] = {}
        self._entry: dict[str, str] = {}
        self._text: list[str] = []
        self._versions: list[tuple[str, str, bool, int]] = []
        self._directories: list[str] = []

    def _start(self, name: str, _attributes: object) -> None:
        self._depth += 1
        if (self._depth == 3 and name in _FIELDS) or (self._depth == 2 and name in _TOP):
            self._text = []
            self.parser.CharacterDataHandler = self._text.append
        elif self._depth == 2 and name in _ENTRIES:
            self._entry = {}

    def _end(self, name: str) -> None:
        if self._depth == 3 and name in _FIELDS:
            self._entry[name] = "".join(self._text)
            self.parser.CharacterDataHandler = None
        elif self._depth == 2:
            self._end_top(name)
        self._depth -= 1

    def _end_top(self, name: str) -> None:
        entry = self._entry
        if name == "CommonPrefixes":
            self._directories.append(entry["Prefix"])
        elif name in ("Version", "DeleteMarker"):
            is_latest = name == "Version" and entry["IsLatest"] == "true"
            size = int(entry.get("Size") or 0)
            version = entry.get("VersionId") or NULL
            if version == NULL:
                version = null_version(entry.get("ETag"))
            self._versions.append((entry["Key"], version, is_latest, size))
        elif name in _TOP:
            self._top[name] = "".join(self._text)
            self.parser.CharacterDataHandler = None

    def page(self) -> VersionPage:
        """The entries; names are decoded, if the server says that it has encoded them."""
        decode = unquote_plus if self._top.get("EncodingType") == "url" else str
        versions = [KeyVersion(decode(key), version, latest, size) for key, version, latest, size in self._versions]
        directories = [decode(name) for name in self._directories]
        if self._top.get("IsTruncated") != "true":
            return VersionPage(versions, directories)
        next_key = decode(self._top.get("NextKeyMarker", "")) or (versions[-1].key if versions else None)
        return VersionPage(versions, directories, next_key, self._top.get("NextVersionIdMarker") or None)
