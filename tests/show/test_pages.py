"""The page of each task: its sections, its numbers, and that all of it comes from the run."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest
import torch
from helpers.report_page import Page, read
from helpers.report_runs import HOSTILE, Made
from helpers.task_runs import KINDS, Runs

from cutaway.learn.run import Run
from cutaway.learn.task import Task
from cutaway.learn.tasks.segment import intersection_over_union
from cutaway.show import measures
from cutaway.show.pages.segment import WRONG, marked
from cutaway.show.report import report

SECTIONS = {
    "segment": "masks areas",
    "reconstruct": "again codes errors",
    "signals": "again codes errors",
    "variational": "samples again codes errors",
    "adversarial": "samples",
    "semi-supervised": "samples classes calibration mistakes",
    "implicit": "beside",
    "and": "table",
    "xor": "table",
    "gates": "table",
    "stages": "classes calibration mistakes",
    "waves": "thresholds classes calibration mistakes",
    "videos": "thresholds classes calibration mistakes",
}
assert SECTIONS.keys() == KINDS.keys()
REGULARISED = {"adversarial", "semi-supervised", "stages", "waves", "videos"}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def page_of(run_and_images: Made) -> Page:
    return read(report(*run_and_images))


def plain(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_sections_and_links(kind: str, runs: Runs) -> None:
    page = runs.page(kind)
    ids = [section["id"] for section in page.all("section")]
    own = {"result", "progress", "learning", "regularisers", "data", "recipe", "next"}
    assert ("regularisers" in ids) == (kind in REGULARISED)
    assert [name for name in ids if name not in own] == SECTIONS[kind].split()
    links = [link["href"] for link in page.all("a")][1:]
    assert links[: len(ids)] == [f"#{name}" for name in ids]
    assert "progress" in ids or kind in (
        "and",
        "xor",
        "gates",
        "signals",
        "stages",
        "waves",
        "videos",
    )


def test_headline_and_accessible(kind: str, runs: Runs) -> None:
    run, page = runs(kind)[0], runs.page(kind)
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert f" on {run.data.name}: " in page.text  # the title
    assert all(image["alt"] for image in page.all("img"))
    assert all(svg.get("aria-label") for svg in page.all("svg") if "role" in svg)
    assert all("scope" in cell or "aria-hidden" in cell for cell in page.all("th"))
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert not [a for _, a in page.tags if "fill" in a or "stroke" in a]
    assert (run.path / "report.html").stat().st_size < 500_000


def test_same_run_same_bytes(kind: str, runs: Runs) -> None:
    run, images = runs(kind)
    runs.page(kind)
    before, state = (run.path / "report.html").read_bytes(), torch.get_rng_state()
    assert report(Run(run.path), images).read_bytes() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_without_images(kind: str, runs: Runs) -> None:
    run, images = runs(kind)
    assert (
        "could not be loaded again" in read(report(Run(run.path))).text
        or len(run.data.classes) == 1
    )
    report(run, images)


def test_measures_are_written(kind: str, runs: Runs) -> None:
    run = runs(kind)[0]
    if kind in ("and", "xor", "gates", "variational"):  # in other words, below
        return
    results, text = run.saved_test().summary(), plain(runs.page(kind).text)
    places = 1 if isinstance(results.get("accuracy"), float) else 2
    for name in run.task.measured():
        if name in results:
            assert plain(measures.text(name, results[name], places)) in text, name


def test_masks_beside_the_truth(runs: Runs) -> None:
    (run, images), page = runs("segment"), runs.page("segment")
    evaluation = run.saved_test()
    alts = [image["alt"] for image in page.all("img")]
    rows = len(evaluation.shown)
    for label in ("the image", "the true mask", "the predicted mask"):
        assert sum(alt.endswith(label) for alt in alts) == rows
    worst = images.names[int(evaluation.index[evaluation.shown[0]])]
    assert alts[0] == f"{worst}: the image"
    assert HOSTILE in page.text
    assert HOSTILE not in (run.path / "report.html").read_text()
    always = torch.zeros(3, 3).long()
    always[:, 0] = evaluation.confusion.sum(1)
    values = [v for v in intersection_over_union(always) if v is not None]
    sentence = f"a mean IoU of {100 * sum(values) / len(values):.1f} %"
    assert sentence in plain(page.text)


def test_wrong_pixels_are_marked() -> None:
    pixels = torch.full((2, 3, 1), 200, dtype=torch.uint8)
    wrong = torch.tensor([[False, True, False], [False, False, False]])
    colours = marked(pixels, wrong)
    assert tuple(colours[0, 1].tolist()) == WRONG
    assert (colours[~wrong] == 70).all()


def test_reconstructions_and_codes(runs: Runs) -> None:
    (run, images), page = runs("reconstruct"), runs.page("reconstruct")
    tensors = run.saved_test().tensors()
    assert "32 test images, each above its reconstruction" in plain(page.all("img")[0]["alt"])
    points = "".join(path["d"] for path in page.all("path") if "cloud" in path.get("class", ""))
    assert len(tensors["codes"]) * 0.98 <= points.count("h0") <= len(tensors["codes"])
    assert "first principal component" in page.text
    hardest = images.names[int(tensors["index"][tensors["errors"].argmax()])]
    assert f"The hardest image is {hardest}" in page.text
    train, test = (images.images[part].float() / 255 for part in (run.split.train, run.split.test))
    error = (test - train.mean(0)).square().mean()
    assert f"would get {-10 * error.log10():.2f} dB" in page.text


def test_signals_are_drawn_as_bars_and_lines(runs: Runs) -> None:
    page = runs.page("signals")
    drawn = [svg for svg in page.all("svg") if svg.get("class") == "signal"]
    assert len(drawn) == 12
    assert len([line for line in page.all("polyline") if "again" in line["class"]]) == 12
    assert not page.all("img")


def test_mistakes_of_signals_and_videos(runs: Runs) -> None:
    for kind, tag in (("waves", "svg"), ("videos", "svg")):
        run, images = runs(kind)
        folder = run.path.parent / f"wrong-{kind}"
        copied = Run(copytree(run.path, folder, dirs_exist_ok=True))
        evaluation = copied.saved_test()
        from cutaway.learn.checkpoint import save_tensors

        tensors = evaluation.tensors() | {"probabilities": 1 - torch.eye(2)[evaluation.targets]}
        save_tensors(folder / "predictions.safetensors", tensors, {"part": "test"})
        page = page_of((copied, images))
        labels = [tag.get("alt", tag.get("aria-label", "")) for tag in page.all(tag)]
        assert sum(", predicted " in label for label in labels) == 2 * len(evaluation)
        assert f"{run.data.counts['test']} test {kind[:-1] if kind == 'videos' else 'signal'}s" in (
            plain(page.text)
        )


def test_a_vae_says_its_bound(runs: Runs) -> None:
    (run, images), text = runs("variational"), plain(runs.page("variational").text)
    results = run.results
    both = results["reconstruction"] + results["kl"]
    assert f"takes at most {both:.1f} nats" in text
    assert "The map of the code" in text
    assert "Interpolations" in text
    test, train = (
        images.images[p].double().mean(0) / 255 for p in (run.split.test, run.split.train)
    )
    p = train.clamp(1e-4, 1 - 1e-4)
    nats = -(test * p.log() + (1 - test) * (1 - p).log()).sum()
    assert f"an image would take {nats:.1f}." in text


def test_players_share_a_chart(runs: Runs) -> None:
    page = runs.page("adversarial")
    assert "Loss of each player" in page.text
    kinds = [line["class"] for line in page.all("polyline")]
    assert kinds == ["line one", "line two", "line train", "line val", "line quiet"]
    levels = [path for path in page.all("path") if path.get("class") == "level"]
    assert len(levels) == 1  # guessing
    assert "No Frechet distance was measured" in page.text
    assert len([i for i in page.all("img") if i["alt"].startswith("what it made")]) == 2


def test_the_frechet_distance_is_explained(runs: Runs, tmp_path: Path) -> None:
    run, images = runs("adversarial")
    copied = Run(copytree(run.path, tmp_path / "copy"))
    more = {"fid": 41.5, "sure": 0.25, "variety": 6.25}
    (copied.path / "results.json").write_text(json.dumps(copied.results | more))
    rows = [row | {f"val_{k}": v / row["epoch"] for k, v in more.items()} for row in run.metrics]
    (copied.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = plain(page_of((copied, images)).text)
    for words in ("41.50 Frechet distance", "0 means no difference", "25.00 %", "6.2 equally"):
        assert words in text
    assert re.search(r"Frechet distance .* Generated images whose class is clear .* Variety", text)


def test_few_labels_are_said(runs: Runs) -> None:
    run, page = runs("semi-supervised")[0], runs.page("semi-supervised")
    known = f"given the class of 40 of the {len(run.split.train)} training images"
    assert known in plain(page.text)
    assert "Confusion matrix" in page.text
    assert "Generated images" in page.text


def test_pictures_and_derivatives(runs: Runs) -> None:
    run, page = runs("implicit")[0], runs.page("implicit")
    alts = [image["alt"] for image in page.all("img")]
    for title in ("The picture", "Length of the gradient", "Laplacian"):
        assert f"{title}: of the picture" in alts
        assert f"{title}: of the network" in alts
    for name in ("psnr", "gradient_psnr", "laplacian_psnr"):
        assert f"{run.results[name]:.2f} dB" in page.text
    assert "this is the only image" in page.text


@pytest.mark.parametrize(("kind", "right"), [("and", 4), ("gates", 4), ("xor", 0)])
def test_truth_tables(kind: str, right: int, runs: Runs) -> None:
    (run, images), page = runs(kind), runs.page(kind)
    evaluation = run.saved_test()
    assert f"{evaluation.correct} of 4" in page.text
    assert evaluation.correct == right or (kind == "xor" and evaluation.correct < 4)
    assert "these are all the samples there are" in page.text
    assert ("divides its inputs by one straight line" in page.text) == (evaluation.correct < 4)
    corners = [c["class"] for c in page.all("circle") if c["class"].startswith("corner")]
    assert sum("on" in kind.split() for kind in corners) == int(images.targets.sum())
    assert sum("wrong" in kind.split() for kind in corners) == 4 - evaluation.correct
    assert ("Accuracy of each player" in page.text) == (kind == "gates")


def test_the_plane_is_answered_as_the_inputs_are(runs: Runs) -> None:
    images = runs("and")[1]
    area = next(p["d"] for p in runs.page("and").all("path") if p.get("class") == "on")
    place = {0: 50 / 6, 1: 50 * 5 / 6}  # of an input on an axis of 50 units
    for (a, b), target in zip(images.images.squeeze(2).tolist(), images.targets, strict=True):
        x, y = place[a // 255], 50 - place[b // 255]
        stretches = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", area)
        held = [
            1
            for u, v, w, h in (map(float, s) for s in stretches)
            if u <= x <= u + w and v <= y + 0.2 < v + h
        ]
        assert len(held) == int(target)


def test_stages_are_told_apart(runs: Runs) -> None:
    page = runs.page("stages")
    assert "Stage 2, epochs 3–4: task classify, epochs 2, labels 50." in page.text
    assert "Loss: reconstruct" in page.text
    assert "Loss: classify" in page.text
    curves = [svg for svg in page.all("svg") if " over 4 epochs" in svg.get("aria-label", "")]
    assert page.text.count("stage 2") == len(curves) + 1  # and the learning rate


@dataclass(frozen=True)
class Own(Task):
    """A task of a user's own."""


class OwnRun(Run):
    task = Own()


def test_a_task_of_ones_own_gets_a_plain_page(runs: Runs) -> None:
    run, images = runs("reconstruct")
    run = OwnRun(run.path)
    page = page_of((run, images))
    assert f"{run.results['loss']:.4f} loss on" in plain(page.text)
    assert {"32 pictures: originals", "32 pictures: reconstructions"} <= {
        image["alt"] for image in page.all("img")
    }
