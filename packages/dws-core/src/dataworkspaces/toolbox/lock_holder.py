"""Whose a lock is: the lock file names process and host, and a note beside it what can be told of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dataworkspaces.durability import boot_id
from dataworkspaces.toolbox.heartbeat import SILENT_SECONDS, beating, in_words, seconds_since
from dataworkspaces.toolbox.processes import is_alive, process_namespace, start_time

__all__ = [
    "LOCK_FILE",
    "describe_all",
    "describe_holder",
    "describe_lock",
    "host_in_lock",
    "is_held",
    "is_here",
    "noting_holder",
    "process_in",
    "read_facts",
    "remove_lock",
]
from dataworkspaces.toolbox.regular import read_regular

LOCK_FILE = "lock"
_KINDS = (
    ("lock", "the workspace"),
    ("lineage.lock", "its lineage"),
    ("run*.lock", "runs"),
    ("steps/*.lock", "a step"),
    ("running/*.lock", "results"),
    ("sweeps/*.lock", "a sweep"),
)
"""Patterns of the locks in a machine directory, and what they are over."""
_NAMESPACE = "?pidns-"
"""What newer releases of filelock write between the name of a host and a namespace of process numbers."""
_FIRST_NAMESPACE = str(0xEFFFFFFC)
"""That of a machine which is no container. Its hosts are written without it."""
_PLAIN_RE = r"[A-Za-z0-9._-]+"
_LONGEST_NAME = 200
_FACTS = ("started", "boot", "since", "namespace", "beats")


@dataclass(frozen=True)
class LockHolder:
    """Whose a lock is. A process of another host cannot be looked at, so it counts as alive.

    :ivar is_here: whether the process could be looked at.
    :ivar silent: the seconds since it gave a sign of life; None if it gives none.
    :ivar mark: by which the lock is told from a later one.
    """

    text: str = field(compare=False)
    is_alive: bool
    is_here: bool = True
    silent: float | None = field(default=None, compare=False)
    mark: str = ""

    @property
    def advice(self) -> str:
        """Whether it may be removed, as far as can be told."""
        if not self.is_alive:
            return "Nobody holds it: the next command takes it over"
        if self.is_here:
            return "The process is alive on this machine"
        if self.silent is None:
            return "Whether that process is alive cannot be checked from here"
        if self.silent < SILENT_SECONDS:
            return f"It gave a sign of life {in_words(self.silent)} ago, so it is alive"
        return (
            f"It has given no sign of life for {in_words(self.silent)}: its machine or container is gone, unless it "
            "sleeps or is cut off"
        )


def describe_lock(directory: Path, name: str = LOCK_FILE) -> LockHolder | None:
    """Who holds a lock in ``directory``, or left it; None if nobody does. Changes nothing."""
    path = directory / name
    try:
        found = path.stat()
        content = read_regular(path).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return LockHolder("another process is changing it", True, False)
    mark = f"{found.st_ino} {content}"
    if found.st_size == 0:
        return LockHolder("a command was killed just after it had locked the workspace", False, mark=mark)
    pid, host = process_in(content)
    if not pid or not host:  # not ours, or damaged
        return LockHolder(f"another process is changing it (lock: {path})", True, False, mark=mark)
    facts = read_facts(path, pid)
    if not is_here(host, facts):
        silent = seconds_since(note_of(path)) if "beats" in facts else None
        return LockHolder(_text(path, pid, host, facts), True, False, silent, mark)
    if is_held(path, int(pid)):
        return LockHolder(_text(path, pid, host, facts), True, mark=mark)
    return LockHolder(f"process {pid[:20]}, which locked the workspace, is gone", False, mark=mark)


def process_in(content: str) -> tuple[str, str]:
    """The number and the host of the process that a lock file names; empty where it names none."""
    pid, host = [*content.splitlines(), "", ""][:2]
    return pid if pid.isdigit() else "", host


def host_in_lock() -> str | None:
    """What a lock of this process names as its host, as newer releases of filelock write it. None where that is not
    simply its name."""
    name, namespace = os.uname().nodename, process_namespace()
    if len(name) > _LONGEST_NAME or not re.fullmatch(_PLAIN_RE, name):
        return None
    return name if namespace in (None, _FIRST_NAMESPACE) else f"{name}{_NAMESPACE}{int(namespace):x}"


def describe_all(directory: Path) -> Iterator[tuple[str, str, LockHolder]]:
    """The locks in a machine directory: each with its name, and what it is over. Those of steps and runs that are at
    work on this machine are left out: they are in nobody's way."""
    for pattern, what in _KINDS:
        for path in sorted(directory.glob(pattern)):
            name = path.relative_to(directory).as_posix()
            holder = describe_lock(directory, name)
            if holder is not None and (name == LOCK_FILE or not holder.is_here):
                yield name, what, holder


