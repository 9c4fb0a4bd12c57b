"""One S3 server for the tests of a file; each finds it calm."""

from collections.abc import Iterator

import pytest
from helpers import storage
from helpers.storage import Bucket


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with storage.bucket() as one:
        yield one


@pytest.fixture
def bucket(server: Bucket) -> Bucket:
    server.calm()
    for name in server.names():
        server.remove(name)
    return server
