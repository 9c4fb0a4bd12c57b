"""Settings of the server."""

from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """The limits of a server.

    Attributes:
        budget_ms: how long an answer may wait for others to share its batch, in milliseconds.
        max_batch: images that the network answers at once.
        max_mb: megabytes of a request's body.
        max_pixels: of an image, before it is brought to the network's size.
        max_images: of a request.
        max_requests: that are worked on at once; further ones are turned away.
        max_waiting: images that wait for the network; it bounds the memory that they take.
        rate: requests a second of one client (twice as many at once); 0 for no limit.
        timeout: seconds that a request may take to arrive, and an answer to be found.
    """

    budget_ms: float = 2.0
    max_batch: int = 64
    max_mb: float = 16.0
    max_pixels: int = 50_000_000
    max_images: int = 256
    max_requests: int = 256
    max_waiting: int = 1024
    rate: float = 0.0
    timeout: float = 30.0

    @property
    def max_bytes(self) -> int:
        return int(self.max_mb * 1e6)

    @property
    def max_total_bytes(self) -> int:
        """Bytes of all bodies in flight together."""
        return 8 * self.max_bytes


def usual_rate(host: str) -> float:
    """Requests a second of one client: no limit for this computer alone, 100 for a network."""
    return 0.0 if host in LOOPBACK else 100.0
