"""An S3 server far away that has nothing to do: what it lists is written beforehand.

`python -m benchmarks.s3_canned PORT SECONDS COUNT` holds COUNT keys in 100 directories of one bucket, each with one
version, and answers each request SECONDS after it came. The servers of the tests need a core for a listing, which the
clients on this machine would need too; here, only the rounds count. It takes what a snapshot writes, and checks no
signatures.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from bisect import bisect_left, bisect_right, insort
from hashlib import md5
from urllib.parse import parse_qs, unquote, urlsplit

from .delay import LOOPBACK

PAGE = 1000
_VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


class Server:
    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._keys = sorted(f"d{n % 100:02}/f{n:06}" for n in range(count))
        self._contents: dict[str, bytes] = {}
        self._entries = {key: _entry(key, b"x") for key in self._keys}

    async def connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, fields = _parsed(head)
                if fields.get("expect"):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                answer = self._answer(method, target, fields, body)
                await asyncio.sleep(self._seconds)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, method: str, target: str, fields: dict[str, str], body: bytes) -> bytes:
        url = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        key = unquote(url.path).lstrip("/").partition("/")[2]
        if "versioning" in asked:
            return _response(200, _VERSIONED.encode())
        if "versions" in asked:
            return _response(200, self._page(asked))
        if method == "PUT":
            return self._put(key, _unchunked(body) if "aws-chunked" in fields.get("content-encoding", "") else body)
        if key not in self._contents:
            return _response(404, b"<Error><Code>NoSuchKey</Code></Error>")
        content = self._contents[key]
        return _response(200, content, _told_of(content), without_body=method == "HEAD")

    def _put(self, key: str, content: bytes) -> bytes:
        if key not in self._entries:
            insort(self._keys, key)
        self._contents[key], self._entries[key] = content, _entry(key, content)
        return _response(200, b"", _told_of(content))

    def _page(self, asked: dict[str, str]) -> bytes:
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        begin = bisect_left(self._keys, prefix)
        if marker := asked.get("key-marker"):
            begin = max(begin, bisect_right(self._keys, marker))
        end = bisect_left(self._keys, prefix + "\U0010ffff")
        size = min(PAGE, int(asked.get("max-keys", PAGE)))
        if delimiter:
            found, last = self._directories(prefix, delimiter, begin, end), None
        else:
            keys = self._keys[begin : min(end, begin + size)]
            found, last = [self._entries[key] for key in keys], keys[-1] if begin + size < end else None
        more = f"<NextKeyMarker>{last}</NextKeyMarker>" if last else ""
        top = f"<IsTruncated>{'true' if last else 'false'}</IsTruncated>{more}"
        return f"<ListVersionsResult>{top}{''.join(found)}</ListVersionsResult>".encode()

    def _directories(self, prefix: str, delimiter: str, begin: int, end: int) -> list[str]:
        found: list[str] = []
        while begin < end:
            key = self._keys[begin]
            name, slash, _ = key[len(prefix) :].partition(delimiter)
            if slash:
                directory = prefix + name + slash
                found.append(f"<CommonPrefixes><Prefix>{directory}</Prefix></CommonPrefixes>")
                begin = bisect_left(self._keys, directory + "\U0010ffff")
            else:
                found.append(self._entries[key])
                begin += 1
        return found


def _told_of(content: bytes) -> dict[str, str]:
    digest = md5(content).hexdigest()
    return {"x-amz-version-id": digest, "ETag": f'"{digest}"'}


def _entry(key: str, content: bytes) -> str:
    digest = md5(content).hexdigest()
    return (
        f"<Version><Key>{key}</Key><VersionId>{digest}</VersionId><IsLatest>true</IsLatest><Size>{len(content)}</Size>"
        f'<ETag>"{digest}"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Version>'
    )


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    fields = (line.partition(":") for line in lines if line)
    return method, target, {name.lower(): value.strip() for name, _, value in fields}


def _unchunked(body: bytes) -> bytes:
    """What the chunks of ``aws-chunked`` hold."""
    content = b""
    while body:
        told, _, body = body.partition(b"\r\n")
        size = int(told.partition(b";")[0] or b"0", 16)
        content, body = content + body[:size], body[size + 2 :] if size else b""
    return content


def _response(status: int, body: bytes, headers: dict[str, str] | None = None, *, without_body: bool = False) -> bytes:
    told = {"Content-Type": "application/xml", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if without_body else body)


async def serve(port: int, seconds: float, count: int) -> None:
    listening = await asyncio.start_server(Server(count, seconds).connected, LOOPBACK, port)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
