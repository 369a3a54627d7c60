"""What a backend stores: the pieces of a workspace's metadata for which the manual names no method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from dataworkspaces.errors import MetadataError
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.user_directories import state_directory

STATE_PARAM = "dws.resource_state"
"""Among the global parameters of a backend that has no other place for the state of resources."""


class Storage(ABC):
    """All that a backend has to keep beside what the manual's methods keep. It hands it over as
    :attr:`Workspace.storage`, or overrides the methods of :class:`Workspace` that have the same names.

    Each write is atomic by itself: a reader sees the old or the new value, also after a crash. A write may be done
    twice. What is certain not to be there is told as each method says; what cannot be read now raises
    :class:`~dataworkspaces.errors.UnavailableError`, and a write for which there is no space
    :class:`~dataworkspaces.errors.StorageError`."""

    @abstractmethod
    def read_params(self, is_global: bool) -> dict[str, Any]:
        """The global or the local parameters that are set (not the defaults); {} if none are.

        Raises MetadataError for what is damaged, UnavailableError for what cannot be read now."""

    @abstractmethod
    def write_params(self, is_global: bool, params: dict[str, Any]) -> None:
        """Replace the global or the local parameters. Values are any JSON.

        Raises StorageError if there is no room, UnavailableError if it cannot be reached."""

    @abstractmethod
    def read_resource_params(self) -> list[dict[str, Any]]:
        """The stored parameters of all resources, in the order in which they were added.

        Raises MetadataError for what is damaged, UnavailableError for what cannot be read now."""

    @abstractmethod
    def write_resource_params(self, params: dict[str, Any]) -> None:
        """Store the parameters of one resource: replace those of the same ``name``, or add them at the end.

        Raises StorageError if there is no room, UnavailableError if it cannot be reached."""

    @abstractmethod
    def read_resource_local_params(self, name: str) -> dict[str, Any] | None:
        """The parameters of a resource on this machine; None if it has never been here.

        Raises MetadataError for what is damaged, UnavailableError for what cannot be read now."""

    @abstractmethod
    def write_resource_local_params(self, name: str, params: dict[str, Any]) -> None:
        """Store the parameters of a resource on this machine, be they empty.

        Raises StorageError if there is no room, UnavailableError if it cannot be reached."""

    @abstractmethod
    def get_snapshot_manifest_bytes(self, hash_val: str) -> bytes:
        """The manifest that ``save_snapshot_metadata_and_manifest`` was given; raises MetadataError if there is none.
        Not called where there are no snapshots."""

    @abstractmethod
    def delete_snapshot_metadata_and_manifest(self, hash_val: str) -> None:
        """Remove the metadata of a snapshot, then the manifest. Idempotent. Not called where there are no snapshots.

        Raises StorageError if there is no room, UnavailableError if it cannot be reached."""


def read_state(params: dict[str, Any], resource: str, key: str) -> bytes | None:
    """Of :data:`STATE_PARAM` in global parameters."""
    check_relative_path(key, "State key")
    text = params.get(STATE_PARAM, {}).get(resource, {}).get(key)
    return None if text is None else decoded(text, f"The state '{key}' of resource '{resource}'")


def with_state(params: dict[str, Any], resource: str, items: dict[str, bytes]) -> dict[str, Any]:
    """The global parameters with state of a resource in them."""
    texts = {check_relative_path(key, "State key"): encoded(content) for key, content in items.items()}
    state = params.get(STATE_PARAM, {})
    return {**params, STATE_PARAM: {**state, resource: {**state.get(resource, {}), **texts}}}


def encoded(content: bytes) -> str:
    """Bytes as global parameters, which are JSON, can hold them."""
    import base64  # slow to import
    import zlib

    return base64.b64encode(zlib.compress(content)).decode("ascii")


def decoded(text: object, what: str) -> bytes:
    """The opposite of :func:`encoded`; raises MetadataError if somebody has written something else there."""
    import base64
    import zlib

    try:
        return zlib.decompress(base64.b64decode(text, validate=True))  # type: ignore[arg-type]
    except (ValueError, TypeError, zlib.error) as e:
        raise MetadataError(f"{what} is damaged: {e}") from e


def directory_of_user(*identity: str) -> Path:
    """Where the user of this machine keeps what belongs to a workspace without a directory."""
    import hashlib  # slow to import

    name = hashlib.sha256("\n".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Path(state_directory()).expanduser() / name
