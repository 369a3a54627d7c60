"""References of git, and HEAD, that a power cut left empty, are written again.

The reflog says what a reference was. It may be older than what was lost, so the index is asked too: a commit
that nobody refers to, that comes after the one of the reflog and holds what the index holds, was the latest. Where
nothing says it for certain, nothing is written, and the commits are named among which only a person can choose.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import StorageError, UnavailableError
from dataworkspaces.gitrepo.damaged_references import damaged_references, is_blank, is_damaged_reference
from dataworkspaces.gitrepo.layout import git_directories, git_directory, packed_references
from dataworkspaces.gitrepo.plumbing import holds, holds_any, read_alone
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.regular import read_regular

_ENTRY = rb"[0-9a-f]{40,64} ([0-9a-f]{40,64}) [^\t]*\t?(.*)"
_SWITCHED = r"checkout: moving from .* to (.+)|Branch: renamed .+ to (?:refs/heads/)?(.+)"
_NAMED_FOR_OBJECT = r"refs/dws/\w+/([0-9a-f]{40}(?:[0-9a-f]{24})?)"


class _Repository(NamedTuple):
    """:ivar own: the git directory of the working tree.
    :ivar shared: that of all its working trees, where the references are."""

    root: Path
    own: Path
    shared: Path


def mend_head(root: Path) -> list[str]:
    """Without git, which takes no directory for a repository whose HEAD is damaged. Says what was done."""
    repository = _repository(root)
    if repository is None or not is_damaged_reference(repository.own / "HEAD"):
        return []
    content = _lost_head(repository)
    if content is None:
        branches = some(sorted(_branches(repository)))
        raise StorageError(
            f"The HEAD of {root} is damaged, and nothing records which branch was checked out",
            hint="Write it, for example for the branch main: printf 'ref: refs/heads/main\\n' > "
            f"{repository.own / 'HEAD'}" + (f" (branches: {branches})" if branches else ""),
        )
    _write(repository, repository.own / "HEAD", content)
    return [f"HEAD is {content.removeprefix('ref: refs/heads/')}, as its log says"]


def mend_references(root: Path) -> list[str]:
    """The others, once HEAD is good and the objects are there. Says what became of each."""
    repository = _repository(root)
    if repository is None:
        return []
    damaged = [path for path in damaged_references(root) if path != repository.own / "HEAD"]
    for path in damaged:
        if path.exists() and not path.is_file():  # a pipe, for which git would wait
            _set_aside(repository, path)
    packed, config = repository.shared / "packed-refs", repository.shared / "config"
    said = []
    if config in damaged:
        said.append(_mend_config(repository))
    paths = {path for path in damaged if path not in (packed, config)}
    if packed in damaged:
        paths |= {path for path in _logged(repository.shared) if not path.exists()}
    said += [_mend_one(repository, path) for path in sorted(paths)]
    if packed in damaged:
        said += _mend_tags(repository)
        _remove(repository, packed)
        said.append("packed references without a log are lost: git fetch --tags origin, if there were tags")
    return said


def _repository(root: Path) -> _Repository | None:
    own = git_directory(root)
    return None if own is None else _Repository(root, own, git_directories(root)[-1])


def _logged(directory: Path) -> Iterator[Path]:
    """References that have a log: git removes it with the reference."""
    logs = directory / "logs"
    for place, _, names in os.walk(logs / "refs"):
        yield from (directory / (Path(place) / name).relative_to(logs) for name in names)


def _entries(log: Path) -> list[tuple[str, str]]:
    """What a reference became, and why; oldest first."""
    try:
        lines = read_regular(log).splitlines()
    except OSError:
        return []
    found = [match for line in lines if (match := re.fullmatch(_ENTRY, line)) is not None]
    return [(match[1].decode("ascii"), match[2].decode("utf-8", "replace")) for match in found]


def _branches(repository: _Repository) -> set[str]:
    places = [repository.shared / "refs" / "heads", repository.shared / "logs" / "refs" / "heads"]
    found = {str((Path(d) / name).relative_to(place)) for place in places for d, _, names in os.walk(place)
             for name in names if not name.endswith(".lock") and name[0] != "."}  # fmt: skip
    with suppress(UnavailableError):
        text = packed_references(repository.shared)
        found |= {m[1] for m in re.finditer(r"^[0-9a-f]{40,64} refs/heads/(.+)$", text, re.MULTILINE)}
    return found


def _lost_head(repository: _Repository) -> str | None:
    entries, branches = _entries(repository.own / "logs" / "HEAD"), _branches(repository)
    for _, why in reversed(entries):
        if match := re.fullmatch(_SWITCHED, why):
            branch = match[1] or match[2]
            return f"ref: refs/heads/{branch}" if branch in branches else entries[-1][0]
    if len(branches) == 1:
        return f"ref: refs/heads/{branches.pop()}"
    same = [branch for branch in branches if entries and _log_of(repository, branch)[-1:] == entries[-1:]]
    return f"ref: refs/heads/{same[0]}" if len(same) == 1 else None


def _log_of(repository: _Repository, branch: str) -> list[tuple[str, str]]:
    return _entries(repository.shared / "logs" / "refs" / "heads" / branch)


def _mend_one(repository: _Repository, path: Path) -> str:
    name = path.relative_to(repository.shared).as_posix()
    if match := re.fullmatch(_NAMED_FOR_OBJECT, name):
        _write(repository, path, match[1])
        return f"{name} is {match[1][:12]}"
    entries = _entries(repository.shared / "logs" / name)
    noted = next((commit for commit, _ in reversed(entries) if _is_commit(repository, commit)), None)
    if name.startswith("refs/heads/"):
        return _mend_branch(repository, path, name, noted)
    if noted is not None:
        _write(repository, path, noted)
        return f"{name} is {noted[:12]}, as its log says"
    if name.startswith("refs/remotes/"):
        _remove(repository, path)
        return f"{name} is as the next fetch finds it"
    return f"{name} is lost: git -C {repository.root} update-ref {name} COMMIT, or delete {path}"


def _mend_branch(repository: _Repository, path: Path, name: str, noted: str | None) -> str:
    tips, staged = _dangling(repository, "commit"), _index_tree(repository)
    if noted is None or _tree(repository, noted) != staged:
        later = [tip for tip in tips if noted is None or _comes_after(repository, tip, noted)]
        of_index = [tip for tip in later if _tree(repository, tip) == staged]
        if len(of_index) == 1:
            _write(repository, path, of_index[0])
            return f"{name} is {of_index[0][:12]}, the commit of what git's index holds"
    if noted is not None:
        _write(repository, path, noted)
        return f"{name} is {noted[:12]}, as its log says"
    if len(tips) == 1:
        _write(repository, path, tips[0])
        return f"{name} is {tips[0][:12]}, the only commit that nothing else refers to"
    if not tips and not _has_commits(repository):
        _remove(repository, path)
        return f"{name} has no commit yet"
    choice = f", one of {some(tip[:12] for tip in sorted(tips))}" if tips else ""
    return f"{name} is lost; restore it{choice}: rm {path} && git -C {repository.root} update-ref {name} COMMIT"


def _mend_tags(repository: _Repository) -> list[str]:
    """Tags with an object of their own say their name; git checks it."""
    said = []
    for tag in _dangling(repository, "tag"):
        text = read_alone(repository.root, tag, "tag")
        match = re.search(rb"^tag (.+)$", text or b"", re.MULTILINE)
        if match is not None:
            reference = f"refs/tags/{os.fsdecode(match[1])}"
            done = run_git(repository.root, ["update-ref", reference, tag, "0" * len(tag)], ok=range(256))
            said += [f"{reference} is {tag[:12]}"] if done.returncode == 0 else []
    return said


def _mend_config(repository: _Repository) -> str:
    """What ``git init`` writes. Of the rest nobody knows."""
    text = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
    if any(len(new) == 64 for new, _ in _entries(repository.own / "logs" / "HEAD")):
        text = text.replace("version = 0", "version = 1") + "[extensions]\n\tobjectFormat = sha256\n"
    write_bytes(repository.shared / "config", text.encode("ascii"), durable=True)
    remedy = f"git -C {repository.root} remote add origin URL"
    return f"git's configuration has been reset, and the origin, if there was one, is lost: {remedy}"


def _write(repository: _Repository, path: Path, content: str) -> None:
    if path.exists() and not (path.is_file() and is_blank(path)):
        _set_aside(repository, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, f"{content}\n".encode(), durable=True)


def _remove(repository: _Repository, path: Path) -> None:
    if is_blank(path):
        path.unlink()
    elif path.exists():
        _set_aside(repository, path)


def _set_aside(repository: _Repository, path: Path) -> None:
    from dataworkspaces.toolbox.move_files import set_aside

    set_aside(path, repository.own / "dws")


def _dangling(repository: _Repository, kind: str) -> list[str]:
    arguments = ["fsck", "--connectivity-only", "--no-reflogs", "--no-progress"]
    said = run_git(repository.root, arguments, ok=range(256)).stdout.decode("utf-8", "replace")
    return re.findall(rf"^dangling {kind} ([0-9a-f]+)$", said, re.MULTILINE)


def _is_commit(repository: _Repository, name: str) -> bool:
    return holds(repository.root, f"{name}^{{commit}}")


def _has_commits(repository: _Repository) -> bool:
    return holds_any(repository.root, "commit")


def _comes_after(repository: _Repository, later: str, earlier: str) -> bool:
    return run_git(repository.root, ["merge-base", "--is-ancestor", earlier, later], ok=range(256)).returncode == 0


def _tree(repository: _Repository, commit: str) -> str:
    done = run_git(repository.root, ["rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}"], ok=range(256))
    return done.stdout.decode("ascii").strip()


def _index_tree(repository: _Repository) -> str:
    """The name of what the index holds; empty if it cannot be told."""
    done = run_git(repository.root, ["write-tree", "--missing-ok"], ok=range(256))
    return done.stdout.decode("ascii").strip()
