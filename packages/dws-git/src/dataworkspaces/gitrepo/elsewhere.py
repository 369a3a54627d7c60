"""A repository at a commit in another directory, that needs nothing of this one.

It is a local clone, whose objects are hard links where the file system has them: they are immutable, so no ``git gc``
here takes away what is needed there, which a clone with ``objects/info/alternates`` or a linked working tree would
suffer from. A copy for a moment borrows them all the same, since links take the longer the more objects there are.
The contents of git-lfs and git-fat go the same way as the links.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from dataworkspaces.errors import NotFoundError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.checks import check_branch_name, check_object_name
from dataworkspaces.gitrepo.identity import is_as_in
from dataworkspaces.gitrepo.layout import git_directories
from dataworkspaces.gitrepo.plumbing import holds
from dataworkspaces.gitrepo.remote import ORIGIN, clone
from dataworkspaces.gitrepo.repository_flush import note_flush
from dataworkspaces.gitrepo.restart import needs_a_look, note_look
from dataworkspaces.gitrepo.restraint import made_here
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace.trust import Consent

_WITHOUT_LARGE_FILES = {"GIT_LFS_SKIP_SMUDGE": "1"}
_KEPT_BESIDE = ("lfs/objects", "fat/objects")
_IDENTITY = ("user.name", "user.email")
_OTHER_IDENTITIES = ("include", "author.", "committer.", "user.useconfigonly", "commit.gpgsign")


def copy_repository(
    source: Path,
    place: Path,
    commit: str,
    branch: str,
    consent: Consent,
    what: str,
    before_checkout: Callable[[], object] = lambda: None,
    *,
    borrow: bool = False,
) -> None:
    """Make ``place``, which is not there or empty, a repository with the history of ``source``, its branch at a commit.

    Its origin is that of ``source``, or ``source`` itself if there is none. Submodules are not filled. Who wants that
    it survives a power cut flushes all of it.

    :param before_checkout: is called when all is there but the files.
    :param borrow: objects stay in ``source``, by ``objects/info/alternates``: for a copy that goes before they do."""
    check_branch_name(branch, what)
    check_object_name(commit, what)
    clone(str(source), place, consent.interaction, what, checkout=False, borrow=borrow)
    link_large_files(source, place)
    _carry_settings(source, place)
    before_checkout()
    # As branches of others do, it begins without a remote to follow.
    arguments = ["checkout", "--quiet", "--force", "--no-track", "-B", branch, commit]
    run_git(place, arguments, env=_WITHOUT_LARGE_FILES, doing=f"Checking out {what}")
    large_files.set_up(place)
    large_files.complete_restore(place, consent)
    made_here(place)
    if not needs_a_look(source):
        note_look(place)
    note_flush(place)


def _carry_settings(source: Path, place: Path) -> None:
    """Who commits, and where the origin is."""
    listed = os.fsdecode(run_git(source, ["config", "--local", "--includes", "--list", "-z"]).stdout)
    settings = dict(record.partition("\n")[::2] for record in listed.split("\0") if record)
    for key in _IDENTITY:
        if settings.get(key):
            run_git(place, ["config", "--local", key, settings[key]])
    url = settings.get(f"remote.{ORIGIN}.url")
    if url:
        run_git(place, ["remote", "set-url", ORIGIN, url])
    if not any(key.startswith(_OTHER_IDENTITIES) for key in settings):
        is_as_in(source, place)


def link_large_files(source: Path, target: Path) -> None:
    """Have in one repository what git-lfs and git-fat keep beside another."""
    for directory in git_directories(source):
        for kept in _KEPT_BESIDE:
            _link_tree(directory / kept, git_directories(target)[-1] / kept)


def check_commit(source: Path, commit: str, what: str) -> None:
    """Raise ConfigurationError if the repository does not hold a commit."""
    check_object_name(commit, what)
    if not holds(source, f"{commit}^{{commit}}"):
        raise NotFoundError(f"{what}: {source} does not hold commit {commit}")


def leave_out(root: Path, relative: str) -> None:
    """Have git ignore a place in this copy alone."""
    from dataworkspaces.gitrepo.ignore_lines import add_lines, ignore_pattern

    exclude = root / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    add_lines(exclude, [ignore_pattern(relative)])


def _link_tree(source: Path, target: Path) -> None:
    """Files of the same name hold the same, and are never written to."""
    if source.is_symlink() or not source.is_dir():
        return
    for directory, _names, files in os.walk(source):
        there = target / Path(directory).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in files:
            if Path(directory, name).is_symlink() or (there / name).exists():
                continue
            try:
                os.link(Path(directory, name), there / name)
            except OSError:  # another file system, or one without hard links
                shutil.copy2(Path(directory, name), there / name)
