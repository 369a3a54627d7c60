"""What the configuration of a repository itself can make git do for us: run programs, read other files, contact others.

No clone brings a configuration, but an archive does. A list of what is known to be harmless, and not of what is not:
git has some forty keys that name programs (``core.fsmonitor``, ``filter.X.clean``, ``diff.external``, ...), and gets
new ones. What only commands do that we never call (aliases, editors, pagers, hooks: see :mod:`.run`) is harmless here.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ToolError
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.process import run
from dataworkspaces.toolbox.regular import is_present

_ANY_VALUE = re.compile(
    r"""
      core\.(?:logallrefupdates|precomposeunicode|autocrlf|eol|safecrlf|sharedrepository|fsync|fsyncmethod|abbrev
        |whitespace|checkstat|excludesfile|attributesfile|commentchar|commentstring|hookspath|editor|pager|notesref
        |checkroundtripencoding|createobject|splitindex|untrackedcache|deltabasecachelimit|bigfilethreshold)
    | (?:user|author|committer)\.[a-z]+
    | remote\..+\.(?:url|pushurl|fetch|push|tagopt|prune|prunetags|mirror|skipdefaultupdate|skipfetchall|promisor
        |partialclonefilter|followremotehead|gh-resolved)
    | remote\.pushdefault
    | remotes\..+
    | branch\..+\.(?!mergeoptions$)[a-z-]+
    | branch\.(?:autosetupmerge|autosetuprebase|sort)
    | extensions\.[a-z]+
    | (?:gc|maintenance)\.(?!recentobjectshook$)[a-z.]+
    | (?:advice|color|column|commitgraph|feature|index|log|pack|pull|push|rebase|rerere|stash|status|format|i18n|blame
        |grep|help|apply|am|add|checkout|clean|commit|describe|diffcolor|fastimport|fmt-merge-msg|gitcvs|gitweb|gui|gitk
        |guitool|imap|instaweb|interactive|mailinfo|mailmap|man|merge-tree|notes|pager|pretty|receive|reftable|repack
        |sendemail|sequence|showbranch|sparse|switch|tag|versionsort|web|worktree|browser|tar|difftool|mergetool|init
        |safe|bitmap-pseudo-merge|bitmappseudomerge|alias)
        \..+
    | gpg\.(?:format|mintrustlevel)
    | fetch\.(?!uriprotocols$|bundleuri$).+
    | merge\.(?:ff|log|conflictstyle|renames|renamelimit|stat|autostash|verbosity|directoryrenames|tool|guitool)
    | merge\..+\.(?:name|recursive)
    | diff\.(?!external$)[a-z]+
    | diff\..+\.(?:xfuncname|funcname|wordregex|algorithm|binary|cachetextconv)
    | submodule\.(?:.+\.)?(?:url|active|branch|ignore|recurse|fetchjobs|propagatebranches|alternate[a-z]+)
    | filter\..+\.required
    | lfs\.(?:repositoryformatversion|fetchinclude|fetchexclude)
    | lfs\..+\.(?:access|locksverify)
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"true|false|yes|no|on|off||[-+]?[0-9]+[kmg]?|auto|always|never", re.IGNORECASE)
"""A value that names neither a program nor a place; but of some keys even that opens a door."""
_NEVER_PLAIN = re.compile(
    r"(?:http|protocol|transfer|url|uploadpack|include|includeif|ssh|trailer)\..*|core\.(?:protect.*|worktree|sshcommand"
    r"|askpass|gitproxy|alternaterefscommand)|alias\.lfs|.*\.(?:clean|smudge|process|driver|command|textconv|program"
    r"|helper|cmd|path|vcs|uploadpack|receivepack|update)"
)
_GIT_FAT = rf"(?:git-fat|{re.escape(shlex.quote(sys.executable))} -m dataworkspaces\.gitfat)"
_VALUES = {
    "filter.lfs.clean": re.compile(r"git-lfs clean -- %f"),
    "filter.lfs.smudge": re.compile(r"git-lfs smudge (?:--skip )?-- %f"),
    "filter.lfs.process": re.compile(r"git-lfs filter-process(?: --skip)?"),
    "filter.fat.clean": re.compile(_GIT_FAT + " filter-clean"),
    "filter.fat.smudge": re.compile(_GIT_FAT + " filter-smudge"),
    "filter.fat.process": re.compile(_GIT_FAT + " filter-process"),
}


@dataclass(frozen=True)
class Setting:
    """:ivar repository: the root of its working tree.
    :ivar key: as git lists it: the section and the name in small letters."""

    repository: Path
    key: str
    value: str


def find_settings(root: Path) -> tuple[list[Setting], list[Path]]:
    """The settings of all repositories at and below ``root`` that are not known to be harmless, and these repositories.
    Git looks into those below when it tells the state of the one around."""
    repositories = list(_repositories(root))
    return [setting for repository in repositories for setting in _settings_of(repository)], repositories


def is_harmless(key: str, value: str) -> bool:
    known = _VALUES.get(key)
    if known is not None:
        return known.fullmatch(value) is not None
    if key == "alias.lfs":  # the one command of ours that is not part of git
        return False
    if _ANY_VALUE.fullmatch(key) is not None:
        return True
    return _PLAIN.fullmatch(value) is not None and _NEVER_PLAIN.fullmatch(key) is None


def switched_off(settings: Iterable[Setting]) -> list[str]:
    """Options with which git runs none of the programs that its reading commands would."""
    options = ["-c", "core.fsmonitor=false", "-c", "diff.external="]
    for key in dict.fromkeys(setting.key for setting in settings):
        section, _, name = key.rpartition(".")
        if section.startswith("filter.") and name in ("clean", "smudge", "process"):
            options += ["-c", f"{key}=", "-c", f"{section}.required=false"]
        elif section.startswith("diff.") and name in ("command", "textconv"):
            options += ["-c", f"{key}="]
    return options


def _settings_of(repository: Path) -> Iterator[Setting]:
    """Git itself reads them, with what they include: to run no program is for that no matter. Raises ToolError where
    git cannot be run, or cannot read its configuration."""
    scopes = ["--local"]
    own = git_directory(repository)
    if own is not None and is_present(own / "config.worktree"):
        scopes.append("--worktree")
    for scope in scopes:
        try:
            listed = run(repository, ["config", scope, "--includes", "--list", "-z"]).stdout
        except ToolError as e:
            if scope == "--local":
                raise
            yield Setting(repository, "configuration", f"cannot be read ({e.message:.100})")
            continue
        for entry in listed.split(b"\0"):
            key, found, value = os.fsdecode(entry).partition("\n")
            if key == "core.worktree" and own is not None and _is_where_it_is(repository, own, value):
                continue
            if key and not is_harmless(key, value if found else "true"):
                yield Setting(repository, key, value)


def _is_where_it_is(repository: Path, own: Path, worktree: str) -> bool:
    """Git writes into each submodule where its files are; elsewhere it would take other files for those."""
    return os.path.realpath(own / worktree) == os.path.realpath(repository)


def _repositories(root: Path) -> Iterator[Path]:
    """Directories that have a ``.git``; none is looked for in a git directory itself."""
    yield root
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        for entry in _entries(directory):
            try:
                is_directory = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if entry.name.lower() == ".git":
                if directory != root and git_directory(directory) is not None:
                    yield directory
            elif is_directory:
                waiting.append(Path(entry.path))


def _entries(directory: Path) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return ()
