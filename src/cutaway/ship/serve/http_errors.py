"""Requests that are not answered: a status, one sentence, and a reason to count."""

import json

RETRY = "1"
"""Seconds after which to try again."""


class RequestError(Exception):
    """Why a request gets no answer.

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
        return said(self.sentence)


def said(sentence: str) -> bytes:
    """The body of every error."""
    return json.dumps({"error": sentence}, ensure_ascii=False).encode()


def busy(reason: str, sentence: str) -> RequestError:
    """Try again in a moment."""
    return RequestError(503, reason, f"{sentence} Try again in a second.")
