"""The versions of a resource that a restore replaced. No snapshot may hold them; their content is kept for a while."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.atomic import read_json_list, write_json
from dataworkspaces.workspace.kept_versions import ReplacedVersion


class ReplacedVersions:
    """A list in a file, the newest last. The file may be missing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[ReplacedVersion]:
        """Raises MetadataError if the file is damaged."""
        if not self._path.exists():
            return []
        try:
            return [
                ReplacedVersion(str(entry["version"]), datetime.fromisoformat(entry["time"]), str(entry["by"]))
                for entry in read_json_list(self._path)
            ]
        except (KeyError, TypeError, ValueError) as e:
            raise MetadataError(f"{self._path} is damaged: {e!r}", hint="Remove it to forget what it lists") from e

    def add(self, version: str, time: datetime, by: str) -> None:
        """Note a version once more: it moves to the end."""
        others = [entry for entry in self.all() if entry.version != version]
        self._write([*others, ReplacedVersion(version, time, by)])

    def forget_before(self, time: datetime) -> list[ReplacedVersion]:
        """Forget what was replaced before; returns that."""
        entries = self.all()
        old = [entry for entry in entries if entry.time < time]
        if old:
            self._write([entry for entry in entries if entry.time >= time])
        return old

    def _write(self, entries: list[ReplacedVersion]) -> None:
        data = [{"version": e.version, "time": e.time.isoformat(), "by": e.by} for e in entries]
        write_json(self._path, data, durable=True)
