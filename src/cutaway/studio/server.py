"""The studio's server: the page, what it asks for, and the line by which it is told.

It answers this computer alone, and only who knows the token of its address. A page of another
origin gets nothing: its Host and its Origin are others.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from cutaway.studio.earlier import earlier
from cutaway.studio.hub import Hub, Viewer
from cutaway.studio.offers import fields_of, offered
from cutaway.studio.rooms.routes import add_rooms

PAGE = Path(__file__).parent / "page"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript",
         ".svg": "image/svg+xml", ".webp": "image/webp"}  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
LARGEST = 30_000_000
"""Bytes of a message of a page: a picture of 20 MB in base64."""


def make_app(hub: Hub, token: str, begin: Callable[[], Awaitable[None]]) -> FastAPI:
    """The application.

    Args:
        token: without it nothing but the page itself is given.
        begin: done once it answers.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await begin()
        yield
        await hub.close()
        pool.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.middleware("http")
    async def guard(request: Request, answer: Any) -> Response:
        if not _from_here(request.headers.get("host", "")):
            return JSONResponse({"error": "Open the address that was printed."}, 421)
        if request.url.path.startswith("/api/") and not _knows(
            request.headers.get("x-token", ""), token
        ):
            return JSONResponse({"error": "The token is missing: open the whole address."}, 403)
        response: Response = await answer(request)
        response.headers.update(HEADERS)
        return response

    _add_page(app)
    pool = add_rooms(app)

    @app.get("/api/systems")
    async def systems() -> Response:
        return JSONResponse(await asyncio.to_thread(offered, hub.data))

    @app.get("/api/runs")
    async def runs() -> Response:
        return JSONResponse(await asyncio.to_thread(earlier))

    @app.get("/api/fields")
    async def fields(model: str = "", data: str = "") -> Response:
        return JSONResponse(await asyncio.to_thread(fields_of, model, data, hub.data))

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        host, origin = socket.headers.get("host", ""), socket.headers.get("origin", "")
        same = origin == f"http://{host}"
        if not (_from_here(host) and same and _knows(socket.query_params.get("token", ""), token)):
            await socket.close(1008)
            return
        await socket.accept()
        await attend(hub, socket)

    return app


def _add_page(app: FastAPI) -> None:
    """The files of the page, by their names: none but those that are there."""
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in TYPES}

    @app.get("/")
    async def index() -> Response:
        return _file(files["index.html"])

    @app.get("/page/{name}")
    async def file(name: str) -> Response:
        if name not in files:
            return JSONResponse({"error": "There is no such file."}, 404)
        return _file(files[name])


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), media_type=TYPES[path.suffix])


async def attend(hub: Hub, socket: WebSocket) -> None:
    """Serve one page until it goes."""
    viewer = hub.enter()
    writing = asyncio.create_task(_write(viewer, socket))
    try:
        while True:
            text = await socket.receive_text()
            message = _message(text)
            if message is None:
                viewer.send({"kind": "said", "text": "What came is no message.", "tone": "error"})
            else:
                await hub.take(viewer, message)
    except (WebSocketDisconnect, RuntimeError):  # gone, also in the midst of a message
        pass
    finally:
        hub.leave(viewer)
        writing.cancel()


async def _write(viewer: Viewer, socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.send_text(json.dumps(await viewer.next()))


def _message(text: str) -> dict[str, Any] | None:
    try:
        message = json.loads(text)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _from_here(host: str) -> bool:
    """Whether a Host header names this computer, and no name that somebody else points to it."""
    return host.rpartition(":")[0] in ("127.0.0.1", "localhost")


def _knows(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())
