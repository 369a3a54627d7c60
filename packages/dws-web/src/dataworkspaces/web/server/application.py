"""The addresses of ``dws web``, and what is answered at each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dataworkspaces.commands.lineage_metrics import with_metrics
from dataworkspaces.errors import DwsError, LockedError, NotFoundError
from dataworkspaces.lineage.workspace_graph import lineage_graph
from dataworkspaces.web import differences, experiments, files, labels_and_notes, snapshots
from dataworkspaces.web.built import APP
from dataworkspaces.web.impact import impact
from dataworkspaces.web.lineage_page import lineage_data
from dataworkspaces.web.live import live
from dataworkspaces.web.source import Source
from dataworkspaces.web.table_cache import tag_of
from dataworkspaces.workspace import Workspace

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_MOST_BODY = 100_000

Answer = Callable[[Workspace, Request], Any]


def application(source: Source) -> Starlette:
    """Without its guard: see :class:`~dataworkspaces.web.server.guard.Guard`."""

    def reads(path: str, answer: Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(_answer, source, lambda workspace: answer(workspace, request), True)

        return Route(path, endpoint, methods=["GET"])

    def writes(path: str, answer: Callable[[Workspace, str, Any], Any]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                given = json.loads(await _body(request))
            except (ValueError, RecursionError):
                return _json({"error": "The request holds no JSON that can be read"}, 400)
            name = request.path_params["name"]
            return await run_in_threadpool(_answer, source, lambda workspace: answer(workspace, name, given), False)

        return Route(path, endpoint, methods=["POST"])

    async def asset(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        file = APP.joinpath(name)
        if name.rpartition(".")[2] not in _TYPES or name not in {each.name for each in APP.iterdir()}:
            return Response("There is no such page.\n", 404, media_type="text/plain")
        return Response(file.read_bytes(), media_type=_TYPES[name.rpartition(".")[2]])

    async def kept(request: Request) -> Response:
        """The table as it was last, for which nobody has to wait; or nothing."""
        body = source.tables.last
        return Response(status_code=204) if body is None else _told(body, request)

    routes = [
        Route("/", asset),
        Route("/app/{name}", asset),
        Route("/api/experiments/kept", kept),
        reads("/api/experiments", lambda w, r: _told(source.tables.body(w, anew="anew" in r.query_params), r)),
        reads(
            "/api/where", lambda w, r: experiments.chosen(source.tables.table(w), r.query_params.get("expression", ""))
        ),
        reads("/api/snapshots/{name}", lambda w, r: snapshots.snapshot_page(w, r.path_params["name"])),
        reads("/api/listing", lambda w, r: files.listing(w, *_place(r))),
        reads("/api/preview", lambda w, r: files.shown_file(w, *_place(r))),
        reads("/api/difference", lambda w, r: differences.difference(w, *_two(r))),
        reads("/api/lines", lambda w, r: differences.lines(w, *_file_of_two(r))),
        reads("/api/rows", lambda w, r: differences.rows(w, *_file_of_two(r))),
        reads("/download", _download),
        reads("/api/lineage/{name}", _lineage),
        reads("/api/live", lambda w, r: _told(gzip.compress(_text(live(w)).encode(), 1, mtime=0), r)),
        reads("/api/impact", lambda w, r: impact(w, source.uses, *_place(r)[1:])),
        writes("/api/snapshots/{name}/labels", labels_and_notes.set_labels),
        writes("/api/snapshots/{name}/notes", labels_and_notes.add_note),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)
    return app


def _answer(source: Source, answer: Callable[[Workspace], Any], reading: bool) -> Response:
    try:
        with source.opened(reading=reading) as workspace:
            found = answer(workspace)
    except DwsError as e:
        status = 404 if isinstance(e, NotFoundError) else 409 if isinstance(e, LockedError) else 400
        return _json({"error": e.message, "hint": e.hint}, status)
    return found if isinstance(found, Response) else _json(found)


def _text(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _json(data: Any, status: int = 200) -> Response:
    return Response(_text(data), status, media_type="application/json")


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BODY:
            raise ValueError("too long")
    return body


def _place(request: Request) -> tuple[str, str, str]:
    given = request.query_params
    return given.get("at", experiments.NOW), given.get("resource", ""), given.get("path", "")


def _two(request: Request) -> tuple[str, str]:
    given = request.query_params
    return given.get("first", ""), given.get("second", "")


def _file_of_two(request: Request) -> tuple[str, str, str, tuple[str, str]]:
    given = request.query_params
    return *_two(request), given.get("resource", ""), (given.get("old", ""), given.get("new", ""))


def _download(workspace: Workspace, request: Request) -> Response:
    place = _place(request)
    content = files.whole_file(workspace, *place)
    name = quote(place[2].rpartition("/")[2], safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Content-Security-Policy": "sandbox"}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _told(body: bytes, request: Request) -> Response:
    """A compressed text, unless the browser has it."""
    tag = tag_of(body)
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304)
    is_compressed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"ETag": tag, "Vary": "Accept-Encoding", **({"Content-Encoding": "gzip"} if is_compressed else {})}
    return Response(body if is_compressed else gzip.decompress(body), media_type="application/json", headers=headers)


def _lineage(workspace: Workspace, request: Request) -> Any:
    name = request.path_params["name"]
    graph = lineage_graph(workspace, snapshot=None if name == experiments.NOW else name, whole=True)
    return lineage_data(with_metrics(workspace, graph))
