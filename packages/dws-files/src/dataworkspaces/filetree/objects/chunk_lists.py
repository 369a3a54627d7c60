"""The chunk lists of a store on this machine, ``chunked/AB/REST`` by the digits of the BLAKE3 of their contents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dataworkspaces.durability import flush_files
from dataworkspaces.errors import UnavailableError
from dataworkspaces.filetree.objects.chunks import ChunkList, digests_in
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.toolbox.regular import read_regular, status_if_any
from dataworkspaces.toolbox.shared_directories import make_directory, sealed_mode


class ChunkLists:
    """:param root: the directory of the store."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "chunked"
        self._root = root

    def path(self, object_id: ObjectId) -> Path:
        return self.directory / object_id.hex[:2] / object_id.hex[2:]

    def has(self, object_id: ObjectId) -> bool:
        return status_if_any(self.path(object_id)) is not None

    def read(self, object_id: ObjectId) -> ChunkList | None:
        """The chunks of a content, None if it is not kept in chunks; raises DamagedContentError."""
        path = self.path(object_id)
        try:
            data = read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise UnavailableError(f"{path} cannot be read: {e.strerror or e}") from e
        return ChunkList.parse(data, object_id, str(path))

    def whole(self, object_id: ObjectId) -> ChunkList | None:
        """As :meth:`read`, but a list that is damaged counts as none."""
        try:
            return self.read(object_id)
        except DamagedContentError:
            return None

    def place(self, chunks: ChunkList, temporary: Path) -> None:
        """Put a list in place. :param temporary: where it is written, a path of the same file system."""
        try:
            temporary.write_bytes(chunks.to_bytes())
            flush_files([temporary])
            temporary.chmod(sealed_mode(self._root))
            target = self.path(chunks.id)
            make_directory(target.parent.parent)
            make_directory(target.parent)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """The lists, each with the digest of its content."""
        for directory in sorted(self.directory.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(directory.iterdir()):
                if len(path.name) == 62:
                    yield path, bytes.fromhex(directory.name + path.name)


def size_in(path: Path) -> int:
    """The bytes of the content that a list is of, as it says itself."""
    with path.open("rb") as file:
        head = file.read(16)
    return int.from_bytes(head[8:16], "little")


def digests_of(path: Path) -> Iterator[bytes]:
    """The digests in a list that may be damaged."""
    return digests_in(read_regular(path))
