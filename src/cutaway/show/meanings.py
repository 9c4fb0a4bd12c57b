"""What the measures mean: on which axis they are drawn, and which way is better."""

from dataclasses import dataclass

LOWER, HIGHER = "Lower is better.", "Higher is better."


@dataclass(frozen=True)
class Meaning:
    """How a measure is drawn and what is said below it.

    Attributes:
        axis: what stands at the axis, with the unit.
        begins: how the axis runs: `zero`, from there (by ratios where the values span many);
            `share`, in per cent; `own`, about the values alone.
        level: a value worth a line of its own, and what it is called.
    """

    title: str
    axis: str
    caption: str
    begins: str = "zero"
    level: tuple[float, str] | None = None


MEANINGS = {
    "loss": Meaning("Loss", "loss", LOWER),
    "accuracy": Meaning(
        "Accuracy",
        "share right (%)",
        f"{HIGHER} A gap that widens between training and validation is overfitting.",
        "share",
    ),
    "error": Meaning("Error", "share wrong (%)", LOWER, "share"),
    "iou": Meaning(
        "Mean IoU",
        "mean IoU (%)",
        f"{HIGHER} Of the pixels that are of a class or are answered so, the share that is both; "
        "mean over the classes.",
        "share",
    ),
    "psnr": Meaning(
        "Peak signal-to-noise ratio",
        "PSNR (dB)",
        f"{HIGHER} 10 dB more is a tenth of the squared error.",
        "own",
    ),
    "reconstruction": Meaning(
        "Reconstruction",
        "−ln p(x|z) (nats an image)",
        f"{LOWER} What it takes to say the pixels once the code is known.",
    ),
    "-ELBO": Meaning("\N{MINUS SIGN}ELBO", "nats an image", LOWER),
    "kl": Meaning(
        "KL divergence",
        "KL (nats an image)",
        "How much the code says of an image. Lower makes drawn codes more like real ones; at 0 "
        "the code would say nothing.",
    ),
    "fid": Meaning(
        "Frechet distance",
        "distance",
        f"{LOWER} 0 would mean that a fixed network sees drawn and real images alike.",
    ),
    "sure": Meaning(
        "Drawn images whose class is clear",
        "share (%)",
        f"{HIGHER} Share of drawn images of whose class the fixed network is more than 90 % sure.",
        "share",
    ),
    "variety": Meaning(
        "Variety",
        "classes",
        f"{HIGHER} Number of equally frequent classes that would be as varied as what was drawn.",
        "own",
    ),
    "discriminator_accuracy": Meaning(
        "The discriminator's accuracy",
        "share told apart (%)",
        "Real and drawn images in equal shares. At 50 % it only guesses: the generator fools it. "
        "Near 100 % it sees through every drawing.",
        "share",
        (0.5, "guessing"),
    ),
}
"""In the order in which they are drawn."""

LOSSES = {
    "classify": "nats",
    "segment": "nats a pixel",
    "reconstruct": "mean squared error",
    "variational": "nats an image",
    "implicit": "mean squared error",
}
"""The unit of each task's loss; others have none."""

PLAYERS = {
    "adversarial": "Neither has to fall, since each depends on what the other can do. Where the "
    "drawn images cannot be told from real ones, the discriminator's is 2 ln 2 = 1.39 and the "
    "generator's ln 2 = 0.69.",
    "semi-supervised": "Neither has to fall, since each depends on what the other can do. The "
    "discriminator's is in nats; the generator's is a distance between mean features of real and "
    "of drawn images.",
    "threshold": "Lower is better; 0 where every answer is right.",
}
"""What is said of the losses of several players, by task."""


def meaning(measure: str) -> Meaning:
    """Of any measure; of one that is not known, its name."""
    title = measure.replace("_", " ")
    return MEANINGS.get(measure) or Meaning(title.capitalize(), title, "", "own")


def rank(measure: str) -> int:
    """Its place among the charts."""
    return list(MEANINGS).index(measure) if measure in MEANINGS else len(MEANINGS)
