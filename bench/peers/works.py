"""The works of the track: what every peer trains, the same network on the same examples."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One thing to train.

    Learning minimises softmax cross-entropy by SGD with Nesterov momentum of 0.9 at a constant
    rate, in float32, without augmentation; pixels are scaled to mean 0 and deviation 1.

    Attributes:
        images: examples of an epoch, the first so many of the training set.
        batch: examples a step at most; all examples of an epoch are learned from, by the peers in
            a last batch that is smaller, by Cutaway in as many batches of nearly equal size.
        epochs: the first warms up (workers, compilation, caches); the rate is of the others.
        rate: the learning rate.
        nets: networks that are trained on the same examples, from different seeds.
        title: for a reader: the network and the data.
    """

    images: int
    batch: int
    epochs: int
    rate: float
    title: str
    nets: int = 1


WORKS = {
    # 4 examples, shown 500 times an epoch in the same batch of 4: 500 steps.
    "xor": Work(2_000, 4, 11, 0.1, "XOR, MLP 2-8-2"),
    # The first 1,437 of scikit-learn's digits, 8 x 8 pixels.
    "digits": Work(1_437, 32, 41, 0.05, "digits, MLP 64-32-10"),
    "mlp": Work(60_000, 128, 3, 0.05, "MNIST, MLP 784-128-10"),
    "lenet5": Work(25_600, 128, 2, 0.05, "MNIST, LeNet-5"),
    "resnet20": Work(1_280, 128, 2, 0.05, "CIFAR-10, ResNet-20"),
    # Adam at 0.0002 and 0.5 for both players, one step each a batch; width 32.
    "dcgan": Work(6_400, 64, 2, 0.0002, "MNIST, DCGAN"),
    # EfficientNet-Lite0 at 224 x 224 begun with ImageNet's weights; only the head learns.
    "rocks": Work(124, 16, 3, 0.05, "Moon rocks, EfficientNet-Lite0, only the head learns"),
    "fleet": Work(12_800, 128, 2, 0.05, "MNIST, 16 MLPs 784-128-10", nets=16),
}
MARKS = (0.99, 0.994)
"""Shares of right answers on the test set of MNIST whose time is taken."""
LIMIT = 150
"""Seconds after which no further epoch of an example is begun."""
