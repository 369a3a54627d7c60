"""The versions of all keys of a bucket, listed in parallel.

A page holds a thousand keys, and the next can be asked for only once this one is there, unless one knows where to
begin. So what is still to be listed is cut into parts: at directories, which the server names; and in a directory of
many files by the characters that follow in their names (after a page from ``f-000…`` to ``f-001…`` those that begin
with ``f-002``, ``f-003``, …). What lies between such prefixes is asked for too, with a request for one key, so that
none is missed, however the names go on.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from dataworkspaces.resources.s3.bucket import REQUESTS_AT_ONCE, Bucket, FirstLook
from dataworkspaces.resources.s3.version_pages import KeyVersion, VersionPage

Take = Callable[[list[KeyVersion]], None]
_MANY = 2 * REQUESTS_AT_ONCE
_FILLED = 70
"""Per cent of a page that a part should take: one that is a little more than a page takes two."""
_LAST_CHARACTER = "\U0010ffff"
_CHARACTERS = 4
"""So many that differ between names are looked at, to see which are in use."""


@dataclass(frozen=True)
class Part:
    """The keys that begin with ``prefix``, after ``after`` (of ``after`` itself the versions after ``version``) up to
    ``upto``, which is included.

    :ivar directory: in which all of them lie, if it may be cut at its directories; None if not.
    :ivar is_gap: probably there are none."""

    prefix: str
    after: str | None = None
    version: str | None = None
    upto: str | None = None
    directory: str | None = None
    is_gap: bool = False


def list_versions(bucket: Bucket, take: Take, below: str = "", before: FirstLook | None = None) -> None:
    """Give all versions of the keys in a directory (``""``, or with ``/`` at its end) to ``take``, a page at a time, in
    no order; some may be given twice. ``take`` is called by this thread.

    :param before: what the whole bucket began with when it was last looked at: all of its parts are then asked for at
        once. What has changed since is not missed."""

    def read(part: Part) -> tuple[Part, VersionPage]:
        size = 1 if part.is_gap else None
        return part, bucket.version_page(part.after, part.version, below=part.prefix, max_keys=size)

    def ask_for_directories(directory: str) -> VersionPage:
        return bucket.version_page(None, below=directory, delimiter="/")

    def look(directory: str) -> VersionPage:
        page = top.result() if top is not None and directory == below else ask_for_directories(directory)
        take(page.versions)
        return page

    with ThreadPoolExecutor(REQUESTS_AT_ONCE, "s3-list") as pool:
        parts = [Part(below, directory=below)] if before is None else cut_as_before(before)
        pending: set[Future[tuple[Part, VersionPage]]] = {pool.submit(read, part) for part in parts}
        # A bucket is larger than a page, mostly: its directories are asked for before that is known.
        top = None if below or before is not None else pool.submit(ask_for_directories, below)
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    part, page = future.result()
                    take(page.versions)
                    rest = _rest(part, page)
                    if rest is not None:
                        parts = cut(rest, page, look) if len(pending) < REQUESTS_AT_ONCE else [rest]
                        pending |= {pool.submit(read, part) for part in parts}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def cut_as_before(look: FirstLook) -> list[Part]:
    """Cut a whole bucket where it could have been cut when it was looked at. Nothing lies between two of the parts."""
    keys = [entry.key for entry in look.page.versions][:-1]  # the last might have more versions, on a page of their own
    if look.page.next_key is None or not keys or keys[0] == keys[-1]:
        return [Part("", directory="")]
    first, rest = Part("", upto=keys[-1]), Part("", after=keys[-1])
    later = [] if look.top is None else [name for name in look.top.directories if name > keys[-1]]
    if look.top is None or len(later) < 2:
        return [first, *_by_next_character(rest, keys)]
    a_part = _directories_a_part(look.top, later)
    return [first, *_between(rest, later[a_part::a_part])]


def _directories_a_part(found: VersionPage, left: list[str]) -> int:
    """:param left: those of the directories found that come after a page."""
    a_page = len(found.directories) - len(left) or 1  # so many directories fit into one
    return max(1, _FILLED * a_page // 100, -(-len(left) // _MANY))


def _rest(part: Part, page: VersionPage) -> Part | None:
    """What of a part comes after a page; None if nothing."""
    if page.next_key is None or (part.upto is not None and page.next_key > part.upto):
        return None
    return replace(part, after=page.next_key, version=page.next_version, is_gap=False)


def cut(rest: Part, page: VersionPage, look: Callable[[str], VersionPage]) -> list[Part]:
    """Cut what comes after a page; at directories, if it has any.

    :param look: gives what lies directly in a directory."""
    while rest.directory is not None:
        found = look(rest.directory)
        rest = replace(rest, directory=None)
        left = [name for name in found.directories if name > str(rest.after) or str(rest.after).startswith(name)]
        if found.next_key is not None or len(left) > _MANY:
            a_part = _directories_a_part(found, left)
            parts = _between(rest, left[a_part::a_part])
        else:  # what lies in no directory has just been seen
            parts = [_inside(rest, directory) for directory in left]
        if left and len(parts) != 1:
            return parts
        if left and parts[0].directory is not None:
            rest = parts[0]
    return _by_next_character(rest, [entry.key for entry in page.versions])


def _inside(rest: Part, directory: str) -> Part:
    if str(rest.after).startswith(directory):
        return replace(rest, prefix=directory, directory=directory)
    return Part(directory, directory=directory)


def _between(part: Part, keys: list[str]) -> list[Part]:
    """The same keys in parts that end at ``keys``."""
    parts = []
    for key in sorted(keys):
        if part.after is None or key > part.after:
            parts.append(replace(part, upto=key))
            part = replace(part, after=key, version=None)
    return [*parts, part]


def _by_next_character(rest: Part, keys: list[str]) -> list[Part]:
    """Where names begin as the last of ``keys`` does, up to the first character that differs among them (or one before
    it): a part for each later character that is in use there."""
    if len(keys) < 2 or keys[0] == keys[-1]:
        return [rest]
    last = keys[-1]
    same = _shared(keys[0], last)
    in_use = {char for key in keys[:: len(keys) // 50 or 1] for char in key[same : same + _CHARACTERS]}
    if not in_use.isdisjoint(string.digits):
        in_use.update(string.digits)
    start = max(len(rest.prefix), last.rfind("/", 0, same) + 1)
    for place in range(min(same, len(last) - 1), start - 1, -1):
        begin = last[:place]
        later = sorted(c for c in in_use if c > last[place] and c.isalnum() and not _is_past(begin + c, rest))
        if later:
            return _of_characters(rest, begin, last[place], later)
    return [rest]


def _is_past(key: str, part: Part) -> bool:
    return part.upto is not None and key > part.upto


def _of_characters(rest: Part, begin: str, character: str, later: list[str]) -> list[Part]:
    parts = [replace(rest, prefix=begin + character)]
    for following in later:
        if ord(following) > ord(character) + 1:
            parts.append(_gap(rest, begin + character, begin + following))
        parts.append(Part(begin + following, upto=rest.upto))
        character = following
    return [*parts, _gap(rest, begin + character, rest.upto)]


def _gap(rest: Part, prefix: str, upto: str | None) -> Part:
    """What comes after all that begins with ``prefix``."""
    return replace(rest, after=prefix + _LAST_CHARACTER, version=None, upto=upto, is_gap=True)


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with that are the same."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
