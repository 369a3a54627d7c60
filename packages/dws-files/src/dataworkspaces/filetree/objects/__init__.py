"""The object store: contents under the names of their hashes, whoever needs them."""
