"""What a server answers, against the run itself."""

import base64
from io import BytesIO

import numpy as np
import pytest
import torch
from helpers.digits import digits
from helpers.server import Server, encoded, files, in_json
from PIL import Image

from cutaway.learn.run import Run
from cutaway.see.attribution import occlusion

PICTURES = [encoded(one[..., 0]) for one in digits(40, size=32).images.numpy()]


class LogAnswers(torch.nn.Module):
    """The logarithm of what a run answers."""

    def __init__(self, run: Run):
        super().__init__()
        self.network, self.task, self.target = run.model, run.task, run.data.target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.task.answer(self.network(x), self.target).log()


def test_the_same_answers_as_predict(running: Server, lenet: Run) -> None:
    expected = lenet.predict(PICTURES)
    answers = running.client.post("/predict", json=in_json(*PICTURES)).json()["answers"]
    assert len(answers) == len(PICTURES)
    for answer, prediction in zip(answers, expected, strict=True):
        names, values = zip(*prediction.top, strict=True)
        assert tuple(one["label"] for one in answer["top"]) == names
        assert [one["probability"] for one in answer["top"]] == pytest.approx(values, abs=2e-6)


def test_json_and_forms_say_the_same(running: Server) -> None:
    by_form = running.predict(*PICTURES[:5])
    by_json = running.client.post("/predict", json=in_json(*PICTURES[:5]))
    assert by_form.json() == by_json.json()
    assert by_form.headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_other_kinds_of_files(running: Server, kind: str) -> None:
    picture = encoded(digits(1, size=32).images[0, ..., 0].numpy(), kind)
    assert len(running.predict(picture).json()["answers"][0]["top"]) == 5


def test_large_images_are_decoded_in_threads_and_in_order(running: Server, lenet: Run) -> None:
    images = digits(12, size=320).images[..., 0].numpy()
    pictures = [encoded(one) for one in images]
    answers = running.predict(*pictures).json()["answers"]
    assert [one["top"][0]["label"] for one in answers] == [p.label for p in lenet.predict(pictures)]


def test_why_is_occlusion(running: Server, lenet: Run) -> None:
    reply = running.client.post("/why", files=files(PICTURES[3])).json()
    (prediction,) = lenet.predict(PICTURES[3:4])
    assert reply["top"][0]["label"] == prediction.label
    seen, heat = (
        np.asarray(Image.open(BytesIO(base64.b64decode(reply[name])))) for name in ("seen", "heat")
    )
    assert (seen == digits(4, size=32).images[3, ..., 0].numpy()).all()
    x = lenet.data.normalise(torch.from_numpy(seen.copy())[None, None] / 255)
    k = torch.tensor([lenet.data.classes.index(prediction.label)])
    expected = occlusion(LogAnswers(lenet), x, k, patch=6, stride=3)[0]
    assert reply["most"] == pytest.approx(expected.max().item(), rel=0.02)
    shares = expected.clamp(min=0) / expected.max()
    # the server covers with whole grey levels, the run with the exact mean
    assert np.abs(heat / 255 - shares.numpy()).max() < 0.03


BROKEN = PICTURES[0][:60]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"content": b"images"}, 415, "application/json or as multipart/form-data"),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "not as text/plain"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "not JSON"),
        ({"json": []}, 422, "The body: "),
        ({"json": {}}, 422, "images: Field required"),
        ({"json": {"images": []}}, 422, "at least 1"),
        ({"json": {"images": ["AAAA"] * 257}}, 422, "at most 256"),
        ({"json": {"images": [1]}}, 422, "images.0: "),
        ({"json": {"images": ["AAAA"], "top": 3}}, 422, "top: "),
        ({"json": {"images": ["*"]}}, 422, "Image 1 is not in base64"),
        ({"json": {"images": ["ü"]}}, 422, "Image 1 is not in base64"),
        ({"json": in_json(b"hello")}, 422, "not a picture"),
        ({"json": in_json(b"")}, 422, "empty"),
        ({"json": in_json(BROKEN)}, 422, "breaks off"),
        ({"files": files(PICTURES[0], BROKEN, b"no")}, 422, "Image 2 of 3: "),
        ({"files": [("image", ("a.png", PICTURES[0]))]}, 422, "field 'images'"),
        ({"data": {"images": "text"}, "files": files(PICTURES[0])}, 422, "field 'images'"),
        ({"files": files(*[PICTURES[0]] * 257)}, 422, "too many images: 256"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            "The form cannot be read",
        ),
        (
            {"content": b"--b\r\nContent-Disposition: form-data; name=images; filename=a\r\n\r\nxx",
             "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            "breaks off",
        ),
    ],
    ids=lambda one: "" if isinstance(one, dict) else str(one),
)  # fmt: skip
def test_bad_requests(running: Server, given: dict, status: int, words: str) -> None:
    answer = running.client.post("/predict", **given)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_why_takes_one_image(running: Server) -> None:
    answer = running.client.post("/why", files=files(*PICTURES[:2]))
    assert (answer.status_code, "1 are accepted" in answer.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("PUT", "/health", 405),
    ],
)
def test_other_paths_and_methods(running: Server, method: str, path: str, status: int) -> None:
    answer = running.client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def test_about_and_health(running: Server, lenet: Run) -> None:
    about = running.client.get("/about").json()
    target = lenet.data.target
    assert about["target"] == target.to_dict() | {
        "names": list(target.names), "counts": list(target.counts)
    }  # fmt: skip
    assert about["measures"]["accuracy"] == lenet.results["accuracy"]
    health = running.client.get("/health").json()
    assert (health["ready"], health["model"], health["engine"]) == (True, "lenet5", "PyTorch")


def test_metrics_count(running: Server) -> None:
    names = (
        'cutaway_requests_total{route="/predict",status="200"}',
        'cutaway_requests_total{route="/predict",status="422"}',
        'cutaway_requests_total{route="other",status="404"}',
        'cutaway_refused_total{reason="not-an-image"}',
        "cutaway_batch_images_sum",
        'cutaway_request_seconds_count{route="/predict"}',
    )
    before = [running.metric(name) for name in names]
    running.predict(*PICTURES[:7])
    running.predict(b"hello")
    running.client.get("/some/random/path")
    after = [running.metric(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1, 1, 7, 2]
    assert running.metric("cutaway_waiting_images") == 0
    assert running.metric("cutaway_requests_in_flight") == 0


def test_the_page_needs_nothing_from_elsewhere(running: Server) -> None:
    answer = running.client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("http-equiv", "")
