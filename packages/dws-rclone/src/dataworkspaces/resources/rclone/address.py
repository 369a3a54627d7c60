"""``REMOTE:PATH``: where files are, as rclone writes it. The text may come from somebody else's workspace."""

from __future__ import annotations

import re
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.plain_text import has_control_characters

_NAME_RE = re.compile(r"[\w.+@](?:[\w.+@ -]*[\w.+@-])?\Z")


class Address(NamedTuple):
    """A place at a remote, whose name stands in a configuration of rclone."""

    remote: str
    path: str

    def __str__(self) -> str:
        return f"{self.remote}:{self.path}"

    def below(self, relative: str) -> Address:
        """A place below this one; ``relative`` is a plain relative path, or ""."""
        if not relative:
            return self
        separator = "" if not self.path or self.path.endswith("/") else "/"
        return Address(self.remote, f"{self.path}{separator}{relative}")


def parse_address(text: str) -> Address:
    """Raises ConfigurationError for what is no plain ``REMOTE:PATH``: an option, a local path, or a connection string,
    which could make rclone run any program."""
    name, colon, path = text.partition(":")
    if is_connection_string(text):
        raise ConfigurationError(
            f"{text!r:.200} is a connection string, which could make rclone run any program",
            hint="Give the remote a name: rclone config create NAME TYPE …; then use NAME:PATH",
        )
    if not colon or "/" in name:
        raise ConfigurationError(
            f"{text!r:.200} names no remote of rclone",
            hint="Write REMOTE:PATH. 'rclone config' creates remotes, also for directories on this machine",
        )
    if not _NAME_RE.match(name) or has_control_characters(path):
        raise ConfigurationError(f"{text!r:.200} is not a REMOTE:PATH that rclone understands")
    return Address(name, path)


def is_connection_string(text: str) -> bool:
    """Whether rclone takes options for a remote from a text: ``:TYPE,KEY=VALUE:PATH`` or ``NAME,KEY=VALUE:PATH``."""
    return text.startswith(":") or "," in text.partition(":")[0].partition("/")[0]
