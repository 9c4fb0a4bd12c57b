"""What a page asks for about rooms."""

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from cutaway.errors import UsageError
from cutaway.studio.rooms import ROOMS, piece_of, room_of
from cutaway.studio.rooms.pool import Pool, as_lines

LARGEST = 2_000_000
"""Bytes of what a page asks: settings, and a drawing."""


def add_rooms(app: FastAPI) -> Pool:
    """Add the rooms to an application; what computes for them is given back, to be closed."""
    pool = Pool()

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
    def claims(number: int) -> Response:
        try:
            room_of(number)
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 404)
        return StreamingResponse(
            as_lines(pool.answers({"claims": number})), media_type="application/x-ndjson"
        )

    @app.post("/api/rooms/{number}/claims/{claim}")
    def test(number: int, claim: str) -> Response:
        if number not in ROOMS or claim not in ROOMS[number].claims:
            return JSONResponse({"error": f"Room {number} has no claim {claim}."}, 404)
        return StreamingResponse(
            as_lines(pool.answers({"test": claim})), media_type="application/x-ndjson"
        )

    @app.post("/api/piece")
    async def piece(request: Request) -> Response:
        try:
            question = _read(await request.body())
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 400)
        return StreamingResponse(
            as_lines(pool.answers(question)), media_type="application/x-ndjson"
        )

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
