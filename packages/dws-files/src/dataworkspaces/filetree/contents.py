"""The contents that the files and links of a tree hold, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.manifest import Entry, Kind, decoded
from dataworkspaces.filetree.objects.ids import ObjectId, ids_if_valid, parse_ids
from dataworkspaces.filetree.tree import Tree


def all_objects(tree: Tree, seen: set[str] | None = None) -> dict[ObjectId, str]:
    """The contents that a tree is made of, each with the path of one file. ``seen`` are manifests that are not looked
    at again; those of the tree are added."""
    seen = set() if seen is None else seen
    found: dict[ObjectId, str] = {}
    pending = [("", tree.hashval)]
    while pending:
        prefix, hashval = pending.pop()
        if hashval in seen:
            continue
        seen.add(hashval)
        for entry in tree.entries(hashval):
            if entry.kind == "tree":
                pending.append((f"{prefix}{entry.name}/", entry.value))
            else:
                found.setdefault(object_of(entry, prefix + entry.name), prefix + entry.name)
    return found


def object_of(entry: Entry, path: str) -> ObjectId:
    """The content of an entry; raises MetadataError if its version recorded nothing that tells it."""
    return objects_of([entry.value], [path])[0]


def objects_of(values: Sequence[str], paths: Sequence[str]) -> list[ObjectId]:
    """The same of several entries, by their values and paths."""
    untold = next((path for value, path in zip(values, paths, strict=True) if ":" not in value), None)
    if untold is not None:
        raise MetadataError(f"The version recorded no content of '{untold}' that can be read")
    return parse_ids(values)


class Contents(NamedTuple):
    """What a directory holds, as columns: of each entry the name, the kind and the content."""

    names: list[str]
    kinds: list[Kind]
    ids: list[ObjectId]


_KINDS_WITH_CONTENT = frozenset({b"blob", b"exec", b"link"})
_NO_NAMES = frozenset({b"", b".", b".."})


def contents_if_plain(manifest: bytes) -> Contents | None:
    """All that a manifest lists, if these are contents with names that are not quoted and have no colon, as nearly
    always. Otherwise, and if it is not valid, None: :func:`parse_manifest` reads it, or says why not. No entry is
    looked at alone, which takes a third of the time of that."""
    if b'"' in manifest or b"/" in manifest or b"\0" in manifest:
        return None
    fields = manifest.replace(b":", b"\t").replace(b"\n", b"\t\n\t").split(b"\t")
    sizes, digests, kinds, names, ends = (fields[column:-1:5] for column in range(5))
    if fields[-1] or len(ends) != len(sizes) or set(ends) != {b"\n"}:  # lines end nowhere else
        return None
    if not _KINDS_WITH_CONTENT.issuperset(kinds) or not _NO_NAMES.isdisjoint(names):
        return None
    ids = ids_if_valid(sizes, digests)
    return None if ids is None else Contents(decoded(names), cast("list[Kind]", decoded(kinds)), ids)
