"""An object store at a URL: the layout of the local one, without what only matters here.

What is there is never trusted: an index has to fit the name of its pack, and a content its hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from dataworkspaces.durability import flush_files
from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    MetadataError,
    NotFoundError,
    NotSupportedError,
    UnavailableError,
)
from dataworkspaces.filetree.objects.assembly import parts_of
from dataworkspaces.filetree.objects.chunks import CHUNKED, ChunkList
from dataworkspaces.filetree.objects.ids import DamagedContentError, ObjectId
from dataworkspaces.filetree.objects.pack import (
    ENTRY,
    FOOTER,
    SUFFIX,
    Pack,
    PackIndex,
    PackWriter,
    Slot,
    Unpacker,
    parse_footer,
    parse_index,
)
from dataworkspaces.filetree.objects.store import FORMAT, LARGE, READABLE, ObjectStore
from dataworkspaces.filetree.remotes.chunk_lists import DIRECTORY, ChunkSource, RemoteChunkLists, relative
from dataworkspaces.filetree.remotes.parts import in_parts
from dataworkspaces.filetree.remotes.places import Place, size_of
from dataworkspaces.toolbox.shared_directories import make_directory, sealed_mode, share_file

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Advance = Callable[[int], None]

MARK = ".mark"
"""Ends the name of a file among the packs that tells a remote from another one at the same place."""
COLLECTED = ".collected"
"""Ends the name of a file among the packs that tells that garbage was removed: it is another one after each time."""
_PACK_BYTES = 32 << 20
_CHUNK = 8 << 20
_GAP = 64 << 10
_FEW = 64
_SHOWN = 3
_PACK_RE = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}\Z")
_OLD_SECONDS = 24 * 3600.0


_Entry = tuple[ObjectId, Slot]


@dataclass(frozen=True)
class Transfer:
    """What was sent or fetched: contents, and the bytes in them.

    :ivar damaged: contents that were not sent, since they are damaged here."""

    objects: int
    size: int
    damaged: frozenset[ObjectId] = frozenset()


@dataclass(frozen=True)
class Listing:
    """What is at a remote. :ivar packs: their sizes by their names. :ivar collected: see :data:`COLLECTED`."""

    packs: dict[str, int]
    marks: frozenset[str]
    collected: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RemotePack:
    """A pack there. :ivar size: of its file, in bytes."""

    name: str
    size: int
    index: PackIndex


class RemoteStore:
    """:param url: see :func:`check_url`.
    :param cache: a directory for indexes of packs; may be deleted at any time."""

    def __init__(self, url: str, *, cache: Path) -> None:
        self._place = self.place = Place(url)
        self.url = self._place.url
        self._cache_root = cache
        self._cache = cache / hashlib.sha256(self.url.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._lock = threading.Lock()
        self._advance: Advance | None = None
        self.damaged_packs: dict[str, str] = {}
        self._distrusted: set[str] = set()

    def __reduce__(self) -> tuple[Callable[..., RemoteStore], tuple[str, Path]]:
        return (_open, (self.url, self._cache_root))  # tasks that run elsewhere have their own connections

    def _tell(self, size: int) -> None:
        """So many bytes more have gone or come, if somebody here wants to know."""
        if self._advance is not None:
            with self._lock:
                self._advance(size)

    def _run(
        self,
        executor: Executor,
        tasks: Sequence[Callable[[], int]],
        advance: Advance,
        *,
        go_on: bool = False,
    ) -> list[DwsError]:
        """Do tasks at once; each returns the bytes that it moved. The first error is raised, and what has not begun is
        left; or with ``go_on`` all errors of contents are returned."""
        is_here = isinstance(executor, ThreadPoolExecutor)  # then tasks tell themselves, while they work
        self._advance = advance if is_here else None
        futures = [executor.submit(task) for task in tasks]
        problems: list[DwsError] = []
        try:
            for future in as_completed(futures):
                try:
                    moved = future.result()
                except MetadataError as e:
                    if not go_on:
                        raise
                    problems.append(e)
                else:
                    if not is_here:
                        advance(moved)
        finally:
            for future in futures:
                future.cancel()
            self._advance = None
        return problems

    # -- looking -----------------------------------------------------------------------------------------------------

    def check_access(self) -> None:
        """Raise ConfigurationError if the remote cannot be reached."""
        self._packs  # noqa: B018

    def packs(self) -> list[RemotePack]:
        """Those that can be read; ``damaged_packs`` tells of the others."""
        return list(self._packs)

    def listing(self) -> Listing:
        """The packs and the marks that are there, in one request."""
        found = self._list("packs")
        packs = {name: size for name, size in found.items() if _PACK_RE.match(name)}
        marks, collected = (frozenset(n for n in found if n.endswith(end)) for end in (MARK, COLLECTED))
        return Listing(packs, marks, collected)

    @cached_property
    def _packs(self) -> list[RemotePack]:
        """Those that can be read: what the others hold counts as missing."""
        self.check_format()
        packs = []
        self.damaged_packs = {}
        for name, size in self.listing().packs.items():
            if name in self._distrusted:
                continue
            try:
                packs.append(self._open_pack(name, size))
            except FileNotFoundError:
                self.damaged_packs[name] = f"The remote {self.url} lacks the pack {name}"
            except MetadataError as e:
                self.damaged_packs[name] = e.message
        return packs

    def check_format(self) -> str:
        """The format of the remote, or nothing if it is new. Raises ConfigurationError for one of a later release."""
        path = self._place.path("format")
        try:
            found = self._place.do("reading its format", lambda fs: fs.cat_file(path)).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        if found.strip() not in READABLE:
            raise NotSupportedError(
                f"The remote {self.url} has the format {found[:20]!r}, which this release does not support",
                hint="Upgrade dws-files",
            )
        return str(found.strip())

    def _list(self, directory: str) -> dict[str, int]:
        """The files below a directory, by their paths relative to it, with their sizes in bytes."""
        return {name: info.size for name, info in self._place.list(directory).items()}

    def _open_pack(self, name: str, size: int) -> RemotePack:
        what = f"The pack {name} of the remote {self.url}"
        cached = self._cache / f"{name}.tail"
        try:
            return self._parse_tail(name, size, cached.read_bytes(), what)
        except (OSError, MetadataError):
            pass
        path = self._place.path(f"packs/{name}")
        end = self._range(path, max(0, size - FOOTER.size), size)
        footer = parse_footer(end, size, what)
        tail = self._range(path, footer.start, size - FOOTER.size) + end
        pack = self._parse_tail(name, size, tail, what)
        self._cache.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_name(f"{os.urandom(8).hex()}.tmp")
        temporary.write_bytes(tail)
        temporary.replace(cached)
        return pack

    def _parse_tail(self, name: str, size: int, tail: bytes, what: str) -> RemotePack:
        """A pack, by its index and footer."""
        footer = parse_footer(tail[-FOOTER.size :], size, what)
        if footer.digest.hex() != name[: -len(SUFFIX)]:
            raise MetadataError(f"{what} is damaged: its name does not match its index")
        return RemotePack(name, size, parse_index(tail[: -FOOTER.size], footer, what))

    def _range(self, path: str, start: int, end: int) -> bytes:
        return bytes(self._place.do("reading a pack", lambda fs: fs.cat_file(path, start=start, end=end)))

    @cached_property
    def _where(self) -> dict[bytes, tuple[RemotePack, Slot]]:
        """Pack and place of each content in packs."""
        return {found.digest: (pack, place) for pack in self._packs for found, place in pack.index}

    @cached_property
    def _chunk_lists(self) -> RemoteChunkLists:
        return RemoteChunkLists(self._place, self._cache, self._list(DIRECTORY))

    def _chunks(self, object_id: ObjectId, *, anew: bool = False) -> ChunkList | None:
        return self._chunk_lists.read(object_id, anew=anew) if object_id.size >= CHUNKED else None

    def _has_chunks(self, object_id: ObjectId) -> bool:
        """Whether a content is there in chunks, none of which is missing."""
        try:
            chunks = self._chunks(object_id)
        except MetadataError:
            return False
        return chunks is not None and all(digest in self._where for digest in chunks.digests())

    def missing(self, ids: Iterable[ObjectId]) -> set[ObjectId]:
        """Which of these contents are not there."""
        wanted = {object_id for object_id in ids if object_id.digest not in self._where}
        wanted -= {object_id for object_id in wanted if self._has_chunks(object_id)}
        if not wanted:
            return set()
        if len(wanted) > _FEW:
            loose = self._list("loose")
            return {i for i in wanted if loose.get(f"{i.hex[:2]}/{i.hex[2:]}") != i.size}
        return {object_id for object_id in wanted if not self._has_loose(object_id)}

    def _has_loose(self, object_id: ObjectId) -> bool:
        path = self._loose_path(object_id)
        try:
            return size_of(self._place.do("looking for a content", lambda fs: fs.info(path))) == object_id.size
        except FileNotFoundError:
            return False

    def _loose_path(self, object_id: ObjectId) -> str:
        return self._place.path(f"loose/{object_id.hex[:2]}/{object_id.hex[2:]}")

    def read(self, object_id: ObjectId) -> bytes:
        """A content; raises MetadataError if it is missing or damaged there."""
        if object_id.digest in self._where:
            pack, place = self._where[object_id.digest]
            where = self._place.path(f"packs/{pack.name}")
            content = Unpacker().content(object_id, place, self._range(where, place.start, place.end))
        elif (chunks := self._chunks(object_id)) is not None:
            content = b"".join(map(self.read, chunks))
        else:
            path = self._loose_path(object_id)
            try:
                content = bytes(self._place.do("reading a content", lambda fs: fs.cat_file(path)))
            except FileNotFoundError:
                raise MetadataError(f"The remote {self.url} lacks the content {object_id.hex}") from None
        self._check(object_id, content)
        return content

    def _check(self, object_id: ObjectId, content: bytes) -> None:
        if not object_id.names(content):
            raise MetadataError(f"The content {object_id.hex} at the remote {self.url} is damaged")

    # -- sending -----------------------------------------------------------------------------------------------------

    def push(self, store: ObjectStore, ids: Collection[ObjectId], *, executor: Executor, advance: Advance) -> Transfer:
        """Send contents that are not there. ``advance`` is told how many bytes more have been sent.

        Each is read before, and what is damaged here is not sent. After an interruption a second call sends what is
        still missing. Raises ConfigurationError, MetadataError for a content that is missing here."""
        self._write_format(store)
        source, problems = ChunkSource(store), list[DwsError]()
        lists = self._lists_to_send(source, [i for i in ids if i.size >= CHUNKED], problems)
        chunks = [chunk for found in lists for chunk in found if chunk.digest not in self._where]
        small = {i for i in ids if i.size < LARGE}
        whole, rest = _whole_packs(store, small.union(chunks))
        order = dict.fromkeys((*sorted(small, key=lambda i: i.digest), *chunks))
        tasks = [partial(self._send_large, store, i) for i in ids if LARGE <= i.size < CHUNKED]
        tasks += [partial(self._send_pack, pack) for pack in whole]
        tasks += [partial(self._send_new_pack, source.part(p), p) for p in _parts([i for i in order if i in rest])]
        problems += self._run(executor, tasks, advance, go_on=True)
        damaged = {p.object_id for p in problems if isinstance(p, DamagedContentError) and p.object_id is not None}
        for problem in problems:
            if not isinstance(problem, DamagedContentError):
                raise problem
        if problems:  # what was in a pack with it has not been sent either
            self.look_again()
            spoilt = {found.id for found in lists if not damaged.isdisjoint(found)}
            lists = [found for found in lists if all(digest in self._where for digest in found.digests())]
            damaged = spoilt | damaged.intersection(ids)
        known, left = set[ObjectId](chunks), []
        for found in lists:  # last: who finds a list finds its chunks
            new = sum(chunk.size for chunk in set(found) & known)
            left.append(partial(self._send_list, store, found, found.id.size - new))
            known -= set(found)
        self._run(executor, left, advance)
        self._clean()
        self.look_again()
        return Transfer(len(ids), sum(i.size for i in ids), frozenset(damaged))

    def _lists_to_send(self, source: ChunkSource, ids: Sequence[ObjectId], problems: list[DwsError]) -> list[ChunkList]:
        """The chunks of contents that are here. One that is damaged is among the problems."""
        found = []
        for object_id in ids:
            try:
                found.append(source.list_of(object_id))
            except DamagedContentError as e:
                problems.append(e)
        return found

    def _send_list(self, store: ObjectStore, chunks: ChunkList, size: int) -> int:
        """``size`` bytes of the content were there before."""
        temporary = store.new_temporary()
        try:
            temporary.write_bytes(chunks.to_bytes())
            self.upload(temporary, f"{DIRECTORY}/{relative(chunks.id)}", tell=False)
        finally:
            temporary.unlink(missing_ok=True)
        self._tell(size)
        return size

    def look_again(self) -> None:
        """What is there is listed anew, when it is asked for."""
        for name in ("_packs", "_where", "_chunk_lists"):
            self.__dict__.pop(name, None)  # they are others now

    def mark(self, store: ObjectStore) -> str:
        """A mark of the remote; it is made if there is none. Two that are made at once are both there."""
        marks = self.listing().marks
        if marks:
            return min(marks)
        name = os.urandom(16).hex() + MARK
        self._upload_text(store, f"packs/{name}", "")
        return name

    def _write_format(self, store: ObjectStore) -> None:
        """Before anything is sent that a release which knows only an older format cannot read."""
        if self.check_format() != FORMAT:
            self._upload_text(store, "format", FORMAT)

    def _upload_text(self, store: ObjectStore, relative: str, text: str) -> None:
        temporary = store.temporary / os.urandom(12).hex()
        try:
            temporary.write_text(text, encoding="ascii")
            self.upload(temporary, relative, tell=False)
        finally:
            temporary.unlink(missing_ok=True)

    def _send_large(self, store: ObjectStore, object_id: ObjectId) -> int:
        path = store.loose_path(object_id)
        if not path.exists():
            raise store.missing_error(object_id)
        damage = store.damage(object_id)
        if damage is not None:
            raise DamagedContentError(damage, object_id=object_id)
        return self.upload(path, f"loose/{object_id.hex[:2]}/{object_id.hex[2:]}")

    def _send_pack(self, pack: Pack) -> int:
        pack.verify()
        return self.upload(pack.path, f"packs/{pack.path.name}")

    def _send_new_pack(self, source: ChunkSource, ids: list[ObjectId]) -> int:
        directory = source.store.temporary / os.urandom(12).hex()
        make_directory(directory)
        writer = PackWriter(directory)
        try:
            for object_id, content in source.contents(ids):
                writer.add(object_id, content)
            path = writer.finish(directory)
            size = self.upload(path, f"packs/{path.name}")
            path.unlink()
        finally:
            writer.discard()
            for left in directory.iterdir():
                left.unlink()
            directory.rmdir()
        return size

    def upload(self, local: Path, relative: str, *, tell: bool = True) -> int:
        """Put a file in place: it is never seen in part. A file system with real directories has it under another name
        first. Returns its size in bytes."""
        size = local.stat().st_size
        target = self._place.path(relative)
        source = target if self._place.put_is_atomic else self._place.path(f"tmp/{os.urandom(12).hex()}")

        def put(fs: AbstractFileSystem) -> None:
            for path in {source, target}:
                self._place.make_directory(fs, path.rpartition("/")[0])
            fs.put_file(str(local), source)
            if self._place.is_local:
                share_file(Path(source), Path(target).parent)
            if source != target:
                if size_of(fs.info(source)) != size:
                    raise OSError("it arrived in part")
                fs.mv(source, target)

        try:
            self._place.do("sending", put)
        except FileNotFoundError as e:
            raise NotFoundError(f"The remote {self.url} is not there: {e}", hint="Create it, or check the URL") from e
        self._tell(size if tell else 0)
        return size

    def _clean(self) -> None:
        """Remove what pushes that were killed long ago have left."""
        if self._place.put_is_atomic:
            return
        path = self._place.path("tmp")

        def remove(fs: AbstractFileSystem) -> None:
            for name, info in fs.find(path, detail=True).items():
                changed = info.get("mtime")
                seconds = changed.timestamp() if hasattr(changed, "timestamp") else changed
                if isinstance(seconds, (int, float)) and seconds < time.time() - _OLD_SECONDS:
                    fs.rm_file(name)

        with suppress(FileNotFoundError, ConfigurationError):  # it is for another push to do
            self._place.do("tidying up", remove)

    # -- fetching ----------------------------------------------------------------------------------------------------

    def fetch(
        self,
        store: ObjectStore,
        ids: Collection[ObjectId],
        *,
        executor: Executor,
        advance: Advance,
        is_again: bool = False,
    ) -> Transfer:
        """Bring contents here that are not. ``advance`` is told how many bytes more have come.

        Each is verified. Raises ConfigurationError that names what the remote lacks, or has damaged, UnavailableError
        if it has not answered; the rest came."""
        wanted = store.missing(ids)
        problems: list[DwsError] = []
        here = store.packed()
        lists = [
            found
            for found in self._lists_to_fetch(wanted, problems)
            if all(digest in self._where or digest in here for digest in found.digests())
        ]  # of others the content may be there as a file, as releases sent it that knew no chunks
        contents = (wanted - {found.id for found in lists}).union(*map(store.missing_chunks, lists))
        contents -= {p.object_id for p in problems if isinstance(p, DamagedContentError) and p.object_id is not None}
        packs = {pack.name: pack for pack in self._packs}
        large = [object_id for object_id in contents if object_id.digest not in self._where]
        by_pack = self._by_pack(contents)
        tasks = [partial(self._fetch_pack, store, packs[name], entries) for name, entries in by_pack.items()]
        tasks += [partial(self._fetch_large, store, object_id) for object_id in large]
        problems += self._run(executor, tasks, advance, go_on=True)
        problems += self._place_lists(store, lists)
        store.sync()
        if any(isinstance(p, _GonePackError) for p in problems) and not is_again:
            self.look_again()  # a collection of garbage has written the pack anew
            return self.fetch(store, ids, executor=executor, advance=advance, is_again=True)
        if problems:
            shown = "; ".join(dict.fromkeys(str(p.message) for p in problems[:_SHOWN]))
            more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            is_unavailable = any(isinstance(p, UnavailableError) for p in problems)
            raise (UnavailableError if is_unavailable else ConfigurationError)(
                f"Not everything could be fetched: {shown}{more}", hint="Run the command again to fetch the rest"
            ) from problems[0]
        return Transfer(len(wanted), sum(i.size for i in wanted))

    def _lists_to_fetch(self, wanted: Iterable[ObjectId], problems: list[DwsError]) -> list[ChunkList]:
        """The chunks of contents that are there in chunks. A list that is damaged is among the problems."""
        found = []
        for object_id in wanted:
            try:
                chunks = self._chunks(object_id)
            except DamagedContentError as e:
                problems.append(e)
            else:
                found += [] if chunks is None else [chunks]
        return found

    def _place_lists(self, store: ObjectStore, lists: Iterable[ChunkList]) -> list[DwsError]:
        """Put lists in place whose chunks are here now, and make what they say; returns what is wrong with others."""
        problems: list[DwsError] = []
        for chunks in lists:
            if store.missing_chunks(chunks):
                problems.append(MetadataError(f"The content {chunks.id.hex} could not be had in whole"))
                continue
            try:
                for _ in parts_of(store, chunks):
                    pass
            except DamagedContentError:
                told = f"The content {chunks.id.hex} at the remote {self.url} is damaged"
                problems.append(DamagedContentError(told, object_id=chunks.id))
                continue
            store.renew_packs(set(chunks.digests()))
            store.chunk_lists.place(chunks, store.new_temporary())
        return problems

    def _fetch_large(self, store: ObjectStore, object_id: ObjectId) -> int:
        path = self._loose_path(object_id)

        def get(fs: AbstractFileSystem) -> None:
            done = 0
            try:
                with fs.open(path, "rb", block_size=_CHUNK, cache_type="none") as file:

                    def chunks() -> Iterator[bytes]:
                        nonlocal done
                        while done < object_id.size + 1 and (chunk := file.read(_CHUNK)):
                            done += len(chunk)
                            self._tell(len(chunk))
                            yield chunk

                    store.add_stream(object_id, chunks())
            except BaseException:
                self._tell(-done)
                raise

        try:
            self._place.do("fetching", get)
        except FileNotFoundError:
            raise MetadataError(f"The remote {self.url} lacks the content {object_id.hex}") from None
        except MetadataError as e:
            raise MetadataError(f"The content {object_id.hex} at the remote {self.url} is damaged") from e
        return object_id.size

    def contents(self, pack: RemotePack, entries: list[_Entry]) -> Iterator[tuple[ObjectId, bytes]]:
        """Contents of a pack, verified. Raises MetadataError for one that is damaged, FileNotFoundError."""
        for object_id, content in self._read_parts(self._place.path(f"packs/{pack.name}"), entries):
            self._check(object_id, content)
            yield object_id, content

    def _fetch_pack(self, store: ObjectStore, pack: RemotePack, entries: list[_Entry]) -> int:
        path = self._place.path(f"packs/{pack.name}")
        try:
            if sum(i.size for i, _ in entries) * 2 > sum(i.size for i in pack.index.ids()):
                self._fetch_whole(store, pack, path)
            else:
                self._fetch_parts(store, path, entries)
        except FileNotFoundError:
            raise _GonePackError(f"The remote {self.url} lacks the pack {pack.name}") from None
        except _DamagedPackError:
            self._fetch_parts(store, path, entries)
        size = sum(i.size for i, _ in entries)
        self._tell(size)
        return size

    def _fetch_whole(self, store: ObjectStore, pack: RemotePack, path: str) -> None:
        temporary = store.temporary / f"{os.urandom(12).hex()}{SUFFIX}"
        try:
            self._place.do("fetching", lambda fs: fs.get_file(path, str(temporary)))
            found = Pack(temporary)
            try:
                if found.index != pack.index:
                    raise MetadataError("it is another pack")
                found.verify()
            except MetadataError as e:
                raise _DamagedPackError(f"The pack {pack.name} at the remote {self.url} is damaged") from e
            finally:
                found.close()
            flush_files([temporary])
            temporary.chmod(sealed_mode(store.root))
            temporary.replace(store.packs_directory / pack.name)
        finally:
            temporary.unlink(missing_ok=True)

    def _fetch_parts(self, store: ObjectStore, path: str, entries: list[_Entry]) -> None:
        """What is good is kept, before what is damaged is told of."""
        writer = store.pack_writer()
        problem: MetadataError | None = None
        try:
            for object_id, content in self._read_parts(path, entries):
                try:
                    self._check(object_id, content)
                except MetadataError as e:
                    problem = problem or e
                else:
                    writer.add(object_id, content)
            if len(writer):
                writer.finish(store.packs_directory)
        finally:
            writer.discard()
        if problem is not None:
            raise problem

    def _read_parts(self, path: str, entries: list[_Entry]) -> Iterator[tuple[ObjectId, bytes]]:
        """Contents of a pack, unchecked, in few requests."""
        unpacker = Unpacker()
        for group in _near_each_other(sorted(entries, key=lambda entry: entry[1])):
            first = group[0][1].start
            data = self._range(path, first, max(slot.end for _, slot in group))
            for object_id, slot in group:
                stored = data[slot.start - first : slot.end - first]
                yield object_id, unpacker.content(object_id, slot, stored)

    # -- checking and repairing --------------------------------------------------------------------------------------

    def damaged(self, ids: Collection[ObjectId], *, executor: Executor, advance: Advance) -> dict[ObjectId, str]:
        """What is wrong with contents there; all of them are read. ``advance`` is told how many bytes more have been.

        Raises ConfigurationError if the remote cannot be reached."""
        found: dict[ObjectId, str] = {}
        made_of: dict[ObjectId, list[ObjectId]] = {}
        loose: list[ObjectId] = []
        for object_id in ids:
            try:
                chunks = self._chunks(object_id, anew=True)
            except MetadataError as e:
                found[object_id] = e.message
                continue
            if object_id.digest in self._where or chunks is not None:
                for part in [object_id] if chunks is None else set(chunks):
                    made_of.setdefault(part, []).append(object_id)
            else:
                loose.append(object_id)
        tasks = [partial(self._check_pack, name, entries) for name, entries in self._by_pack(made_of).items()]
        tasks += [partial(self._check_loose, object_id) for object_id in loose]
        found.update((i, f"The remote {self.url} lacks a chunk of it") for i in self._lacking(made_of))
        for future in [executor.submit(task) for task in tasks]:
            problems, size = future.result()
            found.update((whole, problem) for part, problem in problems.items() for whole in made_of.get(part, [part]))
            advance(size)
        return found

    def _by_pack(self, ids: Iterable[ObjectId]) -> dict[str, list[_Entry]]:
        """Those of the contents that are in packs there, by the packs."""
        found: dict[str, list[_Entry]] = {}
        for object_id in ids:
            if object_id.digest in self._where:
                pack, slot = self._where[object_id.digest]
                found.setdefault(pack.name, []).append((object_id, slot))
        return found

    def _lacking(self, made_of: Mapping[ObjectId, list[ObjectId]]) -> set[ObjectId]:
        return {whole for part, wholes in made_of.items() if part.digest not in self._where for whole in wholes}

    def _damaged_chunks(self, ids: Iterable[ObjectId]) -> set[ObjectId]:
        """The chunks there that make contents damaged."""
        lists = self._lists_to_fetch(ids, [])
        by_pack = self._by_pack({chunk for found in lists for chunk in found})
        return {part for name, entries in by_pack.items() for part in self._check_pack(name, entries)[0]}

    def _check_pack(self, name: str, entries: list[_Entry]) -> tuple[dict[ObjectId, str], int]:
        found: dict[ObjectId, str] = {}
        try:
            for object_id, content in self._read_parts(self._place.path(f"packs/{name}"), entries):
                try:
                    self._check(object_id, content)
                except MetadataError as e:
                    found[object_id] = e.message
        except FileNotFoundError:
            found = {object_id: f"The remote {self.url} lacks the pack {name}" for object_id, _ in entries}
        return found, sum(object_id.size for object_id, _ in entries)

    def _check_loose(self, object_id: ObjectId) -> tuple[dict[ObjectId, str], int]:
        path = self._loose_path(object_id)

        def digest(fs: AbstractFileSystem) -> tuple[int, bytes]:
            found, size = blake3(), 0
            with fs.open(path, "rb", block_size=_CHUNK, cache_type="none") as file:
                while chunk := file.read(_CHUNK):
                    found.update(chunk)
                    size += len(chunk)
            return size, found.digest()

        try:
            if self._place.do("reading a content", digest) != tuple(object_id):
                return {object_id: f"The content {object_id.hex} at the remote {self.url} is damaged"}, object_id.size
        except FileNotFoundError:
            return {object_id: f"The remote {self.url} lacks the content {object_id.hex}"}, object_id.size
        return {}, object_id.size

    def distrust(self, damaged: Collection[ObjectId]) -> tuple[set[str], set[ObjectId]]:
        """The packs that hold any of these contents count as not there from now on, as those do that cannot be read.
        Returns their names, and all that they hold."""
        held: set[ObjectId] = set()
        digests = {object_id.digest for object_id in (*damaged, *self._damaged_chunks(damaged))}
        for pack in self._packs:
            inside = set(pack.index.ids())
            if not digests.isdisjoint(object_id.digest for object_id in inside):
                self._distrusted.add(pack.name)
                held |= inside
        names = self._distrusted | self.damaged_packs.keys()
        self.look_again()
        return names, held

    def set_aside(self, names: Iterable[str]) -> list[str]:
        """Move packs to ``quarantine/`` of the remote: of all that they held the good is elsewhere there now. Returns
        those that were there; one that was sent anew meanwhile is good, and stays."""
        moved = []
        sizes = self.listing().packs
        for name in names:
            if name not in sizes or self._is_good(name, sizes[name]):
                continue
            source, target = self._place.path(f"packs/{name}"), self._place.path(f"quarantine/{name}")

            def move(fs: AbstractFileSystem, source: str = source, target: str = target) -> None:
                self._place.make_directory(fs, target.rpartition("/")[0])
                fs.mv(source, target)

            with suppress(FileNotFoundError):
                self._place.do("setting a damaged pack aside", move)
                moved.append(name)
        self.look_again()
        return moved

    def _is_good(self, name: str, size: int) -> bool:
        try:
            return not self._check_pack(name, list(self._open_pack(name, size).index))[0]
        except (MetadataError, FileNotFoundError):
            return False


class _GonePackError(MetadataError):
    """A pack is not there any more; what was in it may be in another by now."""


class _DamagedPackError(MetadataError):
    """Something in a pack is damaged; other contents of it may be good."""


def _whole_packs(store: ObjectStore, ids: set[ObjectId]) -> tuple[list[Pack], set[ObjectId]]:
    """Packs of a store all of whose contents are wanted, and the contents that are in none of these."""
    whole = []
    left = set(ids)
    for pack in store.packs():
        found = set(pack.index.ids())
        if found and found <= left and sum(i.size for i in found) <= 2 * _PACK_BYTES:
            whole.append(pack)
            left -= found
    return whole, left


def _parts(ids: list[ObjectId]) -> Iterator[list[ObjectId]]:
    """What goes into one pack each."""
    return in_parts(ids, lambda object_id: object_id.size + ENTRY.size, _PACK_BYTES)


def _near_each_other(entries: list[_Entry]) -> Iterator[list[_Entry]]:
    """Contents that are worth one request: little lies between them, and they are not too many."""
    group: list[_Entry] = []
    end = 0
    for entry in entries:
        place = entry[1]
        if group and (place.start - end > _GAP or place.end - group[0][1].start > _CHUNK):
            yield group
            group, end = [], 0
        group.append(entry)
        end = max(end, place.end)
    if group:
        yield group


def _open(url: str, cache: Path) -> RemoteStore:
    return RemoteStore(url, cache=cache)
