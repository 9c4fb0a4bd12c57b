"""Prometheus metrics of the server."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter(
            "cutaway_requests", "Requests answered.", ["route", "status"], registry=own
        )
        self.seconds = Histogram(
            "cutaway_request_seconds", "From a request's head to the end of its answer.",
            ["route"], buckets=SECONDS, registry=own,
        )  # fmt: skip
        self.batches = Histogram(
            "cutaway_batch_images", "Images in a batch.",
            buckets=BATCHES, registry=own,
        )  # fmt: skip
        self.network = Histogram(
            "cutaway_network_seconds", "Seconds that a batch takes.", buckets=SECONDS, registry=own
        )
        self.waiting = Gauge(
            "cutaway_waiting_images", "Images waiting for the network.", registry=own
        )
        self.in_flight = Gauge("cutaway_requests_in_flight", "Requests in progress.", registry=own)
        self.refused = Counter("cutaway_refused", "Requests refused.", ["reason"], registry=own)
        self.swaps = Counter(
            "cutaway_swaps",
            "Reloads of the network that succeeded, or failed.",
            ["outcome"],
            registry=own,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
