"""Why something elsewhere could not be read: in words, and whether it may pass.

The libraries below fsspec have errors of their own, which are told by what they have in common: a
status of HTTP, a class of Python, a name.
"""

import errno
import socket
from typing import Any

BUSY = (408, 425, 429, 500, 502, 503, 504)
REFUSED = (
    "it may not be read with the credentials that were found, if any: log in as the provider's"
)
REFUSED += " own tools do (AWS_PROFILE, gcloud auth application-default login, hf auth login)"
NETWORK = (
    "ClientError", "ClientPayloadError", "ClientConnectionError", "ServerDisconnectedError",
    "HTTPClientError", "ConnectionError", "EndpointConnectionError", "ConnectTimeoutError",
    "ReadTimeoutError", "ResponseStreamingError", "IncompleteReadError", "TransportError",
    "ConnectError", "RemoteProtocolError", "ReadError",
)  # fmt: skip
"""Names of classes, of aiohttp, botocore, requests and httpx, for a connection that fails."""
LOCAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EISDIR)


def passing(error: BaseException) -> bool:
    """Whether it may go well another time."""
    status = _status(error)
    if status:
        return status in BUSY
    if isinstance(error, FileNotFoundError):  # as which fsspec's web tells any failure
        return error.__cause__ is not None and passing(error.__cause__)
    if isinstance(error, PermissionError | IsADirectoryError):
        return False
    if isinstance(error, OSError):
        return error.errno not in LOCAL
    return isinstance(error, TimeoutError) or _is_network(error)


def answers(error: BaseException) -> bool:
    """Whether somebody answered, with a failure."""
    return bool(_status(error))


def no_such_host(error: BaseException | None) -> bool:
    """Whether the name of the host means nothing, which no patience mends."""
    while error is not None:
        if isinstance(error, socket.gaierror) or "DNS" in type(error).__name__:
            return True
        error = error.__cause__ or error.__context__
    return False


def reason(error: BaseException) -> str:
    """What is wrong, in a few words, without what an address or a header may hold."""
    status = _status(error)
    if status in (401, 403) or isinstance(error, PermissionError) or _named(error, "Credentials"):
        return REFUSED
    if status in BUSY or _named(error, "SlowDown") or getattr(error, "errno", 0) == errno.EBUSY:
        return f"it answers {status or 503}, too many requests or out of order"
    if status:
        return f"it answers {status}"
    if isinstance(error, TimeoutError) or _named(error, "Timeout"):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.errno in LOCAL and error.strerror:
        return error.strerror
    if passing(error):
        return "no connection, or it broke off"
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"


def _status(error: BaseException) -> int:
    """The status of HTTP that an error, or the one behind it, tells; 0 where none does."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    own = "code" if type(error).__name__ == "HttpError" else "status"  # gcsfs, aiohttp
    told = getattr(error, own, None), getattr(response, "status_code", None)
    numbers = (int(str(one)) for one in told if str(one).isdecimal())
    found = next((one for one in numbers if 400 <= one < 600), 0)
    return found or (_status(error.__cause__) if error.__cause__ else 0)


def _is_network(error: BaseException) -> bool:
    return any(kind.__name__ in NETWORK for kind in type(error).__mro__)


def _named(error: BaseException, word: str) -> bool:
    return word in type(error).__name__ or word in str(error)
