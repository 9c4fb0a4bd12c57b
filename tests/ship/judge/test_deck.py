"""The images of a sitting: half and half, shuffled, told apart by what they show alone."""

from io import BytesIO

import pytest
import torch
from helpers.task_runs import Runs
from PIL import Image

from cutaway.data.feed import Normalise
from cutaway.errors import UsageError
from cutaway.learn.judgements import Sitting
from cutaway.learn.run import Run
from cutaway.ship.judge.deck import Source, as_drawn, checks_for, nearest_levels, scrambled


def sitting(session: str = "a" * 32, images: int = 40, seed: int = 0) -> Sitting:
    return Sitting(session, "digits", seed, images, checks_for(images))


@pytest.fixture(scope="module")
def source(gan: Run) -> Source:
    return Source(gan)


def pixels(picture: bytes) -> torch.Tensor:
    image = Image.open(BytesIO(picture))
    assert image.mode == "L"
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.size[::-1])


def test_half_is_real_and_half_drawn(source: Source):
    kinds = [card.kind for card in source.deal(sitting())]
    assert len(kinds) == 46
    assert {one: kinds.count(one) for one in set(kinds)} == {
        "real": 20, "drawn": 20, "scrambled": 6,
    }  # fmt: skip
    assert kinds[:20].count("real") < 20 > kinds[:20].count("drawn")  # shuffled


def test_the_real_ones_were_held_out(source: Source, gan: Run):
    images = gan.images()
    place = {name: i for i, name in enumerate(images.names)}
    cards = [card for card in source.deal(sitting()) if card.kind != "drawn"]
    assert {place[card.name] for card in cards} <= set(gan.split.test.tolist())
    assert len({card.name for card in cards}) == len(cards)  # a check gives no real one away
    for card in cards:
        shown, real = pixels(card.picture), images.images[place[card.name], ..., 0]
        assert torch.equal(shown, real) == (card.kind == "real")
        assert torch.equal(shown.flatten().sort()[0], real.flatten().sort()[0])


def test_all_have_one_form(source: Source):
    cards = source.deal(sitting(images=200))
    assert len({card.picture[:33] for card in cards}) == 1  # PNG's head: size, depth and colours
    assert all(Image.open(BytesIO(card.picture)).info == {} for card in cards)
    drawn = torch.cat([pixels(one.picture).unique() for one in cards if one.kind == "drawn"])
    assert set(drawn.tolist()) <= set(source.images.unique().tolist())  # of 17 grey levels


def test_a_sitting_is_dealt_again_and_each_has_its_own(source: Source):
    first = source.deal(sitting())
    assert source.deal(sitting()) == first
    for other in (sitting("b" * 32), sitting(seed=1)):
        assert {one.picture for one in source.deal(other)} != {one.picture for one in first}


def test_a_real_image_comes_out_as_it_went_in():
    """The normalisation and its inverse change no pixel that has 8 bits."""
    every = torch.arange(256).byte().view(1, 16, 16, 1).repeat(1, 1, 1, 3)
    normalise = Normalise((0.1, 0.5, 0.3), (0.31, 0.5, 0.07))
    assert torch.equal(as_drawn(every, normalise), every)


def test_levels_that_no_real_image_has_are_rounded():
    shown = nearest_levels(
        torch.tensor([0, 7, 9, 250]).byte().view(1, 2, 2, 1), torch.tensor([0, 16, 240]).byte()
    )
    assert shown.flatten().tolist() == [0, 0, 16, 240]


def test_scrambled_pixels_stay_in_their_colours():
    picture = torch.randint(256, (6, 5, 3), generator=torch.Generator().manual_seed(0)).byte()
    found = scrambled(picture, torch.Generator().manual_seed(0))
    assert not torch.equal(found, picture)
    rows = [sorted(one.flatten(0, 1).tolist()) for one in (found, picture)]
    assert rows[0] == rows[1]


def test_too_few_images(source: Source):
    with pytest.raises(UsageError, match=r"held out .* test images, and --images 2000 needs 1200"):
        source.check(2000)


def test_what_cannot_be_judged_is_said(gan: Run, tmp_path):
    runs = Runs(tmp_path)
    with pytest.raises(UsageError, match="generates no images, so there is nothing to judge"):
        Source(runs("reconstruct")[0])
