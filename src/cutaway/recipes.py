"""Default recipes for any model on any data.

What suits a kind of data (image size, augmentation) and what suits a network (optimizer, rates)
are kept apart, so that every pair has a starting point; `RECIPES` holds the pairs that were tuned.
Nothing heavy is imported here.
"""

from collections.abc import Callable
from pathlib import Path

from cutaway.addresses import is_address
from cutaway.errors import UsageError, nearest
from cutaway.learn.presets import ADAM, ADAMW, PLAIN
from cutaway.learn.recipe import Recipe
from cutaway.settings import Options

FOLDER = "a folder of one's own"

DATA: dict[str, Options] = {
    "digits": {"image_size": 32, "augment": "shift:2", "epochs": 20, "batch_size": 64},
    "mnist": {
        "augment": "shift:1",
        "epochs": 5,
        "batch_size": 128,
        "val": 1 / 12,
        "label_smoothing": 0.1,
    },
    "cifar10": {"augment": "crop:4+flip", "epochs": 30, "batch_size": 128},
    "rocks": {
        "image_size": 64,
        "augment": "crop:6+flip",
        "epochs": 40,
        "batch_size": 16,
        "patience": 10,
    },
    # Four examples, all of which are learned from and tested on.
    **dict.fromkeys(
        ("and", "or", "nand", "nor", "xor"),
        PLAIN | {"val": 0.0, "epochs": 2000, "batch_size": 4, "schedule": "constant"},
    ),
    FOLDER: {"augment": "auto", "epochs": 30, "batch_size": 32, "patience": 10},
}

MODELS: dict[str, Options] = {
    "lenet5": ADAMW | {"lr": 0.003},
    **dict.fromkeys(("lenet_norm", "lenet_strided"), ADAMW | {"lr": 0.01}),
    "lenet5_1998": ADAMW | PLAIN | {"lr": 0.002, "batch_size": 64, "epochs": 8},
    "mlp": ADAMW | {"lr": 0.002},
    "autoencoder": {"batch_size": 256},
    "conv_autoencoder": {"batch_size": 256, "epochs": 4},
    "shadow_autoencoder": {"batch_size": 32, "repeat": 20, "epochs": 20, "lr": 0.03},
    "autoencoder_softmax": PLAIN | {
        "model_options": {"widths": "none", "bottleneck": 512},
        "stages": [
            {"task": "reconstruct", "task_options": {"noise": 1.0}, "epochs": 5,
             "batch_size": 256} | ADAM | {"lr": 0.001},
            {"task": "classify", "freeze": "encoder,decoder", "labels": 100, "batch_size": 100,
             "repeat": 100, "epochs": 5} | ADAMW | {"lr": 0.01},
        ],
    },
    # A generator that is faster than its judge: at equal rates the judge wins at once.
    "dcgan": {"lr": 0.002, "schedule": "linear", "task_options": {"discriminator_rate": 0.1},
              "model_options": {"width": 32}, "epochs": 6, "ema": 0.995},
    "improved_gan": {"lr": 0.003, "task_options": {"discriminator_rate": 0.2},
                     "model_options": {"width": 16}, "epochs": 3},
    "conv_vae": {"epochs": 4},
    "siren": {"model_options": {"width": 128}},
    "coordinate_mlp": {"model_options": {"width": 128}},
    "signal_net": ADAMW | {"lr": 0.01, "epochs": 10, "batch_size": 64} | PLAIN,
    "video_net": ADAMW | {"lr": 0.01, "epochs": 10, "batch_size": 32} | PLAIN,
    "local_net": ADAMW | {"lr": 0.003},
    "alexnet_small": ADAMW | {"lr": 0.002, "epochs": 2, "augment": "crop:4+flip"},
    "alexnet": ADAMW | {"lr": 0.0001, "image_size": 128},
    **dict.fromkeys(
        ("efficientnet_lite0", "efficientnet_b0", "mobilenet_v2", "mobilenet_v3_large",
         "mobilenet_v3_small"), ADAMW | {"lr": 0.003, "image_size": 224},
    ),
    "convnext_tiny": ADAMW | {"lr": 0.001, "image_size": 224},
    "deep_mlp": ADAMW | {"lr": 0.0005},
    "resnet20": {"lr": 0.1},
    "resnet18": {"lr": 0.05},
    "sprint_net": {"lr": 0.5, "momentum": 0.85, "weight_decay": 0.001, "schedule": "linear",
                   "batch_size": 256, "label_smoothing": 0.2, "init": "whiten",
                   "freeze": "patches.weight"},
}  # fmt: skip

