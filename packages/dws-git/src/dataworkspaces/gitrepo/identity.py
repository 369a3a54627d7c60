"""Whether git knows who commits, and can sign commits if it has to, before anything is changed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.process import explain
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import write_bytes

_HINT = (
    'Tell git who you are: git config --global user.name "Your Name" && git config --global user.email you@example.com'
)
_CHECKED_FILE = "identity"
_SIGNS = "signs"
_HAVE_SIGNED: set[Path] = set()


def check_identity(root: Path) -> None:
    """Raise ConfigurationError if a commit in the repository ``root`` would fail because git has no identity, or cannot
    sign.

    Git is asked once; its yes is remembered until a file or variable that it depends on changes. Where it signs, that
    is tried by each process: a key may have expired, or nobody may be there to unlock it."""
    known = _remembered(root)
    if known is not None:
        if known.signs:
            _check_signing(root)
        return
    try:
        run_git(_place(root), ["var", "GIT_COMMITTER_IDENT"])
        author = _name_in(run_git(_place(root), ["var", "GIT_AUTHOR_IDENT"]).stdout)
    except ToolError as e:
        if not e.output or "bad config" in e.output:
            raise  # git could not be asked
        raise ConfigurationError("Git does not know who you are, so nothing can be committed", hint=_HINT) from e
    does_sign = signs_commits(root)
    if does_sign:
        _check_signing(root)
    _remember(root, _Known(author, does_sign))


def signs_commits(root: Path) -> bool:
    """Whether git signs the commits in a repository. Git is asked: of a file that another one includes nobody would see
    that it has changed."""
    told = run_git(_place(root), ["config", "--type=bool", "--get", "commit.gpgSign"], ok=range(256)).stdout
    return told.strip() == b"true"


def author_name(root: Path) -> str:
    """The name that commits of this user have as their author's; "" if git knows none."""
    known = _remembered(root)
    if known is not None:
        return known.author
    told = run_git(_place(root), ["var", "GIT_AUTHOR_IDENT"], ok=range(256))
    return _name_in(told.stdout) if told.returncode == 0 else ""


def is_as_in(source: Path, root: Path) -> None:
    """Who commits in a copy is who commits in ``source``: it has the same settings. Git is not asked again."""
    known = _remembered(source)
    if known is not None and not known.signs and not _depends_on_place():
        _remember(root, known)


# -- what git has said -----------------------------------------------------------------------------------------------


class _Known(NamedTuple):
    author: str
    signs: bool


def _remembered(root: Path) -> _Known | None:
    directory = git_directory(root)
    if directory is None:
        return None
    state, *lines = _read(directory / "dws" / _CHECKED_FILE).split("\n")
    if len(lines) != 2 or state != _state(directory):
        return None
    return _Known(author=lines[1], signs=lines[0] == _SIGNS)


def _remember(root: Path, known: _Known) -> None:
    directory = git_directory(root)
    if directory is None:
        return
    with suppress(OSError):  # a read-only disk; asking git again is all that it costs
        (directory / "dws").mkdir(exist_ok=True)
        text = "\n".join([_state(directory), _SIGNS if known.signs else "", known.author])
        write_bytes(directory / "dws" / _CHECKED_FILE, text.encode("utf-8"), is_cache=True)


def _name_in(ident: bytes) -> str:
    """No name of git's holds a line break."""
    return ident.decode("utf-8", "replace").partition(" <")[0].strip()


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


def _state(directory: Path) -> str:
    import hashlib

    parts = [
        f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith("GIT_") or k in ("EMAIL", "HOME", "USER")
    ]
    own = directory / "config"
    named = {str(file): file for file in _user_files()}
    named[str(own) if _depends_on_place() else own.name] = own  # the repository may move to another place
    for name, file in named.items():
        try:
            stat = file.stat()
            parts.append(f"{name}:{stat.st_mtime_ns}:{stat.st_size}")
        except OSError:
            parts.append(f"{name}:none")
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _user_files() -> list[Path]:
    home = Path(os.environ.get("HOME", "/"))
    return [
        Path("/etc/gitconfig"),
        Path(os.environ.get("GIT_CONFIG_GLOBAL", home / ".gitconfig")),
        Path(os.environ.get("XDG_CONFIG_HOME", home / ".config")) / "git" / "config",
    ]


def _depends_on_place() -> bool:
    """Whether the settings of a repository may be others at another place (``includeIf``)."""
    return any("[include" in _read(file).lower() for file in _user_files())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
