"""Every registered network leaves as a program and as ONNX, in whole, and says the same."""

import numpy as np
import pytest
import torch

from cutaway.learn.tasks import TASKS
from cutaway.models import MODELS, find
from cutaway.ship.examples import random_inputs
from cutaway.ship.formats import onnx_file, pt2
from cutaway.ship.shipment import Shipment
from cutaway.ship.untrained import UntrainedRun

QUICK = {"mlp", "lenet5", "lenet5_1998", "unet", "siren", "perceptron", "conv_vae", "video_net"}
NEVER = {"resnet1202"}  # minutes of tracing; scripts/shipping.py does it
SIDE = 64
WHOLE = [
    pytest.param(name, part, marks=() if name in QUICK else pytest.mark.slow, id=f"{name}-{part}")
    for name in MODELS
    if name not in NEVER
    for part in TASKS[find(name).task].exports
]


def fresh(name: str) -> UntrainedRun:
    """The network, for images no larger than they have to be."""
    example = find(name).example[2]
    side = min(example, max(SIDE, find(name).min_size)) if isinstance(example, int) else 0
    return UntrainedRun(name, (side, side) if side else ())


@pytest.mark.parametrize(("name", "part"), WHOLE)
@pytest.mark.slow
def test_every_network_leaves(name, part, tmp_path):
    shipment = Shipment.of(fresh(name), part)
    about = shipment.about
    onnx_file.write(shipment, tmp_path / "net.onnx")
    pt2.write(shipment, tmp_path / "net.pt2")
    files = onnx_file.read(tmp_path / "net.onnx"), pt2.read(tmp_path / "net.pt2")
    for n in (1, 3):
        x = random_inputs(about, n)
        if about.takes_examples:
            shape = (n, *about.size, about.channels)
            x = np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8)
        with torch.inference_mode():
            expected = shipment.module(torch.from_numpy(x)).numpy()
        for opened in files:
            np.testing.assert_allclose(opened.answer(x), expected, atol=1e-4)
