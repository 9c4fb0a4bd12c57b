"""The run report: what it says, what it may never contain, and what it does without."""

import json
import re

import pytest
import torch
from helpers.digits import digits
from helpers.report_page import Page, read
from helpers.report_runs import HOSTILE, Made
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError
from cutaway.learn.checkpoint import save_tensors
from cutaway.learn.cost import MISS_COSTS
from cutaway.learn.fit import fit
from cutaway.learn.notes import note
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.show.confusions import BUDGET
from cutaway.show.jobs import figures
from cutaway.show.report import report
from cutaway.show.two_classes import thresholds
from cutaway.show.words import percent

SECTIONS = (
    "result", "learning", "regularisers", "classes", "calibration", "mistakes", "data", "recipe",
    "next",
)  # fmt: skip


@pytest.fixture(params=["digits_run", "bare_run", "many_run"])
def page(request: pytest.FixtureRequest) -> Page:
    run, images = request.getfixturevalue(request.param)
    return read(report(run, images))


def tiles(page: Page) -> str:
    return page.text[: page.text.index("How it learned")]


def sections(page: Page) -> list[str]:
    """Without that of two classes."""
    return [section["id"] for section in page.all("section") if section["id"] != "thresholds"]


def test_every_section_is_there_and_linked(page: Page) -> None:
    assert sections(page) == list(SECTIONS)
    assert {f"#{name}" for name in SECTIONS} <= {link["href"] for link in page.all("a")}


def test_two_classes_have_a_curve_over_all_thresholds(bare_run: Made, digits_run: Made) -> None:
    run, images = bare_run
    text = read(report(run, images)).text
    assert "The class that is looked for is “eight”" in text
    found = run.saved_test()
    area = roc_auc_score(found.targets, found.probabilities[:, 1])
    said = " ".join(f"{percent(area)} of the time: the area under the ROC curve".split())
    assert said in text
    assert "thresholds cost the least" not in text  # no validation images chose any
    assert "thresholds-title" not in report(*digits_run).read_text()


def test_what_is_only_told_is_no_warning(copied: Made) -> None:
    run, images = copied
    notes = [note("plan", "Chosen: a network."), note("leak", "The test repeats images.")]
    (run.path / "notes.json").write_text(json.dumps(notes))
    page = read(report(Run(run.path), images))
    assert [p["class"] for p in page.all("p") if p.get("role") == "note"] == ["warning", "told"]


def test_one_threshold_for_every_cost_is_said(bare_run: Made) -> None:
    run, images = bare_run
    found, target = run.saved_test(), images.target
    for chosen, same in (((0.4,) * len(MISS_COSTS), True), ((0.4, *[0.2] * 6), False)):
        section = thresholds(found, target, chosen)
        assert section.same == same
        assert (section.name, section.other) == ("eight", "three")


def test_nothing_is_fetched_or_run(page: Page) -> None:
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("iframe")
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        inside = "data:image/" if tag == "image" else "#"
        assert attributes.get("href", inside).startswith(inside)
        assert attributes.get("src", "data:image/").startswith("data:image/")
    assert "url(" not in page.style
    assert "@import" not in page.style
    policy = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_small(digits_run: Made, many_run: Made) -> None:
    assert report(*digits_run).stat().st_size < 500_000
    assert report(*many_run).stat().st_size < 500_000 + BUDGET


