"""Whether git knows who commits, before anything is changed."""

from __future__ import annotations

import os
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.run import run_git

_HINT = (
    'Tell git who you are: git config --global user.name "Your Name" && git config --global user.email you@example.com'
)
_CHECKED_FILE = "identity"


def check_identity(root: Path) -> None:
    """Raise ConfigurationError if a commit in the repository ``root`` would fail because git has no identity.

    Git is asked once; its yes is remembered until a file or variable that it depends on changes."""
    directory = git_directory(root)
    state = _state(directory)
    remembered = directory / "dws" / _CHECKED_FILE if directory is not None else None
    if remembered is not None and _read(remembered) == state:
        return
    try:
        run_git(root if root.is_dir() else Path.cwd(), ["var", "GIT_COMMITTER_IDENT"])
        run_git(root if root.is_dir() else Path.cwd(), ["var", "GIT_AUTHOR_IDENT"])
    except ToolError as e:
        raise ConfigurationError("Git does not know who you are, so nothing can be committed", hint=_HINT) from e
    if remembered is not None:
        try:
            remembered.parent.mkdir(exist_ok=True)
            remembered.write_text(state, encoding="utf-8")
        except OSError:
            pass  # a read-only disk; asking git again is all that it costs


def _state(directory: Path | None) -> str:
    import hashlib

    home = Path(os.environ.get("HOME", "/"))
    files = [
        Path("/etc/gitconfig"),
        Path(os.environ.get("GIT_CONFIG_GLOBAL", home / ".gitconfig")),
        Path(os.environ.get("XDG_CONFIG_HOME", home / ".config")) / "git" / "config",
    ]
    if directory is not None:
        files.append(directory / "config")
    parts = [
        f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith("GIT_") or k in ("EMAIL", "HOME", "USER")
    ]
    for file in files:
        try:
            stat = file.stat()
            parts.append(f"{file}:{stat.st_mtime_ns}:{stat.st_size}")
        except OSError:
            parts.append(f"{file}:none")
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
