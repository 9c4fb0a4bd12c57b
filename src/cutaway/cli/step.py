"""`cutaway step`: a walk through what a network computes and learns from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.cli.app import app
from cutaway.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from cutaway.systems import SystemGraph


@app.command(epilog="Example: cutaway step dcgan --player generator")
def step(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="See `cutaway models`.")],
    image: Annotated[
        str, typer.Option(help="A picture; random if not given.", metavar="FILE")
    ] = "",
    player: Annotated[str, typer.Option(help="Of a GAN: generator or discriminator.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=1024, help="Images in the batch.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, noise and masks.")] = 0,
) -> None:
    """Walk through a network node by node, forward and backward, without autograd.

    The network is untrained, at its first training step. Every node shows its equation, numbers
    and costs. Commands are typed or come through a pipe; `help` lists them.
    """
    from cutaway.byhand.step import Stepper
    from cutaway.cli.walk import Walk
    from cutaway.randomness import reseed_global
    from cutaway.systems import system_graphs

    images = pictures(model, image, batch) if image else None
    players = system_graphs(model, images=images, batch=batch, seed=seed, player=player)
    reseed_global(seed, "step")
    walk = Walk(Stepper(players[0].graph, players[0].inputs))
    for line in header(players, image, seed):
        walk.say(line)
    try:
        walk.cmdloop()
    except KeyboardInterrupt:
        typer.echo()


def header(players: "list[SystemGraph]", image: str, seed: int) -> list[str]:
    """The lines above a walk: network, graph and inputs."""
    from cutaway.cli.drawing import shape

    first, graph = players[0], players[0].graph
    others = [other.player for other in players[1:]]
    player = f", player {first.player}" if others or first.player != "model" else ""
    inputs = ", ".join(f"{k} {shape(x)}" for k, x in zip(graph.inputs, first.inputs, strict=True))
    kind = graph.nodes[graph.outputs[0]].title
    return [
        f"{first.model}{player}" + f"; --player also takes {', '.join(others)}" * bool(others),
        f"J = {graph.outputs[0]} ({kind}). {len(graph.operations)} nodes are computed from "
        f"{len(graph.parameters)} parameters.",
        f"Given: {inputs}; {f'from {Path(image).name}' if image else 'random'}, seed {seed}. "
        "`help` lists the commands.",
    ]


def pictures(name: str, image: str, batch: int) -> "Tensor":
    """Copies of a picture as a network takes them.

    Raises:
        UsageError: the network takes no pictures.
        DataError: the file is not there, or no picture.
    """
    import torch

    from cutaway.data.decode import Unreadable, decode_to
    from cutaway.data.feed import Normalise, to_float
    from cutaway.data.frame import Frame, fit_of
    from cutaway.learn.recipe import Recipe
    from cutaway.learn.tasks import make_task
    from cutaway.models import find

    model = find(name)
    channels, _, size = model.example
    size = (size, size) if isinstance(size, int) else size
    if len(size) != 2:
        raise UsageError(f"{name} takes no pictures: leave --image out.")
    try:
        array = decode_to(Path(image), Frame(channels, size, fit_of(size)))
    except Unreadable as problem:
        raise DataError(f"{image}: {problem.sentence}") from None
    pixels = torch.from_numpy(array)[None]
    task = make_task(Recipe(task=model.task))
    copies = pixels.repeat(1 if task.single else batch, 1, 1, 1)
    scalings = {
        "standard": Normalise.of(pixels),
        "symmetric": Normalise((0.5,) * channels, (0.5,) * channels),
        "unit": Normalise((0.0,) * channels, (1.0,) * channels),
    }
    return scalings[task.scaling](to_float(copies))
