"""What Prometheus and a probe are told of a training, asked for over HTTP while it trains."""

import os
import re
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from helpers.command import CUTAWAY, cutaway, words
from helpers.digits import digits
from helpers.killed_runs import At, contents
from helpers.waiting import eventually
from prometheus_client.parser import text_string_to_metric_families

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.fleet import launch
from cutaway.learn.prometheus import METRICS, VARIABLE, Prometheus
from cutaway.recipes import pair

SMALL = pair("mlp", "digits").override(
    model_options={"widths": "16"}, epochs=2, batch_size=64, image_size=8, augment="none"
)
FREE = "127.0.0.1:0"


def scraped(url: str) -> dict[str, float]:
    """Each number that /metrics tells, by its name and the name of its figure."""
    text = httpx.get(f"{url}/metrics", trust_env=False).raise_for_status().text
    return {
        "/".join([one.name.removeprefix("cutaway_training_"), *one.labels.values()]): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def healthy(url: str) -> bool:
    answer = httpx.get(f"{url}/healthz", trust_env=False)
    assert answer.json()["status"] == {200: "ok", 503: "stalled"}[answer.status_code]
    return answer.status_code == 200


class Notes(Callback):
    """Keeps the address that is told."""

    def __init__(self) -> None:
        self.url = ""

    def on_note(self, text: str) -> None:
        if text.startswith("Metrics: "):
            self.url = text.split()[1].removesuffix("/metrics,")


def address(log: Path) -> str:
    found = re.search(r"Metrics: (\S+)/metrics", log.read_text())
    return found[1] if found else ""


def test_a_process_is_scraped_while_it_trains(tmp_path):
    """From the command line; what is told is what the run keeps, and the port ends with it."""
    command = [*CUTAWAY, "train", "lenet5", "digits", "--epochs", "300", "--out", "run",
               "--checkpoint-every", "0.5", "--callback", "cutaway:Prometheus"]  # fmt: skip
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, VARIABLE: FREE}, stdout=log, stderr=log
        )
    try:
        eventually(lambda: address(tmp_path / "log"))
        url = address(tmp_path / "log")
        eventually(lambda: scraped(url).keys() >= {"validation/accuracy", "checkpoint_seconds"})
        eventually(lambda: "images_per_second" in scraped(url))
        told = scraped(url)
        assert healthy(url)
        assert told["steps"] == 300 * 20
        assert 0 < told["step"] < told["steps"]
        assert told["images"] == pytest.approx(told["step"] * 1259 / 20, rel=0.02)
        assert 0 <= told["seconds_since_step"] < 60
        assert 0 < told["checkpoint_seconds"] < 60
        assert told["images_per_second"] > 0
        ended = ca.load(tmp_path / "run").metrics[-1]["epoch"]
        eventually(lambda: scraped(url)["epoch"] >= ended)
    finally:
        process.terminate()
        assert process.wait(60) == 130
    with pytest.raises(httpx.ConnectError):
        scraped(url)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_health_turns_bad_when_no_step_comes_and_good_with_the_next(tmp_path):
    """The training itself asks from within a step that does not end."""
    notes, told = Notes(), {}

    def hang():
        assert healthy(notes.url)
        eventually(lambda: not healthy(notes.url))
        told.update(scraped(notes.url))

    fit(SMALL, digits(240), out=tmp_path / "run", callbacks=[
        Prometheus(FREE, patience=0.5), notes, At(2, hang),
        At(3, lambda: told.update(well=healthy(notes.url))),
    ])  # fmt: skip
    assert told["seconds_since_step"] > 0.5
    assert told["step"] == 1  # read once a second
    assert told["loss/loss"] == pytest.approx(
        ca.load(tmp_path / "run").steps[0]["train_loss"], 1e-5
    )
    assert told["well"]


def test_what_is_told_at_the_end_of_an_epoch_is_what_the_run_keeps(tmp_path):
    notes, told = Notes(), []

    class Asks(Callback):
        def on_epoch_end(self, training, row):
            told.append(scraped(notes.url))

    callbacks = [Prometheus(FREE), notes, Asks()]
    run = fit(SMALL, digits(240), out=tmp_path / "run", callbacks=callbacks)
    for row, at in zip(run.metrics, told, strict=True):
        assert at["epoch"] == row["epoch"]
        assert at["loss/loss"] == row["train_loss"]
        assert at["validation/accuracy"] == row["val_accuracy"]
    plain = fit(SMALL, digits(240), out=tmp_path / "plain")
    assert contents(run.path) == contents(plain.path)


@pytest.mark.parametrize("way", ["in-turn", "batched", "side-by-side"])
def test_a_fleet_of_every_way_is_told_of_at_one_address(way, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
    told = []

    class Asks(Callback):
        in_members = False

        def on_member_end(self, fleet, k):
            told.append(scraped(f"http://{address}"))

    launch(SMALL.override(replicates=2), digits(240), way=way, out=tmp_path / "fleet",
           callbacks=[Prometheus(address), Asks()])  # fmt: skip
    assert [one["jobs_ended"] for one in told] == [1, 2]
    assert all("loss/loss" in one for one in told) or way == "side-by-side"
    with pytest.raises(httpx.ConnectError):
        scraped(f"http://{address}")


def test_a_search_is_told_of_at_one_address(tmp_path):
    told, notes = [], Notes()

    class Asks(Callback):
        def on_trial_end(self, search, trial):
            told.append(scraped(notes.url)["jobs_ended"])

    ca.search("mlp", "digits", recipe=SMALL, trials=2, over={"lr": [0.1, 0.01]},
              out=tmp_path / "search", callbacks=[Prometheus(FREE), notes, Asks()],
              progress=False)  # fmt: skip
    assert told == [1, 2]


def test_an_address_in_use_is_one_sentence_before_anything_is_written(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv(VARIABLE, f"127.0.0.1:{other.getsockname()[1]}")
        told = cutaway("train", "lenet5", "digits", "--callback", "cutaway:Prometheus",
                       folder=tmp_path)  # fmt: skip
    assert told.code == 2
    assert re.fullmatch(
        r"Error: 127\.0\.0\.1:\d+ cannot be listened on \(Address already in use\): name another "
        r"address by CUTAWAY_METRICS=HOST:PORT, with port 0 for any that is free\.",
        told.said,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999", "no.such.host.invalid:80"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(UsageError, match=r"An address is HOST:PORT|cannot be listened on"):
        Prometheus(address)


def test_only_the_first_of_several_processes_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")  # as torchrun sets both
    monkeypatch.setenv("WORLD_SIZE", "2")
    notes = Notes()
    with socket.create_server(("127.0.0.1", 0)) as other:  # which is no matter
        address = f"127.0.0.1:{other.getsockname()[1]}"
        fit(SMALL, digits(240), out=tmp_path / "run", callbacks=[Prometheus(address), notes])
    assert notes.url == ""


def test_without_prometheus_client_one_sentence_says_what_to_install(tmp_path):
    """In a process where it cannot be imported."""
    hidden = "import sys; sys.modules['prometheus_client'] = None; import cutaway.cli as c; "
    typed = ["cutaway", "train", "mlp", "digits", "--callback", "cutaway:Prometheus"]
    done = subprocess.run(
        [CUTAWAY[0], "-c", f"{hidden} sys.argv = {typed!r}; c.main()"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert words(done.stderr) == (
        "Error: Metrics for Prometheus need prometheus_client, which is not installed: pip install "
        "'cutaway[metrics]'."
    )


def test_the_page_names_every_metric():
    page = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text()
    assert [name for name in METRICS if f"`{name}`" not in page] == []
