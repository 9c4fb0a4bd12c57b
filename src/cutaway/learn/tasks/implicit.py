"""A network that is a picture: from a place to the value there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Target
from cutaway.errors import UsageError
from cutaway.learn.evaluation import Measurements
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.metrics import Metric, loss
from cutaway.learn.presets import ADAM, PLAIN
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, at_rest, expect
from cutaway.learn.tasks.reconstruct import PSNR, psnr
from cutaway.settings import Options
from cutaway.together.across import part_of_mean
from cutaway.together.share import mine

FITS = ("value", "gradient", "laplacian")


@dataclass(frozen=True)
class Implicit(Task):
    """Minimise the mean of |D f(p) - D I(p)|^2 over all pixels p, D being nothing, grad or Laplace.

    Source: Sitzmann et al. 2020, sections 3 and 4.1 and equations 6 to 8.

    Args:
        fit: which of the picture's derivatives the network is shown: value, gradient or laplacian.
    """

    scaling: ClassVar[str] = "symmetric"
    metrics: ClassVar[tuple[Metric, ...]] = (
        loss("mean squared error"),
        PSNR,
        Metric("gradient_psnr", "PSNR of the gradient", unit="dB", higher=True, each_epoch=False),
        Metric("laplacian_psnr", "PSNR of the Laplacian", unit="dB", higher=True, each_epoch=False),
    )
    primary: ClassVar[str] = "psnr"
    single: ClassVar[bool] = True
    takes: ClassVar[str] = "places"
    exports: ClassVar[tuple[str, ...]] = ("paint",)
    page: ClassVar[str] = "implicit"
    begins: ClassVar[Options] = PLAIN | ADAM | {
        "lr": 0.001, "schedule": "cosine", "warmup": 0.0, "epochs": 6, "repeat": 50,
        "batch_size": 1, "image_size": 128,
    }  # fmt: skip

    fit: str = "value"

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise UsageError(f"--fit takes {', '.join(FITS)}, not '{self.fit}'.")

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            x = picture_of(batch)
            p = mine(places(x))
            wanted = {"value": values, "gradient": gradient, "laplacian": laplacian}[self.fit](x)
            return part_of_mean((self._derivative(model, p) - mine(wanted)).square()), {}

        return (Player("model", tuple(model.parameters()), loss),)

    def _derivative(self, model: nn.Module, p: Float[Tensor, "n 2"]) -> Float[Tensor, "n m"]:
        if self.fit == "value":
            values: Tensor = model(p)
            return values
        grad, laplace = derivatives(model, p.requires_grad_(), second=self.fit == "laplacian")
        return grad if laplace is None else laplace

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        x = picture_of(batch)
        if len(batch) > 1:
            raise UsageError("The task 'implicit' fits one picture: give the path of an image.")
        expect(model(places(x)[:4]), (4, x.shape[1]), "a value a channel")

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> Measurements:
        batch = next(feed.in_order())
        x = picture_of(batch)
        with at_rest(model, runtime), torch.inference_mode(False), torch.enable_grad():
            x = x.clone()
            picture, grad, laplace = everywhere(model, x)
        error = picture - x
        if self.fit != "value":  # a derivative leaves the mean open
            error = error - error.mean((2, 3), keepdim=True)
        loss = error.square().mean().item()
        measures = {"psnr": psnr(loss, 2.0), "loss": loss}
        shape = x.shape
        true = {"gradient": gradient(x), "laplacian": laplacian(x)}
        tensors = {"picture": x, "found": picture}
        for name, value in (("gradient", grad), ("laplacian", laplace)):
            wanted = true[name]
            off = (value - wanted).square().mean().item()
            peak = (wanted.max() - wanted.min()).item()
            measures[f"{name}_psnr"] = psnr(off, peak)
            signed = name == "laplacian"
            tensors |= {
                f"{name}_true": as_picture(wanted, shape, wanted, signed),
                name: as_picture(value, shape, wanted, signed),
            }
        tensors = {k: in_bytes((v + 1) / 2) for k, v in tensors.items()}
        return Measurements(1, measures, tensors)

    def picture(self, model: nn.Module, batch: Batch, runtime: Runtime) -> Float[Tensor, "1 c h w"]:
        x = picture_of(batch)
        with at_rest(model, runtime):
            return (_image(model(places(x)), x.shape) + 1) / 2


def picture_of(batch: Batch) -> Float[Tensor, "1 c h w"]:
    """The one picture of a batch, which may hold it several times."""
    return batch.x[:1]


def places(x: Float[Tensor, "1 c h w"]) -> Float[Tensor, "n 2"]:
    """(row, column) of each pixel, from -1 to 1 along the longer side."""
    h, w = x.shape[2:]
    scale = max(h, w) - 1
    rows, columns = ((2 * torch.arange(n, device=x.device) - (n - 1)) / scale for n in (h, w))
    return torch.cartesian_prod(rows, columns).to(x.dtype)


def values(x: Float[Tensor, "1 c h w"]) -> Float[Tensor, "n c"]:
    return x[0].flatten(1).T


def _step(x: Tensor) -> float:
    """Distance of two pixels in the coordinates of `places`."""
    return 2 / (max(x.shape[2:]) - 1)


def gradient(x: Float[Tensor, "1 c h w"]) -> Float[Tensor, "n m"]:
    """dI/d(row, column) of each channel by central differences, the edge repeated."""
    y = F.pad(x, (1, 1, 1, 1), mode="replicate")[0]
    down, right = y[:, 2:, 1:-1] - y[:, :-2, 1:-1], y[:, 1:-1, 2:] - y[:, 1:-1, :-2]
    return torch.stack([down, right], 1).flatten(2).flatten(0, 1).T / (2 * _step(x))


def laplacian(x: Float[Tensor, "1 c h w"]) -> Float[Tensor, "n c"]:
    """Sum of second derivatives of each channel by differences, the edge repeated."""
    y = F.pad(x, (1, 1, 1, 1), mode="replicate")[0]
    around = y[:, 2:, 1:-1] + y[:, :-2, 1:-1] + y[:, 1:-1, 2:] + y[:, 1:-1, :-2]
    return (around - 4 * y[:, 1:-1, 1:-1]).flatten(1).T / _step(x) ** 2


def derivatives(
    model: Callable[[Tensor], Tensor], p: Float[Tensor, "n 2"], second: bool
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n c"] | None]:
    """The network's own derivatives at p: gradients side by side, and the Laplacian if asked."""
    grads, laplace = [], []
    for channel in model(p).unbind(1):
        (grad,) = torch.autograd.grad(channel.sum(), p, create_graph=True)
        grads.append(grad)
        if second:
            rows = [torch.autograd.grad(g.sum(), p, create_graph=True)[0][:, i]
                    if g.requires_grad else torch.zeros_like(g)
                    for i, g in enumerate(grad.unbind(1))]  # fmt: skip
            laplace.append(rows[0] + rows[1])
    return torch.cat(grads, 1), torch.stack(laplace, 1) if second else None


