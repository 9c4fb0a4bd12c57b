"""Read the images of a request, sent as JSON or as a form."""

import asyncio
import base64
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from cutaway.ship.serve.form import MalformedForm, UnexpectedField, files_in
from cutaway.ship.serve.http_errors import RequestError

INLINE_BYTES = 1 << 18
"""Bytes up to which a body is read in the event loop; larger ones are read in a thread, so that
others need not wait."""


async def images_of(request: Request, schema: type[BaseModel], max_images: int) -> list[bytes]:
    """The encoded pictures of a request.

    Args:
        schema: of a JSON body.
        max_images: that are accepted in a form.

    Raises:
        RequestError: it is neither JSON nor a form, or does not hold what it should.
    """
    content_type, body = request.headers.get("content-type", ""), await request.body()
    kind = content_type.split(";")[0].strip().lower()
    if kind == "application/json":
        call: Any = (_from_json, body, schema)
    elif kind == "multipart/form-data":
        call = (_from_form, content_type, body, max_images)
    else:
        raise _unknown_type(kind)
    read, *arguments = call
    images: list[bytes] = (
        await asyncio.to_thread(*call) if len(body) > INLINE_BYTES else read(*arguments)
    )
    return images


def _unknown_type(kind: str) -> RequestError:
    hint = f"not as {kind[:80]}" if kind else "and say which in Content-Type"
    return RequestError(
        415, "type", f"Send images as application/json or as multipart/form-data, {hint}."
    )


def _from_json(body: bytes, schema: type[BaseModel]) -> list[bytes]:
    try:
        parsed: Any = schema.model_validate_json(body)
    except ValidationError as error:
        raise _invalid_body(error) from None
    return [_decode_base64(text, i) for i, text in enumerate(parsed.images)]


def _invalid_body(error: ValidationError) -> RequestError:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return RequestError(400, "json", "The body is not JSON.")
    where = ".".join(str(part) for part in first["loc"])[:80] or "The body"
    hint = 'send {"images": ["..."]}, each picture in base64'
    return RequestError(422, "shape", f"{where}: {first['msg']}; {hint}.")


def _decode_base64(text: str, place: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RequestError(422, "base64", f"Image {place + 1} is not in base64.") from None


def _from_form(content_type: str, body: bytes, max_images: int) -> list[bytes]:
    try:
        return files_in(content_type, body, max_images)
    except MalformedForm as error:
        raise RequestError(400, "form", f"The form cannot be read: {error}.") from None
    except UnexpectedField as error:
        raise RequestError(422, "shape", str(error)) from None