RECIPES: dict[str, Callable[[], Recipe]] = {}


def register(recipe: Callable[[], Recipe]) -> Callable[[], Recipe]:
    """Register a recipe under its function's name, as one types it: `cutaway train NAME`."""
    RECIPES[recipe.__name__.replace("_", "-")] = recipe
    return recipe


@register
def digits() -> Recipe:
    """LeNet-5 on scikit-learn's 1,797 digits: no download, seconds."""
    return pair("lenet5", "digits")


@register
def mnist() -> Recipe:
    """LeNet-5 with more maps and batch normalisation on MNIST: 99.5 % in half a minute."""
    return pair("lenet_norm", "mnist")


@register
def mnist_sprint() -> Recipe:
    """A strided LeNet-5 that learns from all 60,000 images: 99 % within a handful of seconds."""
    return pair("lenet_strided", "mnist").override(epochs=3, val=0.0, label_smoothing=0.2)


@register
def mnist_ensemble() -> Recipe:
    """35 networks of the kind of `mnist`, which answer as one (Ciresan et al. 2012)."""
    return mnist().override(replicates=35)


@register
def cifar10() -> Recipe:
    """ResNet-20 on CIFAR-10."""
    return pair("resnet20", "cifar10")


@register
def cifar_sprint() -> Recipe:
    """A small network that goes far on CIFAR-10 in few epochs: 78.2 % of the test after 3."""
    recipe = pair("sprint_net", "cifar10")
    return recipe.override(augment="crop:2+flip", val=0.02, epochs=12)


@register
def rocks() -> Recipe:
    """ResNet-20 on photographs of Moon rocks."""
    return pair("resnet20", "rocks")


def pair(model: str, data: str) -> Recipe:
    """The defaults of the data, then the task, then the network."""
    from cutaway.learn.tasks import TASKS
    from cutaway.models import find, is_model

    task = find(model).task if is_model(model) else Recipe().task
    settings = DATA.get(data, DATA[FOLDER]) | TASKS[task].begins | suits(model)
    recipe = Recipe().override(model=model, data=data, task=task, **settings)
    return recipe.with_options(pretrained="auto") if names_weights(model) else recipe


def suits(model: str) -> Options:
    """What suits a network. One of another library takes images of the size that it was made for.

    Raises:
        UsageError: it is of a library that is not installed, or that has no such network.
    """
    from cutaway.models import find, is_model

    if is_model(model) and "/" in model:
        return ADAMW | {"lr": 0.001, "image_size": find(model).example[2]}
    return MODELS.get(model, {})


def names_weights(model: str) -> bool:
    """Whether the name of a network names weights of it, too: `timm/resnet18.a1_in1k`."""
    from cutaway.models import is_model

    return is_model(model) and "." in model.partition("/")[2]


def is_path(*names: str) -> bool:
    """Whether a path stands alone, so that a network has to be chosen for what is there."""
    from cutaway.models import MODELS as models

    given = [name for name in names if name]
    known = {*RECIPES, *models}
    return len(given) == 1 and given[0] not in known and is_there(given[0])


def is_there(name: str) -> bool:
    """Whether a name is that of data of one's own: a path, or an address of data elsewhere."""
    return is_address(name) or Path(name).exists()


def starting_point(first: str = "", second: str = "") -> Recipe:
    """The recipe for `train [MODEL] [DATA]`.

    Args:
        first: a recipe, a model, a data set or a path; nothing for `digits`.
        second: a data set or a path, where `first` is a model.

    Raises:
        UsageError: a name that is none of these; the nearest is offered.
    """
    if not first:
        return digits()
    from cutaway.models import MODELS as models
    from cutaway.models import find, is_model

    if second:
        if not is_model(first) and is_model(second):
            raise UsageError(
                f"The model comes first, then the data: {second} {first}, not {first} {second}."
            )
        if not is_model(first):
            raise UsageError(f"There is no model '{first}'.{nearest(first, models)}")
        return pair(first, second)
    if first in RECIPES:
        return RECIPES[first]()
    if first in models:
        return pair(first, models[first].data)
    if is_there(first):
        return pair("resnet20", first)
    if is_model(first):
        return pair(first, find(first).data)
    if "/" in first or "\\" in first or Path(first).suffix:
        raise UsageError(f"There is no folder or file {first}. Check the path.")
    hint = nearest(first, {*RECIPES, *models})
    raise UsageError(f"'{first}' is not a model, a recipe, a data set or a path.{hint}")
