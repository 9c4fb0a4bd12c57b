"""The page that needs no server, in a real browser: from a disk and from a plain web server."""

import base64
import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.browser import Page, blob, opened
from helpers.digits import digits
from helpers.web_pages import browsing, ready
from PIL import Image

from cutaway.data.decode import decode
from cutaway.data.imageset import ImageSet
from cutaway.data.target import Classes
from cutaway.errors import DataError, UsageError
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.ship.export import export
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.formats import open_exported, web
from cutaway.ship.onnxruntime_web import SCRIPT, runtime
from cutaway.ship.serve.occlusion import heat_map, to_uint8
from cutaway.ship.shipment import Shipment

Trained = Callable[[str], Run]


@pytest.fixture(scope="session")
def lenet(trained: Trained) -> Run:
    return trained("lenet5")


@pytest.fixture(scope="session")
def folder(lenet: Run, npm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a LeNet-5."""
    (exported,) = export(lenet, "web", runtime=npm, out=tmp_path_factory.mktemp("web") / "lenet5")
    return exported.path


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with opened(tmp_path) as browser_page:
        yield browser_page


@pytest.fixture
def address(folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Of the page on the disk, or on a web server that knows nothing but files."""
    if request.param == "disk":
        yield (folder / "index.html").as_uri()
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *given: Any) -> None:
        pass


def held_out(run: Run, to: Path, images: ImageSet | None = None) -> Path:
    """An image that no one learned from, as a file."""
    pixels = (images or run.images()).images[run.split.test[0]].numpy()
    Image.fromarray(pixels[..., 0]).save(to)
    return to


def same_as(page: Page, exported: ExportedModel, image: Path) -> None:
    """The page's five answers for an image are onnxruntime's in Python."""
    p = exported.answer(decode(image, None, exported.about.channels)[None])[0]
    top = page.value(f"answer({blob(image.read_bytes())})")["top"]
    best = np.argsort(-p, kind="stable")[:5]
    assert [one["label"] for one in top] == [exported.about.classes[k] for k in best]
    np.testing.assert_allclose([one["probability"] for one in top], p[best], atol=1e-3)


@browsing
@pytest.mark.parametrize("address", ["disk", "server"], indirect=True)
def test_a_held_out_image_is_answered_as_in_python(
    page: Page, address: str, folder: Path, lenet: Run, tmp_path: Path
) -> None:
    image, exported = held_out(lenet, tmp_path / "image.png"), open_exported(folder)
    ready(page, address)
    same_as(page, exported, image)
    page.choose(image)
    page.wait("!$('answer').hidden")
    assert page.run("$('label').textContent") == exported.predict(image)[0].top[0][0]
    assert page.run("$('top').children.length") == 5
    assert "of 32 × 32 pixels" in page.run("$('lead').textContent")
    assert page.problems == []
    outside = [url for url in page.requests if not url.startswith((address, "data:", "blob:"))]
    assert outside == []