def test_readable_by_machine_and_in_the_dark(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("main")
    assert page.all("nav")
    assert all(image["alt"] for image in page.all("img"))
    assert all(figure["aria-label"] for figure in page.all("svg") if "role" in figure)
    assert all("scope" in cell or "aria-hidden" in cell for cell in page.all("th"))
    assert "prefers-color-scheme: dark" in page.style
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_colours_stand_in_one_place(page: Page) -> None:
    rules = page.style[page.style.index("*, ::before") :]
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb\(", rules)
    assert not [a for _, a in page.tags if "fill" in a or "stroke" in a]


def test_numbers_are_those_of_the_evaluation(digits_run: Made) -> None:
    run, images = digits_run
    page, evaluation = read(report(run, images)), run.saved_test()
    head = tiles(page)
    for share in (
        evaluation.accuracy,
        *evaluation.interval,
        evaluation.top5,
        evaluation.calibration_error,
    ):
        assert percent(share).replace("\N{NO-BREAK SPACE}", " ") in head
    assert f"{evaluation.loss:.4f}" in head
    assert f"{evaluation.correct} of {len(evaluation)}" in head
    titles = [cell["title"] for cell in page.all("td") if "title" in cell]
    counts = [int(re.search(r": (\d+) of", title)[1]) for title in titles]
    assert counts == [n for n in evaluation.confusion.flatten().tolist() if n]
    for row in evaluation.per_class():
        shares = f"{percent(row['precision'])} {percent(row['recall'])}"
        assert shares.replace("\N{NO-BREAK SPACE}", " ") in page.text


def test_curves_and_the_epoch_that_was_kept(digits_run: Made) -> None:
    run, images = digits_run
    page = read(report(run, images))
    best = min(run.metrics, key=lambda row: row["val_loss"])["epoch"]
    assert f"The weights after epoch {best} were kept" in page.text
    assert f"kept: epoch {best}" in page.text
    lines = [line["class"] for line in page.all("polyline")]
    assert lines[:5] == ["line train", "line val", "line train", "line val", "line quiet"]
    points = [len(line["points"].split()) for line in page.all("polyline")[:5]]
    assert points[1] == points[3] == len(run.metrics) < points[0] == points[2]  # steps, thinned


def test_programs_get_the_figures(digits_run: Made) -> None:
    run, images = digits_run
    shown = {figure.title: figure for figure in figures(run, images)}
    assert {"Loss", "Accuracy", "Learning rate", "Confusion matrix", "Calibration"} <= set(shown)
    content = json.loads(json.dumps(shown["Loss"].to_dict(), allow_nan=False))
    assert content["x"]["label"] == "epoch"
    losses = {one["name"]: one["y"] for one in content["series"]}
    assert losses["validation"] == [row["val_loss"] for row in run.metrics]
    counts = shown["Confusion matrix"].to_dict()["counts"]
    assert counts == run.saved_test().confusion.tolist()


def test_worst_mistakes(many_run: Made) -> None:
    run, images = many_run
    page, evaluation = read(report(run, images)), run.saved_test()
    worst = evaluation.worst(24)
    places = [f"image-{at}" for at in evaluation.index[worst].tolist()]
    assert [image["id"] for image in page.all("image")] == places
    pictures = [svg for svg in page.all("svg") if "picture" in svg.get("class", "")]
    assert all("crisp" in picture["class"] for picture in pictures)
    first = int(worst[0])
    said = [picture["aria-label"] for picture in pictures]
    assert sum(one.startswith(images.names[int(evaluation.index[first])]) for one in said) == 2
    assert (
        percent(evaluation.probabilities[first].max().item()).replace("\N{NO-BREAK SPACE}", " ")
        in page.text
    )


def test_hostile_names_are_text(many_run: Made) -> None:
    run, images = many_run
    path = report(run, images)
    assert HOSTILE not in path.read_text()
    assert HOSTILE in read(path).text
    assert "birds & <beasts>" in read(path).text


def test_many_classes_show_pairs_and_a_picture_in_place_of_numbers(many_run: Made) -> None:
    page = read(report(*many_run))
    assert "The most confused pairs" in page.text
    assert "All 100 classes" in page.text
    assert not page.all("fieldset")
    assert "Confusion matrix of 100 classes" in str(page.all("svg"))


def test_bare_run(bare_run: Made) -> None:
    page = read(report(*bare_run))
    assert "No images were held out for validation" in page.text
    assert "The run holds no audit" in page.text
    assert "Top-5" not in tiles(page)
    assert "pass the same ones to" in page.text  # the recipe cannot bring them back


def test_without_images_the_rest_still_stands(bare_run: Made) -> None:
    assert read(report(bare_run[0])).all("image")  # the run in hand knows its images
    page = read(report(Run(bare_run[0].path)))
    assert not page.all("img")
    assert not page.all("image")
    assert "could not be loaded again" in page.text
    assert sections(page) == list(SECTIONS)


def test_audit_and_split(copied: Made) -> None:
    run, images = copied
    many = [f"many/{i}.png" for i in range(300)]
    findings = [
        {"kind": "truncated", "where": ["a/1.png"], "detail": "It ends early.", "left_out": True},
        {"kind": "truncated", "where": many, "detail": "So do these.", "left_out": True},
        {"kind": "near-duplicate", "where": ["a/2.png", "b/<3>.png"], "detail": "Alike."},
    ]
    (run.path / "audit.json").write_text(json.dumps({"findings": findings}))
    text = read(report(run, images)).text
    for words in ("truncated", "301 images left out", "many/199.png", "a/1.png", "It ends early."):
        assert words in text
    assert "many/200.png" not in text
    assert "and 100 more" in text
    assert "near duplicate" in text
    assert "b/<3>.png" in text
    for part, count in run.data.counts.items():
        assert f"{count:,}" in text
        assert part in text


def test_looking_often_is_warned_of(copied: Made) -> None:
    run, images = copied
    assert "evaluated 2 times" not in read(report(run, images)).text
    run.log_look("test", "asked", run.saved_test())
    run.log_look("val", "asked", run.saved_test())
    assert "evaluated 2 times" in read(report(run, images)).text


def test_recipe_marks_what_differs_and_can_be_copied(digits_run: Made) -> None:
    run, images = digits_run
    path = report(run, images)
    page = read(path)
    assert len([row for row in page.all("tr") if row.get("class") == "changed"]) == 4
    assert (
        run.recipe.to_toml().split()
        == re.findall(r"<pre tabindex=\"0\"><code>(format.*?)</code>", path.read_text(), re.S)[0]
        .replace("&#34;", '"')
        .split()
    )
    assert "cutaway train --recipe recipe.toml" in page.text
    assert f"cutaway predict '{run.path}' IMAGE..." in page.text  # its name holds a space


@pytest.mark.parametrize("stages", [[], [{}, {"freeze": ""}]], ids=["head", "then all"])
def test_of_a_network_that_learns_in_part_it_says_how_much_learned(tmp_path, stages) -> None:
    recipe = Recipe(
        model="mlp", epochs=1, freeze="backbone", stages=stages, model_options={"widths": "8"}
    )
    text = tiles(read(report(fit(recipe, digits(100), out=tmp_path / "run"), digits(100))))
    head, whole = 8 * 10 + 10, 64 * 8 + 8 + 8 * 10 + 10
    if stages:
        assert f"{whole} numbers learned" in text
        assert "stayed as they were" not in text
    else:
        assert f"{head} numbers learned of {whole}; the others stayed as they were" in text


def test_same_run_same_bytes(digits_run: Made) -> None:
    run, images = digits_run
    state = torch.get_rng_state()
    assert report(run, images).read_bytes() == report(Run(run.path), images).read_bytes()
    assert torch.equal(torch.get_rng_state(), state)


def test_other_images_are_refused(digits_run: Made) -> None:
    run, images = digits_run
    other = ImageSet(255 - images.images, images.targets, images.classes, images.names)
    with pytest.raises(RunError, match="have changed"):
        report(run, other)


def test_a_run_that_has_not_ended_is_refused(copied: Made) -> None:
    run, images = copied
    (run.path / "results.json").unlink()
    with pytest.raises(RunError, match="has not finished"):
        report(run, images)


def test_no_better_than_the_commonest_class_is_said(copied: Made) -> None:
    run, images = copied
    doubt = "do not show that it has learned more"
    assert doubt not in read(report(run, images)).text
    tensors = load_file(run.path / "predictions.safetensors")
    tensors["probabilities"] = tensors["probabilities"].roll(1, 1)
    facts = {"part": "test"}
    save_tensors(run.path / "predictions.safetensors", tensors, facts)
    assert doubt in read(report(run, images)).text
