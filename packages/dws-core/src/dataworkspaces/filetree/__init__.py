"""Trees of files: scanning them, hashing them, and the manifests that record them.

Values in, values out: nothing here knows workspaces, resources or the command line.
"""

from dataworkspaces.filetree.hashing import SHA1, SIZE, SIZE_AND_TIME, Hasher
from dataworkspaces.filetree.manifest import Entry, format_manifest, manifest_name, parse_manifest
from dataworkspaces.filetree.scan import Scan, scan
from dataworkspaces.filetree.tree import Change, Tree, build_tree, diff_trees, scan_tree

__all__ = [
    "SHA1",
    "SIZE",
    "SIZE_AND_TIME",
    "Change",
    "Entry",
    "Hasher",
    "Scan",
    "Tree",
    "build_tree",
    "diff_trees",
    "format_manifest",
    "manifest_name",
    "parse_manifest",
    "scan",
    "scan_tree",
]
