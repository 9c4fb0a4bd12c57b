"""Plain PyTorch: a DataLoader and the loop of its tutorials."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from torch.utils.data import DataLoader

from bench.peers import command
from bench.peers.torch_data import Pictures, accuracy, answers, loader, mnist, picture
from bench.peers.torch_nets import NETS, ExampleNet, discriminator, generator, lenet5
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work

Forward = Callable[[torch.Tensor], torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
EXAMPLE_EPOCHS = 14


def classify(name: str, work: Work, watch: Watch) -> dict[str, object]:
    """Train the classifier of a work."""
    net = NETS[name]()
    return fit(net, net.parameters(), F.cross_entropy, loader(name, work), work, watch)


def fit(
    forward: Forward,
    parameters: Iterator[nn.Parameter],
    loss: Loss,
    batches: DataLoader,
    work: Work,
    watch: Watch,
) -> dict[str, object]:
    """SGD for all epochs; the mean loss of each."""
    optimizer = torch.optim.SGD(parameters, lr=work.rate, momentum=0.9, nesterov=True)
    losses = []
    for _ in range(work.epochs):
        losses.append(epoch(forward, loss, batches, optimizer, watch))
        watch.epoch()
    return {"losses": losses}


def epoch(
    forward: Forward,
    loss: Loss,
    batches: DataLoader,
    optimizer: torch.optim.Optimizer,
    watch: Watch,
) -> float:
    """The standard loop over all batches; the mean loss."""
    running = 0.0
    for x, t in batches:
        optimizer.zero_grad()
        found = loss(forward(x), t)
        found.backward()
        optimizer.step()
        running += found.item() * len(t)
        watch.step()
    return running / len(batches.dataset)


def fleet(work: Work, watch: Watch) -> dict[str, object]:
    """All networks at once on each batch, as the tutorial on ensembling has it (`torch.func`)."""
    nets = [NETS["fleet"]() for _ in range(work.nets)]
    parameters, buffers = stack_module_state(nets)
    base = deepcopy(nets[0]).to("meta")

    def one(parameters: dict, buffers: dict, x: torch.Tensor) -> torch.Tensor:
        return functional_call(base, (parameters, buffers), (x,))

    def forward(x: torch.Tensor) -> torch.Tensor:
        return vmap(one, in_dims=(0, 0, None))(parameters, buffers, x)

    def loss(outputs: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        every = F.cross_entropy(outputs.flatten(0, 1), t.repeat(work.nets), reduction="sum")
        return every / len(t)  # a sum over networks, whose gradients do not mix

    found = fit(forward, parameters.values(), loss, loader("fleet", work), work, watch)
    return {"losses": [total / work.nets for total in found["losses"]]}


def dcgan(work: Work, watch: Watch) -> dict[str, object]:
    """The two players in turn, as the DCGAN tutorial has it."""
    players = discriminator(), generator()
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=work.rate, betas=(0.5, 0.999)) for net in players
    ]
    losses = []
    batches = loader("dcgan", work)
    for _ in range(work.epochs):
        running = torch.zeros(2)
        for x, _ in batches:
            running += len(x) * gan_step(*players, *optimizers, x)
            watch.step()
        losses.append((running / work.images).tolist())
        watch.epoch()
    return {"losses": losses}


def gan_step(
    d: nn.Module,
    g: nn.Module,
    for_d: torch.optim.Optimizer,
    for_g: torch.optim.Optimizer,
    real: torch.Tensor,
) -> torch.Tensor:
    """One step of each; the losses of the discriminator and of the generator."""
    ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
    for_d.zero_grad()
    on_real = F.binary_cross_entropy_with_logits(d(real), ones)
    on_real.backward()
    fake = g(torch.randn(len(real), 100, 1, 1))
    on_fake = F.binary_cross_entropy_with_logits(d(fake.detach()), zeros)
    on_fake.backward()
    for_d.step()
    for_g.zero_grad()
    fooled = F.binary_cross_entropy_with_logits(d(fake), ones)
    fooled.backward()
    for_g.step()
    return torch.tensor([on_real.item() + on_fake.item(), fooled.item()])


def example_epochs(watch: Watch) -> Iterator[nn.Module]:
    """The network of PyTorch's own MNIST example after each epoch.

    The loader has the example's settings for an accelerator: it shuffles and has one worker.
    """
    batches = DataLoader(mnist("train"), 64, shuffle=True, num_workers=1, persistent_workers=True)
    net = ExampleNet()
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    for _ in range(EXAMPLE_EPOCHS):
        epoch(net, F.nll_loss, batches, optimizer, watch)
        scheduler.step()
        yield net


def example(watch: Watch) -> None:
    """PyTorch's own MNIST example."""
    torch.manual_seed(1)
    test = DataLoader(mnist("test"), 1000)
    for net in example_epochs(watch):
        with watch.off_the_clock():
            share = accuracy(net, test)
        if command.enough(watch, share):
            break


def save(path: Path) -> None:
    """A LeNet-5 that saw 6,400 images, as its `state_dict`."""
    torch.manual_seed(0)
    work, net = replace(WORKS["lenet5"], images=6_400, epochs=1), lenet5()
    fit(net, net.parameters(), F.cross_entropy, loader("lenet5", work), work, Watch())
    torch.save(net.state_dict(), path)


def predict(path: Path, image: Path) -> tuple[int, float]:
    """What a user writes to ask a saved network."""
    net = lenet5()
    net.load_state_dict(torch.load(path, weights_only=True))
    net.eval()
    with torch.inference_mode():
        return answers(net(picture(image)))[0]


@torch.inference_mode()
def folder(path: Path, files: list[Path]) -> command.Answers:
    """The same for many, with a loader whose two workers decode."""
    net = lenet5()
    net.load_state_dict(torch.load(path, weights_only=True))
    net.eval()
    batches = DataLoader(Pictures(files), 256, num_workers=2)
    return files, [one for x in batches for one in answers(net(x))]


TRAIN = {name: partial(classify, name) for name in NETS} | {"fleet": fleet, "dcgan": dcgan}

if __name__ == "__main__":
    torch.manual_seed(0)
    command.run(TRAIN, example, save, predict, folder)
