"""A page in the browser sees of every file what Python sees, by its own arithmetic."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import Page, blob, opened
from helpers.picture_files import every_mode
from helpers.web_pages import browsing, ready
from PIL import Image

from cutaway.data.decode import decode_to
from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.formats import open_exported, web
from cutaway.ship.shipment import Shipment


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in every mode, those of 16 bits left out: a browser reads 8."""
    root = every_mode(tmp_path_factory.mktemp("pictures"))
    for path in root.glob("*/deep.png"):
        path.unlink()
    return root


@pytest.fixture(scope="module")
def run(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = Recipe(model="lenet5", data=str(files), image_size=32, epochs=3, val=0.0,
                    precision="float32")  # fmt: skip
    return fit(recipe, load(files, image_size=32), out=tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def page(run: Run, npm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("web")
    web.write(Shipment.of(run, runtime=str(npm)), folder / "web")
    with opened(folder) as browser_page:
        ready(browser_page, folder / "web")
        yield browser_page


def seen(page: Page, path: Path) -> np.ndarray:
    """The pixels that the page gives to its network."""
    picture = blob(path.read_bytes())
    pixels = page.value(f"decoded({picture}).then((p) => [...shown(p).values])")
    return np.reshape(pixels, (*page.run("about.size"), page.run("about.channels")))


def answers_alike(
    page: Page, exported: ExportedModel, path: Path, pixels: np.ndarray, within: float
) -> None:
    """The page's probabilities are those of onnxruntime in Python for the pixels of Python."""
    p = exported.answer(pixels.astype(np.uint8)[None])[0]
    top = page.value(f"answer({blob(path.read_bytes())})")["top"]
    told = [p[exported.about.classes.index(one["label"])] for one in top]
    np.testing.assert_allclose([one["probability"] for one in top], told, atol=within)


@browsing
def test_planted_files_are_seen_alike(page: Page, files: Path, run: Run) -> None:
    """Off by one at most, but for CMYK, which browsers take for other colours.

    A pixel of a drawn pattern that is off by one moves an answer further than one of a photograph.
    """
    opened_ = open_exported(Path(page.run("location.pathname")).parent)
    for path in sorted(files.glob("*/*")):
        if path.name == "cmyk.jpg":
            continue
        wanted = decode_to(path, run.data.frame).astype(int)
        assert np.abs(seen(page, path) - wanted).max() <= 1, path
        answers_alike(page, opened_, path, wanted, 2e-3)


@browsing
def test_real_photographs_are_seen_alike(page: Page, run: Run, real_data: Path) -> None:
    paths = [
        *sorted(real_data.glob("rocks/*/*"))[::20],
        *sorted(real_data.glob("leaves/*/*"))[::90],
    ]
    opened_ = open_exported(Path(page.run("location.pathname")).parent)
    for path in paths:
        wanted = decode_to(path, run.data.frame).astype(int)
        assert np.abs(seen(page, path) - wanted).max() <= 1, path
        answers_alike(page, opened_, path, wanted, 1e-3)


@browsing
@pytest.mark.parametrize(("own", "fit_"), [((301, 17), "cut"), ((17, 301), "pad"), ((5, 9), "pad"),
                                           ((40, 31), "stretch"), ((1, 50), "cut")])  # fmt: skip
def test_every_fit_is_the_same_arithmetic(
    page: Page, run: Run, tmp_path: Path, own: tuple[int, int], fit_: str
) -> None:
    """On noise in a lossless file: to the bit."""
    draw = np.random.default_rng(0)
    Image.fromarray(draw.integers(0, 256, (*own, 3), dtype=np.uint8)).save(tmp_path / "x.png")
    size = (24, 36) if fit_ == "stretch" else (32, 32)
    before = page.run("JSON.stringify(about)")
    page.run(f"about.fit = '{fit_}'; about.size = {list(size)}; 0")
    pixels = seen(page, tmp_path / "x.png")
    page.run(f"about = JSON.parse({before!r}); 0")
    wanted = decode_to(tmp_path / "x.png", run.data.frame._replace(size=size, fit=fit_))
    assert (pixels == wanted).all()


@browsing
def test_a_wide_picture_is_read_in_pieces(page: Page, run: Run, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (300, 5000, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    page.run("about.fit = 'stretch'; about.size = [32, 33]; 0")
    result = seen(page, tmp_path / "x.png")
    page.run("about.fit = 'cut'; about.size = [32, 32]; 0")
    wanted = decode_to(tmp_path / "x.png", run.data.frame._replace(size=(32, 33), fit="stretch"))
    assert (result == wanted).all()


@browsing
def test_sixteen_bits_are_refused_where_the_network_needs_them(page: Page, tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 1000, np.uint16)).save(tmp_path / "deep.png")
    page.run("about.levels = [0, 4095]; 0")
    page.choose(tmp_path / "deep.png")
    page.wait("!$('error').hidden")
    assert "of which a browser reads 8" in page.run("$('error').textContent")
    page.run("about.levels = null; 0")
