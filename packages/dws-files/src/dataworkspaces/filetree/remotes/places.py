"""URLs of remotes, and the file systems behind them.

A URL may come from somebody else's workspace. It names a place and nothing else: no chain of file systems, no password.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from dataworkspaces.errors import ConfigurationError, DwsError, StorageError, UnavailableError
from dataworkspaces.toolbox.shared_directories import make_directory, share_file

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")
log = logging.getLogger(__name__)

_WRAPPERS = {
    "blockcache", "cached", "data", "dir", "filecache", "generic", "gist", "git", "github", "jlab", "jupyter",
    "libarchive", "reference", "simplecache", "tar", "zip",
}  # fmt: skip
_PUT_IS_ATOMIC = {
    "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "hf", "memory", "http", "https", "webdav",
}  # fmt: skip
_ATTEMPTS = 4
_FINAL = (
    FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError, NotImplementedError,
)  # fmt: skip
_FINAL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
"""What file systems of fsspec call the time of a file's last change."""


@dataclass(frozen=True)
class FileInfo:
    """What a listing tells of a file: its size in bytes, and when it changed, in seconds since 1970 by the clock of
    the remote; None where it does not tell."""

    size: int
    changed: float | None


def check_url(url: str) -> str:
    """The URL of a remote, made absolute. Raises ConfigurationError if it cannot be one."""
    if not url or "\0" in url or "\n" in url:
        raise ConfigurationError(f"{url!r:.300} is not the URL of a remote")
    if "::" in url:
        raise ConfigurationError(f"The remote {url:.300} is a chain of file systems", hint="Give one plain URL")
    if "://" not in url:
        return Path(os.path.expanduser(url)).absolute().as_uri()  # noqa: PTH111 - it leaves ~NAME of nobody as it is
    protocol, _, rest = url.partition("://")
    if protocol in ("file", "local"):
        if not rest.startswith("/"):
            raise ConfigurationError(f"The remote {url:.300} is relative", hint="As in file:///absolute/path")
        return f"file://{os.path.normpath(rest)}"
    if protocol in _WRAPPERS:
        raise ConfigurationError(f"The remote {url:.300} uses a protocol ({protocol:.100}) that stores nothing itself")
    try:
        password = urlsplit(url).password
    except ValueError as e:
        raise ConfigurationError(f"{url!r:.300} is not the URL of a remote: {e!s:.300}") from e
    if password is not None:
        raise ConfigurationError(
            f"The remote {protocol:.100}://… has a password in its URL, which would be stored",
            hint="Leave it out and use the file system's own configuration (a key, a profile, fsspec's conf)",
        )
    import fsspec

    if protocol not in fsspec.registry and protocol not in fsspec.available_protocols():
        raise ConfigurationError(f"fsspec does not know the protocol of the remote {url:.300}: {protocol:.100}")
    return url


