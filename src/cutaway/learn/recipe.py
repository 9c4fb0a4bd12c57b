"""The recipe: everything that decides a result, in one frozen dataclass.

Nothing heavy is imported here, so that the command line can offer every field at once.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from cutaway.errors import UsageError
from cutaway.learn import synonyms
from cutaway.settings import Options, flag, setting, settings_of

FORMAT = 2
"""Version of `recipe.toml` and of what a step does; a file of a newer one is refused. In 1 what did
not fill a batch was left out, which `drop_last` says now, and a warm-up began at a rate of 0."""
SCHEDULES = ("one-cycle", "linear", "cosine", "step", "constant")
MEMORY_FORMATS = ("auto", "contiguous", "channels-last")
PRECISIONS = ("auto", "float32", "bfloat16")
AUTO_RATE = 0.0
"""The learning rate of a recipe that leaves it to a range test, until that was made."""
OWN = "own:"
"""Prefix of a recipe's model or data where it was an object of the user's own."""

TASKS = tuple(
    one.name.replace("_", "-") for one in iter_modules([str(Path(__file__).parent / "tasks")])
)
"""The tasks, a file each; to import them would take PyTorch."""
INITIALISERS = ("own", "normal", "xavier", "he", "orthogonal", "lsuv", "whiten")
DECAYS = ("own", "l2", "decoupled")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a result. `SETTINGS` tells what each field is and may be."""

    model: str = setting("lenet5", "the network, a name from `cutaway models`", "What")
    data: str = setting("digits", "a name from `cutaway data`, a folder or a table", "What")
    task: str = setting("classify", "what the outputs mean", "What", choices=TASKS)
    model_options: Options = setting({}, "options of the model: widths=300-100", "What")
    task_options: Options = setting({}, "options of the task: k=2", "What")
    init: str = setting("own", "how the weights are initialised", "What", choices=INITIALISERS)
    pretrained: str = setting(
        "", "start from these weights: auto, a .safetensors file, a run or owner/name", "What"
    )
    freeze: str = setting(
        "", "what is not trained: backbone, or names of modules: encoder,stem", "What"
    )
    backbone_rate: float = setting(
        1.0, "learning rate of the layers before the head, as a share of lr", "What", low=0, high=10
    )
    head: str = setting("", "the layer of a module of one's own that gives the answers", "What")
    seed: int = setting(0, "seed of every random draw", "What", low=0)
    replicates: int = setting(
        1, "networks trained as one job, each with its own seed", "What", low=1, high=100_000
    )
    vary: Options = setting(
        {}, "a network for each value of a field, as one job: lr=0.1,0.01", "What"
    )

    image_size: int = setting(
        0, "side in pixels; 0: chosen from the data, 128 at most", "Data", low=0, high=4096
    )
    group_by: str = setting("", "keep groups together: regex, level:N or a column", "Data")
    label: str = setting(
        "", "the column of a table that holds the class; of labels several: cat,dog", "Data"
    )
    fix: str = setting("", "corrected labels, the CSV of `cutaway suspects`", "Data")
    val: float = setting(0.1, "share held out for validation", "Data", low=0, high=0.9)
    test: float = setting(
        0.2, "share held out for testing, where none is given", "Data", low=0.01, high=0.9
    )
    fold: str = setting("", "cross-validation, the fold to test on: 2/5", "Data")
    folds: int = setting(
        0, "a network for each of so many folds, as one job; 0: none", "Data", low=0, high=1000
    )
    split_seed: int = setting(-1, "seed of the split; default: same as seed", "Data", low=-1)
    labels: int = setting(0, "training images whose class is known; 0: all", "Data", low=0)
    repeat: int = setting(1, "times that an epoch shows each image", "Data", low=1)
    augment: str = setting(
        "none", "random changes to images: shift:2+rotate:10; auto; package.module:name", "Data"
    )

    epochs: int = setting(10, "passes through the training images", "Learning", low=1)
    steps: int = setting(0, "steps in all, of a stream; epochs divide them", "Learning", low=0)
    batch_size: int = setting(128, "images in a step, at most", "Learning", low=1)
    drop_last: bool = setting(
        False, "leave out of an epoch the last batch where it is not full", "Learning"
    )
    sampling: str = setting(
        "shuffled", "an epoch shows every image once, or each class equally often (balanced)",
        "Learning", choices=("shuffled", "balanced"),
    )  # fmt: skip
    class_weights: str = setting(
        "none", "weights of the classes in the loss; balanced: rare ones count as much",
        "Learning", choices=("none", "balanced"), of_task=True,
    )  # fmt: skip
    focal: float = setting(
        0.0, "exponent by which the loss looks away from what is learned (gamma); 0: none",
        "Learning", low=0, high=10, of_task=True,
    )  # fmt: skip
    logit_adjust: float = setting(
        0.0, "shift of scores by the log frequency of classes (tau); 1 for balanced accuracy",
        "Learning", low=0, high=10, of_task=True,
    )  # fmt: skip
    optimizer: str = setting(
        "nesterov", "sgd, adamw, muon, l-bfgs, newton, cma-es, any of torch.optim or "
        "package.module:Class", "Learning",
    )  # fmt: skip
    lr: float = setting(
        0.05, "highest learning rate; auto: from a range test", "Learning", above=0, high=1000,
        words={"auto": AUTO_RATE},
    )  # fmt: skip
    momentum: float = setting(0.9, "momentum (beta1 of Adam)", "Learning", low=0, high=0.9999)
    optimizer_options: Options = setting({}, "options of the optimizer: eps=1e-6", "Learning")
    schedule: str = setting("one-cycle", "how the rate changes", "Learning", choices=SCHEDULES)
    warmup: float = setting(
        0.2, "share of the steps in which the learning rate rises", "Learning", low=0, high=0.9
    )
    clip: float = setting(0.0, "largest gradient norm; 0: no limit", "Learning", low=0)
    accumulate: int = setting(1, "parts that a batch is computed in", "Learning", low=1)
    ema: float = setting(
        0.0, "decay of the moving average of the weights; 0: none", "Learning", low=0, high=0.99999
    )

    weight_decay: float = setting(
        5e-4, "weight decay of matrices and kernels", "Regularising", low=0, high=10
    )
    decay: str = setting(
        "own", "weight decay as the optimizer has it, in the gradient (L2), or decoupled",
        "Regularising", choices=DECAYS,
    )  # fmt: skip
    max_norm: float = setting(0.0, "largest norm of a unit's row; 0: any", "Regularising", low=0)
    dropout: float = setting(
        -1.0, "share of units dropped at a step; own: as the network has it", "Regularising",
        low=-1, high=0.95, words={"own": -1.0},
    )  # fmt: skip
    stochastic_depth: float = setting(
        0.0, "share of images that skip the last residual block; 0: none", "Regularising",
        low=0, high=0.95,
    )  # fmt: skip
    label_smoothing: float = setting(
        0.0, "share of a target spread over all classes", "Regularising", low=0, high=0.9,
        of_task=True,
    )  # fmt: skip
    mixup: float = setting(
        0.0, "images blended in pairs, shares from Beta(a, a); 0: none", "Regularising",
        low=0, high=100, of_task=True,
    )  # fmt: skip
    cutmix: float = setting(
        0.0, "boxes pasted between images, areas from Beta(a, a); 0: none", "Regularising",
        low=0, high=100, of_task=True,
    )  # fmt: skip
    patience: int = setting(
        0, "epochs without improvement before it stops early; 0: never", "Regularising", low=0
    )
    monitor: str = setting(
        "val-loss", "what early stopping watches: val-loss, val-accuracy, val-balanced-accuracy",
        "Regularising",
    )  # fmt: skip
    stages: list[Options] = setting([], "changes to the fields above, set by set", "Learning")

    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps", "Machine")
    precision: str = setting(
        "auto", "floating-point format", "Machine", choices=PRECISIONS, synonyms=synonyms.FORMATS
    )
    memory_format: str = setting(
        "auto", "memory layout of images and kernels", "Machine", choices=MEMORY_FORMATS
    )
    compile: str = setting(
        "auto", "torch.compile the network", "Machine", choices=("auto", "yes", "no")
    )
    threads: int = setting(0, "threads of the CPU; 0: as many as suit", "Machine", low=0, high=1024)
    watch: int = setting(0, "steps between records of every layer; 0: none", "Machine", low=0)

    def __post_init__(self) -> None:
        if self.monitor.startswith("test"):
            raise UsageError(
                "Choosing on the test set is not allowed: --monitor val-loss or val-accuracy."
            )
        for spec in SETTINGS.values():
            spec.check(getattr(self, spec.name))
        self.in_stages()
        if self.patience and not self.val:
            raise UsageError(
                "Early stopping (patience) needs a validation split, because choosing on the "
                "test set is not allowed: give --val 0.1, or --patience 0."
            )
        ways = [n for n in BALANCING if getattr(self, n) != SETTINGS[n].default]
        if len(ways) > 1:
            raise UsageError(
                f"{flag(ways[0])} and {flag(ways[1])} each make rare classes count as much as "
                "common ones, and both together would make them count more: give one of them."
            )
        if self.accumulate > self.batch_size:
            raise UsageError(
                f"A batch of {self.batch_size} cannot be computed in {self.accumulate} parts: "
                "raise --batch-size or lower --accumulate."
            )

    @property
    def several(self) -> bool:
        """Whether it asks for more than one network."""
        return self.replicates > 1 or self.folds > 0 or bool(self.vary)

    @property
    def division(self) -> int:
        """The seed of the split."""
        return self.seed if self.split_seed < 0 else self.split_seed

    def override(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed; text is read as the field's type.

        Raises:
            UsageError: an unknown field (with the nearest one) or an impossible value.
        """
        for name in changes:
            if name not in SETTINGS:
                hint = synonyms.hint(name, {*SETTINGS, *CALLED})
                raise UsageError(f"A recipe has no field '{name}'.{hint}")
        parsed = {name: SETTINGS[name].parse(value) for name, value in changes.items()}
        return replace(self, **parsed)

    def with_options(self, **changes: Any) -> "Recipe":
        """A copy with changes by name: fields, and options of the model and of the task. Another
        optimizer, model or task brings along what suits it. Raises UsageError as `override` does.
        """
        from cutaway.learn.options import with_options

        return with_options(self, changes)

    def in_stages(self) -> tuple["Recipe", ...]:
        """The recipes of its stages, in order; a recipe without stages is its only one.

        Raises:
            UsageError: a stage changes what has to stay the same in a run.
        """
        whole = replace(self, stages=[]) if self.stages else self
        for stage in self.stages:
            if fixed := [name for name in stage if name not in CHANGEABLE]:
                raise UsageError(f"A stage cannot change '{fixed[0]}', which belongs to the run.")
        return tuple(whole.override(**stage) for stage in self.stages) or (whole,)

    def to_dict(self) -> Options:
        """Plain values, for TOML and JSON."""
        return {"format": FORMAT} | {name: getattr(self, name) for name in SETTINGS}

    def to_toml(self) -> str:
        import tomli_w

        return tomli_w.dumps(self.to_dict())


def from_dict(values: Mapping[str, Any], origin: str = "the recipe") -> Recipe:
    """The recipe that `to_dict` gave.

    Raises:
        UsageError: a newer format, an unknown field or an impossible value.
    """
    values = dict(values)
    version = values.pop("format", FORMAT)
    if not isinstance(version, int) or version > FORMAT:
        raise UsageError(
            f"{origin} is written in format {version}, and this Cutaway reads up to {FORMAT}: "
            "update Cutaway (pip install -U cutaway)."
        )
    if version == 1:
        values.setdefault("drop_last", True)
    return Recipe().override(**values)


def read_recipe(path: Path) -> Recipe:
    """Read a `recipe.toml`.

    Raises:
        UsageError: no such file, not TOML, a newer format, an unknown or impossible field.
    """
    try:
        return from_dict(tomllib.loads(path.read_text()), str(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a recipe in TOML: {error}.") from None


CALLED = ("out", "trials")
"""Arguments of those who begin a training, beside a recipe's fields."""
SETTINGS = settings_of(Recipe)
"""The fields of a recipe, by name."""
CHANGEABLE = {
    name for name, spec in SETTINGS.items() if spec.panel in ("Learning", "Regularising")
} - {"stages"} | {"task", "task_options", "freeze", "backbone_rate", "labels", "repeat", "augment"}
"""Fields that a stage may change."""
BALANCING = ("class_weights", "sampling", "logit_adjust")
"""Fields that let classes count alike, of which one is enough."""
REPLICATE = ("seed", "split_seed", "fold")
"""Fields in which replicates of a recipe may differ."""
