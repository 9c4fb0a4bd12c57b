"""A set as one file is the same set: pixels, targets, names and what was noticed."""

from dataclasses import fields, replace

import pytest
import torch
from helpers.digits import digits

from cutaway.data.audit import audit
from cutaway.data.carried import carried, carry
from cutaway.data.copies import MIN_CACHED
from cutaway.data.imageset import Finding, Numbered
from cutaway.data.sources import load
from cutaway.errors import UsageError

PLAIN = digits(40)
FOUND = (Finding("truncated", ("a.png", "b.png"), "Cut off.", True),)
DRAWN = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
MATRIX = (torch.arange(120).view(40, 3) % 2).to(torch.uint8)
SETS = {
    "classes": PLAIN,
    "listed": replace(PLAIN, names=[f"ä/{k}.png" for k in range(40)], findings=FOUND),
    "numbered": replace(PLAIN, names=Numbered("x", 40), levels=(0.5, 4095.0), fit="pad"),
    "divided": replace(PLAIN, parts=torch.arange(40) % 3, groups=torch.arange(40) // 4),
    "values": PLAIN.with_values(DRAWN, ("u", "v")),
    "labels": PLAIN.with_labels(MATRIX, ("a", "b", "c")),
    "masks": replace(PLAIN, masks=PLAIN.images[..., 0] % 10),
    "part": PLAIN.subset(torch.arange(7)),
    "seen otherwise": replace(PLAIN, images=PLAIN.images.transpose(1, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_it_comes_back_as_it_was(name, tmp_path):
    images = SETS[name]
    carry(images, tmp_path / "set")
    found = carried(tmp_path / "set")
    for field in fields(images):
        one, two = getattr(images, field.name), getattr(found, field.name)
        if isinstance(one, torch.Tensor):
            assert torch.equal(one, two)
            assert one.dtype == two.dtype
        elif field.name == "names":
            assert list(one) == list(two)
            assert type(one) is type(two)
        elif field.name != "sources":
            assert one == two, field.name
    assert found.fingerprint == images.fingerprint
    assert audit(found).to_json() == audit(images).to_json()


def test_it_is_the_same_for_a_set_of_the_catalogue(tmp_path):
    images = load("digits", image_size=8)
    carry(images, tmp_path / "set")
    assert carried(tmp_path / "set").fingerprint == images.fingerprint


def test_which_of_many_are_alike_is_not_searched_again(tmp_path, monkeypatch):
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (MIN_CACHED, 4, 4, 1), dtype=torch.uint8, generator=draw)
    pixels[1] = pixels[0]
    images = load((pixels.numpy(), (torch.arange(MIN_CACHED) % 2).numpy()))
    carry(images, tmp_path / "set")
    before = audit(images).to_json()
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "of another computer"))
    monkeypatch.setattr("cutaway.data.copies._find", None)
    assert audit(carried(tmp_path / "set")).to_json() == before
    assert before["exact_clusters"]["count"] == 1


def test_a_stream_is_refused(tmp_path):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([(torch.zeros(1, 8, 8), k % 2) for k in range(50)])

    with pytest.raises(UsageError, match="A stream cannot be read by several computers"):
        carry(load(Stream()), tmp_path / "set")
