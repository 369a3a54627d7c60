"""Pages of ``ListObjectVersions``, read here: botocore reads them twice, and takes longer than the server needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from dataworkspaces.resources.s3.null_version import NULL, null_version

_STASH = "DwsVersionPage"
_EMPTY = b"<ListVersionsResult/>"
_BEGINNING = 200
"""Bytes in which an answer says what it is."""


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
    # Under this name it comes before botocore's look for an error in an answer that says 200, which reads all of it.
    client.meta.events.register_first("before-parse.*.*", _take_over)


def _take_over(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if operation_model.name != "ListObjectVersions" or response_dict["status_code"] >= 300:
        return
    if b"<Error" in response_dict["body"][:_BEGINNING]:
        return
    from botocore.parsers import ResponseParserError

    try:
        customized_response_dict[_STASH] = parse_page(response_dict["body"])
    except ResponseParserError as e:
        if isinstance(e.__cause__, ElementTree.ParseError):  # botocore finds it too, and asks again
            return
        raise
    response_dict["body"] = _EMPTY


def parse_page(body: bytes) -> VersionPage:
    """Raises :class:`botocore.parsers.ResponseParserError` if it is cut off, or no page of versions.

    Namespaces are ignored, as some servers leave them out. Names are decoded, if the server says that it has encoded
    them."""
    top: dict[str, str] = {}
    versions: list[KeyVersion] = []
    directories: list[str] = []
    names = _Names()
    try:
        for element in ElementTree.fromstring(body):
            name = names[element.tag]
            if name in ("Version", "DeleteMarker"):
                versions.append(_version(name, {names[child.tag]: child.text or "" for child in element}))
            elif name == "CommonPrefixes":
                directories += [child.text or "" for child in element if names[child.tag] == "Prefix"]
            else:
                top[name] = element.text or ""
    except (ElementTree.ParseError, LookupError, ValueError) as e:  # the last two of its encoding, and of a size
        from botocore.parsers import ResponseParserError

        raise ResponseParserError(f"The answer is not a whole XML document: {e}") from e
    next_key = top.get("NextKeyMarker", "")
    if top.get("EncodingType") == "url":
        versions = [KeyVersion(unquote_plus(v.key), v.version, v.is_latest, v.size) for v in versions]
        directories = [unquote_plus(name) for name in directories]
        next_key = unquote_plus(next_key)
    if top.get("IsTruncated") != "true":
        return VersionPage(versions, directories)
    next_key = next_key or (versions[-1].key if versions else "")
    return VersionPage(versions, directories, next_key or None, top.get("NextVersionIdMarker") or None)


class _Names(dict[str, str]):
    """Of elements without their namespaces, by their tags. A page has few, thousands of times each."""

    def __missing__(self, tag: str) -> str:
        self[tag] = name = tag[tag.rfind("}") + 1 :]
        return name


def _version(kind: str, texts: Mapping[str, str]) -> KeyVersion:
    version = texts.get("VersionId") or NULL
    if version == NULL:
        version = null_version(texts.get("ETag"))
    is_latest = kind == "Version" and texts["IsLatest"] == "true"
    return KeyVersion(texts["Key"], version, is_latest, int(texts.get("Size") or 0))
