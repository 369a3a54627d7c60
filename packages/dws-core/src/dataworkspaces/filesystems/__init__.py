"""The files of resources, now and at snapshots, behind the interface of fsspec. What a resource offers for that is a
contract, :class:`~dataworkspaces.workspace.FileResourceMixin`; here is what is made of it."""
