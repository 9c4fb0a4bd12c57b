"""`/docs`: the reference of the API, which loads nothing from elsewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html

from cutaway.ship.serve.http_errors import error_body

TYPES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
"""The files of Swagger UI, which fastapi-offline brings."""
MISSING = (
    "This page needs fastapi-offline: pip install 'cutaway[serve]'. /openapi.json has the same as "
    "a schema."
)


def add_reference(app: FastAPI) -> None:
    """The page and its files; they are no part of the schema that the page shows."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return _page(app.title) if _file("swagger-ui.css") else _missing()

    @app.get("/docs/{name}", include_in_schema=False)
    async def part(name: str) -> Response:
        content = _file(name) if name in TYPES else b""
        return Response(content, media_type=TYPES[name]) if content else _missing()


def _page(title: str) -> Response:
    """Swagger UI beside its own files; addresses are relative, for servers behind another one."""
    text = bytes(
        get_swagger_ui_html(
            openapi_url="openapi.json", title=f"{title}: the API",
            swagger_js_url="docs/swagger-ui-bundle.js", swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="data:,",
        ).body
    )  # fmt: skip
    scripts = re.findall(rb"<script>(.*?)</script>", text, re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(one).digest()).decode()}'" for one in scripts]
    policy = (
        f"default-src 'none'; script-src 'self' {' '.join(hashes)}; style-src 'self' "
        "'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )
    return Response(text, media_type="text/html", headers={"content-security-policy": policy})


def _file(name: str) -> bytes:
    """Read one of Swagger UI's files; empty where the package is not installed."""
    try:
        return files("fastapi_offline").joinpath("static", name).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        return b""


def _missing() -> Response:
    return Response(error_body(MISSING), 404, media_type="application/json")
