"""An image as a network of its coordinates: sines against ReLUs."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jacrev, vmap

from cutaway import models
from cutaway.data.feed import to_float
from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.learning import minimise
from cutaway.learn.fleet.stack import Stack

NETS = {"sines (SIREN)": "siren", "ReLUs": "coordinate_mlp"}


def psnr(error: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Peak signal to noise (dB) of a mean squared error, for a range of 0 to 1."""
    return -10 * error.log10()


def places(side: int) -> Float[Tensor, "n 2"]:
    """The middles of the pixels, down and across, from -1 to 1."""
    at = (torch.arange(side) + 0.5) / side * 2 - 1
    return torch.cartesian_prod(at, at)


def slopes(picture: Float[Tensor, "*r h w"]) -> Float[Tensor, "*r h w 2"]:
    """Central differences of pixels, in 1 over the coordinate's unit."""
    down, across = torch.gradient(picture, spacing=2 / picture.shape[-1], dim=(-2, -1))
    return torch.stack([down, across], -1)


def fits(gain: Effect, slope: Effect, siren: Effect) -> Verdict:
    """Holds if the sines' PSNR is more than 3 dB above that of the ReLUs, their derivatives follow
    the image's better (both intervals), and their own PSNR is above 30 dB; with limits if they are
    ahead in both by any amount; does not hold if they are behind in one; else undecided."""
    if gain.low > 3 and slope.low > 0 and siren.low > 30:
        return Verdict.HOLDS
    if gain.low > 0 and slope.low > 0:
        return Verdict.LIMITED
    return Verdict.FAILS if gain.high < 0 or slope.high < 0 else Verdict.UNDECIDED


@claim(
    "7.9",
    says="A network of sines (SIREN) fits an image and its derivatives, where one of ReLUs cannot.",
    source="statistics week 4, page 38; Sitzmann et al. 2020",
    rule=fits,
    baseline="A network of ReLUs of the same size and steps, each kind at its own learning rate. "
    "One grey level for the whole picture has a PSNR of about 11 dB and derivatives of 0.",
    otherwise="Coordinates that are first turned into sines and cosines of many frequencies: ReLUs "
    "then fit as well.",
    full={"side": 256, "width": 256, "steps": 2000, "replicates": 8},
)
def siren_image(
    side: Annotated[int, Range(8, 512)] = 24,
    width: Annotated[int, Range(4, 512)] = 48,
    steps: Annotated[int, Range(10, 100_000)] = 250,
    omega: Annotated[float, Range(0.1, 1000)] = 15.0,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Both networks, equal in size, learn the grey level of a photograph from the place of each
    pixel; their derivatives by the place are compared with the differences of its pixels."""
    picture = to_float(load("china", image_size=side).images)[0, 0]
    p, x = places(side), picture.flatten()
    history, drawn, alike = {}, {}, {}
    for name, model in NETS.items():
        options = {"width": width} | ({"omega": omega} if model == "siren" else {})
        nets = Stack([models.build(model, 1, 1, side, options) for _ in range(replicates)])
        history[name] = psnr(_fit(nets, p, x, 1e-3 if model == "siren" else 3e-3, steps))
        with torch.no_grad():
            drawn[name] = nets(p).view(replicates, side, side)
        alike[name] = torch.tensor([_alike(net, p, picture) for net in nets.networks])
    sines, relus = NETS
    ends = {name: path[-1].numpy() for name, path in history.items()}
    looks = torch.linspace(0, steps - 1, min(steps, 25)).long()
    shown = torch.stack([picture, drawn[sines][0], drawn[relus][0]])
    steep = slopes(shown).norm(dim=-1)
    record = Record()
    record.effects(
        gain=difference("PSNR, sines minus ReLUs", ends[relus], ends[sines], "dB"),
        slope=difference("likeness of derivatives, sines minus ReLUs", alike[relus], alike[sines]),
        siren=mean("PSNR of the sines", ends[sines], "dB"),
    )
    rows = [(n, float(ends[n].mean()), alike[n].mean()) for n in NETS]
    columns = "network | PSNR (dB) | likeness of derivatives (correlation)"
    record.table(f"{side} x {side} pixels, three hidden layers of {width}", rows, columns)
    names = ("photograph", "sines", "ReLUs", "", "", "")
    pictures = torch.cat([shown, steep / steep[0].max()])
    record.images("The image (above) and how steep it is", pictures, names, columns=3)
    series = [over(n, looks + 1, path[looks]) for n, path in history.items()]
    record.curves("Fitting", "steps", "PSNR (dB)", *series)
    record.takes("More steps.")
    return record.because(f"""
        After {steps} steps the sines are at {ends[sines].mean():.1f} dB, the ReLUs at
        {ends[relus].mean():.1f}. The derivatives that autograd gives at the pixels correlate with
        the image's differences by {alike[sines].mean().item():.2f} and
        {alike[relus].mean().item():.2f}: a network of ReLUs is made of planes, so that its
        derivative is a staircase and its second derivative 0 wherever it exists. 'Cannot' is a
        matter of steps: the ReLUs' curve still rises, as slowly as the figure shows.
    """)


def _fit(
    nets: Stack, p: Float[Tensor, "n 2"], x: Float[Tensor, "n"], rate: float, steps: int
) -> Float[Tensor, "steps r"]:
    """Mean squared errors on the way."""

    def losses(_: int) -> Tensor:
        return (nets(p)[..., 0] - x).square().mean(1)

    return minimise(losses, torch.optim.Adam(nets.parameters(), rate), steps)


def _alike(net: torch.nn.Module, p: Float[Tensor, "n 2"], picture: Float[Tensor, "h w"]) -> float:
    """Correlation of the network's derivatives with the differences of pixels."""
    own = vmap(jacrev(lambda place: net(place[None])[0, 0]))(p).detach().flatten()
    pair = torch.stack([own, slopes(picture).flatten()])
    return torch.corrcoef(pair)[0, 1].item()
