"""The routes of the page on which people judge."""

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.middleware import Middleware
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from cutaway.errors import CutawayError
from cutaway.learn.judgements import FEWEST, FILE, Answer, Judgements, Sitting
from cutaway.ship.judge.deck import Card, Source, checks_for
from cutaway.ship.judge.outcome import outcome
from cutaway.ship.judge.page import page
from cutaway.ship.serve.http_errors import RequestError, error_body
from cutaway.ship.serve.limits import Limits
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.metrics_middleware import MetricsMiddleware
from cutaway.ship.serve.settings import Settings

KEPT = 64
"""Sittings whose images are kept in memory; those of others are made again."""
SESSION = re.compile(r"[0-9a-f]{32}")


class Said(BaseModel):
    """An answer as the page sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    position: int = Field(ge=0, le=1_000_000)
    real: bool
    ms: int | None = Field(default=None, ge=0, le=10**9)


@dataclass(frozen=True)
class Wanted:
    """What new sittings are like.

    Attributes:
        images: real and drawn ones; the scrambled come on top.
        feedback: tell after each answer whether it was right.
    """

    images: int = 100
    seed: int = 0
    feedback: bool = False


class Desk:
    """The sittings of a run: each with its images, of which the page is shown one at a time."""

    def __init__(self, source: Source, wanted: Wanted):
        source.check(wanted.images)
        self.source, self.wanted = source, wanted
        self.judgements = Judgements(source.run.path / FILE)
        self._decks: OrderedDict[str, list[Card]] = OrderedDict()
        self._dealing = asyncio.Lock()

    def begin(self) -> Sitting:
        w = self.wanted
        sitting = Sitting(
            uuid4().hex, self.source.run.data.name, w.seed, w.images, checks_for(w.images),
            w.feedback,
        )  # fmt: skip
        self.judgements.begin(sitting)
        return sitting

    def find(self, session: str) -> Sitting:
        """A sitting. Raises RequestError where there is none of this name."""
        sitting = self.judgements.find(session) if SESSION.fullmatch(session) else None
        if sitting is None:
            raise RequestError(404, "session", "There is no such sitting in this run: begin one.")
        return sitting

    async def deck(self, sitting: Sitting) -> list[Card]:
        """Its images; the network draws in a thread, for one sitting after another."""
        async with self._dealing:
            if sitting.session not in self._decks:
                dealt = await asyncio.to_thread(self.source.deal, sitting)
                self._decks[sitting.session] = dealt
                if len(self._decks) > KEPT:
                    self._decks.popitem(last=False)
            return self._decks[sitting.session]

    async def answer(self, sitting: Sitting, said: Said) -> bool | None:
        """Enter an answer; whether it was right, where visitors are told.

        One that is told twice, since its acknowledgement was lost, counts once.

        Raises:
            RequestError: it is not the turn of this image, or the sitting has ended.
        """
        if sitting.ended:
            raise RequestError(409, "ended", "This sitting has ended: begin another.")
        deck = await self.deck(sitting)
        if said.position > len(sitting.answers) or said.position >= len(deck):
            raise RequestError(409, "turn", "It is not the turn of this image: reload the page.")
        if said.position == len(sitting.answers):
            card = deck[said.position]
            self.judgements.answer(
                sitting, Answer(said.position, card.kind, card.name, said.real, said.ms)
            )
        return sitting.answers[said.position].right if sitting.feedback else None


def make_app(source: Source, wanted: Wanted, settings: Settings) -> FastAPI:
    """The page and its routes. Raises UsageError where the run has too few images."""
    desk, metrics = Desk(source, wanted), Metrics()
    app = FastAPI(
        title="Cutaway judge", docs_url=None, redoc_url=None, openapi_url=None,
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics, routes=("/",)),
            Middleware(Limits, settings=settings, metrics=metrics),
        ],
        exception_handlers={
            RequestError: _request_error, HTTPException: _http_error, CutawayError: _own_error,
        },
    )  # fmt: skip
    _add_page(app, desk)
    _add_sittings(app, desk)
    return app


def _add_page(app: FastAPI, desk: Desk) -> None:
    @app.get("/", response_class=Response)
    async def index() -> Response:
        content, headers = page()
        return Response(content, media_type="text/html", headers=headers)

    @app.get("/about", response_model=None)
    async def about() -> Response:
        run, wanted = desk.source.run, desk.wanted
        return _json({
            "title": run.title, "run": str(run.path), "data": run.data.name,
            "size": run.data.size, "images": wanted.images, "checks": checks_for(wanted.images),
            "fewest": FEWEST, "feedback": wanted.feedback,
        })  # fmt: skip


def _add_sittings(app: FastAPI, desk: Desk) -> None:
    @app.post("/sittings", response_model=None)
    async def begin() -> Response:
        return _json(_state(desk.begin()), 201)

    @app.get("/sittings/{session}", response_model=None)
    async def state(session: str) -> Response:
        return _json(_state(desk.find(session)))

    @app.get("/sittings/{session}/images/{position}", response_model=None)
    async def image(session: str, position: str) -> Response:
        """The image whose turn it is, or the next one, so that it is there in time."""
        sitting = desk.find(session)
        deck = await desk.deck(sitting)
        turn = len(sitting.answers)
        if position not in map(str, (turn, turn + 1)) or int(position) >= len(deck):
            raise RequestError(404, "turn", "It is not the turn of this image: reload the page.")
        return _response(deck[int(position)].picture, "image/png")

    @app.post("/sittings/{session}/answers", response_model=None)
    async def answer(session: str, request: Request) -> Response:
        sitting = desk.find(session)
        right = await desk.answer(sitting, _said(await request.body()))
        return _json(_state(sitting) | ({} if right is None else {"right": right}))

    @app.post("/sittings/{session}/end", response_model=None)
    async def end(session: str) -> Response:
        """The result, after which no answer is taken."""
        sitting = desk.find(session)
        if len(sitting.answers) < min(FEWEST, sitting.total):
            raise RequestError(409, "few", f"There is a result after {FEWEST} answers.")
        desk.judgements.end(sitting)
        return _json(outcome(sitting, list(desk.judgements.sittings.values())))


def _said(body: bytes) -> Said:
    try:
        return Said.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:80] or "The body"
        hint = 'send {"position": 0, "real": true}'
        raise RequestError(422, "shape", f"{where}: {first['msg']}; {hint}.") from None


def _state(sitting: Sitting) -> dict[str, Any]:
    """How far a sitting is; nothing of what its images are."""
    return {
        "session": sitting.session, "answered": len(sitting.answers), "total": sitting.total,
        "ended": sitting.ended, "feedback": sitting.feedback,
    }  # fmt: skip


def _json(value: Any, status: int = 200) -> Response:
    return _response(to_json(value), "application/json", status)


def _response(content: bytes, kind: str, status: int = 200) -> Response:
    return Response(content, status, {"cache-control": "no-store"}, kind)


async def _request_error(request: Request, error: Any) -> Response:
    return Response(error.body, error.status, error.headers, "application/json")


async def _http_error(request: Request, error: Any) -> Response:
    sentence = {404: "There is no such page.", 405: "This method is not allowed here."}
    return _response(
        error_body(sentence.get(error.status_code, f"{error.detail}.")), "application/json",
        error.status_code,
    )  # fmt: skip


async def _own_error(request: Request, error: Any) -> Response:
    """A full disk, a run that is gone: the sentence that the command line would say."""
    return _response(error_body(str(error)), "application/json", 500)
