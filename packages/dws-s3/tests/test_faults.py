"""A server that is slow, overloaded or breaks off: a proxy before the real one."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from s3_server import S3Bucket, S3Server

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.s3.resource import S3Resource

pytestmark = pytest.mark.slow

AddResource = Callable[..., S3Resource]

Fault = Callable[[BaseHTTPRequestHandler], bool]
"""Answers a request in place of the server, and returns True; or lets it through."""

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"


class Proxy:
    def __init__(self, server_url: str) -> None:
        self.fault: Fault = lambda _: False
        self.faults = 0
        self._target = str(urlsplit(server_url).netloc)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail_each(self, count: int, how: Fault) -> None:
        """The first ``count`` attempts at each request fail."""
        seen: dict[str, int] = {}
        lock = threading.Lock()

        def fault(request: BaseHTTPRequestHandler) -> bool:
            with lock:
                seen[request.path] = seen.get(request.path, 0) + 1
                if seen[request.path] > count:
                    return False
                self.faults += 1
            return how(request)

        self.fault = fault

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if proxy.fault(self):
                    return
                connection = http.client.HTTPConnection(proxy._target, timeout=120)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _forward

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def overloaded(request: BaseHTTPRequestHandler) -> bool:
    request.send_response(503)
    request.send_header("Content-Length", str(len(SLOW_DOWN)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(SLOW_DOWN)
    return True


def breaks_off(request: BaseHTTPRequestHandler) -> bool:
    """In the middle of an answer; before it, if that has no body."""
    if request.command == "GET":
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"<ListVersionsResult>")
        request.wfile.flush()
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)
    return True


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[Proxy]:
    proxy = Proxy(s3_server.url)
    yield proxy
    proxy.close()


@pytest.mark.slow
@pytest.mark.parametrize("how", [overloaded, breaks_off])
def test_what_fails_is_tried_again(how: Fault, bucket: S3Bucket, proxy: Proxy, add: AddResource) -> None:
    bucket.put("a.txt", b"one")
    resource = add(bucket.name, endpoint_url=proxy.url)
    proxy.fail_each(1, how)
    version, _ = resource.snapshot()
    resource.snapshot_stored(str(version))
    bucket.put("a.txt", b"two")
    with resource.open("a.txt", "rb") as file:
        assert file.read() == b"one"
    assert proxy.faults >= 3
    proxy.fault = lambda _: False
    assert f".snapshots/{version}.json.gz" in bucket.keys()  # noqa: SIM118


@pytest.mark.slow
def test_a_server_that_stays_overloaded_is_told(
    bucket: S3Bucket, proxy: Proxy, add: AddResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataworkspaces.resources.s3.bucket._ATTEMPTS", 2)
    resource = add(bucket.name, endpoint_url=proxy.url)
    proxy.fault = overloaded
    with pytest.raises(ConfigurationError, match="Reduce your request rate"):
        resource.snapshot()
    assert resource.pinned() is None


def test_a_server_that_is_not_there_is_told(
    bucket: S3Bucket, add: AddResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataworkspaces.resources.s3.bucket._ATTEMPTS", 1)
    with pytest.raises(ConfigurationError, match=r"Could not connect") as caught:
        add(bucket.name, endpoint_url="http://127.0.0.1:1")
    assert caught.value.hint == "Check the network and the endpoint"
