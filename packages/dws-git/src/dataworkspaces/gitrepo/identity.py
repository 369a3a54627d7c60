"""Whether git knows who commits, and can sign commits if it has to, before anything is changed."""

from __future__ import annotations

import os
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.process import explain
from dataworkspaces.gitrepo.run import run_git

_HINT = (
    'Tell git who you are: git config --global user.name "Your Name" && git config --global user.email you@example.com'
)
_CHECKED_FILE = "identity"
_SIGNS = "\nsigns"
_HAVE_SIGNED: set[Path] = set()


def check_identity(root: Path) -> None:
    """Raise ConfigurationError if a commit in the repository ``root`` would fail because git has no identity, or cannot
    sign.

    Git is asked once; its yes is remembered until a file or variable that it depends on changes. Where it signs, that
    is tried by each process: a key may have expired, or nobody may be there to unlock it."""
    directory = git_directory(root)
    state = _state(directory)
    remembered = directory / "dws" / _CHECKED_FILE if directory is not None else None
    if remembered is not None and _read(remembered) == state:
        return
    if remembered is not None and _read(remembered) == state + _SIGNS:
        _check_signing(root)
        return
    try:
        run_git(_place(root), ["var", "GIT_COMMITTER_IDENT"])
        run_git(_place(root), ["var", "GIT_AUTHOR_IDENT"])
    except ToolError as e:
        if not e.output or "bad config" in e.output:
            raise  # git could not be asked
        raise ConfigurationError("Git does not know who you are, so nothing can be committed", hint=_HINT) from e
    signs = run_git(_place(root), ["config", "--type=bool", "--get", "commit.gpgSign"], ok=range(256)).stdout
    if signs.strip() == b"true":
        _check_signing(root)
        state += _SIGNS
    if remembered is not None:
        try:
            remembered.parent.mkdir(exist_ok=True)
            remembered.write_text(state, encoding="utf-8")
        except OSError:
            pass  # a read-only disk; asking git again is all that it costs


def author_name(root: Path) -> str:
    """The name that commits of this user have as their author's; "" if git knows none."""
    told = run_git(_place(root), ["var", "GIT_AUTHOR_IDENT"], ok=range(256))
    ident = told.stdout.decode("utf-8", "replace") if told.returncode == 0 else ""
    return ident.partition(" <")[0].strip()


def _place(root: Path) -> Path:
    return root if root.is_dir() else Path.cwd()


def _check_signing(root: Path) -> None:
    """Sign a commit that nobody gets to see."""
    import tempfile

    from dataworkspaces.gitrepo.contents import objects_elsewhere

    if root in _HAVE_SIGNED or git_directory(root) is None:
        return
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        env = objects_elsewhere(root, Path(temporary) / "objects")
        tree = run_git(root, ["hash-object", "-w", "-t", "tree", "--stdin"], stdin=b"", env=env).stdout
        try:
            run_git(root, ["commit-tree", "-S", "-m", "can git sign?", tree.decode("ascii").strip()], env=env)
        except ToolError as e:
            raise ConfigurationError(
                f"Git is configured to sign commits in {root} (commit.gpgSign), but cannot: {explain(e.output)[0]}",
                hint="Make sure that 'git commit' works by hand, or turn signing off: git config commit.gpgSign false",
            ) from e
    _HAVE_SIGNED.add(root)


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
