"""Large files that are not kept in git itself, but beside it by git-lfs or git-fat.

Repositories of workspaces and of resources are treated alike. Their filters run within git; what runs here is what
they leave to hooks or to the user: getting the contents that a checkout needs, and sending those that a push names.
All of it does nothing in repositories that use neither, and starts no process there if git's index names no
``.gitattributes`` below the root. See ``docs/large-files.md``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, DwsError, ToolError
from dataworkspaces.gitrepo.checks import is_object_name, without_password
from dataworkspaces.gitrepo.layout import git_directory, objects_directory
from dataworkspaces.gitrepo.lfs_server import LFS_CONFIG, check_config_of_tree, check_servers, foreign_servers
from dataworkspaces.gitrepo.lfs_server import address as lfs_address
from dataworkspaces.gitrepo.plumbing import list_named, parse_names, read_blobs
from dataworkspaces.gitrepo.remote import ORIGIN, origin_url
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace.trust import Consent
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

Progress = Callable[[str, int | None, str], AbstractContextManager[Callable[[int], None]]]
"""That of an :class:`~dataworkspaces.workspace.Interaction`."""

ATTRIBUTES = ".gitattributes"
FAT_CONFIG = ".gitfat"
_KNOWN_ATTRIBUTES = (ATTRIBUTES, f"{METADATA_DIR}/{ATTRIBUTES}")
"""These are looked at in any case."""
_LFS_RE = rb"(?m)^[ \t]*[^#\s][^\r\n]*[ \t](?:filter|diff|merge)=lfs\b"
_FAT_RE = rb"(?m)^[ \t]*[^#\s][^\r\n]*[ \t]filter=fat\b"
_LARGEST_ATTRIBUTES = 10_000_000
_PROGRESS_RE = r"(?:download|upload) (\d+)/(\d+) (\d+)/(\d+) "


def uses_lfs(root: Path) -> bool:
    """Whether a ``.gitattributes`` of the working tree, or git's own one for it, names git-lfs."""
    return any(re.search(_LFS_RE, text) for text in _attributes(root))


def uses_fat(root: Path) -> bool:
    """Whether there is a ``.gitfat``, or the root's ``.gitattributes`` names git-fat."""
    return (root / FAT_CONFIG).is_file() or re.search(_FAT_RE, _read(root / ATTRIBUTES)) is not None


def are_used(root: Path) -> bool:
    return uses_lfs(root) or uses_fat(root)


def tree_names_them(root: Path, commit: str) -> bool:
    """The same for a commit that is going to be checked out."""
    files, attributes = _settings_of_tree(root, commit)
    return FAT_CONFIG in files or any(re.search(_LFS_RE, a) or re.search(_FAT_RE, a) for a in attributes)


def _tree_names_lfs(root: Path, commit: str) -> bool:
    return any(re.search(_LFS_RE, text) for text in _settings_of_tree(root, commit)[1])


@lru_cache(maxsize=1)  # a clone asks for those of one commit several times
def _settings_of_commit(root: Path, commit: str) -> tuple[Collection[str], Sequence[bytes]]:
    listed = list_named(root, commit, (ATTRIBUTES, FAT_CONFIG, LFS_CONFIG))
    files = {path: e.name for path, e in listed.items() if e.is_plain_file}  # git follows no links
    attributes = read_blobs(root, [n for p, n in files.items() if p.rpartition("/")[2] == ATTRIBUTES])
    return files.keys(), list(attributes.values())


def _settings_of_tree(root: Path, tree_ish: str) -> tuple[Collection[str], Sequence[bytes]]:
    """The files in which a commit says what keeps large files, and what its files of attributes hold."""
    lasting = _settings_of_commit if is_object_name(tree_ish) else _settings_of_commit.__wrapped__
    return lasting(root, tree_ish)


def check_programs(root: Path) -> None:
    """Raise ConfigurationError if the repository needs a program that is not there. Changes nothing."""
    if uses_lfs(root):
        check_lfs(str(root))
    if uses_fat(root):
        from dataworkspaces import gitfat

        gitfat.check_programs(root)


def check_programs_of_tree(root: Path, commit: str) -> None:
    """The same for a commit that is going to be checked out, or if it would send large files to, or get them from, a
    place that it has no business with. Only git's objects are read."""
    files, attributes = _settings_of_tree(root, commit)
    if any(re.search(_LFS_RE, text) for text in attributes):
        check_lfs(_from_where(root))
        if LFS_CONFIG in files:
            check_config_of_tree(root, commit)
    if FAT_CONFIG in files or any(re.search(_FAT_RE, text) for text in attributes):
        from dataworkspaces import gitfat

        gitfat.check_programs(root)


def check_lfs(what: str) -> None:
    """Raise ConfigurationError if git-lfs is not there.

    :param what: which repository needs it."""
    import shutil  # slow to import

    # Git finds its commands in a directory of its own, too.
    found = shutil.which("git-lfs") is not None or not run_git(Path("/"), ["lfs", "version"], ok=range(256)).returncode
    if not found:
        raise ConfigurationError(
            f"{what} keeps large files in git-lfs, but the program 'git-lfs' was not found",
            hint="Install it (its package is named git-lfs; see https://git-lfs.com), and try again",
        )


