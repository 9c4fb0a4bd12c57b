"""Lightning: a LightningModule and a Trainer without logger, checkpoints and progress bar."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import gettempdir

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from bench.peers import command
from bench.peers.torch_data import accuracy, answers, loader, mnist, picture
from bench.peers.torch_nets import NETS, ExampleNet, discriminator, generator, lenet5
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work

EXAMPLE_EPOCHS = 50
Batch = tuple[torch.Tensor, torch.Tensor]


class Classifier(L.LightningModule):
    """A network and how it learns."""

    def __init__(self, net: nn.Module, rate: float = 0.05):
        super().__init__()
        self.save_hyperparameters(ignore=["net"])
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        x, t = batch
        loss = F.cross_entropy(self(x), t)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        parameters = [p for p in self.parameters() if p.requires_grad]
        return torch.optim.SGD(parameters, lr=self.hparams.rate, momentum=0.9, nesterov=True)


class GAN(L.LightningModule):
    """Two players, moved by hand, as Lightning's own GAN."""

    def __init__(self, rate: float):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator, self.discriminator = generator(), discriminator()

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.generator(z)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        real, _ = batch
        for_g, for_d = self.optimizers()
        z = torch.randn(len(real), 100, 1, 1)
        self.toggle_optimizer(for_g)
        g_loss = self.judge(self(z), 1)
        self.move(for_g, g_loss)
        self.toggle_optimizer(for_d)
        d_loss = (self.judge(real, 1) + self.judge(self(z).detach(), 0)) / 2
        self.move(for_d, d_loss)
        self.log_dict({"loss": d_loss, "g_loss": g_loss}, on_step=False, on_epoch=True)

    def judge(self, x: torch.Tensor, real: int) -> torch.Tensor:
        """What the discriminator makes of examples against what they are said to be."""
        said = torch.full((len(x),), float(real))
        return F.binary_cross_entropy_with_logits(self.discriminator(x), said)

    def move(self, optimizer: L.pytorch.core.optimizer.LightningOptimizer, loss: torch.Tensor):
        """A step of the player whose optimizer is toggled."""
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self.untoggle_optimizer(optimizer)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [
            torch.optim.Adam(net.parameters(), lr=self.hparams.rate, betas=(0.5, 0.999))
            for net in (self.generator, self.discriminator)
        ]


class Stopwatch(L.Callback):
    """Shows the trainer to the watch. Of networks in turn, an epoch is one of each."""

    def __init__(self, watch: Watch, nets: int = 1):
        self.watch, self.nets = watch, nets
        self.losses: list[float] = []

    def on_train_batch_end(self, *_: object) -> None:
        self.watch.step()

    def on_train_epoch_end(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        self.losses.append(trainer.callback_metrics["loss"].item())
        if len(self.losses) % self.nets == 0:
            self.watch.epoch()


def trainer(epochs: int, *callbacks: L.Callback) -> L.Trainer:
    """A trainer that does nothing but train."""
    return L.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=[*callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=gettempdir(),
    )


def train(
    name: str, new: Callable[[Work], L.LightningModule], work: Work, watch: Watch
) -> dict[str, object]:
    """Train the networks of a work, one after another; the mean loss of each epoch."""
    stopwatch = Stopwatch(watch, work.nets)
    batches = loader(name, work)
    for _ in range(work.nets):
        trainer(work.epochs, stopwatch).fit(new(work), batches)
    return {"losses": stopwatch.losses}


def classifier(name: str, work: Work) -> Classifier:
    """A new network of a work."""
    return Classifier(NETS[name](), work.rate)


class Example(L.LightningModule):
    """Lightning's own classifier of MNIST: the network and the settings of PyTorch's example."""

    def __init__(self) -> None:
        super().__init__()
        self.net = ExampleNet()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        x, t = batch
        return F.nll_loss(self(x), t)

    def configure_optimizers(self) -> tuple[list, list]:
        optimizer = torch.optim.Adadelta(self.parameters(), lr=1.0)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.7)]


class Judge(L.Callback):
    """Looks at the test set after an epoch, off the clock."""

    def __init__(self, watch: Watch):
        self.watch = watch
        self.test = DataLoader(mnist("test"), 1000)

    def on_train_batch_end(self, *_: object) -> None:
        self.watch.step()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        with self.watch.off_the_clock():
            share = accuracy(module, self.test)
        trainer.should_stop = command.enough(self.watch, share)


def example(watch: Watch) -> None:
    """Lightning's own example, with the shuffling and the workers that Lightning asks for."""
    L.seed_everything(42, verbose=False)
    batches = DataLoader(mnist("train"), 32, shuffle=True, num_workers=2, persistent_workers=True)
    trainer(EXAMPLE_EPOCHS, Judge(watch)).fit(Example(), batches)


def save(path: Path) -> None:
    """A LeNet-5 that saw 6,400 images, as a checkpoint of the trainer."""
    work = replace(WORKS["lenet5"], images=6_400, epochs=1)
    one = trainer(1)
    one.fit(classifier("lenet5", work), loader("lenet5", work))
    one.save_checkpoint(path)


def predict(path: Path, image: Path) -> tuple[int, float]:
    """What a user writes to ask a saved network."""
    model = Classifier.load_from_checkpoint(path, net=lenet5())
    model.eval()
    with torch.no_grad():
        return answers(model(picture(image)))[0]


TRAIN = {name: partial(train, name, partial(classifier, name)) for name in NETS}
TRAIN["dcgan"] = partial(train, "dcgan", lambda work: GAN(work.rate))

if __name__ == "__main__":
    L.seed_everything(0, verbose=False)
    command.run(TRAIN, example, save, predict)
