"""A module and pictures of one's own, through the same loop as every network of Cutaway."""

import numpy as np
from torch import nn

import cutaway as ca

rng = np.random.default_rng(0)
pictures = rng.random((600, 16, 16), dtype=np.float32) / 2
names = rng.choice(["left", "right"], 600)
pictures[names == "left", :, :8] += 0.2  # one half is a little brighter
pictures[names == "right", :, 8:] += 0.2

network = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
    nn.Linear(128, 2),
)  # fmt: skip
run = ca.fit(network, (pictures, names), epochs=8, lr=0.01, optimizer="adamw")
print(f"Right on the test images: {run.results['accuracy']:.1%}")
