"""What git is told not to convert in one repository, in its ``info/attributes``, which it heeds more than any other
file of attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.gitrepo.ignore_lines import read_settings
from dataworkspaces.gitrepo.layout import objects_directory
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace.results import RESULTS_FILE

_OWN_NAMES = (LINEAGE_FILE, RESULTS_FILE)
_AS_THEY_ARE = "-ident -working-tree-encoding"
_NO_FILTER = "-filter"


def info_attributes(root: Path) -> Path | None:
    """Linked working trees share it."""
    objects = objects_directory(root)
    return None if objects is None else objects.parent / "info" / "attributes"


def keep_results_as_they_are(root: Path, last: Sequence[str] = (), commit: str | None = None) -> bool:
    """Keep git from converting what we write among results, which is JSON in UTF-8 that everybody has to read. Returns
    whether the file had to change.

    Filters of large files stay: what they keep can be had everywhere.

    :param last: lines that come after these.
    :param commit: whose files are going to be in the working tree, if that is empty now."""
    path = info_attributes(root)
    if path is None:
        return False
    lines = lines_of(path)
    own = [line for line in lines if line.split(" ", 1)[0] in _OWN_NAMES and _AS_THEY_ARE in line]
    if len(own) != len(_OWN_NAMES):
        from dataworkspaces.gitrepo import large_files

        has_large_files = large_files.tree_names_them(root, commit) if commit else large_files.are_used(root)
        attributes = _AS_THEY_ARE if has_large_files else f"{_AS_THEY_ARE} {_NO_FILTER}"
        own = [f"{name} {attributes}" for name in _OWN_NAMES]
    tail = [*own, *last]
    if [line for line in lines if line.strip()][-len(tail) :] == tail:
        return False
    path.parent.mkdir(exist_ok=True)
    put_last(path, tail)
    return True


def quoted(pattern: str) -> str:
    """A pattern as a line of an attributes file has it."""
    if not any(c.isspace() for c in pattern) and not pattern.startswith('"'):
        return pattern
    return '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'


def lines_of(path: Path) -> list[str]:
    return read_settings(path).decode("utf-8", "surrogateescape").splitlines()


def put_last(path: Path, tail: Sequence[str]) -> None:
    """The last line that fits a file decides."""
    lines = [*(text for text in lines_of(path) if text not in tail), *tail]
    write_bytes(path, "".join(f"{text}\n" for text in lines).encode("utf-8", "surrogateescape"))
