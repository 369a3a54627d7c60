"""Git converts files of the working tree (ends of lines, encodings, filters) as its configuration and files of
attributes say; but the metadata is hashed, so none of that may touch it.

The ``.gitattributes`` of the metadata directory says so for all copies. ``info/attributes`` of a repository, which git
heeds more than any other file, says so for this one: a workspace may be older than that ``.gitattributes``."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.backends.git.paths import METADATA_ATTRIBUTES, WorkspacePaths
from dataworkspaces.gitrepo.attributes import info_attributes, keep_results_as_they_are, lines_of, put_last, quoted
from dataworkspaces.gitrepo.ignore_lines import literally
from dataworkspaces.gitrepo.plumbing import list_labelled, read_alone, records
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import write_bytes


def protect(paths: WorkspacePaths, *, for_all: bool = True, commit: str | None = None) -> bool:
    """Keep git from converting metadata, and what we write among results. Returns whether the file that all copies
    share had to change.

    :param for_all: whether that file may change.
    :param commit: see :func:`keep_results_as_they_are`."""
    info = info_attributes(paths.root)
    line = _line(paths)
    was_said = info is not None and _ends_with(info, line)
    if keep_results_as_they_are(paths.root, [line], commit) and not was_said:
        _write_as_in_git(paths)
    if not for_all or _ends_with(paths.metadata_gitattributes, METADATA_ATTRIBUTES):
        return False
    put_last(paths.metadata_gitattributes, [METADATA_ATTRIBUTES])
    return True


def _line(paths: WorkspacePaths) -> str:
    pattern = quoted(f"/{literally(paths.metadata_in_git)}/**")
    return f"{pattern} {METADATA_ATTRIBUTES.partition(' ')[2]}"


def converted_files(paths: WorkspacePaths) -> list[Path]:
    """Files of the metadata whose line ends git has converted."""
    if not paths.metadata.is_dir():
        return []
    ends = list_labelled(paths.root, ["--eol"], b"\t", [paths.metadata_in_git], doing="Looking at metadata")
    found = [paths.root / name for told, name in ends if told.split()[:2] == ["i/lf", "w/crlf"]]
    return [path for path in found if not path.is_symlink()]


def as_committed(paths: WorkspacePaths, path: Path) -> bytes | None:
    """What HEAD has of a file of the metadata; None if it has none."""
    relative = path.relative_to(paths.root).as_posix()
    return read_alone(paths.root, f"HEAD:{relative}", "blob")


def _write_as_in_git(paths: WorkspacePaths) -> None:
    """Give files whose line ends git has converted those that they were committed with."""
    converted = converted_files(paths)
    for path in converted:
        write_bytes(path, path.read_bytes().replace(b"\r\n", b"\n"))
    if converted:  # git takes a file of another size for changed, and does not look
        names = records(path.relative_to(paths.root).as_posix() for path in converted)
        run_git(paths.root, ["update-index", "-z", "--stdin"], stdin=names, doing="Looking at metadata")


def _ends_with(path: Path, line: str) -> bool:
    """The last line that fits a file decides."""
    found = [text for text in lines_of(path) if text.strip()]
    return bool(found) and found[-1] == line