@browsing
def test_any_picture_is_brought_to_the_network_as_in_python(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    """Wide and in colour, partly transparent; and in a JPEG that lies on its side."""
    draw = np.random.default_rng(0)
    colours = draw.integers(256, size=(61, 90, 4), dtype=np.uint8)
    colours[..., 3] = 255 * (colours[..., 3] > 99)
    Image.fromarray(colours).save(tmp_path / "colours.png")
    ready(page, folder)
    same_as(page, open_exported(folder), tmp_path / "colours.png")


@browsing
def test_a_photograph_is_turned_as_its_exif_says(page: Page, folder: Path, tmp_path: Path) -> None:
    image, exif = Image.new("L", (64, 32)), Image.Exif()
    image.paste(255, (0, 0, 32, 16))
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", quality=100, exif=exif)
    ready(page, folder)
    picture = blob((tmp_path / "turned.jpg").read_bytes())
    seen = page.value(f"decoded({picture}).then((p) => [p.width, p.height])")
    assert seen == [32, 64]


@browsing
def test_a_digit_is_drawn_answered_explained_and_cleared(page: Page, folder: Path) -> None:
    page.look(390, dark=False)
    ready(page, folder)
    page.draw((0.5, 0.2), (0.5, 0.8))
    page.wait("!$('why').hidden")
    assert page.run("$('label').textContent") in "0123456789"
    assert page.run("document.documentElement.scrollWidth") == 390
    page.run("$('clear').click()")
    assert page.run("$('answer').hidden && $('why').hidden && !$('empty').hidden")


@browsing
def test_why_is_the_map_of_the_server(page: Page, folder: Path, lenet: Run, tmp_path: Path) -> None:
    image, exported = held_out(lenet, tmp_path / "image.png"), open_exported(folder)
    ready(page, folder)
    got = page.value(f"why({blob(image.read_bytes())}, () => true).then(({{top, heat, most}}) =>"
                      " ({ label: top[0].label, heat: [...heat.data], most }))")  # fmt: skip
    about, pixels = exported.about, exported.card.pixels(image).numpy()
    best = about.classes.index(got["label"])
    heat = heat_map(lambda one: exported.answer(one[None])[0], pixels, best, about.mean)
    assert got["most"] == pytest.approx(float(heat.max()), abs=1e-3)
    shades = np.array(got["heat"]).reshape(*about.size, 4)[..., 0]
    assert np.abs(shades - to_uint8(heat)).max() <= 1


@browsing
def test_what_is_no_picture_is_said(page: Page, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    ready(page, folder)
    page.choose(tmp_path / "text.png")
    page.wait("!$('error').hidden")
    assert page.run("$('error').textContent") == (
        "The file is not a picture that this browser can read."
    )


@browsing
def test_a_generator_draws_what_it_draws_in_python(
    page: Page, trained: Trained, npm: Path, tmp_path: Path
) -> None:
    web.write(Shipment.of(trained("dcgan"), runtime=str(npm)), tmp_path / "dcgan")
    exported = open_exported(tmp_path / "dcgan")
    z = np.random.default_rng(0).standard_normal((2, exported.about.latent), dtype=np.float32)
    ready(page, tmp_path / "dcgan")
    page.wait("$('figures').querySelectorAll('canvas').length === 16")
    made = page.value(f"run(new ort.Tensor('float32', {z.ravel().tolist()}, {[*z.shape]}))"
                       ".then((out) => [...out.data])")  # fmt: skip
    np.testing.assert_allclose(np.reshape(made, (2, 32, 32, 1)), exported.answer(z), atol=1e-4)
    first = page.run("$('figures').querySelector('canvas').toDataURL()")
    page.run("$('again').click()")
    page.wait(f"$('figures').querySelector('canvas').toDataURL() !== '{first}'")


@browsing
def test_an_autoencoder_shows_what_it_keeps(
    page: Page, trained: Trained, npm: Path, tmp_path: Path
) -> None:
    run = trained("autoencoder")
    web.write(Shipment.of(run, runtime=str(npm)), tmp_path / "web")
    image, exported = held_out(run, tmp_path / "image.png"), open_exported(tmp_path / "web")
    ready(page, tmp_path / "web")
    made = page.value(
        f"answer({blob(image.read_bytes())}).then((found) => [...found.figures[1][0].data])"
    )
    true = exported.answer(decode(image, None, 1)[None])[0]
    assert np.abs(np.reshape(made, (*true.shape[:2], 4))[..., :1] - 255 * true).max() <= 1
    page.choose(image)
    page.wait("$('figures').querySelectorAll('canvas').length === 2")


@browsing
def test_a_segmenter_shows_its_mask(page: Page, npm: Path, tmp_path: Path) -> None:
    """Ink against paper on real digits, after one epoch."""
    images = digits(64, size=16)
    masks = (images.images[..., 0] > 100).byte()
    images = replace(images, masks=masks, targets=0 * images.targets, classes=("paper", "ink"))
    recipe = Recipe(model="unet", data="own:digits", epochs=1, task="segment", augment="none")
    run = fit(recipe, images, out=tmp_path / "run")
    web.write(Shipment.of(run, runtime=str(npm)), tmp_path / "web")
    image, exported = held_out(run, tmp_path / "i.png", images), open_exported(tmp_path / "web")
    ready(page, tmp_path / "web")
    shares = page.value(
        f"answer({blob(image.read_bytes())}).then((found) => found.legend.map((l) => l.share))"
    )
    true = exported.answer(decode(image, None, 1)[None])[0].argmax(0)
    assert shares == [float((true == k).mean()) for k in range(2)]
    page.choose(image)
    page.wait("$('figures').querySelectorAll('canvas').length === 2")


def test_the_page_holds_what_lies_beside_it(folder: Path) -> None:
    html = (folder / "index.html").read_text()
    held = re.search(r'id="model">([^<]*)<', html)
    assert held
    assert gzip.decompress(base64.b64decode(held[1])) == (folder / "model.onnx").read_bytes()
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "Microsoft" in (folder / "onnxruntime-licence.txt").read_text()


def test_names_cannot_break_out_of_the_page(lenet: Run, npm: Path) -> None:
    about = replace(Shipment.of(lenet).about, target=Classes(("</script><b>", "[[held]]")))
    html = web.page(about, b"", runtime(npm))
    known = re.search(r'id="about">(.*?)</script>', html)
    assert known
    assert json.loads(known[1])["target"]["names"] == ["</script><b>", "[[held]]"]


@pytest.mark.parametrize("model", ["signal_net", "gates"])
def test_what_takes_no_pictures_is_refused(trained: Trained, model: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither takes nor generates pictures"):
        web.write(Shipment.of(trained(model)), tmp_path / "web")
    assert not (tmp_path / "web").exists()


def test_a_network_that_is_a_picture_is_refused(lenet: Run, tmp_path: Path) -> None:
    shipment = Shipment.of(lenet)
    with pytest.raises(UsageError, match="neither takes nor generates pictures"):
        web.write(replace(shipment, about=replace(shipment.about, part="paint")), tmp_path / "web")


def test_without_a_network_one_sentence_says_what_helps(
    lenet: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is cached, and whatever asks the world asks a port where no one listens."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match=r"cannot be downloaded.*with --runtime\.$"):
        export(lenet, "web", out=tmp_path / "web")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_the_files_is_named(lenet: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"holds no {re.escape(SCRIPT)}: --runtime names"):
        export(lenet, "web", out=tmp_path / "web", runtime=tmp_path)


def test_another_module_than_onnxruntimes_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be put into a page"):
        web.as_global("export{a as b};")


def test_the_files_of_a_whole_package_are_found(npm: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").symlink_to(npm)
    assert runtime(tmp_path) == runtime(npm)
