"""The object store on this machine.

========================== ====================================================================
``format``                 the version of this layout: ``2``; ``1`` until a release that knows 2 adds something
``generation``             another text after each removal of contents
``packs/NAME.pack``        small contents, see :mod:`dataworkspaces.filetree.objects.pack`
``loose/AB/REST``          a content by the hexadecimal digits of its BLAKE3: large, or one of few
``chunked/AB/REST``        of which chunks a content is made, see :mod:`dataworkspaces.filetree.objects.chunks`
``tmp/``                   what is being written
``quarantine/``            what was damaged, see :mod:`dataworkspaces.filetree.objects.quarantine`
========================== ====================================================================

Contents are immutable: written in ``tmp``, and renamed. So any number of processes may add at once, on any file system.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from blake3 import blake3

from dataworkspaces.durability import flush_directories, flush_directory, flush_files, flush_open_files
from dataworkspaces.errors import (
    MetadataError,
    NotSupportedError,
    UnavailableError,
    kind_of_os_error,
)
from dataworkspaces.filetree.hashing import Tell, tell_nobody
from dataworkspaces.filetree.objects.chunk_lists import ChunkLists, digests_of, size_in
from dataworkspaces.filetree.objects.chunks import CHUNKED, ChunkList
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.pack import SUFFIX, Pack, PackWriter, Place, Slot
from dataworkspaces.filetree.objects.places import Places
from dataworkspaces.toolbox.regular import read_regular, status_if_any
from dataworkspaces.toolbox.shared_directories import make_directory, sealed_mode, share_file

if TYPE_CHECKING:
    from concurrent.futures import Executor

LARGE = 128 << 10
"""From this size on a content is a file of its own, or in chunks, which are smaller."""
FORMAT = "2"
READABLE = ("1", "2")
"""Formats that are read. What is in a store of the first is valid in one of the second."""
_CHUNK_BUFFER = 128 << 10
_REFRESH_SECONDS = 3600.0
_ATTEMPTS = 3
_UNFLUSHED_SECONDS = 300.0


@dataclass(frozen=True)
class Usage:
    """What a store occupies: bytes of the files, and their numbers."""

    size: int
    packs: int
    loose: int
    chunked: int = 0


@dataclass(frozen=True)
class Packed:
    """Says of a digest whether it is in a pack."""

    sets: tuple[frozenset[bytes], ...]

    def __contains__(self, digest: bytes) -> bool:
        return any(digest in each for each in self.sets)


class ObjectStore:
    """:param root: its directory, which need not exist before something is added."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.chunk_lists = ChunkLists(root)
        self._packs: dict[str, Pack] = {}
        self._damaged: dict[str, str] = {}
        self._digests: dict[str, frozenset[bytes]] = {}
        self._listed_ns = -1

    def __reduce__(self) -> tuple[type[ObjectStore], tuple[Path]]:
        return (ObjectStore, (self.root,))  # tasks that run elsewhere open their own

    # -- places ------------------------------------------------------------------------------------------------------

    def loose_path(self, object_id: ObjectId) -> Path:
        name = object_id.hex
        return self.root / "loose" / name[:2] / name[2:]

    @property
    def packs_directory(self) -> Path:
        return self.root / "packs"

    @cached_property
    def temporary(self) -> Path:
        """The directory for what is being written. Makes the store if there is none; raises ConfigurationError if one
        of a newer release is there."""
        path = self.root / "tmp"
        found = self.check_format()
        for directory in (path, self.packs_directory, self.root / "loose"):
            make_directory(directory)
        if found != FORMAT:
            self._write_text("format", FORMAT)  # before anything that an older release cannot read
        return path

    def check_format(self) -> str:
        """The format of the store, or nothing if there is none; raises ConfigurationError if this release does not know
        it."""
        try:
            found = read_regular(self.root / "format").decode("utf-8").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeError) as e:
            raise kind_of_os_error(e)(f"The object store {self.root} cannot be read: {e}") from e
        if found not in READABLE:
            raise NotSupportedError(
                f"The object store {self.root} has the format {found!r}, which this release does not support",
                hint="Upgrade dws-files",
            )
        return found

    @property
    def generation(self) -> str:
        """Another text once contents have been removed; never empty."""
        self.temporary  # noqa: B018 - makes the store
        path = self.root / "generation"
        with suppress(FileNotFoundError):
            return read_regular(path).decode("ascii")
        self._write_text("generation", os.urandom(16).hex())
        return read_regular(path).decode("ascii")

    def start_generation(self) -> None:
        """Contents are going to be removed: whoever remembers what is here has to look again. Needs no space: the next
        who asks makes the new text. On disk before anything is removed, for after a power cut they would believe it."""
        (self.root / "generation").unlink(missing_ok=True)
        flush_directory(self.root)

    def _write_text(self, name: str, text: str) -> None:
        temporary = self.root / "tmp" / os.urandom(12).hex()
        try:
            with temporary.open("x", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            share_file(temporary, self.root)
            temporary.replace(self.root / name)
        finally:
            temporary.unlink(missing_ok=True)
        flush_directory(self.root)

    # -- looking -----------------------------------------------------------------------------------------------------

    def packs(self) -> list[Pack]:
        """The packs that are there now. One that is damaged is left out, so that what it held counts as missing: see
        :meth:`damaged_packs`. Raises UnavailableError if one cannot be looked at, since nobody knows what is in it."""
        return [pack for pack in self._list_packs() if self._is_whole(pack)]

    def pack_count(self) -> int:
        """How many packs there are now; none of them is looked into."""
        return len(self._list_packs())

    def damaged_packs(self) -> dict[str, str]:
        """By name, the packs whose index cannot be read, and what is wrong with them."""
        found = self._list_packs()
        return {p.path.name: self._damaged[p.path.name] for p in found if not self._is_whole(p, or_gone=True)}

    def _is_whole(self, pack: Pack, *, or_gone: bool = False) -> bool:
        if pack.path.name in self._damaged:
            return False
        try:
            pack.index  # noqa: B018
        except FileNotFoundError:  # another process has put its contents into a larger one
            self._listed_ns = -1
            return or_gone
        except MetadataError as e:
            self._damaged[pack.path.name] = e.message
            return False
        except OSError as e:
            raise UnavailableError(f"{pack.path} cannot be read: {e.strerror or e}") from e
        return True

    def _list_packs(self) -> list[Pack]:
        if self._listed_ns < 0:
            self.check_format()
        try:
            changed = self.packs_directory.stat().st_mtime_ns
        except FileNotFoundError:
            self._packs = {}
            return []
        # A directory that changes twice within a tick of the clock has one time, so a young one is listed again.
        if changed != self._listed_ns or changed > time.time_ns() - 2_100_000_000:
            names = {name for name in os.listdir(self.packs_directory) if name.endswith(SUFFIX)}  # noqa: PTH208
            self._packs = {n: self._packs.get(n) or Pack(self.packs_directory / n) for n in sorted(names)}
            self._listed_ns = changed
        return list(self._packs.values())

    def missing(self, ids: Iterable[ObjectId]) -> set[ObjectId]:
        """Which of these contents are not here. A file of another size is not the content that it is named for."""
        wanted = set(ids)
        if not wanted:
            return set()
        left = {i for i in wanted if i.size >= LARGE and not self.has_loose(i)}
        left -= {i for i in left if self.has_chunked(i)}
        small = [i for i in wanted if i.size < LARGE]
        packs = self.packs()
        for pack in reversed(packs) if len(small) < 1000 else ():
            small = [i for i in small if pack.index.find(i.digest) is None]
        if len(small) >= 1000:
            digests = {i.digest for i in small}
            for pack in packs:
                digests.difference_update(pack.index.digests())
            small = [i for i in small if i.digest in digests] if digests else []
        if len(small) >= 1000:
            small = self._without_loose(small, left)
        left.update(i for i in small if not self.has_loose(i))
        return left

    def _without_loose(self, ids: Iterable[ObjectId], left: set[ObjectId]) -> list[ObjectId]:
        """Those that may be files of their own; adds to ``left`` those of which there is no such name. For many: a
        directory is listed once."""
        names: dict[int, frozenset[str]] = {}
        found = []
        for id_ in ids:
            start = id_.digest[0]
            if start not in names:
                try:
                    names[start] = frozenset(os.listdir(self.root / "loose" / f"{start:02x}"))  # noqa: PTH208
                except FileNotFoundError:
                    names[start] = frozenset()
            if names[start] and id_.hex[2:] in names[start]:
                found.append(id_)
            else:
                left.add(id_)
        return found

    def has_loose(self, object_id: ObjectId) -> bool:
        """Whether a content is here as a file of its own, as far as its size tells."""
        status = status_if_any(self.loose_path(object_id))
        return status is not None and status.st_size == object_id.size

    def has_chunked(self, object_id: ObjectId) -> bool:
        """Whether a content is here in chunks, none of which is missing."""
        chunks = self.chunk_lists.whole(object_id) if object_id.size >= LARGE else None
        return chunks is not None and not self.missing_chunks(chunks)

    def missing_chunks(self, chunks: ChunkList) -> set[ObjectId]:
        packed = self.packed()
        return {chunk for chunk in chunks if chunk.digest not in packed and not self.has_loose(chunk)}

    def packed(self) -> Packed:
        """The contents in all packs that are there now: it takes memory for each, and a look-up next to no time."""
        found = {pack.path.name: pack for pack in self.packs()}
        self._digests = {
            name: self._digests.get(name) or frozenset(pack.index.digests()) for name, pack in found.items()
        }
        return Packed(tuple(self._digests.values()))

    def renew_packs(self, digests: set[bytes]) -> bool:
        """Contents of packs are needed again, see :meth:`refresh`; False if some are not there any more."""
        old, left = time.time() - _REFRESH_SECONDS, set(digests)
        self.packed()
        for name, held in self._digests.items():
            path = self.packs_directory / name
            if not held.isdisjoint(left):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < old:
                        self._renew(path)
                    left -= held
        return not left

    def damaged_loose(self, contents: Mapping[ObjectId, bytes]) -> set[ObjectId]:
        """Which of these contents, that are known here, are files of their own that hold something else."""
        found = set()
        for object_id, content in contents.items():
            with suppress(FileNotFoundError):
                if read_regular(self.loose_path(object_id)) != content:
                    found.add(object_id)
        return found

    def find(self, object_id: ObjectId) -> tuple[Pack, Slot] | None:
        """The pack that holds a content, and where in it."""
        for pack in reversed(self.packs()):
            found = pack.index.find(object_id.digest)
            if found is not None:
                return pack, found
        return None

    def locate(self, ids: Iterable[ObjectId]) -> Places:
        """For those of the contents that are in packs: the name of the pack, and where in it."""
        return Places(self.packs(), {digest for size, digest in ids if size < LARGE})

    def are_there(self, places: Places) -> bool:
        """Whether the packs are there still that :meth:`locate` has named. A pack never changes."""
        return places.pack_names <= {pack.path.name for pack in self.packs()}

    def locate_chunks(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Place]:
        """As :meth:`locate`, for contents that lie in few of many packs."""
        wanted = {object_id.digest: object_id for object_id in ids}
        left = set(wanted)
        located: dict[ObjectId, Place] = {}
        self.packed()
        for name, held in self._digests.items():
            pack = self._packs.get(name)
            for digest in () if pack is None or left.isdisjoint(held) else left & held:
                slot = None if pack is None else pack.index.find(digest)
                if slot is not None:
                    located[wanted[digest]] = (name, slot)
                    left.discard(digest)
        return located

    def stored_in_pack(self, place: Place | None, part: Slot) -> bytes:
        """What lies in a part of the pack that :meth:`locate` has named, unchecked; nothing if it is gone."""
        pack = None if place is None else self._pack(place)
        try:
            return b"" if pack is None else pack.stored(part)
        except FileNotFoundError:  # it is in a larger pack now
            return b""

    def _pack(self, place: Place) -> Pack | None:
        if place[0] not in self._packs:
            self.packs()
        return self._packs.get(place[0])

    def read_located(self, object_id: ObjectId, place: Place | None) -> bytes:
        """A content that :meth:`locate` has found, or not; raises MetadataError if it is missing or damaged."""
        if place is None:
            return self.read(object_id)
        pack = self._pack(place)
        try:
            return self.read(object_id) if pack is None else pack.read_at(object_id, place[1])
        except FileNotFoundError:  # it is in a larger pack now
            return self.read(object_id)

    def read(self, object_id: ObjectId) -> bytes:
        """A content; raises MetadataError if it is missing, DamagedContentError if it is damaged."""
        for _ in range(_ATTEMPTS):
            is_damaged = False
            with suppress(FileNotFoundError):
                content = read_regular(self.loose_path(object_id))
                is_damaged = not object_id.names(content)
                if not is_damaged:
                    return content
            chunks = self.chunk_lists.read(object_id) if object_id.size >= LARGE and not is_damaged else None
            if chunks is not None:
                from dataworkspaces.filetree.objects.assembly import parts_of

                return b"".join(parts_of(self, chunks))
            found = self.find(object_id)
            if found is None:
                raise self._damaged_error(object_id) if is_damaged else self.missing_error(object_id)
            with suppress(FileNotFoundError):
                return found[0].read_at(object_id, found[1])
            self._listed_ns = -1
        raise self.missing_error(object_id)

    def _damaged_error(self, object_id: ObjectId) -> DamagedContentError:
        told = f"{self.loose_path(object_id)} is damaged: its content does not match its hash"
        return DamagedContentError(told, object_id=object_id)

    def open(self, object_id: ObjectId) -> IO[bytes]:
        """A content as a file to read, from its start. A small one has been verified, and chunks are verified
        when they are read; a large one that is a file of its own is only checked for its size."""
        chunks = None if object_id.size < LARGE or self.has_loose(object_id) else self.chunk_lists.read(object_id)
        if chunks is not None:
            from dataworkspaces.filetree.objects.assembly import ChunkedFile

            return io.BufferedReader(ChunkedFile(self, chunks), _CHUNK_BUFFER)
        path = self.loose_path(object_id)
        try:
            if object_id.size < LARGE or path.stat().st_size != object_id.size:
                return io.BytesIO(self.read(object_id))
            return path.open("rb")
        except FileNotFoundError:
            raise self.missing_error(object_id) from None

    def damage(self, object_id: ObjectId, tell: Tell = tell_nobody) -> str | None:
        """What is wrong with a content that is here, or None; all of it is read, and ``tell`` is told how much."""
        from dataworkspaces.filetree.objects.assembly import parts_of
        from dataworkspaces.filetree.objects.open_files import hash_open_file

        try:
            if object_id.size < LARGE:
                self.read(object_id)
                tell(object_id.size)
                return None
            chunks = None if self.has_loose(object_id) else self.chunk_lists.read(object_id)
            if chunks is not None:
                for _ in parts_of(self, chunks, tell):
                    pass
                return None
            fd = os.open(self.loose_path(object_id), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                found = hash_open_file(fd, tell)
            finally:
                os.close(fd)
            return None if found == object_id else self._damaged_error(object_id).message
        except MetadataError as e:
            return e.message
        except OSError as e:
            return f"{self.loose_path(object_id)} cannot be read: {e.strerror or e}"

    def missing_error(self, object_id: ObjectId) -> MetadataError:
        return MetadataError(
            f"The content {object_id.hex} ({object_id.size:,} bytes) is not in the object store {self.root}",
            hint="dws fsck shows which snapshots need it; 'dws pull' may fetch it",
        )

    def ids(self) -> Iterator[ObjectId]:
        """All contents, and all chunks; one may come twice."""
        for pack in self.packs():
            yield from pack.index.ids()
        for path, digest in self.chunk_lists.files():
            yield ObjectId(size_in(path), digest)
        for path in self.loose_files():
            yield ObjectId(path.stat().st_size, bytes.fromhex(path.parent.name + path.name))

    def loose_files(self) -> Iterator[Path]:
        for directory in sorted((self.root / "loose").glob("[0-9a-f][0-9a-f]")):
            for path in sorted(directory.iterdir()):
                if len(path.name) == 62:
                    yield path

    def usage(self) -> Usage:
        packs = [pack.path.stat().st_size for pack in self._list_packs()]
        loose = [path.stat().st_size for path in self.loose_files()]
        lists = [path.stat().st_size for path, _ in self.chunk_lists.files()]
        return Usage(sum(packs) + sum(loose) + sum(lists), len(packs), len(loose), len(lists))

    def content_bytes(self) -> int:
        """The bytes of all contents, as they are when they are read."""
        parts = {digest for path, _ in self.chunk_lists.files() for digest in digests_of(path)}
        return sum(object_id.size for object_id in set(self.ids()) if object_id.digest not in parts)

    # -- adding ------------------------------------------------------------------------------------------------------

    def add_bytes(self, content: bytes) -> ObjectId:
        """Keep a small content as a file of its own. Its name is on disk after :meth:`sync`."""
        object_id = ObjectId.of(content)
        self.add_stream(object_id, [content])
        return object_id

    def add_stream(self, object_id: ObjectId, chunks: Iterable[bytes]) -> None:
        """Keep a content that comes in parts; raises MetadataError, and keeps nothing, if it is not what its name
        says."""
        if object_id.size >= CHUNKED:
            self._add_chunked(object_id, chunks)
            return
        temporary = self.temporary / os.urandom(12).hex()
        try:
            digest, size = blake3(), 0
            with temporary.open("xb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if (size, digest.digest()) != object_id:
                raise MetadataError(f"The data that arrived for content {object_id.hex} does not match its hash")
            self.place(temporary, object_id)
        finally:
            temporary.unlink(missing_ok=True)

    def _add_chunked(self, object_id: ObjectId, parts: Iterable[bytes]) -> None:
        from dataworkspaces.filetree.objects.chunk_keeper import ChunkKeeper, ChunkWriter

        with ChunkKeeper(self) as keeper:
            writer = ChunkWriter(keeper)
            for part in parts:
                writer.add(part)
            chunks = writer.end()
            if chunks.id != object_id:
                raise MetadataError(f"The data that arrived for content {object_id.hex} does not match its hash")
            if not keeper.keep(chunks):
                raise UnavailableError(f"Somebody has removed chunks from the object store {self.root} meanwhile")
            keeper.finish()

    def add_together(self, contents: Mapping[ObjectId, bytes]) -> None:
        """Keep some small contents, each as a file of its own; the caller knows that they are what their names say."""
        open_files: list[tuple[int, Path, ObjectId]] = []
        try:
            for object_id, content in contents.items():
                temporary = self.temporary / os.urandom(12).hex()
                fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                open_files.append((fd, temporary, object_id))
                with os.fdopen(fd, "wb", closefd=False) as file:
                    file.write(content)
            flush_open_files([fd for fd, _, _ in open_files])
            for _, temporary, object_id in open_files:
                self.place(temporary, object_id)
        finally:
            for fd, temporary, _ in open_files:
                os.close(fd)
                temporary.unlink(missing_ok=True)

    def place(self, temporary: Path, object_id: ObjectId) -> None:
        """Put a file of ``tmp``, which holds a content, under its name."""
        temporary.chmod(sealed_mode(self.root))
        target = self.loose_path(object_id)
        try:
            temporary.replace(target)
        except FileNotFoundError:
            make_directory(target.parent)
            temporary.replace(target)

    def new_temporary(self) -> Path:
        """Where to write a file that is renamed then."""
        return self.temporary / os.urandom(12).hex()

    def pack_writer(self, thread: Executor | None = None) -> PackWriter:
        return PackWriter(self.temporary, thread)

    def refresh(self, ids: Iterable[ObjectId]) -> set[ObjectId]:
        """Contents that are here already are needed again: their files count as new, so that no collection of garbage
        that runs now takes them for old. Returns those that one has just taken."""
        old = time.time() - _REFRESH_SECONDS
        paths: dict[Path, list[ObjectId]] = {}
        gone: set[ObjectId] = set()
        for object_id in ids:
            loose = self.loose_path(object_id)
            chunks = None if object_id.size < LARGE or self.has_loose(object_id) else self.chunk_lists.whole(object_id)
            if chunks is not None:
                if not self.renew_packs(set(chunks.digests())):
                    gone.add(object_id)
                paths.setdefault(self.chunk_lists.path(object_id), []).append(object_id)
                continue
            found = None if loose.exists() else self.find(object_id)
            paths.setdefault(loose if found is None else found[0].path, []).append(object_id)
        for path, inside in paths.items():
            try:
                if path.stat().st_mtime < old:
                    self._renew(path)
            except FileNotFoundError:
                gone.update(inside)
        return gone and self.missing(gone)

    def _renew(self, path: Path) -> None:
        """A file counts as new. That of another user who has not shared it becomes one of this user."""
        try:
            os.utime(path)
        except PermissionError:
            copy = self.temporary / os.urandom(12).hex()
            try:
                import shutil

                shutil.copyfile(path, copy)
                flush_files([copy])
                copy.chmod(sealed_mode(self.root))
                copy.replace(path)
            finally:
                copy.unlink(missing_ok=True)

    def sync(self) -> None:
        """Have all names on disk: what a snapshot refers to must survive a power cut. The contents are there.

        Of the directories in which contents and chunk lists have names of their own only those are flushed that changed
        lately, by whatever process; when the disk was flushed last is not known, but a file system waits no longer than
        this with what it has to write."""
        loose = self.root / "loose"
        young = time.time() - _UNFLUSHED_SECONDS
        chunked = self.chunk_lists.directory
        flush_directories([self.packs_directory, loose, *([chunked] if chunked.exists() else [])])
        for directory in (loose, chunked):
            with suppress(FileNotFoundError), os.scandir(directory) as entries:
                flush_directories(Path(entry.path) for entry in entries if entry.stat().st_mtime > young)