def everywhere(model: nn.Module, x: Float[Tensor, "1 c h w"]) -> tuple[Tensor, Tensor, Tensor]:
    """The network's picture, gradient and Laplacian at every pixel of `x`, in parts."""
    pixels, grads, laplaces = [], [], []
    for p in places(x).split(4096):
        grad, laplace = derivatives(model, p.clone().requires_grad_(), second=True)
        assert laplace is not None
        pixels.append(model(p).detach())
        grads.append(grad.detach())
        laplaces.append(laplace.detach())
    return _image(torch.cat(pixels), x.shape), torch.cat(grads), torch.cat(laplaces)


def as_picture(
    value: Float[Tensor, "n m"], shape: torch.Size, like: Float[Tensor, "n m"], signed: bool
) -> Float[Tensor, "1 1 h w"]:
    """A derivative as a picture in -1..1, scaled as `like` wants it.

    Where it is signed its mean over channels, 0 in the middle; else its norm, 0 at the bottom.
    """

    def flat(v: Tensor) -> Tensor:
        return v.mean(1) if signed else v.norm(dim=1)

    bound = flat(like).abs().quantile(0.98).clamp(min=1e-6)
    picture = flat(value) / bound if signed else 2 * flat(value) / bound - 1
    return picture.clamp(-1, 1).view(1, 1, *shape[2:])


def _image(values: Float[Tensor, "n c"], shape: torch.Size) -> Float[Tensor, "1 c h w"]:
    return values.T.reshape(shape)
