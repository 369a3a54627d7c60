"""Names of :mod:`dataworkspaces.lineage` where the manual of release 1.5 has them."""

from dataworkspaces.lineage import LineageStore, ResourceRef

__all__ = ["LineageStore", "ResourceRef"]
