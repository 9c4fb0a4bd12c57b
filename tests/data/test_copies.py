"""Copies are looked for once."""

import pytest
import torch

from cutaway.data import cache
from cutaway.data import copies as looking
from cutaway.data.audit import audit
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.errors import DataError


@pytest.fixture
def images(monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(looking, "MIN_CACHED", 10)
    pixels = torch.randint(
        0, 256, (12, 8, 8, 1), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    pixels[7] = pixels[2]
    return ImageSet(pixels, torch.arange(12) % 2, ("a", "b"), Numbered("x", 12))


def refuse(*_):
    raise AssertionError("looked for again")


def test_what_was_found_is_read_again(images, monkeypatch):
    first, said = looking.copies(images, lambda _: None), []
    assert first.exact[7] == first.exact[2]
    assert len(first.exact.unique()) == 11
    monkeypatch.setattr(looking, "exact", refuse)
    again = looking.copies(images, said.append)
    assert torch.equal(first.exact, again.exact)
    assert torch.equal(first.near, again.near)
    assert said == []
    assert audit(images).exact_clusters == [[2, 7]]


def test_other_images_are_looked_at(images, monkeypatch):
    looking.copies(images, lambda _: None)
    monkeypatch.setattr(looking, "exact", refuse)
    with pytest.raises(AssertionError, match="again"):
        looking.copies(images.subset(torch.arange(11)), lambda _: None)


def test_a_damaged_entry_is_made_again(images):
    first = looking.copies(images, lambda _: None)
    (file,) = (cache.root() / "packed").glob(f"*/{looking.LABELS}")
    file.write_bytes(file.read_bytes()[:-8])
    assert torch.equal(looking.copies(images, lambda _: None).near, first.near)


def test_without_a_cache_it_goes_on(images, monkeypatch):
    def full(*_):
        raise DataError("The disk that holds the cache is full.")

    monkeypatch.setattr(cache, "entry", full)
    assert looking.copies(images, lambda _: None).exact[7] == 2
