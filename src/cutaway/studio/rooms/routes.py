"""What a page asks for about rooms."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Generator
from time import sleep
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from cutaway.errors import UsageError
from cutaway.studio.rooms import ROOMS, piece_of, room_of
from cutaway.studio.rooms.pool import Message, Pool

LARGEST = 2_000_000
"""Bytes of what a page asks: settings, and a drawing."""


def add_rooms(app: FastAPI) -> Pool:
    """Add the rooms to an application; what computes for them is given back, to be closed."""
    pool = Pool()

    def stream(request: Request, question: dict[str, Any]) -> Response:
        lines = _lines(request, pool.answers(question))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @app.get("/api/rooms")
    async def rooms() -> Response:
        shown = [{"number": one.number, "title": one.title, "sentence": one.sentence,
                  "pieces": len(one.pieces)} for one in ROOMS.values()]  # fmt: skip
        return JSONResponse({"rooms": shown})

    @app.get("/api/rooms/{number}")
    async def room(number: int) -> Response:
        try:
            return JSONResponse(room_of(number).described())
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 404)

    @app.get("/api/rooms/{number}/claims")
    def claims(request: Request, number: int) -> Response:
        try:
            room_of(number)
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 404)
        return stream(request, {"claims": number})

    @app.post("/api/rooms/{number}/claims/{claim}")
    def test(request: Request, number: int, claim: str) -> Response:
        if number not in ROOMS or claim not in ROOMS[number].claims:
            return JSONResponse({"error": f"Room {number} has no claim {claim}."}, 404)
        return stream(request, {"test": claim})

    @app.post("/api/piece")
    async def piece(request: Request) -> Response:
        try:
            question = _read(await request.body())
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 400)
        return stream(request, question)

    return pool


def _read(body: bytes) -> dict[str, Any]:
    """A question, checked before a process is asked. Raises UsageError where it is none."""
    if len(body) > LARGEST:
        raise UsageError("What came is larger than 2 MB: give a smaller picture.")
    try:
        asked = json.loads(body)
        room, name, settings = asked["room"], asked["piece"], dict(asked.get("settings", {}))
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            "What came is no question: it needs a room, a piece and settings."
        ) from None
    piece_of(room, name).settled(settings)
    return {"room": room, "piece": name, "settings": settings}


async def _lines(request: Request, messages: Generator[Message, None, None]) -> AsyncIterator[str]:
    """Messages as lines of JSON, until the page has gone: then whoever computes is told."""
    watching = asyncio.create_task(_watch(request, messages))
    request.state.watching = watching  # which the loop itself would not keep
    while (message := await run_in_threadpool(next, messages, None)) is not None:
        yield json.dumps(message) + "\n"
    watching.cancel()


async def _watch(request: Request, messages: Generator[Message, None, None]) -> None:
    """End the answer once the page has gone. Where that happens while a line is sent, nobody asks
    for the next one, and the generator of lines would keep its place for long."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    threading.Thread(target=_close, args=(messages,), daemon=True).start()


def _close(messages: Generator[Message, None, None]) -> None:
    """Close a generator, once the thread that it may still run in has its next message."""
    while True:
        try:
            messages.close()
            return
        except ValueError:  # it is at work
            sleep(0.05)
