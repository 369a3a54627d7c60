"""Running rclone: the only module that does.

A command is a list of arguments; what comes from outside stands behind ``--`` and is no option by its form. rclone
reports in JSON, a line an event, on its standard error.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, Any, TypeVar

from dataworkspaces.errors import ToolError, UnavailableError
from dataworkspaces.resources.rclone.environment import is_let_through
from dataworkspaces.resources.rclone.program import find_rclone
from dataworkspaces.toolbox.logs import log

Event = dict[str, Any]
Watch = Callable[[Event], None]
NOT_FOUND = (3, 4)
"""Exit statuses: a directory, or a file, is not there."""
_OPTIONS = ("--use-json-log", "--log-file=", "--ask-password=false")
_TEXT_RE = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")
_PASSWORD_RE = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@]*@", re.IGNORECASE)
T = TypeVar("T")
_PARTIAL_RE = re.compile(r"\.[0-9a-f]{8}\.partial\Z")
"""The name under which a file is written."""
_ERRORS = ("error", "critical", "fatal", "emergency", "alert", "panic")
_KEPT_LINES = 200


@dataclass
class Report:
    """What a run of rclone said.

    :ivar failed: by path, why a file could not be dealt with at the last attempt.
    :ivar errors: what is wrong, but with no file alone.
    :ivar last_words: why it ended, as it says at the end, whatever it said before.
    """

    status: int = 0
    output: bytes = b""
    failed: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    last_words: str = ""

    def take(self, event: Event) -> None:
        text = without_passwords(str(event.get("msg", "")).strip())
        if text.startswith("Failed to ") and "object" not in event:
            self.last_words = text
        if event.get("level") not in _ERRORS or not text:
            return
        if text.startswith("Attempt ") and "failed with" in text:
            first, _, last = text.split(" ", 2)[1].partition("/")
            if first != last:  # all of it is done again
                self.failed.clear()
                self.errors.clear()
        elif "object" in event and event.get("objectType") != "string" and "Fs" not in str(event.get("objectType")):
            self.failed.setdefault(_PARTIAL_RE.sub("", str(event["object"])), text)
        elif len(self.errors) < _KEPT_LINES:
            self.errors.append(text)

    @property
    def reason(self) -> str:
        """In one line."""
        told = [*self.errors, *self.failed.values(), self.last_words]
        return _PREFIX_RE.sub("", told[0]) if told[0] else f"rclone ended with status {self.status}"


_PREFIX_RE = re.compile(
    r"Failed to (?:create file system for \"[^\"]*\""
    r"|\w+)(?: with \d+ errors: last error was)?: (?:error in ListJSON: )?"
)


class RemoteError(ToolError, UnavailableError):
    """rclone could not do what it was told: whether something is at the remote is not known."""


@dataclass(frozen=True)
class Rclone:
    """rclone with a configuration.

    :ivar config: its file; None is the one that rclone finds by itself.
    :ivar is_shared: others can change it, so that no credentials of the environment go where it says."""

    config: Path | None = None
    is_shared: bool = False

    def run(
        self,
        command: Sequence[str],
        places: Sequence[str] = (),
        *,
        level: str = "NOTICE",
        watch: Watch | None = None,
    ) -> Report:
        """Run a command and return what it said, whatever its status. ``watch`` is told each event."""
        line = self._line(command, places, level)
        report = Report()

        def take(event: Event) -> None:
            report.take(event)
            if watch is not None:
                watch(event)

        with self._start(line) as process:
            assert process.stderr is not None
            assert process.stdout is not None
            reader = Thread(target=_read_events, args=(process.stderr, take), daemon=True)
            reader.start()
            try:
                report.output = process.stdout.read()
                reader.join()
            except BaseException:
                process.terminate()
                raise
        report.status = process.returncode
        return report

    def read(self, command: Sequence[str], places: Sequence[str] = (), *, doing: str) -> bytes:
        """What a command writes to its standard output; raises ToolError, which begins with ``doing``."""
        report = self.run(command, places)
        if report.status != 0:
            raise self.error(report, f"{doing} failed")
        return report.output

    def open(self, command: Sequence[str], places: Sequence[str]) -> subprocess.Popen[bytes]:
        """A command that runs while its output is read. What it says goes to its standard error as it is."""
        return self._start(self._line(command, places, "ERROR"))

    def error(self, report: Report, what: str) -> RemoteError:
        """The error for a run that failed."""
        text = "\n".join([*report.errors, *(f"{path}: {why}" for path, why in report.failed.items())])
        return RemoteError(f"{what}: {report.reason}", hint=self._hint(text), output=text or report.last_words)

    def _line(self, command: Sequence[str], places: Sequence[str], level: str) -> list[str]:
        config = [] if self.config is None else [f"--config={self.config}"]
        return [find_rclone(), *command, *_OPTIONS, f"--log-level={level}", *config, "--", *places]

    def _start(self, line: list[str]) -> subprocess.Popen[bytes]:
        log.debug("%s", without_passwords(" ".join(line)))
        has_config = self.config is not None
        environment = {
            name: value
            for name, value in os.environ.items()
            if is_let_through(name, value, has_config=has_config, is_shared=self.is_shared)
        }
        pipe = subprocess.PIPE
        try:
            # A relative place of a remote is none on this machine that happens to be the current directory.
            return subprocess.Popen(line, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        except OSError as e:
            raise ToolError(f"{line[0]} cannot be run: {e.strerror}") from e

    def _hint(self, text: str) -> str | None:
        if "didn't find section in config file" in text:
            return f"'rclone config' creates remotes; rclone looked in {self.config or 'its default configuration'}"
        if "decrypt configuration" in text or "config password" in text.lower():
            return "The configuration is encrypted: set RCLONE_CONFIG_PASS, or RCLONE_PASSWORD_COMMAND"
        if "no space left" in text.lower():
            return "Free some space and try again"
        return None


def without_passwords(text: str) -> str:
    return _PASSWORD_RE.sub(r"\1", text)


def parse_answer(output: bytes, kind: type[T], doing: str) -> T:
    """The JSON that a command of rclone has written; raises RemoteError, which begins with ``doing``, for anything but
    a ``kind``."""
    try:
        found = json.loads(output)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, kind):
        raise RemoteError(f"{doing} failed: rclone gave an unexpected answer", output=_start_of(output))
    return found


def _start_of(output: bytes) -> str:
    return output[:2000].decode("utf-8", "replace")


def size_of(value: object) -> int:
    """A size that rclone tells; 0 for what is none, as of a directory in a bucket."""
    return value if isinstance(value, int) and value > 0 else 0


def parse_event(line: bytes) -> Event:
    """An event; of a line that is not JSON, as rclone writes before and after it reads its options, an error."""
    text = line.decode("utf-8", "replace").strip()
    with suppress(ValueError, RecursionError):
        event = json.loads(text)
        if isinstance(event, dict):
            return event
    is_debug = " DEBUG" in text or " INFO" in text or " NOTICE" in text
    return {"level": "notice" if is_debug else "error", "msg": _TEXT_RE.sub("", text)}


def _read_events(stream: IO[bytes], take: Watch) -> None:
    for line in stream:
        if line.strip():
            take(parse_event(line))
