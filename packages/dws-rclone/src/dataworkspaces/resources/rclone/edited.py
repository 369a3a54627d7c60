"""What somebody here has changed in a replica. A pull that replaces or deletes it keeps it aside."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dataworkspaces.filetree.objects.checkout import Directories
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.move_files import copy_file


class EditedFiles:
    """A file is edited if its status changed (``ctime``, which no program can set) after the last pull was complete.
    Before the first pull every file is.

    :param directory: for what the resource keeps on this machine.
    :param trusts_times: if not, every file counts as edited: where files are compared by size only, an edit can have
        been left alone by the last pull."""

    def __init__(self, directory: Path, *, trusts_times: bool) -> None:
        self._note = directory / "settled.json"
        self._trusts_times = trusts_times
        self.place = directory / "replaced" / datetime.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        """Where those go that are kept, at the same relative paths."""

    def keep(self, root: Path, paths: Iterable[str]) -> list[str]:
        """Move those of ``paths`` that are edited files or links to :attr:`place`, and return them. What is kept from
        an attempt that was killed stays there."""
        settled = self._settled()
        kept = []
        with Directories(root) as directories:
            for path in sorted(paths):
                with suppress(FileNotFoundError):
                    parent, name = directories.find(path)
                    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
                    if status.st_ctime_ns > settled and not stat.S_ISDIR(status.st_mode):
                        self._move(root / path, parent, name, self.place / path)
                        kept.append(path)
        return kept

    def settle(self, root: Path) -> None:
        """All that is in ``root`` now has come with a pull, or is left alone by it."""
        os.utime(root)  # by the clock of its file system, which may be on another machine
        write_json(self._note, {"ctime_ns": root.stat().st_ctime_ns}, durable=True)

    def _settled(self) -> int:
        if not self._trusts_times or not self._note.exists():
            return -1
        value = read_json_object(self._note, "ctime_ns")["ctime_ns"]
        return value if isinstance(value, int) else -1

    @staticmethod
    def _move(source: Path, parent: int, name: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(name, target, src_dir_fd=parent)
        except OSError as e:
            if e.errno != errno.EXDEV:
                raise
            copy_file(source, target, keep_links_and_times=True)
            os.unlink(name, dir_fd=parent)
