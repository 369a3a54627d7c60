"""Texts that come from a workspace's metadata, which may be somebody else's, before they reach git or a path."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.plain_text import has_control_characters
from dataworkspaces.toolbox.names import check_relative_path

_SCHEMES = ("http", "https", "ssh", "git", "git+ssh", "file")
# Compiled where they are needed, which is not in each command.
_PASSWORD = r"(?i)([a-z][a-z0-9+.-]*://)([^\s/:@]*):[^\s/]*@"
_SCP_LIKE = r"(?:[\w.+-]+@)?(?!-)[\w.-]+:(?!//)(?!-).+\Z"
_IGNORED = "[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]"
"""What file systems of macOS leave out when they compare names."""
_METADATA_NAMES = {".git", "git~1", ".dataworkspace"}


def check_subdirectory_path(relative: object, name: str) -> str:
    """Raise ConfigurationError for a path that leads out of the workspace, or into its or git's metadata."""
    if not isinstance(relative, str):
        raise MetadataError(f"Resource '{name}': the place {relative!r} is not a string")
    text = check_relative_path(relative, f"Resource '{name}'")
    if not text or has_control_characters(text) or any(map(_is_metadata, text.split("/"))):
        raise ConfigurationError(f"Resource '{name}': '{text}' cannot be the place of a resource")
    return text


def _is_metadata(part: str) -> bool:
    """Whether some file system takes a name for that of git's or the workspace's metadata."""
    plain = (part if part.isascii() else re.sub(_IGNORED, "", part)).lower()
    return any(piece.partition(":")[0].rstrip(". ") in _METADATA_NAMES for piece in plain.split("\\"))


def check_place_in_workspace(root: Path, relative: str, name: str) -> Path:
    """The local path of a place in the workspace. Raises ConfigurationError if it leads out of it, through a symbolic
    link too, or into its or git's metadata."""
    check_subdirectory_path(relative, name)
    place = root / relative
    real, inside = Path(os.path.realpath(place)), Path(os.path.realpath(root))
    if real == inside or inside not in real.parents or any(map(_is_metadata, real.relative_to(inside).parts)):
        raise ConfigurationError(
            f"Resource '{name}': its place {relative} leads to {real}, which is not a place for it in the workspace"
        )
    return place


def check_scratch_directory(root: Path, relative: object) -> Path:
    """The place of temporary data that the workspace's parameter names. Raises ConfigurationError for one outside."""
    if not isinstance(relative, str):
        raise MetadataError(f"The scratch directory {relative!r} is not a string")
    if Path(relative).is_absolute():
        raise ConfigurationError(
            f"The workspace's scratch directory {relative} lies outside of it", hint="It belongs in local_params.json"
        )
    return root / check_subdirectory_path(os.path.normpath(relative), "scratch directory")


def check_object_name(hashval: str, name: str) -> str:
    """Return ``hashval``; raises ConfigurationError if it is no full hash."""
    if not is_object_name(hashval):
        raise ConfigurationError(f"Resource '{name}': '{hashval[:80]}' is not a git commit hash")
    return hashval


def is_object_name(hashval: str) -> bool:
    """Whether it is a full hash, of whatever."""
    return len(hashval) in (40, 64) and all(c in "0123456789abcdef" for c in hashval)


def check_branch_name(branch: object, name: str) -> None:
    """Raise MetadataError for what could not be a branch, or could be an option."""
    text = branch if isinstance(branch, str) else ""
    bad = not text or text.startswith("-") or text.endswith((".", "/", ".lock")) or ".." in text
    if bad or any(c in " ~^:?*[\\" for c in text) or has_control_characters(text):
        raise MetadataError(f"Resource '{name}': {branch!r} is not a valid git branch name")


def check_url(url: str, name: str) -> None:
    """Raise ConfigurationError for a URL that would make git run a program, or that could be an option."""
    if not _is_safe_url(url):
        raise ConfigurationError(
            f"Resource '{name}': {without_password(url)!r:.200} is not a URL that can be cloned safely"
        )


def _is_safe_url(url: str) -> bool:
    if has_control_characters(url) or url.startswith("-") or "::" in url.split("/", 1)[0]:
        return False
    try:
        split = urlsplit(url)
        host = split.hostname or ""
    except ValueError:
        return False
    if host.startswith("-") or (split.username or "").startswith("-"):
        return False
    return (split.scheme in _SCHEMES and "::" not in url) or url.startswith("/") or bool(re.match(_SCP_LIKE, url))


def check_url_of_user(url: str) -> None:
    """Raise ConfigurationError for a URL on the command line that would make git run a program, or be an option. Any
    local path will do."""
    scheme = url.partition("://")[0] if "://" in url else _SCHEMES[0]
    if url.startswith("-") or "::" in url.split("/", 1)[0] or scheme.lower() not in _SCHEMES:
        raise ConfigurationError(
            f"{without_password(url)!r} is not the URL of a git repository",
            hint=f"Use a path, or a URL that starts with {', '.join(_SCHEMES)}",
        )
    if "://" in url or not is_local_url(url):
        check_url(url, without_password(url))


def is_local_url(url: str) -> bool:
    """Whether a URL names a repository of this machine: a path, or ``file://``."""
    return url.startswith("file:") or ("://" not in url and not re.match(_SCP_LIKE, url))


def without_password(url: str) -> str:
    """The URL as it may be stored and shown."""
    try:
        split = urlsplit(url)
    except ValueError:  # no URL at all
        return without_passwords(url)
    if split.password is None:
        return url
    host = split.netloc.rpartition("@")[2]
    return urlunsplit(split._replace(netloc=f"{split.username}@{host}" if split.username else host))


def without_passwords(text: str) -> str:
    """A text of a program in which URLs may stand, as it may be shown."""
    return re.sub(_PASSWORD, r"\1\2@", text) if "://" in text else text


def absolute_url(url: str, root: Path) -> str:
    """As a clone elsewhere can use it: git takes a relative path from the root of the repository that names it."""
    return os.path.normpath(root / url) if url.startswith(("./", "../")) else url
