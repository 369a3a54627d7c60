"""Storage that does not answer: one call fails, and all others work."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.errors import UnavailableError
from dataworkspaces.workspace import Workspace

STORAGE = (
    "read_params", "write_params", "read_resource_params", "write_resource_params", "read_resource_local_params",
    "write_resource_local_params", "read_resource_state", "write_resource_state", "get_resource_names", "save",
    "get_next_snapshot_number", "list_snapshots", "get_snapshot_count", "get_tags", "get_snapshot_metadata",
    "get_snapshot_by_tag", "get_hashes_with_tag", "get_snapshot_by_partial_hash", "get_snapshot_manifest_bytes",
    "get_snapshot_graph", "save_snapshot_metadata_and_manifest", "remove_tag_from_snapshot",
    "delete_snapshot_metadata_and_manifest", "get_lineage_store", "read_document", "write_documents", "list_documents",
)  # fmt: skip
"""The methods of a workspace that ask its storage."""
LINEAGE = ("entries", "update_all", "snapshot", "restore", "delete_snapshot")
"""Those of its lineage store."""
FILES = frozenset(
    {
        "open", "os.scandir", "os.listdir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
        "os.truncate", "sqlite3.connect",
    }
)  # fmt: skip
"""Audit events of Python whose first argument is a path, or a file that is open."""
ELSEWHERE = frozenset({"subprocess.Popen", "os.posix_spawn", "socket.connect", "http.client.send"})
"""Audit events of Python that ask a program, or a server."""
LOOKS = ("stat", "lstat")
"""Calls of the system for which Python has no audit event."""


@dataclass
class Calls:
    """What was called while :func:`failing` or :func:`failing_below` held, in its order; ``failed`` is the call that
    did not get an answer."""

    at: int | str | None = None
    for_good: bool = False
    made: list[str] = field(default_factory=list)
    failed: str | None = None

    def is_next(self, name: str) -> bool:
        """Whether a call, which is about to be made, is the one that fails first."""
        return self.failed is None and self.at in (len(self.made), name)

    def fails(self, name: str, *, after: bool = False) -> bool:
        """Whether a call is one that fails before it is done; counts it."""
        is_the_one = self.is_next(name) and not after
        is_later = self.for_good and self.failed is not None
        self.made.append(name)
        if is_the_one:
            self.failed = name
        return is_later or is_the_one


@contextmanager
def failing(
    workspace: Workspace, at: int | str | None, *, after: bool = False, for_good: bool = False
) -> Iterator[Calls]:
    """Let the call number ``at`` (from 0; None: none) of a workspace's storage raise UnavailableError, or the first of
    that name.

    :param after: the call is done, and its answer is lost: a connection that breaks after a commit.
    :param for_good: all later calls fail, too."""
    calls = Calls(at, for_good)
    with _storage(workspace, calls, after=after):
        yield calls


@contextmanager
def failing_below(directory: Path, workspace: Workspace, at: int | None, *, for_good: bool = False) -> Iterator[Calls]:
    """Let the call number ``at`` of all that a resource may keep something with fail: of the storage of its workspace,
    of the system for what is below a directory, of programs and servers. So a type needs not tell what it asks: Python
    does, by its audit events. Its file objects are the one thing that do not fail once they are open."""
    calls = Calls(at, for_good)
    with _storage(workspace, calls), _looks(str(directory), calls), _audited(str(directory), calls):
        yield calls


@contextmanager
def _storage(workspace: Workspace, calls: Calls, *, after: bool = False) -> Iterator[None]:
    def wrap(owner: Any, name: str, real: Callable[..., Any]) -> None:
        def call(*args: Any, **kwargs: Any) -> Any:
            loses_its_answer = after and calls.is_next(name)
            if calls.fails(name, after=after):
                raise UnavailableError("The storage does not answer")
            result = real(*args, **kwargs)
            if loses_its_answer:
                calls.failed = name  # only now: what it has called itself was done
                raise UnavailableError("The storage has not answered")
            if name == "get_lineage_store":
                for of_lineage in LINEAGE:
                    wrap(result, of_lineage, getattr(type(result), of_lineage).__get__(result))
            return result

        vars(owner)[name] = call

    wrapped = [name for name in STORAGE if hasattr(workspace, name)]
    for name in wrapped:
        wrap(workspace, name, getattr(workspace, name))
    try:
        yield
    finally:
        for name in wrapped:
            del vars(workspace)[name]


def _is_below(path: object, directory: str) -> bool:
    """What is relative is told by a directory that is open."""
    if isinstance(path, int):
        return True
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    return bool(text) and (text[0] != os.sep or text.startswith(directory))


def _no_answer(path: object) -> OSError:
    return OSError(errno.EIO, "The storage does not answer", path if isinstance(path, (str, bytes)) else None)


@contextmanager
def _looks(directory: str, calls: Calls) -> Iterator[None]:
    real = {name: getattr(os, name) for name in LOOKS}

    def wrap(name: str) -> Callable[..., Any]:
        def look(path: Any, *args: Any, **kwargs: Any) -> Any:
            if _is_below(path, directory) and calls.fails(f"{name} {path}"):
                raise _no_answer(path)
            return real[name](path, *args, **kwargs)

        return look

    for name in LOOKS:
        setattr(os, name, wrap(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


_WATCHING: list[Callable[[str, tuple[Any, ...]], None]] = []
"""Who is told of audit events now: Python has no way to take a hook away."""


def _hook(event: str, args: tuple[Any, ...]) -> None:
    for tell in _WATCHING:
        tell(event, args)


@contextmanager
def _audited(directory: str, calls: Calls) -> Iterator[None]:
    def tell(event: str, args: tuple[Any, ...]) -> None:
        if event in FILES:
            if _is_below(args[0], directory) and calls.fails(f"{event} {args[0]}"):
                raise _no_answer(args[0])
        elif event in ELSEWHERE and calls.fails(f"{event} {args[1]!r:.200}"):
            if event == "http.client.send":
                args[0].close()  # as one that broke, or somebody would wait for what is answered
            raise ConnectionResetError(errno.ECONNRESET, "The storage does not answer")

    if not getattr(_hook, "is_installed", False):
        sys.addaudithook(_hook)
        _hook.is_installed = True  # type: ignore[attr-defined]
    _WATCHING.append(tell)
    try:
        yield
    finally:
        _WATCHING.remove(tell)
