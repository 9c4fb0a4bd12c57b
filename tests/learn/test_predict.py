"""Asking a trained network: about files, folders, pictures in memory, and broken ones."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.command import cutaway
from helpers.digits import digits
from PIL import Image

import cutaway as ca
from cutaway.errors import DataError, UsageError

QUICK = {"epochs": 3, "image_size": 0, "augment": "none", "progress": False, "widths": "32"}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> ca.Run:
    out = tmp_path_factory.mktemp("runs") / "digits"
    return ca.fit("mlp", digits(400), optimizer="adamw", lr=0.02, out=out, **QUICK)


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Three digits in a folder of folders, beside a file that is none of its pictures."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    paths = [folder / "a2.png", folder / "a10.png", folder / "more" / "a2.png"]
    for path, pixels in zip(paths, digits(3).images, strict=True):
        Image.fromarray(pixels[..., 0].numpy()).save(path)
    (folder / "notes.txt").write_text("no picture")
    return paths


def answers(found: list) -> list[tuple[str, float]]:
    return [one.top[0] for one in found]


def test_every_way_to_hand_in_a_picture_gives_the_same_answer(run, pictures):
    expected = answers(run.predict(list(map(str, pictures))))
    arrays = [np.asarray(Image.open(path)) for path in pictures]
    whole = torch.from_numpy(np.stack(arrays))
    for given in (
        pictures,
        tuple(path.read_bytes() for path in pictures),
        [Image.open(path) for path in pictures],
        [Image.open(path).convert("RGBA") for path in pictures],
        arrays,
        [array[..., None] for array in arrays],
        [np.repeat(array[..., None], 3, 2) for array in arrays],
        [array / 255 for array in arrays],
        np.stack(arrays)[..., None],
        whole[:, None],
        whole[:, None].float() / 255,
        [image.float()[None] / 255 for image in whole],
        [image.expand(3, 8, 8) for image in whole],
        digits(3),
    ):
        found = answers(run.predict(given))
        assert [label for label, _ in found] == [label for label, _ in expected]
        assert [p for _, p in found] == pytest.approx([p for _, p in expected], abs=1e-6)
    assert answers(run.predict(Image.open(pictures[0]))) == expected[:1]
    assert answers(run.predict(arrays[0])) == expected[:1]


def test_a_folder_stands_for_all_pictures_below_it(run, pictures):
    folder = pictures[0].parent
    found = run.predict(folder)
    assert [one.name for one in found] == [str(path) for path in pictures]
    assert [one.name for one in run.predict([folder, pictures[0]])][3] == str(pictures[0])


def test_patterns_and_tables_stand_for_the_pictures_that_they_name(run, pictures):
    folder, names = pictures[0].parent, [str(path) for path in pictures]
    assert [one.name for one in run.predict(f"{folder}/**/*.png")] == names
    assert [one.name for one in run.predict(folder / "a*")] == names[:2]
    odd = folder / "a[1].png"
    odd.write_bytes(pictures[0].read_bytes())
    assert [one.name for one in run.predict(odd)] == [str(odd)]
    table = folder / "photos.csv"
    table.write_text("id,file,other\n1,more/a2.png,a2.png\n2,a10.png,nowhere.png\n")
    expected = answers(run.predict([pictures[2], pictures[1]]))
    for given in (table, f"{table}:file"):
        assert answers(run.predict(given)) == expected
    found = run.predict(f"{table}:other")
    assert [one.name for one in found] == ["a2.png", "nowhere.png"]
    assert "does not exist" in found[1].error
    with pytest.raises(UsageError, match=r"no column 'fil'\. Did you mean 'file'"):
        run.predict(f"{table}:fil")
    table.write_text("first,second\nx,a2.png\n")  # neither name says so, but one holds files
    assert [one.name for one in run.predict(table)] == ["a2.png"]
    table.write_text("first,second\nx,y\n")
    with pytest.raises(UsageError, match=r"photos\.csv:COLUMN"):
        run.predict(table)
    with pytest.raises(UsageError, match="no picture whose name fits"):
        run.predict(f"{folder}/*.gif")


def test_a_stream_is_answered_as_it_comes(run, pictures):
    """Also one without an end; whatever PyTorch keeps for the process is as before in between."""
    expected = answers(run.predict(pictures))
    threads = torch.get_num_threads()
    stream = run.predict_stream(cycle(pictures))
    found = [next(stream) for _ in range(5)]
    assert torch.get_num_threads() == threads
    stream.close()
    labels, probabilities = zip(*answers(found), strict=True)
    wanted, sure = zip(*(expected + expected[:2]), strict=True)
    assert labels == wanted
    assert probabilities == pytest.approx(sure, abs=1e-5)  # how many wait together depends on time
    assert [one.name for one in run.predict_stream(iter([pictures[0].read_bytes()] * 2))] == [
        "image 0",
        "image 1",
    ]


def test_a_broken_file_costs_that_file_only(run, pictures, tmp_path):
    pictures[1].write_bytes(pictures[1].read_bytes()[:60])
    found = run.predict(pictures)
    assert [bool(one.error) for one in found] == [False, True, False]
    assert str(pictures[1]) in found[1].error
    with pytest.raises(DataError, match="breaks off"):
        _ = found[1].label
    done = cutaway("predict", run.path, pictures[0].parent, "--json")
    assert done.code == 1
    assert [sorted(row) for row in done.json] == [
        ["image", "top", "unlike"],
        ["error", "image"],
        ["image", "top", "unlike"],
    ]
    assert f"1 of 3 images could not be read: {pictures[1]}. The others" in done.err


def test_the_only_picture_asked_about_has_to_be_one(run, pictures):
    pictures[0].write_text("hello")
    with pytest.raises(DataError, match="not a picture"):
        run.predict(pictures[0])
    done = cutaway("predict", run.path, pictures[0], "--json")
    assert (done.code, done.out) == (1, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("https://example.org/seven.png", "download the picture"),
        (["s3://bucket/seven.png"], "download the picture"),
        (7, "A int is not a picture"),
        ({"image": 1}, "A dict is not a picture"),
        (np.zeros(8), "has the shape"),
        (np.zeros((8, 8)) - 3, "0..1"),
        (torch.zeros(5, 7, 8, 8), "channels"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(run, given, said):
    with pytest.raises((UsageError, DataError), match=said):
        run.predict(given)


def test_a_folder_without_pictures_says_so(run, tmp_path):
    with pytest.raises(UsageError, match="no picture in the folder"):
        run.predict(tmp_path)


def test_evaluate_takes_the_name_of_a_part(run, tmp_path, monkeypatch):
    for part in ("train", "val", "test"):
        assert run.evaluate(part).summary() == run.evaluate(on=part).summary()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "val").mkdir()
    with pytest.raises(UsageError, match=r"\./val"):
        run.evaluate("val")


def test_a_run_of_data_of_ones_own_is_measured_with_them_in_hand(run):
    again = ca.load(run.path, data=digits(400))
    assert again.evaluate("test").accuracy == run.results["accuracy"]
    with pytest.raises(UsageError, match=r"load\(path, data="):
        ca.load(run.path).evaluate("val")


def folder(root: Path, names: dict[str, int]) -> Path:
    """A folder of digits, each class under the name that it is given."""
    images = digits(100)
    for name, target in names.items():
        (root / name).mkdir(parents=True)
        for i in (images.targets == target).nonzero().flatten()[:3].tolist():
            Image.fromarray(images.images[i, ..., 0].numpy()).save(root / name / f"{i}.png")
    return root


def test_some_of_the_classes_are_enough(run, tmp_path):
    found = run.evaluate(folder(tmp_path / "some", {"7": 7, "3": 3}))
    assert len(found) == 6
    assert found.accuracy > 0.5


def test_other_classes_are_refused_before_a_picture_is_read(run, tmp_path):
    other = folder(tmp_path / "other", {"7": 7, "seven": 7})
    for path in other.rglob("*.png"):
        path.write_text("reading this would be another error")
    with pytest.raises(UsageError, match=r"did not learn: seven\. Theirs are 7, seven; the"):
        run.evaluate(other)
    with pytest.raises(UsageError, match="did not learn: airplane"):
        run.evaluate("cifar10")
    (tmp_path / "table.csv").write_text("file,label\nnone.png,7\nnone.png,Eight\n")
    with pytest.raises((UsageError, DataError)):
        run.evaluate(tmp_path / "table.csv")


def test_classes_in_other_letters_are_named_beside_each_other(tmp_path):
    images = folder(tmp_path / "train", {"Cat": 0, "Dog": 1})
    run = ca.fit("mlp", images, out=tmp_path / "run", val=0.0, patience=0, **QUICK)
    with pytest.raises(UsageError, match="Call 'cat' 'Cat', as the network does"):
        run.evaluate(folder(tmp_path / "other", {"cat": 0, "Dog": 1}))
