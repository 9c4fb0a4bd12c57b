"""Settings that the recipes of several tasks and networks begin with. Nothing heavy is imported."""

from cutaway.settings import Options

# What suited the small networks best of all that was tried on MNIST (bench/README.md).
ADAMW: Options = {
    "optimizer": "adamw",
    "optimizer_options": {"betas": [0.9, 0.95]},
    "weight_decay": 0.01,
    "schedule": "linear",
}

ADAM: Options = {
    "optimizer": "adam", "weight_decay": 0.0, "schedule": "one-cycle", "batch_size": 128,
}  # fmt: skip

PLAIN: Options = {"augment": "none", "label_smoothing": 0.0, "patience": 0}
