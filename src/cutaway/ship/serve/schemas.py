"""Requests and responses as OpenAPI schemas."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Base64 = Annotated[
    str,
    Field(
        description="An encoded picture (PNG, JPEG, ...) in base64.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/*"},
    ),
]


class Class(BaseModel):
    """A class and how probable it is."""

    label: str
    probability: float = Field(ge=0, le=1)


class Top(BaseModel):
    """The most probable classes of an image, best first."""

    top: list[Class] = Field(min_length=1, max_length=5)


class Numbers(BaseModel):
    """The numbers that are told of an image, by their names."""

    values: dict[str, float]


class Labels(BaseModel):
    """The labels of an image, and the most probable of those that it has not, best first."""

    labels: list[Class]
    others: list[Class] = Field(max_length=5)


class Answers(BaseModel):
    """One answer an image, in their order."""

    answers: list[Top | Numbers | Labels]


class Why(BaseModel):
    """The explanation of an answer."""

    top: list[Class] = Field(min_length=1, max_length=5)
    seen: str = Field(description="What the network sees: a PNG in base64.")
    heat: str = Field(
        description="How far the probability of the first class falls where a pixel is covered, "
        "from 0 (not at all) to 255 (most): a grey PNG in base64."
    )
    most: float = Field(description="By what factor it falls at most, as a natural logarithm.")


class Health(BaseModel):
    """Whether the server answers, and which network does."""

    ready: bool
    model: str
    data: str
    engine: str
    since: str = Field(description="When this network was loaded, ISO 8601.")


class Error(BaseModel):
    """An error."""

    error: str = Field(description="One sentence.")


def request_of(max_images: int) -> type[BaseModel]:
    """The JSON body of a request with at most `max_images` images."""

    class Request(BaseModel):
        """Images to predict for."""

        model_config = ConfigDict(extra="forbid")
        images: list[Base64] = Field(min_length=1, max_length=max_images)

    return Request


def body_of(request: type[BaseModel], max_images: int) -> dict[str, Any]:
    """Both ways of sending images, for a route's `openapi_extra`."""
    files = {
        "type": "array", "minItems": 1, "maxItems": max_images,
        "items": {"type": "string", "format": "binary", "contentMediaType": "image/*"},
    }  # fmt: skip
    form = {
        "type": "object", "required": ["images"], "properties": {"images": files},
        "additionalProperties": False,
    }  # fmt: skip
    content = {
        "application/json": {"schema": request.model_json_schema()},
        "multipart/form-data": {"schema": form},
    }
    return {"requestBody": {"required": True, "content": content}}


def responses(model: type, *errors: int) -> dict[int | str, dict[str, Any]]:
    """The response of a route, and the errors that it may give instead."""
    success: dict[int | str, dict[str, Any]] = {200: {"model": model}}
    return success | {one: {"model": Error, "description": MEANINGS[one]} for one in errors}


def text(kind: str, *errors: int) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that answers with text of a kind."""
    content = {"content": {kind: {"schema": {"type": "string"}}}}
    return responses(Error, *errors) | {200: content}


MEANINGS = {
    400: "The request cannot be read.",
    408: "The request did not arrive in time.",
    413: "The request, or an image, is too large.",
    415: "It is neither JSON nor a form.",
    422: "It holds no images, or one that cannot be read.",
    429: "Rate limit exceeded.",
    500: "Internal error of the server.",
    503: "The server is busy, or the network took too long.",
}
