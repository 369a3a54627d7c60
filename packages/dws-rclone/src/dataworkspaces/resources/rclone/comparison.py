"""The files of a resource, compared with those at its remote: what rclone sees, and what it cannot see."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.filetree import StatCache, Work
from dataworkspaces.filetree.tree_builder import TooMuchToRead
from dataworkspaces.operations.executors import executor_of
from dataworkspaces.resources.rclone.exchanged import (
    Abilities,
    Compares,
    Contents,
    Exchanged,
    Known,
    ask_abilities,
    compare_contents,
    existing,
    read_contents,
    size_in,
)
from dataworkspaces.resources.rclone.plan import Plan, make_plan
from dataworkspaces.resources.rclone.remote_files import is_empty, is_there, lost
from dataworkspaces.resources.rclone.run import parse_answer, size_of
from dataworkspaces.resources.rclone.transfer import list_of
from dataworkspaces.toolbox.content import CHEAP_BYTES

if TYPE_CHECKING:
    from dataworkspaces.resources.rclone.resource import RcloneResource

_CACHE = "stat-cache"
_MAY_LACK_SIZES = ("http", "drive", "google photos", "protondrive")
"""Kinds of remotes with files whose size nobody knows before they are read."""


class Comparison:
    """Made anew for each command: what it has read of the files here counts until they are sent, or others come."""

    def __init__(self, resource: RcloneResource) -> None:
        self._resource = resource
        self._link = resource.link
        self._directory = resource.workspace.get_resource_local_directory(resource)
        self._exchanged = Exchanged(self._directory, str(self._link.address))
        self._doing = f"Resource '{resource.name}': comparing with {self._link.address}"

    @cached_property
    def _known(self) -> Known | None:
        return self._exchanged.load()

    @cached_property
    def _abilities(self) -> Abilities:
        return ask_abilities(self._link.rclone, self._link.address.remote, doing=self._doing)

    @property
    def compares(self) -> Compares:
        if self._link.size_only:
            return "sizes"
        return self._abilities.compares if self._known is None else self._known.compares

    @property
    def options(self) -> list[str]:
        """How rclone compares."""
        if self._link.size_only:
            return ["--size-only"]
        return ["--checksum"] if self.compares == "hashes" else []

    # -- whether it is there ---------------------------------------------------------------------------------------

    def check_replica(self, plan: Plan) -> None:
        """Raise UnavailableError if files would go to a directory that was there and no longer is, or to one of this
        machine that nobody has made: rclone would make it, on whatever disk that is."""
        if plan.is_empty or is_there(self._link.rclone, self._link.address):
            return
        if self._known is not None or self._link.kind_of_remote() == "local":
            raise lost(f"Resource '{self._resource.name}'", self._link.rclone, self._link.address)

    def is_emptied(self, plan: Plan) -> bool:
        """Whether nothing is left of what the remote is known to have had."""
        known = set() if self._known is None else self._known.contents.keys()
        if not known or not known <= plan.copies.keys() | self._gone(known) or plan.compared:
            return False
        return is_empty(self._link.rclone, self._link.address)

    def _gone(self, known: Iterable[str]) -> set[str]:
        root = self._resource.local_root()
        return {path for path in known if not (root / path).exists()}

    # -- plans -----------------------------------------------------------------------------------------------------

    def plan_push(self, root: Path, *, tell_compared: bool = False) -> Plan:
        link = self._link
        plan = make_plan(
            link.rclone, link.mode, str(root), str(link.address),
            doing=self._doing, options=self.options, tell_compared=tell_compared,
        )  # fmt: skip
        self.check_replica(plan)
        if self._resource.compares_contents:
            paths = self._different(str(root), str(link.address))
            plan.add_unseen({path: (root / path).stat().st_size for path in paths if (root / path).is_file()})
        elif not link.size_only and (self._known is not None or self.compares == "sizes"):
            known: Contents = {} if self._known is None else self._known.contents
            plan.add_unseen({path: size_in(v) for path, v in self._before.items() if known.get(path) != v})
        return plan

    def plan_pull(self, root: Path) -> Plan:
        link = self._link
        plan = make_plan(link.rclone, link.mode, str(link.address), str(root), doing=self._doing, options=self.options)
        plan.compared = {path for path in plan.copies if (root / path).exists()}
        if self._resource.compares_contents:
            plan.add_unseen(dict.fromkeys(self._different(str(link.address), str(root)), 0))
        elif not link.size_only and self._known is not None:
            known = self._known.contents
            edited = {path for path, value in self._before.items() if known.get(path, value) != value}
            edited -= plan.copies.keys() | set(plan.deletions)
            if edited:
                with list_of(sorted(edited)) as list_file:
                    there = existing(link.rclone, str(link.address), list_file, doing=self._doing)
                plan.add_unseen(dict.fromkeys(edited & there, 0))
        return plan

    def edited(self) -> set[str]:
        """What a report can tell cheaply of files here that are not what the remote is known to hold."""
        known = self._known
        if known is None or self._link.size_only:
            return set()
        with suppress(TooMuchToRead):
            here = self._read(read_at_most=CHEAP_BYTES)
            return {path for path, value in here.items() if known.contents.get(path, value) != value}
        return set()

    def _different(self, source: str, destination: str) -> set[str]:
        downloads = not self._abilities.has_hashes
        return compare_contents(self._link.rclone, source, destination, downloads=downloads, doing=self._doing)

    # -- what is known ---------------------------------------------------------------------------------------------

    @cached_property
    def _before(self) -> dict[str, str]:
        """The contents here, before anything is sent or comes."""
        return self._read()

    def _read(self, read_at_most: int | None = None) -> dict[str, str]:
        root = self._resource.local_root()
        real = Path(os.path.realpath(root))
        place = self._resource.workspace.get_machine_directory() / _CACHE / f"{self._resource.name}.remote.sqlite"
        cache = StatCache(place, f"exchanged {real.stat().st_dev} {os.fspath(real)!r}")
        work = Work(executor_of(self._resource.workspace), read_at_most=read_at_most)
        return read_contents(root, cache, work)

    def begin(self, plan: Plan) -> None:
        """What goes over from here on the remote has as it was, or as it will be."""
        if self._resource.link.master == "local" and not self._link.size_only:
            _ = self._before
        self._exchanged.forget(plan.copies)

    def sent(self) -> None:
        """All that rclone and we saw has gone over. What was changed meanwhile is not known."""
        if not self._link.size_only:
            after = self._read()
            self._store({path: value for path, value in after.items() if self._before.get(path) == value})

    def fetched(self, paths: Iterable[str]) -> None:
        """These have come, and all others are as rclone said."""
        if self._link.size_only or self._link.master == "none":
            return
        known: Contents = {} if self._known is None else self._known.contents
        came, sees = set(paths), self.compares != "sizes" or self._resource.compares_contents
        here = self._read()
        self._store({p: value for p, value in here.items() if sees or p in came or known.get(p) == value})

    def _store(self, contents: Contents) -> None:
        compares = self.compares
        if self._known is None:
            self._tell_what_is_not_seen(compares)
        self._exchanged.store(Known(compares, contents))

    def _tell_what_is_not_seen(self, compares: Compares) -> None:
        """Once for each remote: of its own changes."""
        address, is_master = self._link.address, self._link.master == "remote"
        if compares == "sizes":
            why = f"{address} keeps neither times nor hashes of files"
            seen = "a change there shows only if the size differs, or"
        elif is_master and self._link.kind_of_remote() in _MAY_LACK_SIZES and self._count_without_size():
            why = f"{address} does not say how large its files are"
            seen = "a change there shows only if the time differs, or"
        else:
            return
        self._resource.workspace.interaction.tell(
            f"Resource '{self._resource.name}': {why}. Changes here are always noticed; {seen} with dws "
            f"{'pull' if is_master else 'push'} --checksum"
        )

    def _count_without_size(self) -> int:
        told = self._link.rclone.read(["size", "--json"], [str(self._link.address)], doing=self._doing)
        return size_of(parse_answer(told, dict, self._doing).get("sizeless"))
