"""`cutaway evaluate` on other data than a run's own."""

from helpers.command import cutaway
from helpers.drawn_classes import shapes
from PIL import Image


def test_files_of_other_data_that_cannot_be_read_are_named(tmp_path):
    images = shapes(60)
    for i, (pixels, k) in enumerate(zip(images.images, images.targets.tolist(), strict=True)):
        file = tmp_path / "photos" / images.classes[k] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0].numpy()).save(file)
    run, lost = tmp_path / "run", f"{images.classes[0]}/empty.png"
    wish = ["--epochs", 1, "--widths", 8, "--quiet", "--out", run]
    assert cutaway("train", "mlp", tmp_path / "photos", *wish).code == 0
    (tmp_path / "photos" / lost).touch()
    found = cutaway("evaluate", run, tmp_path / "photos", "--json").json
    assert found["images"] == 60
    assert found["left_out"].keys() == {lost}
    said = cutaway("evaluate", run, tmp_path / "photos").said
    assert f"Note: 1 file was left out: {lost} (" in said
    assert "left_out" not in cutaway("evaluate", run, "--on", "val", "--json").json
    said = cutaway("evaluate", run, tmp_path / "photos", "--on", "val")
    assert said.code == 2
    assert "leave one of them out" in said.err
