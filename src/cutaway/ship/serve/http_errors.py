"""Errors of requests: a status, one sentence, and a reason for the metrics."""

import json

RETRY = "1"
"""Seconds after which a client should try again."""


class RequestError(Exception):
    """A request that is refused.

    Attributes:
        reason: a short stable name, for the metrics.
    """

    def __init__(self, status: int, reason: str, sentence: str):
        super().__init__(status, reason, sentence)
        self.status, self.reason, self.sentence = status, reason, sentence

    @property
    def headers(self) -> dict[str, str]:
        return {"retry-after": RETRY} if self.status in (429, 503) else {}

    @property
    def body(self) -> bytes:
        return error_body(self.sentence)


def error_body(sentence: str) -> bytes:
    """The JSON body of an error."""
    return json.dumps({"error": sentence}, ensure_ascii=False).encode()


def busy(reason: str, sentence: str) -> RequestError:
    """The error of a busy server: try again in a moment."""
    return RequestError(503, reason, f"{sentence} Try again in a second.")
