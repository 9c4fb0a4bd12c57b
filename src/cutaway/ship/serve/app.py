"""The routes of the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware import Middleware
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from cutaway.ship.about import About
from cutaway.ship.serve import schemas
from cutaway.ship.serve.http_errors import RequestError, error_body
from cutaway.ship.serve.limits import Limits
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.metrics_middleware import MetricsMiddleware
from cutaway.ship.serve.page import page
from cutaway.ship.serve.reference import add_reference
from cutaway.ship.serve.request import images_of
from cutaway.ship.serve.service import Service
from cutaway.ship.serve.settings import Settings
from cutaway.ship.serve.swap import Load, Served, Watcher
from cutaway.version import __version__

ROUTES = ("/", "/predict", "/why", "/about", "/health", "/metrics", "/openapi.json", "/docs")
IMAGE_ERRORS = (400, 408, 413, 415, 422, 429, 500, 503)
INFO_ERRORS = (408, 413, 429, 500, 503)


def make_app(path: Path, load: Load, settings: Settings) -> FastAPI:
    """Build the server of the network at a path, which is loaded now and watched from then on.

    Raises:
        CutawayError: there is none, or none that can be served.
    """
    metrics = Metrics()
    served = Served(load(path))
    watcher = Watcher(path, load, served, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = Service(served, settings, metrics)
        await app.state.service.warm_up()
        watching = asyncio.create_task(watcher.watch())
        yield
        watching.cancel()
        app.state.service.close()

    app = FastAPI(
        title="Cutaway", description=f"{served.engine.about.model} over HTTP.",
        version=__version__,
        docs_url=None, redoc_url=None, lifespan=lifespan,  # FastAPI's pages load from elsewhere
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics, routes=ROUTES),
            Middleware(Limits, settings=settings, metrics=metrics),
        ],
        exception_handlers={
            RequestError: partial(_request_error, metrics),
            HTTPException: _http_error,
        },
    )  # fmt: skip
    _add_image_routes(app, settings)
    _add_info_routes(app, served, metrics)
    add_reference(app)
    return app


def _add_image_routes(app: FastAPI, settings: Settings) -> None:
    """Add the routes that take images."""
    many, one = schemas.request_of(settings.max_images), schemas.request_of(1)

    @app.post(
        "/predict", response_model=None,
        responses=schemas.responses(schemas.Answers, *IMAGE_ERRORS),
        openapi_extra=schemas.body_of(many, settings.max_images),
    )  # fmt: skip
    async def predict(request: Request) -> Response:
        """The five most probable classes of each image, or its values.

        One that cannot be read refuses the whole request, and is named: an answer is complete.
        """
        contents = await images_of(request, many, settings.max_images)
        answers = await app.state.service.answers(contents)
        return _json({"answers": answers})

    @app.post(
        "/why", response_model=None, responses=schemas.responses(schemas.Why, *IMAGE_ERRORS),
        openapi_extra=schemas.body_of(one, 1),
    )  # fmt: skip
    async def why(request: Request) -> Response:
        """Explain the answer to one image by an occlusion map."""
        (content,) = await images_of(request, one, 1)
        return _json(await app.state.service.why(content))


def _add_info_routes(app: FastAPI, served: Served, metrics: Metrics) -> None:
    """Add the routes that describe the server and its network."""

    @app.get("/health", response_model=None, responses=schemas.responses(schemas.Health, 500))
    async def health() -> Response:
        """Whether the server answers, and which network does."""
        about, name = served.engine.about, served.engine.name
        return _json({
            "ready": True, "model": about.model, "data": about.data, "engine": name,
            "since": served.since,
        })  # fmt: skip

    @app.get("/about", response_model=None, responses=schemas.responses(About, *INFO_ERRORS))
    async def about() -> Response:
        """The network, its data, and its results on the test set."""
        return _json(served.engine.about.to_dict())

    @app.get(
        "/metrics", summary="Metrics", response_class=Response,
        responses=schemas.text("text/plain", 500),
    )  # fmt: skip
    async def counted() -> Response:
        """Metrics for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get(
        "/", summary="A page to try it", response_class=Response,
        responses=schemas.text("text/html", *INFO_ERRORS),
    )  # fmt: skip
    async def index() -> Response:
        """The page: drop an image, or draw one."""
        content, headers = page()
        return Response(content, media_type="text/html", headers=headers)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, "application/json")


async def _request_error(metrics: Metrics, request: Request, error: Any) -> Response:
    metrics.refused.labels(error.reason).inc()
    return Response(error.body, error.status, error.headers, "application/json")


async def _http_error(request: Request, error: Any) -> Response:
    sentence = {404: "There is no such page.", 405: "This method is not allowed here."}
    content = error_body(sentence.get(error.status_code, f"{error.detail}."))
    return Response(content, error.status_code, error.headers, "application/json")
