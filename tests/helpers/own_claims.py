"""A file of claims outside the package, as a user writes it."""

TEXT = '''
"""Coins."""

from typing import Annotated, Literal

import torch

from cutaway.lab.evidence import Effect, Evidence, Table, Verdict, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Bars, Curves, Part, images, shares
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.randomness import generator


def fair(heads: Effect) -> Verdict:
    """Holds if the interval holds 50 %; else it does not hold."""
    return Verdict.HOLDS if heads.low <= 50 <= heads.high else Verdict.FAILS


@claim("coins.fair", says="The coin is fair.", source="nobody", rule=fair, otherwise="Throws.",
       baseline="A coin of two heads shows 100 %.",
       evening={"replicates": 1000}, full={"replicates": 4000})
def coin(replicates: Replicates = 400, bias: Annotated[float, Range(0, 1)] = 0.5,
         seed: Seed = 0) -> Evidence:
    """A coin is thrown."""
    heads = torch.rand(replicates, generator=generator(seed, "coin")) < bias
    count = int(heads.sum())
    found = share("heads", count, replicates)
    bar = Part("one", (found.value,), (found.low,), (found.high,))
    line = shares("heads", [1.0], [count], replicates)
    return Evidence(
        {"heads": found},
        (Table("Throws", ("n", "heads (%)"), ((replicates, found.value),)),),
        (
            Curves("Heads", "throws", "heads (%)", (line,)),
            Bars("Both", "share (%)", ("heads",), (bar,)),
            images("Faces", torch.rand(2, 4, 4, generator=generator(0)), ("a", "b")),
        ),
        because="It was thrown.",
    )


@claim("coins.slow", says="Waiting is possible.", source="nobody", rule=lambda: Verdict.HOLDS,
       otherwise="")
def wait(seconds: float = 0.0, file: str = "") -> Evidence:
    """Waits, and says so in a file."""
    import pathlib, time

    if file:
        with open(file, "a") as log:
            log.write("waited ")
    time.sleep(seconds)
    return Evidence({}, (), (), because="")


@claim("coins.shapes", says="Pictures have shapes.", source="nobody",
       rule=lambda: Verdict.HOLDS, otherwise="", evening={"data": "mnist"})
def shapes(data: Literal["digits", "mnist"] = "digits") -> Evidence:
    """Never asked for."""
    return Evidence({}, (), (), because="")


@claim("coins.absent", says="Data are there.", source="nobody", rule=lambda: Verdict.HOLDS,
       otherwise="", needs=("no_such_package",))
def absent() -> Evidence:
    """Never done."""
    raise AssertionError


@claim("coins.broken", says="It works.", source="nobody", rule=lambda: Verdict.HOLDS, otherwise="")
def broken() -> Evidence:
    """Fails."""
    return Evidence({}, (), (), because=str(1 / 0))
'''
