"""Git converts files of the working tree (ends of lines, encodings, filters) as its configuration and files of
attributes say; but the metadata is hashed, so none of that may touch it.

The ``.gitattributes`` of the metadata directory says so for all copies. ``info/attributes`` of a repository, which git
heeds more than any other file, says so for this one: a workspace may be older than that ``.gitattributes``."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.backends.git.paths import METADATA_ATTRIBUTES, WorkspacePaths
from dataworkspaces.gitrepo.layout import objects_directory
from dataworkspaces.gitrepo.plumbing import parse_labelled, records
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace.atomic import write_bytes
from dataworkspaces.workspace.factory import METADATA_DIR

_LINE = f"/{METADATA_DIR}/** {METADATA_ATTRIBUTES.partition(' ')[2]}"


def protect(paths: WorkspacePaths, *, for_all: bool = True) -> bool:
    """Keep git from converting metadata. Returns whether the file that all copies share had to change.

    :param for_all: whether that file may change."""
    info = _info_attributes(paths.root)
    is_said = for_all and _ends_with(paths.metadata_gitattributes, METADATA_ATTRIBUTES)
    if info is not None and not _ends_with(info, _LINE) and (info.exists() or not is_said):
        info.parent.mkdir(exist_ok=True)
        _put_last(info, _LINE)
        _write_as_in_git(paths)
    if not for_all or _ends_with(paths.metadata_gitattributes, METADATA_ATTRIBUTES):
        return False
    _put_last(paths.metadata_gitattributes, METADATA_ATTRIBUTES)
    return True


def converted_files(paths: WorkspacePaths) -> list[Path]:
    """Files of the metadata whose line ends git has converted."""
    if not paths.metadata.is_dir():
        return []
    listed = run_git(paths.root, ["ls-files", "-z", "--eol", "--", METADATA_DIR], doing="Looking at metadata").stdout
    ends = parse_labelled(listed, b"\t")
    found = [paths.root / name for told, name in ends if told.split()[:2] == ["i/lf", "w/crlf"]]
    return [path for path in found if not path.is_symlink()]


def as_committed(paths: WorkspacePaths, path: Path) -> bytes | None:
    """What HEAD has of a file of the metadata; None if it has none."""
    relative = path.relative_to(paths.root).as_posix()
    done = run_git(paths.root, ["cat-file", "blob", f"HEAD:{relative}"], ok=(0, 128))
    return done.stdout if done.returncode == 0 else None


def _info_attributes(root: Path) -> Path | None:
    """Linked working trees share it."""
    objects = objects_directory(root)
    return None if objects is None else objects.parent / "info" / "attributes"


def _write_as_in_git(paths: WorkspacePaths) -> None:
    """Give files whose line ends git has converted those that they were committed with."""
    converted = converted_files(paths)
    for path in converted:
        write_bytes(path, path.read_bytes().replace(b"\r\n", b"\n"))
    if converted:  # git takes a file of another size for changed, and does not look
        names = records(path.relative_to(paths.root).as_posix() for path in converted)
        run_git(paths.root, ["update-index", "-z", "--stdin"], stdin=names, doing="Looking at metadata")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _ends_with(path: Path, line: str) -> bool:
    """The last line that fits a file decides."""
    found = [text for text in _lines(path) if text.strip()]
    return bool(found) and found[-1] == line


def _put_last(path: Path, line: str) -> None:
    lines = [*(text for text in _lines(path) if text != line), line]
    write_bytes(path, "".join(f"{text}\n" for text in lines).encode("utf-8", "surrogateescape"))
