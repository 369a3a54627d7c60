"""Results in a bucket: a snapshot moves them by copies that the server makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from re import Pattern

from dataworkspaces.resources.s3.bucket import REQUESTS_AT_ONCE, Bucket, NoSuchObject
from dataworkspaces.resources.s3.keys import below
from dataworkspaces.resources.s3.manifest import SNAPSHOTS
from dataworkspaces.toolbox.names import LINEAGE_FILE

_CHUNK = 8 * 1024 * 1024


def current_files(bucket: Bucket, exclude_files: Set[str], exclude_dirs_re: Pattern[str]) -> list[str]:
    """The keys that a snapshot would move. One that ends with ``/`` is a directory, and stays."""
    return sorted(
        key
        for key in bucket.list_keys()
        if key not in exclude_files
        and not key.startswith(SNAPSHOTS)
        and not key.endswith("/")
        and not any(exclude_dirs_re.match(directory) for directory in _directories_above(key))
    )


def _directories_above(key: str) -> Iterable[str]:
    parts = key.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def copy_files(bucket: Bucket, directory: str, files: Iterable[str]) -> None:
    _in_parallel(lambda file: bucket.copy(file, below(directory) + file), files)


def move_files(bucket: Bucket, directory: str, files: Iterable[str]) -> None:
    """After a crash each is at its old place, at its new place, or at both."""

    def move(file: str) -> None:
        bucket.copy(file, below(directory) + file)
        bucket.delete(file)

    _in_parallel(move, files)


def undo_move(bucket: Bucket, directory: str, files: Iterable[str]) -> None:
    """See :meth:`FileResourceMixin.results_undo_move`."""

    def move_back(file: str) -> None:
        moved = below(directory) + file
        if not _is_there(bucket, moved):
            return
        if not _is_there(bucket, file):
            bucket.copy(moved, file)
        elif not _are_equal(bucket, moved, file):
            return
        bucket.delete(moved)

    files = list(files)
    _in_parallel(move_back, files)
    if LINEAGE_FILE not in files:
        bucket.delete(below(directory) + LINEAGE_FILE)


def delete_directory(bucket: Bucket, directory: str) -> None:
    """Idempotent."""
    _in_parallel(bucket.delete, list(bucket.list_keys(below(directory))))


def _is_there(bucket: Bucket, key: str) -> bool:
    try:
        bucket.info(key)
    except NoSuchObject:
        return False
    return True


def _are_equal(bucket: Bucket, one: str, other: str) -> bool:
    """By content, where the ETags differ: that of an object in parts depends on how it was cut."""
    first, second = bucket.info(one), bucket.info(other)
    if first.size != second.size:
        return False
    if first.etag is not None and first.etag == second.etag:
        return True
    return all(
        bucket.read(one, None, at, at + _CHUNK - 1) == bucket.read(other, None, at, at + _CHUNK - 1)
        for at in range(0, first.size, _CHUNK)
    )


def _in_parallel(do: Callable[[str], None], files: Iterable[str]) -> None:
    """Raises the first error, once those that have begun are done."""
    with ThreadPoolExecutor(REQUESTS_AT_ONCE, "s3-results") as pool:
        futures = [pool.submit(do, file) for file in files]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
