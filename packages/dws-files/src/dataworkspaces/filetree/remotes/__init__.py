"""Object stores away from this machine, on any file system that fsspec knows."""

from dataworkspaces.filetree.remotes.places import check_url
from dataworkspaces.filetree.remotes.store import RemoteStore

__all__ = ["RemoteStore", "check_url"]