class Place:
    """A directory of a file system. Its methods may be called from several threads.

    Errors are ConfigurationError in one line; what may be over soon is tried again a few times before."""

    def __init__(self, url: str) -> None:
        self.url = check_url(url)
        self._local = threading.local()
        protocol = self.url.partition("://")[0]
        self.put_is_atomic = protocol in _PUT_IS_ATOMIC
        self.is_local = protocol == "file"
        self._tries_fast = protocol in ("s3", "s3a")

    def path(self, relative: str) -> str:
        """The path of something below the directory, as the file system wants it."""
        return f"{self._root}/{relative}"

    @cached_property
    def _root(self) -> str:
        if self._fast is not None:
            return self.url.partition("://")[2].rstrip("/")
        from fsspec.core import strip_protocol

        try:
            return str(strip_protocol(self.url)).rstrip("/")
        except ImportError as e:
            raise self._package_missing(e) from e

    @cached_property
    def _fast(self) -> Any:
        """In place of a file system of fsspec, for all threads; None where there is nothing faster."""
        if not self._tries_fast:
            return None
        from dataworkspaces.filetree.remotes import fast_s3

        return fast_s3.connect(self.url)

    def _package_missing(self, error: ImportError) -> ConfigurationError:
        return ConfigurationError(f"The remote {self.url} needs a package that is not installed: {error}")

    # -- small files, and what is there ------------------------------------------------------------------------------

    def list(self, directory: str) -> dict[str, FileInfo]:
        """The files below a directory, by their paths relative to it; none if it is not there."""
        path = self.path(directory)

        def find(fs: AbstractFileSystem) -> dict[str, dict[str, Any]]:
            fs.invalidate_cache()
            return dict(fs.find(path, detail=True))

        try:
            found = self.do(f"listing {directory}", find)
        except FileNotFoundError:
            return {}
        infos = {str(name).partition(f"/{directory}/")[2]: info for name, info in found.items()}
        return {name: FileInfo(size_of(info), _changed(info)) for name, info in infos.items() if name}  # not itself

    def read(self, relative: str, doing: str) -> bytes:
        """A small file; raises FileNotFoundError."""
        path = self.path(relative)
        return bytes(self.do(doing, lambda fs: fs.cat_file(path)))

    def write(self, relative: str, content: bytes, doing: str) -> None:
        """A small file, new or anew. Another process may see it in part, where a file system has real directories."""
        path = self.path(relative)

        def put(fs: AbstractFileSystem) -> None:
            self.make_directory(fs, path.rpartition("/")[0])
            fs.pipe_file(path, content)
            if self.is_local:
                share_file(Path(path), Path(path).parent)

        self.do(doing, put)

    def remove(self, relatives: Iterable[str], doing: str) -> None:
        """Files that may be gone already; in few requests, where the file system knows how."""
        paths = [self.path(relative) for relative in relatives]

        def remove(fs: AbstractFileSystem) -> None:
            try:
                fs.rm(paths)
            except FileNotFoundError:
                for path in paths:
                    with suppress(FileNotFoundError):
                        fs.rm_file(path)

        self.do(doing, remove)

    def make_directory(self, fs: AbstractFileSystem, path: str) -> None:
        """A directory, with those above it, where the file system has real ones. Idempotent."""
        if self.is_local:
            make_directory(Path(path))
        elif not self.put_is_atomic and hasattr(fs, "makedirs"):
            fs.makedirs(path, exist_ok=True)

    # -- anything ----------------------------------------------------------------------------------------------------

    def do(self, doing: str, action: Callable[[AbstractFileSystem], T]) -> T:
        """Do something with the file system. ``doing`` follows the URL in an error, as in "listing its packs"."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        retrying = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.3, max=10),
            retry=retry_if_exception(self._may_be_over_soon),
            reraise=True,
        )
        try:
            if self._tries_fast and self._fast is not None:
                try:
                    return action(self._fast)
                except (FileNotFoundError, DwsError):
                    raise
                except Exception as e:  # s3fs may know more; if not, it is better at telling what is wrong
                    log.debug("obstore failed at %s (%s): %s", self.url, doing, e)
                    self._tries_fast = False
            return retrying(lambda: action(self._file_system()))
        except (FileNotFoundError, DwsError):
            raise
        except Exception as e:  # a library of any kind may be below
            raise self._explain(doing, e) from e

    def _may_be_over_soon(self, error: BaseException) -> bool:
        if isinstance(error, (*_FINAL, DwsError)) or not isinstance(error, Exception):
            return False
        if isinstance(error, OSError) and error.errno in _FINAL_ERRNOS:
            return False
        self._local.__dict__.clear()  # a new connection
        return isinstance(error, (OSError, EOFError)) or _is_of_transport(error)

    def _file_system(self) -> AbstractFileSystem:
        """One for each thread, where connections cannot be shared."""
        found = getattr(self._local, "file_system", None)
        if found is None:
            found = self._local.file_system = self._connect()
        return found

    def _connect(self) -> AbstractFileSystem:
        from fsspec.core import url_to_fs

        # It logs tracebacks of connections that break, which Python prints if nobody listens; errors tell them too.
        logging.getLogger("paramiko").addHandler(logging.NullHandler())

        try:
            file_system, _ = url_to_fs(self.url, skip_instance_cache=True)
        except ImportError as e:
            raise self._package_missing(e) from e
        except OSError:
            raise
        except Exception as e:
            if _is_of_transport(e):
                raise
            raise self._explain("connecting", e) from e
        return file_system

    def _explain(self, doing: str, error: Exception) -> ConfigurationError:
        kind: type[ConfigurationError] = UnavailableError
        if isinstance(error, PermissionError):
            text, hint = "access was refused", "Check the credentials and what they permit"
        elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            kind = StorageError
            text, hint = "there is no space left", "Free some space there and try again"
        else:
            text, hint = " ".join(str(error).split()) or type(error).__name__, "Check the URL and the network"
        return kind(f"The remote {self.url}: {doing} failed: {text[:300]}", hint=hint)


def _is_of_transport(error: Exception) -> bool:
    """Errors of connections that are no OSError: those of paramiko, aiohttp, botocore and fsspec."""
    module = type(error).__module__.partition(".")[0]
    name = type(error).__name__
    return module in ("paramiko", "aiohttp", "asyncio", "botocore", "aiobotocore", "fsspec") and not any(
        word in name for word in ("Auth", "Credentials", "ParamValidation", "BadHostKey", "PasswordRequired")
    )


def size_of(info: Mapping[str, Any]) -> int:
    """Of what a listing tells of a file."""
    return int(info.get("size") or 0)


def _changed(info: Mapping[str, Any]) -> float | None:
    """When a file changed, in seconds since 1970, of what a listing tells of it."""
    found = next((info[key] for key in _TIMES if info.get(key) is not None), None)
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found.replace("Z", "+00:00"))
        except ValueError:
            return None
    if isinstance(found, datetime):
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    return float(found) if isinstance(found, (int, float)) else None
