"""Trees of files: scanning them, hashing them, and the manifests that record them.

Values in, values out: nothing here knows workspaces, resources or the command line.
"""

from dataworkspaces.filetree.hashing import BLAKE3, SHA1, SIZE, SIZE_AND_TIME, Hasher
from dataworkspaces.filetree.manifest import Entry, format_manifest, manifest_name, parse_manifest
from dataworkspaces.filetree.scan import Scan, scan
from dataworkspaces.filetree.statcache import StatCache
from dataworkspaces.filetree.tree import Change, Tree, diff_trees
from dataworkspaces.filetree.tree_builder import Work, build_tree, scan_tree

__all__ = [
    "BLAKE3",
    "SHA1",
    "SIZE",
    "SIZE_AND_TIME",
    "Change",
    "Entry",
    "Hasher",
    "Scan",
    "StatCache",
    "Tree",
    "Work",
    "build_tree",
    "diff_trees",
    "format_manifest",
    "manifest_name",
    "parse_manifest",
    "scan",
    "scan_tree",
]