def remove_lock(directory: Path, holder: LockHolder, name: str = LOCK_FILE) -> bool:
    """Remove a lock that :func:`describe_lock` has described; False if another holds it by now."""
    if describe_lock(directory, name) != holder:
        return False
    (directory / name).unlink(missing_ok=True)
    return True


@contextmanager
def noting_holder(path: Path, command: str) -> Iterator[None]:
    """Say beside a lock that this process holds who it is, and give signs of life."""
    note = note_of(path)
    facts = (
        start_time(os.getpid()), boot_id(), datetime.now().isoformat(timespec="seconds"), process_namespace(), "beats",
    )  # fmt: skip
    note.write_text(f"{os.getpid()} {command}\n{' '.join(fact or '-' for fact in facts)}\n", encoding="utf-8")
    try:
        with beating(note):
            yield
    finally:
        with suppress(OSError):  # the error of the command is the one to be told, and the lock has to go
            note.unlink(missing_ok=True)


def note_of(path: Path) -> Path:
    """The file beside a lock."""
    return path.with_name(f"{path.name}.command")


def is_here(host: str, facts: dict[str, str]) -> bool:
    """Whether a process can be looked at: those of another host, or of another container, cannot."""
    name, _, namespace = host.partition(_NAMESPACE)
    own = process_namespace()
    if name != os.uname().nodename:
        return False
    noted = facts.get("namespace") or (str(int(namespace, 16)) if _is_hex(namespace) else None)
    return noted is None or own is None or noted == own


def _is_hex(text: str) -> bool:
    return bool(text) and all(digit in "0123456789abcdef" for digit in text)


def is_held(path: Path, pid: int) -> bool:
    """Whether the process lives that noted itself beside the lock; without a note, whether one of that number does."""
    noted = read_facts(path, str(pid))
    return is_alive(pid, noted.get("started"), noted.get("boot"))


def read_facts(path: Path, pid: str) -> dict[str, str]:
    """What the holder noted of itself beside its lock, if it is that of ``pid``."""
    note = note_of(path)
    try:
        if note.stat().st_mtime_ns < path.stat().st_mtime_ns:
            return {}  # of an earlier holder, which may have had the same number
        first, *more = read_regular(note).decode("utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    owner, _, command = first.partition(" ")
    if owner != pid:
        return {}
    values = dict(zip(_FACTS, more[0].split(" ") if more else (), strict=False))
    return {"command": command, **{key: value for key, value in values.items() if value != "-"}}


def describe_holder(path: Path) -> str:
    """Who holds the lock ``path``, as a sentence for those who wait for it."""
    holder = describe_lock(path.parent, path.name)
    return f"another process holds the lock {path}" if holder is None else holder.text


def _text(path: Path, pid: str, host: str, facts: dict[str, str]) -> str:
    running = f"'dws {facts['command']}'" if "command" in facts else "a command"
    since = f", since {facts['since']}" if "since" in facts else ""
    name, container, _ = host.partition(_NAMESPACE)
    where = f"host {name[:80]}{' (in a container)' if container else ''}"
    return f"{running} of process {pid[:20]} on {where}{since}, holds the lock {path}"
