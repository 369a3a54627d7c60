"""The one place that talks to S3, through botocore and, for objects of any size, boto3. What goes wrong becomes an
error for the user.

Keys are relative to the resource's prefix here as everywhere in this package; this module puts the prefix before them.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import IO, Any, NamedTuple

from dataworkspaces.errors import ConfigurationError, DwsError, NotFoundError, NotSupportedError, UnavailableError
from dataworkspaces.resources.s3.null_version import NULL, null_version, split_version
from dataworkspaces.resources.s3.version_pages import VersionPage, read_pages_fast

REQUESTS_AT_ONCE = 16
_ATTEMPTS = 8
_NAME_RE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{1,254}\Z")


class NoSuchObject(NotFoundError):
    """There is no such key, or no such version of it."""


class NoSuchBucket(UnavailableError):
    """There is no bucket of the name, so nobody knows what lay in it."""


class NoAccess(UnavailableError):
    """The credentials do not allow it."""


class ObjectInfo(NamedTuple):
    """:ivar version: None where the bucket has never had versions; see
    :mod:`dataworkspaces.resources.s3.null_version`."""

    size: int
    version: str | None
    etag: str | None = None
    modified: datetime | None = None


class FirstLook(NamedTuple):
    """What a bucket began with when it was looked at: its first page, and what lies at its top; None if that could not
    be asked for."""

    page: VersionPage
    top: VersionPage | None


class Listing(NamedTuple):
    """What lies directly below a prefix that is a directory: names and sizes of objects, and names of directories."""

    files: dict[str, int]
    directories: list[str]


@dataclass(frozen=True)
class Bucket:
    """:ivar prefix: empty, or ends with ``/``."""

    name: str
    prefix: str = ""
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
    anonymous: bool = False
    before_contact: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)
    """Called before the first request: it raises if nobody has agreed to it."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError for what no bucket is called: it may come from somebody else's workspace."""
        if not _NAME_RE.match(self.name) or ("/" in self.name and not self.name.startswith("arn:")):
            raise ConfigurationError(f"'{self.name}' cannot be the name of an S3 bucket")
        if self.endpoint_url is not None and not re.match(r"https?://[^/]", self.endpoint_url):
            raise ConfigurationError(f"'{self.endpoint_url}' is not an S3 endpoint", hint="As in https://HOST:PORT")

    @property
    def url(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    @property
    def place(self) -> str:
        """Where it is, for somebody who has to agree to it."""
        return self.url if self.endpoint_url is None else f"{self.url} at {self.endpoint_url}"

    @property
    def address(self) -> str:
        """As :attr:`place`, with the credentials that it is contacted with."""
        return self.place if self.profile is None else f"{self.place} with the profile {self.profile}"

    @cached_property
    def client(self) -> Any:
        """Safe to be used by threads. Throttling, 5xx and lost connections are tried again, ever more slowly."""
        self.before_contact()
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.session import Session  # boto3's does the same, and takes half as long again

        with self._explained("Connecting"):
            config = Config(
                retries={"mode": "standard", "max_attempts": _ATTEMPTS},
                max_pool_connections=2 * REQUESTS_AT_ONCE,
                connect_timeout=20,
                read_timeout=60,
                **({"signature_version": UNSIGNED} if self.anonymous else {}),
            )
            session = Session(profile=self.profile)
            client = session.create_client("s3", self.region, endpoint_url=self.endpoint_url, config=config)
        read_pages_fast(client)
        return client

    # -- looking -------------------------------------------------------------------------------------------------

    def check_versioned(self) -> FirstLook:
        """Raise ConfigurationError if the bucket is not there, cannot be read, or does not keep versions. All is asked
        at once, and what was seen returned."""
        client = self.client  # here, since somebody may have to agree to it
        with ThreadPoolExecutor(2, "s3-check") as pool:
            versioning = pool.submit(client.get_bucket_versioning, Bucket=self.name)
            directories = pool.submit(self.version_page, None, delimiter="/")
            try:
                page = self.version_page(None)
            except NoSuchBucket as e:
                raise NotFoundError(e.message, hint=e.hint) from e
            top = directories.result() if directories.exception() is None else None
            try:
                with self._explained("Asking for the versioning of"):
                    status = versioning.result().get("Status")
            except NoAccess:  # somebody else's bucket; that its versions can be listed must do
                return FirstLook(page, top)
        if status != "Enabled":
            raise NotSupportedError(
                f"The bucket {self.name} does not keep versions (its versioning is {status or 'off'})",
                hint=f"aws s3api put-bucket-versioning --bucket {self.name} --versioning-configuration Status=Enabled",
            )
        return FirstLook(page, top)

    def version_page(
        self,
        after: str | None,
        version: str | None = None,
        *,
        below: str = "",
        delimiter: str | None = None,
        max_keys: int | None = None,
    ) -> VersionPage:
        """A page of the versions of keys after ``after`` (and of ``after`` itself those after ``version``)."""
        options: dict[str, Any] = {"Prefix": self.prefix + below}
        if after is not None:
            options["KeyMarker"] = self.prefix + after
        if version is not None:
            options["VersionIdMarker"] = version
        if delimiter is not None:
            options["Delimiter"] = delimiter
        if max_keys is not None:
            options["MaxKeys"] = max_keys
        with self._explained("Listing the versions of"):
            page = VersionPage.of(self.client.list_object_versions(Bucket=self.name, **options))
        return page.without_prefix(self.prefix)

    def list_directory(self, directory: str) -> Listing:
        """:param directory: empty, or ends with ``/``."""
        start = self.prefix + directory
        files: dict[str, int] = {}
        directories = []
        with self._explained("Listing"):
            for page in self._pages(Prefix=start, Delimiter="/"):
                files.update((found["Key"][len(start) :], found["Size"]) for found in page.get("Contents", ()))
                directories += [found["Prefix"][len(start) : -1] for found in page.get("CommonPrefixes", ())]
        return Listing(files, directories)

    def list_keys(self, below: str = "") -> Iterator[str]:
        """The keys that begin with ``below``."""
        with self._explained("Listing"):
            for page in self._pages(Prefix=self.prefix + below):
                yield from (found["Key"][len(self.prefix) :] for found in page.get("Contents", ()))

    def has_keys(self, below: str) -> bool:
        with self._explained("Listing"):
            found = self.client.list_objects_v2(Bucket=self.name, Prefix=self.prefix + below, MaxKeys=1)
        return bool(found.get("Contents"))

    def _pages(self, **options: Any) -> Iterable[Mapping[str, Any]]:
        pages: Iterable[Mapping[str, Any]] = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, **options
        )
        return pages

    def info(self, key: str, version: str | None = None) -> ObjectInfo:
        """Raises NoSuchObject."""
        with self._explained("Looking at", key):
            told = self.client.head_object(**self._place(key, version))
        self._check_version(told, key, version)
        found = told.get("VersionId")
        if found == NULL:
            found = null_version(told.get("ETag"))
        return ObjectInfo(told["ContentLength"], found, told.get("ETag"), told.get("LastModified"))

    # -- reading and writing -------------------------------------------------------------------------------------

    def read(self, key: str, version: str | None = None, first: int = 0, last: int | None = None) -> tuple[bytes, int]:
        """The bytes ``first`` to ``last`` (included; None: to the end), and the size of the whole object. Raises
        NoSuchObject."""
        options = {} if first == 0 and last is None else {"Range": f"bytes={first}-{'' if last is None else last}"}
        with self._explained("Reading", key):
            answer, content = self._whole_answer({**self._place(key, version), **options})
        self._check_version(answer, key, version)
        told = answer.get("ContentRange", "")
        return content, int(told.rpartition("/")[2]) if told else first + len(content)

    def _whole_answer(self, options: dict[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        """boto3 tries a request again, but not the reading of an answer that breaks off."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        for attempt in range(_ATTEMPTS - 1):
            try:
                answer = self._get(options)
                return answer, answer["Body"].read()
            except (HTTPClientError, IncompleteReadError):
                time.sleep(random.random() * min(2**attempt, 20))
        answer = self._get(options)
        return answer, answer["Body"].read()

    def _get(self, options: dict[str, Any]) -> Mapping[str, Any]:
        from botocore.exceptions import ClientError

        try:
            answer: Mapping[str, Any] = self.client.get_object(**options)
            return answer
        except ClientError as e:
            if _code(e) not in ("InvalidRange", "416"):
                raise
        whole = {key: value for key, value in options.items() if key != "Range"}
        told: Mapping[str, Any] = self.client.head_object(**whole)
        size = told["ContentLength"]
        import io

        return {"Body": io.BytesIO(), "ContentRange": f"bytes */{size}", "ETag": told.get("ETag")}

    def write(self, key: str, content: bytes) -> None:
        with self._explained("Writing", key):
            self.client.put_object(**self._place(key), Body=content)

    def upload(self, source: IO[bytes], key: str) -> None:
        """In several parts, if it is large. The object is there as a whole, or not at all."""
        from boto3.s3.transfer import TransferConfig, create_transfer_manager

        with self._explained("Writing", key), create_transfer_manager(self.client, TransferConfig()) as transfers:
            transfers.upload(source, self.name, self.prefix + key).result()

    def begin_parts(self, key: str) -> str:
        with self._explained("Writing", key):
            return str(self.client.create_multipart_upload(**self._place(key))["UploadId"])

    def write_part(self, key: str, upload: str, number: int, content: bytes) -> dict[str, Any]:
        with self._explained("Writing", key):
            told = self.client.upload_part(**self._place(key), UploadId=upload, PartNumber=number, Body=content)
        return {"PartNumber": number, "ETag": told["ETag"]}

    def complete_parts(self, key: str, upload: str, parts: list[dict[str, Any]]) -> None:
        with self._explained("Writing", key):
            self.client.complete_multipart_upload(**self._place(key), UploadId=upload, MultipartUpload={"Parts": parts})

    def abort_parts(self, key: str, upload: str) -> None:
        with self._explained("Writing", key):
            self.client.abort_multipart_upload(**self._place(key), UploadId=upload)

    def copy(self, source: str, target: str) -> None:
        """Within the bucket, by the server; of any size."""
        from boto3.s3.transfer import TransferConfig, create_transfer_manager

        config = TransferConfig(use_threads=False, preferred_transfer_client="classic")  # the other one cannot copy
        with self._explained("Copying", source), create_transfer_manager(self.client, config) as transfers:
            transfers.copy(self._place(source), self.name, self.prefix + target).result()

    def delete(self, key: str) -> None:
        """Leaves the versions. A key that is not there is no error."""
        with self._explained("Deleting", key):
            self.client.delete_object(**self._place(key))

    # -- inside --------------------------------------------------------------------------------------------------

    def _place(self, key: str, version: str | None = None) -> dict[str, str]:
        place = {"Bucket": self.name, "Key": self.prefix + key}
        return place if version is None else {**place, "VersionId": split_version(version)[0]}

    def _check_version(self, answer: Mapping[str, Any], key: str, version: str | None) -> None:
        """Raise NoSuchObject if an object without a version of its own is another by now."""
        etag = None if version is None else split_version(version)[1]
        if etag is not None and str(answer.get("ETag", "")).strip('"') != etag:
            raise NoSuchObject(f"s3://{self.name}/{self.prefix}{key} was overwritten while the bucket kept no versions")

    @contextmanager
    def _explained(self, doing: str, key: str | None = None) -> Iterator[None]:
        """Turn what boto3 raises into errors for the user."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from urllib3.exceptions import HTTPError

        where = self.url if key is None else f"s3://{self.name}/{self.prefix}{key}"
        try:
            yield
        except ClientError as e:
            raise self._refused(e, f"{doing} {where}", where, key) from e
        except (BotoCoreError, Boto3Error, HTTPClientError, HTTPError) as e:
            raise UnavailableError(f"{doing} {where} failed: {_one_line(e)}", hint=_hint(e)) from e

    def _refused(self, error: Any, doing: str, where: str, key: str | None) -> DwsError:
        code = _code(error)
        if code == "NoSuchBucket" or (code == "404" and key is None):
            return NoSuchBucket(
                f"There is no bucket {self.name}" + (f" at {self.endpoint_url}" if self.endpoint_url else ""),
                hint="Check the name, --endpoint-url and --region",
            )
        if code in ("404", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "405") and key is not None:
            return NoSuchObject(f"There is no {where}, or no such version of it")
        if code in ("403", "AccessDenied", "AllAccessDisabled"):
            who = "anonymously" if self.anonymous else f"with the credentials {self.profile or 'found'}"
            return NoAccess(f"{doing} is not allowed {who}", hint="Check the permissions, or choose another --profile")
        if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
            return NoAccess(f"{doing} failed: the credentials are not valid ({code})", hint=_CREDENTIALS)
        return UnavailableError(f"{doing} failed: {_one_line(error)}")


_CREDENTIALS = "'aws configure' stores credentials; --profile chooses among them"


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _hint(error: Exception) -> str | None:
    name = type(error).__name__
    if "Credentials" in name:
        return f"{_CREDENTIALS}; --anonymous needs none"
    if name == "ProfileNotFound":
        return "'aws configure list-profiles' shows the profiles"
    return "Check the network and the endpoint" if "Endpoint" in name or "Connect" in name else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
