"""Middleware that counts each request, and answers when an error was not caught elsewhere."""

import logging
from collections.abc import Collection
from time import perf_counter

from cutaway.ship.serve.asgi import App, Message, Receive, Send, send_end, send_response
from cutaway.ship.serve.http_errors import error_body
from cutaway.ship.serve.metrics import Metrics

log = logging.getLogger("cutaway.serve")


class MetricsMiddleware:
    """The outermost layer: status and seconds of every request.

    Args:
        routes: paths that are counted by name; whatever else is asked for is one, so that
            strangers cannot make up names without end.
    """

    def __init__(self, app: App, metrics: Metrics, routes: Collection[str]):
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = perf_counter(), 0

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, send_noting_status)
        except Exception as error:
            log.error("Internal error: %s: %s.", type(error).__name__, error)
            if not status:
                await self._send_internal_error(error, send_noting_status)
        finally:
            route = scope["path"] if scope["path"] in self.routes else "other"
            self.metrics.requests.labels(route, status or "gone").inc()
            self.metrics.seconds.labels(route).observe(perf_counter() - began)

    async def _send_internal_error(self, error: Exception, send: Send) -> None:
        body = error_body(f"Internal error in Cutaway ({type(error).__name__}): please report it.")
        await send_response(send, 500, {}, body)
        await send_end(send)
