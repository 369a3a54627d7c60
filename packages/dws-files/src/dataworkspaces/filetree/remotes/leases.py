"""Who is at work at a remote: several pushes at once, or one collection of garbage alone.

Each notes itself in ``users/`` of the remote first, and looks who else is there then. Of a push and a collection that
begin at once, at least one sees the other: a push waits until a collection is over, and a collection that finds a
push removes nothing. Who is at work renews the note; one that was not renewed for long is of a process that is gone.
How old a note is, the clock of the remote alone tells: it is compared with that of the note of one's own.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from dataworkspaces.durability import boot_id
from dataworkspaces.errors import DwsError, LockedError, UnavailableError
from dataworkspaces.filetree.remotes.places import FileInfo
from dataworkspaces.toolbox.lock_holder import is_here
from dataworkspaces.toolbox.processes import is_alive, process_namespace, start_time

if TYPE_CHECKING:
    from dataworkspaces.filetree.remotes.places import Place

DIRECTORY = "users"
SILENT_SECONDS = 1800.0
"""After so long without a sign of life somebody is gone."""
_BEAT_SECONDS = 120.0
_WAIT_SECONDS = 300.0
_POLL_SECONDS = 2.0

Kind = Literal["push", "gc"]


@dataclass(frozen=True)
class Holder:
    """Somebody who is, or was, at work there. :ivar text: who, in words. :ivar is_gone: whether nobody is any more."""

    name: str
    kind: Kind
    text: str
    is_gone: bool


class Lease:
    """A note of one's own at a remote, which is renewed until :meth:`end`."""

    def __init__(self, place: Place, kind: Kind) -> None:
        self._place = place
        self.kind = kind
        self.name = f"{os.urandom(12).hex()}.{kind}"
        self._stop = threading.Event()
        self._last = self._now()
        self._lapsed = False
        self._thread: threading.Thread | None = None

    @staticmethod
    def _now() -> float:
        """Seconds that go on while a machine sleeps."""
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        return time.time() if clock is None else time.clock_gettime(clock)

    def begin(self, tell: Callable[[str], None]) -> None:
        """Note oneself, and wait until one may go on. Raises LockedError, and leaves no note, if one may not.

        :param tell: is told what is waited for."""
        self.renew()
        try:
            self._wait(tell)
        except BaseException:
            self.end()
            raise
        self._thread = threading.Thread(target=self._beat, name="dws-remote-lease", daemon=True)
        self._thread.start()

    def _wait(self, tell: Callable[[str], None]) -> None:
        waited, told = 0.0, False
        while True:
            others = [each for each in holders(self._place, self.name) if self.kind == "gc" or each.kind == "gc"]
            for each in others:
                if each.is_gone:
                    self._place.remove([f"{DIRECTORY}/{each.name}"], "removing the note of a process that is gone")
            present = [each for each in others if not each.is_gone]
            if not present:
                return
            if self.kind == "gc" or waited >= _WAIT_SECONDS:
                raise LockedError(
                    f"The remote {self._place.url} is in use: {present[0].text}",
                    hint="Wait until that is over, and try again. If that machine is gone for good, its note counts no "
                    f"more after {SILENT_SECONDS / 60:.0f} minutes",
                )
            if not told:
                tell(f"Waiting for the remote {self._place.url}: {present[0].text}")
                told = True
            time.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
            self.renew()

    def renew(self) -> None:
        """Write the note anew."""
        now = self._now()
        self._place.write(f"{DIRECTORY}/{self.name}", _facts(self.kind), "noting who is at work there")
        self._lapsed = self._lapsed or now - self._last > SILENT_SECONDS / 2
        self._last = now

    def time_there(self) -> float:
        """What the clock of the remote says, in seconds since 1970. Raises UnavailableError if it does not tell."""
        self.renew()
        info = self._place.list(DIRECTORY).get(self.name)
        if info is None or info.changed is None:
            raise UnavailableError(
                f"The remote {self._place.url} does not tell its time, so it is not known what is old there",
                hint="Nothing was removed",
            )
        return info.changed

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_SECONDS):
            with suppress(DwsError, OSError):  # the next one may succeed
                self.renew()

    @property
    def has_held(self) -> bool:
        """Whether nobody can have taken this process for gone so far."""
        return not self._lapsed and self._now() - self._last <= SILENT_SECONDS / 2

    def check(self) -> None:
        """Raise UnavailableError unless it :attr:`has_held`."""
        if not self.has_held:
            raise UnavailableError(
                f"The remote {self._place.url} could not be told for long that this command is still at work",
                hint="Run it again",
            )

    def end(self) -> None:
        """Remove the note. Idempotent; one that cannot be removed is in nobody's way for long."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with suppress(DwsError, OSError):
            self._place.remove([f"{DIRECTORY}/{self.name}"], "removing a note")


def holders(place: Place, own: str) -> list[Holder]:
    """Who else is at work there. :param own: the name of a note that was written just now."""
    listed = place.list(DIRECTORY)
    now = listed[own].changed if own in listed else None
    found = []
    for name, info in listed.items():
        kind = name.rpartition(".")[2]
        if name != own and kind in ("push", "gc"):
            found.append(_holder(place, name, "gc" if kind == "gc" else "push", info, now))
    return [each for each in found if each is not None]


def _holder(place: Place, name: str, kind: Kind, info: FileInfo, now: float | None) -> Holder | None:
    try:
        facts = json.loads(place.read(f"{DIRECTORY}/{name}", "reading who is at work there"))
    except FileNotFoundError:
        return None
    except ValueError:
        facts = {}
    facts = {k: str(v)[:200] for k, v in facts.items()} if isinstance(facts, dict) else {}
    silent = None if now is None or info.changed is None else now - info.changed
    is_gone = (silent is not None and silent > SILENT_SECONDS) or _has_died(facts)
    what = "a collection of garbage" if kind == "gc" else "a push"
    text = f"{what} of host {facts.get('host', 'unknown')}, process {facts.get('pid', 'unknown')}"
    return Holder(name, kind, f"{text}, since {facts.get('since', 'an unknown time')}", is_gone)


def _has_died(facts: Mapping[str, str]) -> bool:
    """Whether it was a process of this machine that is no more."""
    pid = facts.get("pid", "")
    if not pid.isdecimal() or not is_here(facts.get("host", ""), dict(facts)):
        return False
    return not is_alive(int(pid), facts.get("started") or None, facts.get("boot") or None)


def _facts(kind: Kind) -> bytes:
    facts: dict[str, Any] = {
        "command": kind,
        "host": os.uname().nodename,
        "pid": str(os.getpid()),
        "started": start_time(os.getpid()),
        "boot": boot_id(),
        "namespace": process_namespace(),
        "since": datetime.now().isoformat(timespec="seconds"),
    }
    return json.dumps({key: value for key, value in facts.items() if value is not None}).encode("utf-8")
