"""Sending files to a remote, and fetching them.

What is fetched is complete on this machine before any file of the resource is touched: a remote that vanishes in the
middle leaves the files as they were, and what has arrived need not be fetched again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.files.placed_directory import is_free
from dataworkspaces.filetree.objects.checkout import Directories, make_directories, remove, remove_directories
from dataworkspaces.resources.rclone.edited import EditedFiles
from dataworkspaces.resources.rclone.plan import Mode, Plan
from dataworkspaces.resources.rclone.run import Event, Rclone, RemoteError, Report
from dataworkspaces.toolbox.atomic import explain_os_error, write_json
from dataworkspaces.toolbox.move_files import copy_file
from dataworkspaces.toolbox.names import check_relative_path, some
from dataworkspaces.workspace import Advance, Interaction

_STATS = ("--stats=500ms", "--stats-log-level=NOTICE")
_SHOWN = 5
_ASKED_ONE_BY_ONE = 100


class Transfer:
    """Files on their way for one resource.

    :param options: how files are compared with what is there."""

    def __init__(self, name: str, rclone: Rclone, interaction: Interaction, options: Sequence[str]) -> None:
        self._name = name
        self._rclone = rclone
        self._interaction = interaction
        self._options = options

    def send(self, mode: Mode, root: Path, address: str, plan: Plan) -> None:
        """Raises RemoteError that names the files that did not arrive."""
        # More than the plan said may not go: the remote may have changed since.
        limit = [f"--max-delete={len(plan.deletions)}"] if mode == "sync" else []
        report = self._run("Sending", [mode, *limit, *self._options], [str(root), address], plan.total_size)
        if report.status == 0 and plan.unseen:
            with list_of(plan.unseen) as list_file:
                size = sum(plan.copies[path] for path in plan.unseen)
                command = ["copy", "--ignore-times", f"--files-from-raw={list_file}", *_traverse(plan.unseen)]
                report = self._run("Sending", command, [str(root), address], size)
        if report.status != 0:
            raise self._error(report, f"could not be sent to {address}", "push")

    def fetch(self, address: str, plan: Plan, incoming: Path) -> None:
        """Bring the files of a plan to the directory ``incoming``; what an earlier attempt brought stays if it is
        still right. Raises RemoteError that names the files that did not arrive."""
        for path in (*plan.copies, *plan.deletions):
            check_relative_path(path, f"Resource '{self._name}': {address}")
        with _explained(f"Fetching resource '{self._name}'"):
            incoming.mkdir(parents=True, exist_ok=True)
            for path in list(files_below(incoming)):
                if path not in plan.copies or path in plan.unseen:
                    (incoming / path).unlink()
            with list_of(plan.copies) as list_file:
                command = ["copy", f"--files-from-raw={list_file}", *_traverse(plan.copies)]
                self._fetch(command, address, incoming, plan.total_size)
        lost = [path for path in plan.copies if not (incoming / path).is_file()]
        if lost:
            raise RemoteError(
                f"Resource '{self._name}': {some(map(repr, lost), _SHOWN)} vanished from {address} during the transfer",
                hint="dws pull tries again",
            )

    def fetch_all(self, address: str, incoming: Path) -> Plan:
        """As :meth:`fetch`, of all that is there, with one listing. Returns what has come, without the sizes."""
        with _explained(f"Fetching resource '{self._name}'"):
            incoming.mkdir(parents=True, exist_ok=True)
            self._fetch(["sync"], address, incoming, None)
            return Plan(dict.fromkeys(files_below(incoming), 0))

    def _fetch(self, command: Sequence[str], address: str, incoming: Path, total: int | None) -> None:
        report = self._run("Fetching", [*command, *self._options], [address, str(incoming)], total)
        if report.status != 0:
            raise self._error(report, f"could not be fetched from {address}", "pull")

    def _run(self, doing: str, command: Sequence[str], places: Sequence[str], total: int | None) -> Report:
        with self._interaction.progress(f"{doing} {self._name}", total, "bytes") as advance:
            return self._rclone.run([*command, *_STATS], places, watch=_Counter(advance, total))

    def _error(self, report: Report, what: str, command: str) -> RemoteError:
        if not report.failed:
            return self._rclone.error(report, f"Resource '{self._name}' {what}")
        reasons = dict.fromkeys(report.failed.values())
        first = next(iter(reasons))
        return RemoteError(
            f"Resource '{self._name}': {some(map(repr, report.failed), _SHOWN)} {what}: {first}",
            hint=f"All other files are in place; 'dws {command}' transfers the rest",
            output="\n".join(f"{path}: {why}" for path, why in report.failed.items()),
        )


@contextmanager
def list_of(paths: Iterable[str]) -> Iterator[str]:
    """The name of a file with a path in each line."""
    with NamedTemporaryFile(mode="w", encoding="utf-8", errors="surrogateescape", suffix=".txt") as list_file:
        list_file.writelines(f"{path}\n" for path in paths)
        list_file.flush()
        yield list_file.name


def _traverse(paths: Sized) -> list[str]:
    """Few files are asked for one by one; to find many, listing is cheaper."""
    return ["--no-traverse"] if len(paths) <= _ASKED_ONE_BY_ONE else []


class Arrival:
    """Files that have been fetched, and go to their places. A note says so while that is done: after a kill, what is
    there is neither as it was nor as it should be, until it is done again."""

    def __init__(self, directory: Path) -> None:
        """:param directory: for what the resource keeps on this machine."""
        self.incoming = directory / "incoming"
        self._note = directory / "arriving.json"

    def is_incomplete(self) -> bool:
        return self._note.exists()

    def put_in_place(self, root: Path, plan: Plan, edited: EditedFiles) -> list[str]:
        """Replace each file by a rename, and delete what the plan deletes; where nothing is yet, one rename brings
        all. No link in ``root`` is followed. Returns the files that had been edited here, and are kept."""
        with _explained(f"Writing to {root}"):
            if self._is_put_as_a_whole(root):
                edited.settle(root)
                self._note.unlink(missing_ok=True)
                return []
            write_json(self._note, {"root": str(root)}, durable=True)
            root.mkdir(parents=True, exist_ok=True)
            make_directories(root, sorted(_parents(plan.copies)))
            kept = edited.keep(root, [*plan.copies, *plan.deletions])
            with Directories(root) as directories:
                for path in sorted(plan.copies):
                    parent, name = directories.find(path)
                    self._move(self.incoming / path, root / path, parent, name)
            remove(root, plan.deletions)
            remove_directories(root, sorted(_parents(plan.deletions), reverse=True))
            shutil.rmtree(self.incoming, ignore_errors=True)
            edited.settle(root)
            self._note.unlink()
            return kept

    def _is_put_as_a_whole(self, root: Path) -> bool:
        if not is_free(root) or root.is_symlink():
            return False
        root.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.incoming.rename(root)
        except OSError as e:
            if e.errno != errno.EXDEV:
                raise
            return False
        return True

    @staticmethod
    def _move(source: Path, target: Path, parent: int, name: str) -> None:
        try:
            os.rename(source, name, dst_dir_fd=parent)
        except OSError as e:
            if e.errno != errno.EXDEV:
                raise
            copy_file(source, target, keep_links_and_times=True)


class _Counter:
    """Turns what rclone says of its progress into steps of a bar."""

    def __init__(self, advance: Advance, total: int | None) -> None:
        self._advance = advance
        self._total = total
        self._done = 0

    def __call__(self, event: Event) -> None:
        stats = event.get("stats")
        if isinstance(stats, dict):
            done = int(stats.get("bytes") or 0)
            if self._total is not None:
                done = min(done, self._total)  # what is sent again is counted again
            self._advance(max(0, done - self._done))
            self._done = max(self._done, done)


def files_below(root: Path) -> Iterator[str]:
    """The paths of all files, relative to ``root``."""
    start = len(os.fspath(root)) + 1
    for directory, _, names in os.walk(root):
        for name in names:
            yield f"{directory}/{name}"[start:]


def _parents(paths: Iterable[str]) -> set[str]:
    """The directories in which files lie, and those in which these do."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


@contextmanager
def _explained(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise explain_os_error(e, doing) from e


def check_replica(name: str, replica: str, deleted: int, count: int, interaction: Interaction) -> None:
    """Ask before more than half of a replica is deleted; raises ConfigurationError if the answer is no."""
    if deleted * 2 <= count:
        return
    question = f"Resource '{name}': sync would delete {deleted} of the {count} files of {replica}. Delete them?"
    if not interaction.confirm(question, default=False, option="--yes"):
        raise ConfigurationError(f"Resource '{name}': nothing was deleted, and nothing copied")
