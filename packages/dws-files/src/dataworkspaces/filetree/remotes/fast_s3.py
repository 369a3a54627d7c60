"""S3 by obstore instead of s3fs: nothing large is imported for it, and many requests are under way at once.

It stands in for a file system of fsspec, as far as a :class:`Place` asks for one. It is used where all settings are
plain: keys and a region from the environment or a profile, and an endpoint. Whatever else there is (roles, single
sign-on, other options of fsspec), s3fs knows what to do with; so it does with whatever fails here.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obstore.store import S3Store

_PLAIN_RE = re.compile(r"s3a?://([a-z0-9][a-z0-9.-]+)((?:/[A-Za-z0-9_. -]+)*)/?")
_OF_FSSPEC = {"endpoint_url": "endpoint", "key": "access_key_id", "secret": "secret_access_key", "token": "token"}
_OF_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "token",
    "AWS_DEFAULT_REGION": "region",
    "AWS_ENDPOINT_URL": "endpoint",
    "AWS_ENDPOINT_URL_S3": "endpoint",
}
_OF_PROFILE = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "token",
    "region": "region",
    "endpoint_url": "endpoint",
    "output": "",
}
_MEAN_MORE = ("AWS_ROLE_ARN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT")
_CHUNK = 8 << 20


def plain_settings(of_fsspec: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str] | None:
    """What obstore has to know, or None if it is not all plain.

    :param of_fsspec: what the configuration of fsspec says of S3."""
    if any(environment.get(name) for name in _MEAN_MORE) or not of_fsspec.keys() <= _OF_FSSPEC.keys():
        return None
    profile = _profile(environment)
    if profile is None or not profile.keys() <= _OF_PROFILE.keys():
        return None
    found = {_OF_PROFILE[key]: value for key, value in profile.items() if _OF_PROFILE[key]}
    found |= {meant: environment[name] for name, meant in _OF_ENVIRONMENT.items() if environment.get(name)}
    found |= {_OF_FSSPEC[key]: str(value) for key, value in of_fsspec.items()}
    if environment.get("AWS_CA_BUNDLE") and not found.get("endpoint", "").startswith("http://"):
        return None
    is_whole = {"access_key_id", "secret_access_key"} <= found.keys()
    return found if is_whole and ("region" in found or "endpoint" in found) else None


def _profile(environment: Mapping[str, str]) -> dict[str, str] | None:
    """What the files of AWS say of the profile in use; None if they cannot be read."""
    name = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
    home = Path(environment.get("HOME", "/nonexistent")) / ".aws"
    config = environment.get("AWS_CONFIG_FILE") or home / "config"
    credentials = environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"
    found: dict[str, str] = {}
    for path, section in ((config, name if name == "default" else f"profile {name}"), (credentials, name)):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, ValueError):
            return None
        found |= dict(parser.items(section)) if parser.has_section(section) else {}
    return found


def connect(url: str) -> FastS3 | None:
    """The bucket of a URL; None where s3fs has to do."""
    match = _PLAIN_RE.fullmatch(url)
    if match is None or match[2].strip("/").split("/")[0] in (".", ".."):
        return None
    try:
        from obstore.store import S3Store
    except ImportError:
        return None
    import fsspec.config

    settings = plain_settings(fsspec.config.conf.get("s3", {}), os.environ)
    if settings is None:
        return None
    is_http = settings.get("endpoint", "").startswith("http://")
    return FastS3(
        match[1],
        S3Store(
            match[1],
            config=settings,
            client_options={"allow_http": is_http, "timeout": "1 hour", "connect_timeout": "10 seconds"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
        ),
    )


class FastS3:
    """Paths are ``BUCKET/KEY``, as those of s3fs. What is not there raises FileNotFoundError."""

    def __init__(self, bucket: str, store: S3Store) -> None:
        self._prefix = f"{bucket}/"
        self._store = store

    def _key(self, path: str) -> str:
        return path.removeprefix(self._prefix)

    def invalidate_cache(self) -> None:
        """There is none."""

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        import obstore

        if start is None or end is None:
            return bytes(obstore.get(self._store, self._key(path)).bytes())
        return bytes(obstore.get_range(self._store, self._key(path), start=start, end=end)) if end > start else b""

    def find(self, path: str, *, detail: bool = True) -> dict[str, dict[str, Any]]:
        import obstore

        pages = obstore.list(self._store, self._key(path), chunk_size=1000)
        return {f"{self._prefix}{each['path']}": _info(each) for page in pages for each in page}

    def info(self, path: str) -> dict[str, Any]:
        import obstore

        return _info(obstore.head(self._store, self._key(path)))

    def put_file(self, local: str, path: str) -> None:
        import obstore

        obstore.put(self._store, self._key(path), Path(local), chunk_size=_CHUNK)

    def pipe_file(self, path: str, content: bytes) -> None:
        import obstore

        obstore.put(self._store, self._key(path), content)

    def get_file(self, path: str, local: str) -> None:
        import obstore

        stream = obstore.get(self._store, self._key(path)).stream(min_chunk_size=_CHUNK)
        with open(local, "wb") as file:  # noqa: PTH123 - as others of fsspec take it
            for part in stream:
                file.write(part)

    def open(self, path: str, mode: str = "rb", **_options: Any) -> _Reader:
        import obstore

        return _Reader(iter(obstore.get(self._store, self._key(path)).stream(min_chunk_size=_CHUNK)))

    def mv(self, source: str, target: str) -> None:
        import obstore

        obstore.copy(self._store, self._key(source), self._key(target))
        obstore.delete(self._store, self._key(source))

    def rm(self, paths: list[str]) -> None:
        import obstore

        obstore.delete(self._store, [self._key(path) for path in paths])

    def rm_file(self, path: str) -> None:
        self.rm([path])


class _Reader:
    """A file that is read from its start, in parts as large as they come."""

    def __init__(self, parts: Iterator[Any]) -> None:
        self._parts = parts

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._parts = iter(())

    def read(self, _size: int) -> bytes:
        return bytes(next(self._parts, b""))


def _info(found: Any) -> dict[str, Any]:
    return {"size": found["size"], "LastModified": found["last_modified"]}