def set_up(root: Path) -> None:
    """Give a clone, and the user's account, what git needs to use git-lfs or git-fat here; only what is missing."""
    if uses_lfs(root):
        set_up_lfs(root)
    if uses_fat(root):
        from dataworkspaces import gitfat

        gitfat.set_up(root)


def set_up_lfs(root: Path) -> None:
    """Set up git-lfs, whether or not the repository uses it yet.

    In the user's account these are git-lfs's filters, as by ``git lfs install``; if its configuration cannot be written
    they are set for this repository alone. In the repository, where no other hooks are, these are git-lfs's hooks: a
    ``git push`` by hand has to send large files too."""
    wanted = r"^(filter\.lfs\.(clean|smudge|process)|core\.hookspath)$"
    listed = run_git(root, ["config", "--name-only", "--get-regexp", wanted], ok=(0, 1)).stdout.split()
    if not any(name.startswith(b"filter.") for name in listed):
        _install_filters(root)
    objects = objects_directory(root)
    has_own_hooks = listed.count(b"core.hookspath") > 1  # one is that of run_git
    if objects is not None and not has_own_hooks and not (objects.parent / "hooks" / "pre-push").exists():
        option = f"core.hooksPath={objects.parent / 'hooks'}"
        run_git(root, ["-c", option, "lfs", "update"], ok=(0, 1, 2), doing="Installing the hooks of git-lfs")


def addresses(root: Path) -> list[str]:
    """The places, other than its origin, that a repository has large files kept at: see
    :meth:`dataworkspaces.workspace.Resource.addresses`. None of those that may not be used."""
    found: list[str] = []
    with suppress(DwsError):
        if uses_fat(root):
            from dataworkspaces import gitfat

            found += filter(None, [gitfat.address(root)])
    with suppress(DwsError):
        if uses_lfs(root):
            found += [lfs_address(place) for _key, place in foreign_servers(root, ORIGIN)]
    return found


def fetch(root: Path, consent: Consent, progress: Progress, environment: Mapping[str, str] | None = None) -> None:
    """Get the contents that HEAD's files need from the origin, and put them in the place of pointers. Called again it
    gets what is missing.

    :param consent: that of the workspace, asked before a place is contacted that the repository names.
    :param environment: for git, beside what it has."""
    if uses_lfs(root):
        check_lfs(str(root))
        check_servers(root, ORIGIN, consent, sending=False)
        arguments = ["-c", "lfs.skipdownloaderrors=false", "lfs", "pull", ORIGIN]
        hint = "Solve that and repeat the command: it fetches what is missing"
        _run_lfs(root, arguments, progress, "Getting large files with git-lfs", environment, hint)
    if uses_fat(root):
        from dataworkspaces import gitfat

        gitfat.ask_for_consent(root, consent)
        gitfat.pull(root, progress)


def complete_restore(root: Path, consent: Consent) -> None:
    """After older files have come back: git-fat's are lines of text until their contents are here, and so are git-lfs's
    if it is not set up here, or told to leave them so (``--skip-smudge``). What cannot be had now is told, and comes
    with the next pull."""
    interaction = consent.interaction
    if uses_lfs(root):
        try:
            set_up_lfs(root)
            if pointers(root):
                run_git(root, ["lfs", "checkout"], doing="Restoring large files")
            if pointers(root):
                fetch(root, consent, interaction.progress)
            left = pointers(root)
            why = ""
        except DwsError as e:
            left, why = pointers(root), f": {e.message}"
        if left:
            interaction.warn(
                f"Large files in {root} are not restored, {some(left)} are still pointers{why}. Once they are "
                "available: "
                "git lfs pull"
            )
    if uses_fat(root):
        try:
            from dataworkspaces import gitfat

            gitfat.ask_for_consent(root, consent)
            gitfat.pull(root, interaction.progress)
        except DwsError as e:
            interaction.warn(
                f"Large files in {root} are not restored: {e.message}. Once they are available: git fat pull"
            )


def pointers(root: Path) -> list[str]:
    """Files of HEAD whose contents git-lfs has, and that are pointers to them in the working tree."""
    listed = os.fsdecode(run_git(root, ["lfs", "ls-files"], ok=range(256)).stdout).splitlines()
    fields = [line.split(" ", 2) for line in listed]
    return [path for _oid, mark, path in (field for field in fields if len(field) == 3) if mark == "-"]


