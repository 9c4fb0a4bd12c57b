"""The images of a request, whichever way they were sent."""

import asyncio
import base64
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from cutaway.ship.serve.form import Malformed, Unwanted, files_in
from cutaway.ship.serve.http_errors import RequestError

BIG = 1 << 18
"""Bytes above which a body is read in a thread, so that others need not wait for it."""


async def images_of(request: Request, shape: type[BaseModel], most: int) -> list[bytes]:
    """The encoded pictures of a request.

    Args:
        shape: of a JSON body.
        most: images that are accepted in a form.

    Raises:
        RequestError: it is neither JSON nor a form, or does not hold what it should.
    """
    content_type, body = request.headers.get("content-type", ""), await request.body()
    kind = content_type.split(";")[0].strip().lower()
    if kind == "application/json":
        call: Any = (_from_json, body, shape)
    elif kind == "multipart/form-data":
        call = (_from_form, content_type, body, most)
    else:
        raise _unknown(kind)
    read, *given = call
    found: list[bytes] = await asyncio.to_thread(*call) if len(body) > BIG else read(*given)
    return found


def _unknown(kind: str) -> RequestError:
    found = f"not as {kind[:80]}" if kind else "and say which in Content-Type"
    return RequestError(
        415, "type", f"Send images as application/json or as multipart/form-data, {found}."
    )


def _from_json(body: bytes, shape: type[BaseModel]) -> list[bytes]:
    try:
        found: Any = shape.model_validate_json(body)
    except ValidationError as error:
        raise _misshapen(error) from None
    return [_plain(text, i) for i, text in enumerate(found.images)]


def _misshapen(error: ValidationError) -> RequestError:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return RequestError(400, "json", "The body is not JSON.")
    where = ".".join(str(part) for part in first["loc"])[:80] or "The body"
    wanted = 'send {"images": ["..."]}, each picture in base64'
    return RequestError(422, "shape", f"{where}: {first['msg']}; {wanted}.")


def _plain(text: str, place: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RequestError(422, "base64", f"Image {place + 1} is not in base64.") from None


def _from_form(content_type: str, body: bytes, most: int) -> list[bytes]:
    try:
        return files_in(content_type, body, most)
    except Malformed as error:
        raise RequestError(400, "form", f"The form cannot be read: {error}.") from None
    except Unwanted as error:
        raise RequestError(422, "shape", str(error)) from None
