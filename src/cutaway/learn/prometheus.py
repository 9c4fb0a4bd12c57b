"""Health and metrics of a training over HTTP, for Prometheus and for whoever restarts what hangs.

cutaway train lenet5 mnist --callback cutaway:Prometheus
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cutaway.errors import UsageError
from cutaway.learn.background_server import Answer, Server, read_address
from cutaway.learn.callbacks import Callback
from cutaway.learn.history import Row
from cutaway.together.environment import leads

if TYPE_CHECKING:
    from cutaway.learn.evaluation import Evaluation
    from cutaway.learn.fleet.fleet import Fleet
    from cutaway.learn.search.search import Search
    from cutaway.learn.search.trial import Trial
    from cutaway.learn.training import Training

VARIABLE = "CUTAWAY_METRICS"
"""The environment variable that names the address, for callbacks that are named in words."""
ADDRESS = "127.0.0.1:9464"
EVERY = 1.0
"""Seconds between two readings of the loss: on a GPU each of them waits for its step."""
METRICS = {
    "step": "Steps that were taken, in the stage that trains.",
    "steps": "Steps of that stage in all.",
    "epoch": "Epochs that have ended.",
    "loss": "Mean loss over the epoch so far, by the name of the loss.",
    "validation": "Figures of the last evaluation on validation images, by their names.",
    "learning_rate": "The learning rate.",
    "images": "Images that were learned from.",
    "images_per_second": "Images a second lately, without evaluation and checkpoints.",
    "seconds_since_step": "Seconds since the last step ended.",
    "checkpoint_seconds": "What the last checkpoint took that training went on after.",
    "checkpoint_timestamp_seconds": "When the last checkpoint began, in seconds since 1970.",
    "jobs_ended": "Members of a fleet, or trials of a search, that have ended.",
}
"""Each with what it says of itself; `cutaway_training_` stands before the name."""

Values = dict[str, float | dict[str, float]]
"""By the names of `METRICS`; of several figures each by its own name."""


class Prometheus(Callback):
    """Answers /metrics and /healthz while a run, a fleet or a search is at work.

    /healthz is 200 as long as something happens (a step, an evaluation, a checkpoint, a member that
    ends), and 503 once nothing has for `patience` seconds. Of several processes that train one
    network the first one answers.

    Args:
        address: `host:port`, port 0 for any that is free; by default what the environment variable
            CUTAWAY_METRICS says, else 127.0.0.1:9464, which this computer alone reaches.
        patience: seconds.

    Raises:
        UsageError: prometheus_client is not installed, or the address cannot be listened on.
    """

    in_members = False  # they would all want the same port

    def __init__(self, address: str = "", patience: float = 600.0):
        self.address, self.patience = address or os.environ.get(VARIABLE) or ADDRESS, patience
        self.values: Values = {}
        self.lived = self.stepped = self.read = self.saving = 0.0  # moments, 0 for never
        self.seen: tuple[Any, int, float] = (None, 0, 0.0)
        self.jobs, self.ended = 0, 0
        self.server: Server | None = None
        self.url = ""
        self.registry = _registry(self)
        if leads():
            self._listen().server_close()  # refused before anything is written

    # What is told of by others.

    def on_fleet_begin(self, fleet: "Fleet", why: str) -> None:
        self._begin()

    def on_search_begin(self, search: "Search") -> None:
        self._begin()

    def on_run_begin(self, training: "Training") -> None:
        self._begin()
        if self.url:
            training.callbacks.on_note(f"Metrics: {self.url}/metrics, health: {self.url}/healthz")
            self.url = ""  # told once

    def on_stage_begin(self, training: "Training") -> None:
        self._resumed()

    def on_step_begin(self, training: "Training") -> None:
        if self.saving:
            self._resumed()

    def on_step_end(self, training: "Training") -> None:
        self.lived = self.stepped = now = time.monotonic()
        if now - self.read >= EVERY:
            self.read = now
            self._take(training)

    def on_evaluation_end(self, training: "Training", part: str, evaluation: "Evaluation") -> None:
        self._live()

    def on_epoch_end(self, training: "Training", row: Row) -> None:
        self._live()
        named = {part: _named(row, f"{part}_") for part in ("train", "val")}
        self._set(epoch=len(training.rows), loss=_losses(named["train"]), validation=named["val"])

    def on_checkpoint(self, training: "Training") -> None:
        self._live()
        self.saving = self.lived
        self._set(checkpoint_timestamp_seconds=time.time())

    def on_member_end(self, fleet: "Fleet", k: int) -> None:
        self._count()

    def on_trial_end(self, search: "Search", trial: "Trial") -> None:
        self._count()

    def on_run_end(self, training: "Training") -> None:
        self._end()

    def on_fleet_end(self, fleet: "Fleet") -> None:
        self._end()

    def on_search_end(self, search: "Search") -> None:
        self._end()

    # What it keeps.

    def _live(self) -> None:
        self.lived = time.monotonic()

    def _set(self, **values: float | dict[str, float]) -> None:
        self.values = self.values | values  # anew, since another thread reads it

    def _count(self) -> None:
        self._live()
        self.ended += 1
        self._set(jobs_ended=self.ended)

    def _resumed(self) -> None:
        """Training goes on; where a checkpoint was written before, it has been."""
        self._live()
        if self.saving:
            self._set(checkpoint_seconds=self.lived - self.saving)
            self.saving = 0.0

    def _take(self, training: "Training") -> None:
        """Read what a step came to."""
        stage, (known, images, seconds) = training.stage, self.seen
        self.seen = (training.run, training.images_seen, training.seconds)
        self._set(
            step=stage.step, steps=stage.steps, epoch=len(training.rows),
            images=training.images_seen, learning_rate=stage.player_optimizers[0].rates[0],
            loss=_losses(stage.totals.means()),
        )  # fmt: skip
        if known is training.run and training.seconds > seconds:
            speed = (training.images_seen - images) / (training.seconds - seconds)
            self._set(images_per_second=speed)

    # What it answers.

    def collect(self) -> Iterator[Any]:
        """What is known, for the registry of prometheus_client."""
        from prometheus_client.core import GaugeMetricFamily

        known = dict(self.values)
        if self.stepped:
            known["seconds_since_step"] = time.monotonic() - self.stepped
        for name, value in known.items():
            of = value if isinstance(value, dict) else {}
            family = GaugeMetricFamily(
                f"cutaway_training_{name}", METRICS[name], labels=["name"] if of else []
            )
            for label, number in of.items():
                family.add_metric([label], number)
            if not isinstance(value, dict):
                family.add_metric([], value)
            yield family

    def answer(self, path: str) -> Answer:
        """Status, kind and content of what is at a path."""
        if path == "/healthz":
            return self._health()
        if path != "/metrics":
            return 404, "text/plain", b"Here are /metrics and /healthz.\n"
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return 200, CONTENT_TYPE_LATEST, generate_latest(self.registry)

    def _health(self) -> Answer:
        silent = time.monotonic() - self.lived
        well = silent <= self.patience
        about = {"status": "ok" if well else "stalled", "seconds_since_anything": round(silent, 1)}
        return 200 if well else 503, "application/json", json.dumps(about).encode()

    # Where it answers.

    def _begin(self) -> None:
        """One more job, of those that are within each other: the first one opens the server."""
        self._live()
        self.jobs += 1
        if self.server is None and leads():
            self.server = self._listen()
            self.server.start()
            self.url = self.server.url

    def _end(self) -> None:
        self.jobs = max(0, self.jobs - 1)
        if self.jobs == 0 and self.server is not None:
            self.server.stop()
            self.server = None

    def _listen(self) -> Server:
        try:
            return Server(*read_address(self.address), self.answer)
        except OSError as error:
            raise UsageError(
                f"{self.address} cannot be listened on ({error.strerror}): name another address "
                f"by {VARIABLE}=HOST:PORT, with port 0 for any that is free."
            ) from None


def _registry(collector: Prometheus) -> Any:
    try:
        from prometheus_client import CollectorRegistry
    except ImportError:
        raise UsageError(
            "Metrics for Prometheus need prometheus_client, which is not installed: "
            "pip install 'cutaway[metrics]'."
        ) from None
    registry: Any = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _named(row: Mapping[str, Any], prefix: str) -> dict[str, float]:
    return {
        name.removeprefix(prefix): float(value)
        for name, value in row.items()
        if name.startswith(prefix)
    }


def _losses(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if name.endswith("loss")}