def send(
    root: Path,
    remote: str,
    branch: str,
    consent: Consent,
    progress: Progress,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Send the contents that the branch's commits need and the remote may lack; before the commits, so that nobody
    finds a commit without them. The same may be sent twice.

    :param remote: its name, or its URL, which may be a local path.
    :param environment: for git, beside what it has."""
    _send(root, remote, [f"refs/heads/{branch}"], consent, progress, environment, with_lfs=uses_lfs(root))


def send_of_commits(root: Path, remote: str, commits: Sequence[str], consent: Consent, progress: Progress) -> None:
    """The same for commits that no branch has; the working tree may be without what names git-lfs in theirs."""
    with_lfs = uses_lfs(root) or any(_tree_names_lfs(root, commit) for commit in commits)
    _send(root, remote, commits, consent, progress, None, with_lfs=with_lfs)


def _send(
    root: Path,
    remote: str,
    names: Sequence[str],
    consent: Consent,
    progress: Progress,
    environment: Mapping[str, str] | None,
    *,
    with_lfs: bool,
) -> None:
    if with_lfs:
        check_lfs(str(root))
        check_servers(root, remote, consent, sending=True)
        place = Path(remote)
        url = place.as_uri() if place.is_absolute() else remote  # git-lfs takes a path for a remote's name
        arguments = ["-c", "lfs.allowincompletepush=false", "lfs", "push", url, *names]
        hint = "The commits have not been sent yet. Solve that and push again"
        _run_lfs(root, arguments, progress, "Sending large files with git-lfs", environment, hint)
    if uses_fat(root):
        from dataworkspaces import gitfat
        from dataworkspaces.gitfat import commands
        from dataworkspaces.gitfat.repository import FatRepository

        gitfat.ask_for_consent(root, consent)
        # Of all commits, not of HEAD alone: a push may bring several snapshots.
        commands.push(FatRepository.find(root), all_history=True, progress=progress)


def _attributes(root: Path) -> Iterator[bytes]:
    """The texts of all files with attributes that git looks at in a working tree."""
    yield from (_read(root / name) for name in _KNOWN_ATTRIBUTES)
    directory = git_directory(root)
    if directory is None:
        return
    objects = objects_directory(root)
    yield _read((directory if objects is None else objects.parent) / "info" / "attributes")
    if _index_may_name_attributes(directory):
        arguments = ["--no-literal-pathspecs", "ls-files", "-z", "--", f":(glob)**/{ATTRIBUTES}"]
        for path in parse_names(run_git(root, arguments, doing="Listing files").stdout):
            if path not in _KNOWN_ATTRIBUTES:
                yield _read(root / path)


def _index_may_name_attributes(directory: Path) -> bool:
    """Whether it names any but the known ones. Versions 2 and 3 hold each path in full, behind its length, in one file
    if the index is not split."""
    try:
        index = (directory / "index").read_bytes()
    except OSError:
        return False
    known = sum(index.count(b"\0%c%s\0" % (len(name), name.encode())) for name in _KNOWN_ATTRIBUTES)
    named = index.count(ATTRIBUTES.encode()) > known
    return named or index[7:8] not in b"\2\3" or any(directory.glob("sharedindex.*"))


def _read(path: Path) -> bytes:
    """A file with attributes; empty for what git would not read as one either."""
    with suppress(OSError):
        if not path.is_symlink() and path.is_file():
            with path.open("rb") as file:
                return file.read(_LARGEST_ATTRIBUTES)
    return b""


def _from_where(root: Path) -> str:
    """What to call a repository that may lie in a temporary directory."""
    url = origin_url(root)
    return str(root) if url is None else without_password(url)


def _install_filters(root: Path) -> None:
    doing = "Setting up git-lfs"
    try:
        run_git(root, ["lfs", "install", "--skip-repo"], doing=doing)
    except ToolError:  # a home that cannot be written to
        run_git(root, ["lfs", "install", "--local", "--skip-repo"], doing=doing)


def _run_lfs(
    root: Path,
    arguments: Sequence[str],
    progress: Progress,
    description: str,
    environment: Mapping[str, str] | None,
    hint: str,
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="dws-") as temporary, progress(description, 100, "%") as advance:
        told = Path(temporary) / "progress"
        with _watching(told, advance):
            try:
                env = {**(environment or {}), "GIT_LFS_PROGRESS": str(told)}
                run_git(root, arguments, env=env, doing=description)
            except ToolError as e:
                raise ToolError(e.message, hint=e.hint or hint, output=e.output) from e


@contextmanager
def _watching(told: Path, advance: Callable[[int], None]) -> Iterator[None]:
    """Move a bar to 100 by what git-lfs writes to a file."""
    from threading import Event, Thread

    ended = Event()

    def watch() -> None:
        shown = 0
        while not ended.wait(0.2):
            with suppress(Exception):  # a bar that cannot be drawn
                now = _percent(told.read_text(encoding="utf-8", errors="replace").splitlines())
                advance(max(0, now - shown))
                shown = max(now, shown)
        with suppress(Exception):
            advance(100 - shown)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _percent(lines: Iterable[str]) -> int:
    """How much is done, by the last line ``DIRECTION FILE/FILES BYTES/BYTES NAME``."""
    found = next((m for line in reversed(list(lines)) if (m := re.match(_PROGRESS_RE, line))), None)
    if found is None:
        return 0
    file, files, done, size = map(int, found.groups())
    return min(100, int(100 * (file - 1 + (done / size if size else 1)) / files)) if files else 0
