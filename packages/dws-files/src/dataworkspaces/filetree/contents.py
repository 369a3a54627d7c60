"""The contents that the files and links of a tree hold, by their names."""

from __future__ import annotations

from collections.abc import Sequence

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.manifest import Entry
from dataworkspaces.filetree.objects.ids import ObjectId, parse_ids
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
