"""AlexNet: five convolutions, three dense layers, and the means to train them."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.parts.initialisers import initialise
from cutaway.models.registry import Size, register


class ResponseNorm(nn.LocalResponseNorm):
    """b_i = a_i / (k + alpha sum_j a_j^2)^beta over n neighbouring maps j; k = 2, n = 5.

    PyTorch divides alpha by n, so that it is given n times the paper's 1e-4.

    Source: Krizhevsky et al. 2012, section 3.3.
    """

    def __init__(self) -> None:
        super().__init__(5, alpha=5 * 1e-4, beta=0.75, k=2.0)


class AlexNet(nn.Module):
    """Five convolutions and two dense layers, each followed by ReLU, then the output.

    The two groups of maps, one a graphics card in 2012, meet in conv3 and in the dense layers.

    Source: Krizhevsky et al. 2012, section 3.5 and figure 2.

    Args:
        conv1: gives widths[0] maps.
        widths: maps of each convolution.
        side: of the maps that the dense layers see.
        dense: nodes of the two dense layers.
        thin: normalisation and pooling after conv1 and conv2.
    """

    def __init__(
        self,
        conv1: nn.Conv2d,
        widths: Sequence[int],
        side: int,
        dense: int,
        classes: int,
        thin: nn.Module,
    ):
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        self.conv1 = conv1
        self.conv2 = nn.Conv2d(w1, w2, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(w2, w3, 3, padding=1)
        self.conv4 = nn.Conv2d(w3, w4, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(w4, w5, 3, padding=1, groups=2)
        self.thin = thin
        self.pool = nn.MaxPool2d(3, stride=2)  # neighbours overlap (section 3.4)
        self.fit = nn.AdaptiveAvgPool2d(side)  # the identity for images of the expected size
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(0.5)
        self.fc6 = nn.Linear(w5 * side**2, dense)
        self.fc7 = nn.Linear(dense, dense)
        self.output = nn.Linear(dense, classes)
        self.relu = nn.ReLU()
        initialise(self, "he")

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        z1 = self.thin(self.relu(self.conv1(x)))
        z2 = self.thin(self.relu(self.conv2(z1)))
        z3 = self.relu(self.conv3(z2))
        z4 = self.relu(self.conv4(z3))
        z5 = self.fit(self.pool(self.relu(self.conv5(z4))))
        z6 = self.relu(self.fc6(self.dropout(self.flatten(z5))))
        z7 = self.relu(self.fc7(self.dropout(z6)))
        return self.output(z7)


def paper_weights_2012(net: AlexNet) -> None:
    """Normal weights of deviation 0.01; biases of 1 in conv2, conv4, conv5 and the dense layers.

    Source: Krizhevsky et al. 2012, section 5.
    """
    initialise(net, "normal")
    for layer in (net.conv2, net.conv4, net.conv5, net.fc6, net.fc7):
        nn.init.ones_(layer.bias)  # type: ignore[arg-type]


@register(
    "alexnet",
    title="AlexNet, in two groups as in 2012",
    source="Krizhevsky et al. 2012; textbook ch. 4.4.1",
    data="rocks",
    example=(3, 1000, 224),
    min_size=63,
    parameters=60_965_224,  # the paper says 60 million
)
def alexnet(channels: int, classes: int, size: Size, paper_weights: bool = False) -> AlexNet:
    """Nodes: 290400-186624-64896-64896-43264-4096-4096-1000 for images of 224 x 224.

    `paper_weights` begins as in 2012, which is slow to start where images are few.
    """
    # The paper's 224 pixels give its 55 x 55 maps with 2 more at each edge.
    conv1 = nn.Conv2d(channels, 96, 11, stride=4, padding=2)
    thin = nn.Sequential(ResponseNorm(), nn.MaxPool2d(3, stride=2))
    net = AlexNet(conv1, (96, 256, 384, 384, 256), 6, 4096, classes, thin)
    if paper_weights:
        paper_weights_2012(net)
    return net


@register(
    "alexnet_small",
    title="AlexNet for small images",
    source="after Krizhevsky et al. 2012; our choice of sizes",
    data="cifar10",
    example=(3, 10, 32),
    min_size=15,
    parameters=368_842,
)
def alexnet_small(channels: int, classes: int, size: Size) -> AlexNet:
    """A third of the maps, a first kernel of 5x5 that leaves the side as it is, and pooling before
    the normalisation, which so has a quarter of the work, as in the authors' own small networks."""
    conv1 = nn.Conv2d(channels, 32, 5, padding=2)
    thin = nn.Sequential(nn.MaxPool2d(3, stride=2), ResponseNorm())
    return AlexNet(conv1, (32, 64, 96, 96, 64), 3, 256, classes, thin)
