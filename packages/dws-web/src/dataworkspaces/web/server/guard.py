"""Who is answered: the browser of the person who started the server, and no page of anybody else.

A page of the web may send requests to 127.0.0.1, and a name of its own may be made to lead here. So the ``Host`` has to
be ours; an ``Origin``, where there is one, too; and each request carries a token that only the address has which
``dws web`` printed, or the cookie that it was turned into.

In a frame of another page, such as a notebook, browsers send no cookie. There the token is the first part of each path,
below which the page asks for all that it needs; and only pages of this machine may have the frame."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""Of every answer that has none of its own."""

LOCAL = " ".join(f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1"))
"""The pages that may have it in a frame, if it is to be in one."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Around the application; see the module.

    :param port: on which it is served.
    :param in_frame: for a frame of a local page; see the module."""

    def __init__(self, app: ASGIApp, port: int, token: str, *, in_frame: bool = False) -> None:
        self._app = app
        self._in_frame = in_frame
        self._policy = POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {LOCAL}") if in_frame else POLICY
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"dws-web-{port}"  # cookies know no ports: several servers are told apart by it
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "Content-Security-Policy": self._policy}.items():
                    headers.setdefault(name, value)
            await send(message)

        if self._in_frame:
            scope, is_known = self._without_token(scope)
            request = Request(scope)
            refused = _refused("Run the cell of the notebook again: its address has a token", 403)
            answer = self._refusal(request) or (None if is_known else refused)
            await (answer or self._app)(scope, receive, send_with_headers)
            return
        request = Request(scope)
        answer = self._refusal(request) or self._welcome(request)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host", "").lower() not in self._hosts:
            return _refused("This address is not served here", 421)
        origin = request.headers.get("origin")
        if origin is None:
            is_ours = request.method in ("GET", "HEAD")
        else:
            is_ours = origin.removeprefix("http://") == request.headers["host"].lower()
        if not is_ours or (request.headers.get("sec-fetch-site") == "cross-site" and request.url.path != "/"):
            return _refused("Requests of other pages are not answered", 403)
        return None

    def _without_token(self, scope: Scope) -> tuple[Scope, bool]:
        """The request for what lies below the token in its path, and whether that is ours."""
        first, _, rest = scope["path"].removeprefix("/").partition("/")
        path = f"/{rest}"
        return {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogateescape")}, self._is_token(first)

    def _welcome(self, request: Request) -> Response | None:
        """None for a request that may pass."""
        given = request.query_params.get("token")
        if given is not None and request.url.path == "/" and self._is_token(given):
            # The token leaves the address, so that nobody reads it from there.
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return answer
        if self._is_token(request.cookies.get(self._cookie, "")):
            return None
        return _refused("Open the address that 'dws web' has printed: it holds a token", 403)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def _refused(message: str, status: int) -> Response:
    return PlainTextResponse(f"{message}.\n", status)
