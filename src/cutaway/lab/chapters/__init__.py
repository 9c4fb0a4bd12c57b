"""The chapters of the course: each is a file here, or a folder of files where it is long."""

from typing import NamedTuple


class Chapter(NamedTuple):
    """Its title, and the module that holds its claims."""

    title: str
    module: str


CHAPTERS = {
    "1": Chapter("Neurons and gates", "neurons"),
    "2": Chapter("Gradients", "gradients"),
    "3": Chapter("Optimisation", "optimisation"),
    "4": Chapter("Making depth trainable", "depth"),
    "5": Chapter("Convolution", "convolution"),
    "6": Chapter("Architectures", "architectures"),
    "7": Chapter("Representation and generation", "generation"),
    "8": Chapter("Limits and practice", "practice"),
}
"""By number."""
