"""What a confusion matrix opens: the right images, each once, and not more than a page can bear."""

import re
from pathlib import Path

import pytest
import torch
from helpers.report_page import read
from helpers.report_runs import Made

from cutaway.data.imageset import ImageSet
from cutaway.learn.classification import Classification
from cutaway.show import confusions as module
from cutaway.show.confusions import HARDEST, IN_A_CELL, confusions
from cutaway.show.pictures import mistakes
from cutaway.show.report import content, report


def answered(n: int = 120, classes: int = 3, size: int = 5) -> tuple[Classification, ImageSet]:
    """Images of noise with answers of chance."""
    draw = torch.Generator().manual_seed(0)
    names = tuple(f"c{k}" for k in range(classes))
    targets = torch.randint(classes, (n,), generator=draw)
    pixels = torch.randint(256, (n, size, size, 1), generator=draw, dtype=torch.uint8)
    p = torch.rand(n, classes, generator=draw).softmax(1)
    images = ImageSet(pixels, targets, names, [f"image-{i}" for i in range(n)])
    return Classification(names, torch.arange(n), targets, p), images


def test_each_cell_has_its_images_the_surest_mistake_first():
    result, images = answered()
    found = confusions(result, images, {})
    for k, one in enumerate(found.classes):
        assert (one.id, one.name, one.count) == (f"class-{k}", f"c{k}", result.confusion[k].sum())
        assert one.wrong == one.count - result.confusion[k, k]
        assert [cell.right for cell in one.cells] == [False, False, True]
        for cell in one.cells:
            j = result.classes.index(cell.answer)
            rows = [shot.at for shot in cell.shots]
            assert (result.targets[rows] == k).all()
            assert (result.predicted[rows] == j).all()
            assert cell.count == result.confusion[k, j]
            assert len(rows) == min(cell.count, HARDEST if cell.right else IN_A_CELL)
            members = ((result.targets == k) & (result.predicted == j)).nonzero().flatten()
            sure = result.probabilities[members].max(1).values
            best = members[sure.argsort(descending=not cell.right)][: len(rows)]
            assert rows == best.tolist()
            for shot in cell.shots:
                labels = [guess.label for guess in shot.guesses]
                assert labels[0] == cell.answer
                assert cell.right or labels[1] == cell.truth
                assert shot.name == f"image-{shot.at}"
    assert found.cells.keys() == {(k, j) for k in range(3) for j in range(3)}
    assert found.pairs["c1", "c2"] == "class-1-as-2"
    assert [cell.id for cell in found.classes[0].taken] == ["class-1-as-0", "class-2-as-0"]


def test_a_budget_is_kept_and_every_cell_gets_its_first_image_before_any_a_second(
    monkeypatch: pytest.MonkeyPatch,
):
    result, images = answered()
    monkeypatch.setattr(module, "BUDGET", 12 * (module.FRAME + 290))
    found = confusions(result, images, {})
    counts = [len(cell.shots) for one in found.classes for cell in one.cells]
    assert len(counts) == 9
    assert sum(counts) < 20
    assert max(counts) == 2
    monkeypatch.setattr(module, "BUDGET", 0)
    assert confusions(result, images, {}).classes == ()


def test_a_picture_that_the_page_has_is_not_stored_again():
    result, images = answered()
    worst = {one.at: one.picture for one in mistakes(result, images)}
    shots = [s for one in confusions(result, images, worst).classes for c in one.cells
             for s in c.shots]  # fmt: skip
    assert {shot.at for shot in shots if shot.shared} <= worst.keys()
    assert all(shot.shared == (shot.at in worst) for shot in shots)
    assert any(shot.shared for shot in shots)


def links(path: Path) -> set[str]:
    return {link["href"][1:] for link in read(path).all("a") if "class-" in link["href"]}


@pytest.mark.parametrize("name", ["bare_run", "digits_run", "many_run"])
def test_every_link_of_a_report_leads_to_images(name: str, request: pytest.FixtureRequest):
    run, images = request.getfixturevalue(name)
    path = report(run, images)
    ids = [attributes["id"] for _, attributes in read(path).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert links(path)
    assert links(path) <= set(ids)
    used = re.findall(r'<use href="#([^"]*)"', path.read_text())
    assert used
    assert set(used) <= set(ids)
    opened = content(run, images)["opened"]
    shots = [shot for one in opened.classes for cell in one.cells for shot in cell.shots]
    assert len(used) == sum(shot.shared for shot in shots)
    assert len(read(path).all("img")) == len(shots) - len(used) > 0


def test_without_images_there_are_no_links(bare_run: Made):
    from cutaway.learn.run import Run

    run, images = bare_run
    assert not links(report(Run(run.path)))
    report(run, images)
