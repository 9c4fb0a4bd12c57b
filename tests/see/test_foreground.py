"""Things of known outline are found, what is not sure is not claimed, and cuts are the cheapest."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.see.foreground import cheapest_cut, foreground, lab

BOXES = Path(__file__).parents[2] / "scripts" / "rocks_boxes.json"


def overlap(a, b):
    return float((a & b).sum() / (a | b).sum())


def blob(height, width, middle=(0.5, 0.55), radius=0.25, bumps=3):
    """A star-shaped thing, as a mask."""
    y, x = np.mgrid[:height, :width]
    dy, dx = y / height - middle[1], x / width - middle[0]
    r = radius * (1 + 0.2 * np.sin(bumps * np.arctan2(dy, dx)))
    return torch.from_numpy(np.hypot(dx, dy) < r)


def picture(mask, thing=(120, 90, 70), ground=(200, 205, 215), shade=40, seed=0):
    """A rough thing before a ground that grows darker from left to right."""
    noise = torch.randn(*mask.shape, 3, generator=torch.Generator().manual_seed(seed))
    light = torch.linspace(0, -shade, mask.shape[1])[None, :, None]
    rough, plain = torch.tensor(thing) + 25 * noise, torch.tensor(ground) + light + 3 * noise
    return torch.where(mask[..., None], rough, plain).clamp(0, 255).byte()


@pytest.mark.parametrize("bumps", [0, 3, 5])
@pytest.mark.parametrize("size", [(80, 80), (240, 320)])
def test_a_thing_on_a_shaded_ground_is_found(bumps, size):
    mask = blob(*size, bumps=bumps)
    assert overlap(foreground(picture(mask)), mask) > 0.93


def test_a_grey_picture_has_one_channel():
    mask = blob(96, 96)
    grey = picture(mask, (90, 90, 90), (190, 190, 190))[..., :1]
    assert overlap(foreground(grey), mask) > 0.93


def test_a_light_thing_with_a_box_away_from_the_middle():
    mask = blob(120, 160, middle=(0.2, 0.8), radius=0.12)
    segmented = foreground(picture(mask, (235, 230, 225), (90, 95, 100)), (0.06, 0.66, 0.34, 0.94))
    assert overlap(segmented, mask) > 0.9


def test_nothing_is_claimed_where_there_is_no_thing():
    plain = picture(torch.zeros(90, 120, dtype=torch.bool))
    noise = torch.randint(256, (90, 120, 3), generator=torch.Generator().manual_seed(1)).byte()
    assert not foreground(plain).any()
    assert not foreground(noise).any()
    assert not foreground(torch.full((64, 64, 3), 7, dtype=torch.uint8)).any()


def test_the_cut_is_the_cheapest_of_all():
    """Against every one of the 512 masks of nine pixels."""
    rng = np.random.default_rng(3)
    odds, colours = 4 * rng.normal(size=(3, 3)), 10 * rng.normal(size=(3, 3, 3))
    near = [
        (p, q)
        for p, q in itertools.combinations(itertools.product(range(3), repeat=2), 2)
        if max(abs(p[0] - q[0]), abs(p[1] - q[1])) == 1
    ]
    d = np.array([((colours[p] - colours[q]) ** 2).sum() for p, q in near])
    price = 6 * np.exp(-d / (2 * d.mean()))

    def cost(mask):
        cut = np.array([mask[p] != mask[q] for p, q in near])
        return -odds[mask].sum() + price[cut].sum()

    every = [np.reshape(bits, (3, 3)) for bits in itertools.product([False, True], repeat=9)]
    assert cost(cheapest_cut(odds, colours)) <= min(map(cost, every)) + 0.05


def test_lab_of_known_colours():
    """White is 100 by definition; red, from Lindbloom's calculator."""
    colours = lab(np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8))
    assert np.allclose(colours[0], [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.02)


def square(path, side):
    image = Image.open(path).convert("RGB")
    left, top = (image.width - min(image.size)) // 2, (image.height - min(image.size)) // 2
    box = (left, top, left + min(image.size), top + min(image.size))
    return torch.from_numpy(np.array(image.resize((side, side), box=box)))


def extent(mask):
    ys, xs = mask.nonzero().unbind(1)
    h, w = mask.shape
    return (xs.min() / w, ys.min() / h, (xs.max() + 1) / w, (ys.max() + 1) / h)


def box_overlap(a, b):
    width, height = (max(0.0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return float(width * height / (sum(areas) - width * height))


STONES = ("69-45539", "69-45541", "69-47326", "70-22433", "71-38843", "72-46804", "75-31692")


@pytest.mark.parametrize("number", STONES)
def test_real_stones_fill_the_boxes_that_were_marked_by_hand(real_data, number):
    (name, percents), *_ = (
        row for row in json.loads(BOXES.read_text()).items() if number in row[0]
    )
    box = tuple(p / 100 for p in percents)
    mask = foreground(square(real_data / "rocks" / name, 320), box)
    assert box_overlap(extent(mask), box) > 0.85
    assert 0.5 < mask.float().mean() / ((box[2] - box[0]) * (box[3] - box[1])) < 1
