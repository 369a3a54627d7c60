"""Storage that does not answer: a workspace of which one call fails, and all others work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dataworkspaces.errors import UnavailableError
from dataworkspaces.workspace import Workspace

STORAGE = (
    "read_params", "write_params", "read_resource_params", "write_resource_params", "read_resource_local_params",
    "write_resource_local_params", "read_resource_state", "write_resource_state", "get_resource_names", "save",
    "get_next_snapshot_number", "list_snapshots", "get_snapshot_count", "get_tags", "get_snapshot_metadata",
    "get_snapshot_by_tag", "get_hashes_with_tag", "get_snapshot_by_partial_hash", "get_snapshot_manifest_bytes",
    "get_snapshot_graph", "save_snapshot_metadata_and_manifest", "remove_tag_from_snapshot",
    "delete_snapshot_metadata_and_manifest", "get_lineage_store",
)  # fmt: skip
"""The methods of a workspace that ask its storage."""
LINEAGE = ("entries", "update_all", "snapshot", "restore", "delete_snapshot")
"""Those of its lineage store."""


@dataclass
class Calls:
    """What was called while :func:`failing` held, in its order; ``failed`` is the call that did not get an answer."""

    made: list[str] = field(default_factory=list)
    failed: str | None = None


@contextmanager
def failing(
    workspace: Workspace, at: int | str | None, *, after: bool = False, for_good: bool = False
) -> Iterator[Calls]:
    """Let the call number ``at`` (from 0; None: none) of a workspace's storage raise UnavailableError, or the first of
    that name.

    :param after: the call is done, and its answer is lost: a connection that breaks after a commit.
    :param for_good: all later calls fail, too."""
    calls = Calls()

    def wrap(owner: Any, name: str, real: Callable[..., Any]) -> None:
        def call(*args: Any, **kwargs: Any) -> Any:
            is_the_one = calls.failed is None and at in (len(calls.made), name)
            is_later = for_good and calls.failed is not None
            calls.made.append(name)
            if is_the_one and not after:
                calls.failed = name
            if is_later or (is_the_one and not after):
                raise UnavailableError("The storage does not answer")
            result = real(*args, **kwargs)
            if is_the_one:
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
        yield calls
    finally:
        for name in wrapped:
            del vars(workspace)[name]
