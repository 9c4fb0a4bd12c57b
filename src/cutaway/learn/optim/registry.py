"""The optimizers by name: what each has to know of the loss, and where it comes from."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from cutaway.errors import UsageError, nearest
from cutaway.learn.import_path import import_object

Optimizer = torch.optim.Optimizer
HERE, TORCH, KEPT = "cutaway.learn.optim", "torch.optim", "pytorch_optimizer"


@dataclass(frozen=True)
class Method:
    """An optimizer that a recipe can name.

    Attributes:
        path: `package.module:Class`.
        knows: what it is told of the loss: its values, its gradients, or its curvature (measured,
            or gathered from gradients).
        source: the text that it comes from.
        presets: options that the name stands for; a recipe's own options override them.
        trials: whether a step asks for the loss at more than one point.
        twice: whether it differentiates the loss twice.
        square: bytes that it keeps for each pair of weights.
        elementwise: whether each weight moves by its own gradients alone.
    """

    path: str
    knows: Literal["values", "gradients", "curvature"]
    source: str
    presets: Mapping[str, Any] = field(default_factory=dict)
    trials: bool = False
    twice: bool = False
    square: int = 0
    elementwise: bool = False

    def load(self) -> type[Optimizer]:
        """The class.

        Raises:
            UsageError: it cannot be imported, or is no optimizer.
        """
        module, _, attribute = self.path.partition(":")
        try:
            kind = import_object(self.path)
        except (ImportError, AttributeError) as error:
            if module == KEPT:
                raise UsageError(
                    f"The optimizer '{attribute.lower()}' comes with pytorch_optimizer, which is "
                    "not installed: pip install 'cutaway[optimizers]'."
                ) from None
            raise UsageError(f"The optimizer '{self.path}' cannot be imported: {error}.") from None
        if not (inspect.isclass(kind) and issubclass(kind, Optimizer)):
            raise UsageError(f"'{self.path}' is not a torch.optim.Optimizer.")
        if "closure" not in inspect.signature(kind.step).parameters:
            raise UsageError(f"The step of '{self.path}' takes no closure, as PyTorch's do.")
        return kind


def _values(name: str, source: str, **more: Any) -> Method:
    return Method(f"{HERE}.{name}", "values", source, trials=True, **more)


def _curved(name: str, curvature: str, source: str, square: int = 0) -> Method:
    presets = {"curvature": curvature}
    return Method(f"{HERE}.{name}", "curvature", source, presets, True, True, square)


def _single(name: str, source: str, presets: Mapping[str, Any] = {}) -> Method:
    return Method(f"{TORCH}:{name}", "gradients", source, presets, elementwise=True)


METHODS: dict[str, Method] = {
    "random-search": _values("blackbox:RandomSearch", "Rastrigin 1963; Schumer and Steiglitz 1968"),
    "evolution": _values("blackbox:EvolutionStrategy", "Salimans et al. 2017"),
    "cma-es": _values("cma:CMAES", "Hansen 2016", square=8),
    "sgd": _single("SGD", "Robbins and Monro 1951"),
    "momentum": _single("SGD", "Polyak 1964"),
    "nesterov": _single(
        "SGD", "Nesterov 1983; Sutskever et al. 2013", {"nesterov": True}
    ),
    "rprop": _single("Rprop", "Riedmiller and Braun 1993"),
    "asgd": _single("ASGD", "Polyak and Juditsky 1992"),
    "adagrad": _single("Adagrad", "Duchi et al. 2011"),
    "rmsprop": _single("RMSprop", "Tieleman and Hinton 2012, lecture 6e"),
    "adadelta": _single("Adadelta", "Zeiler 2012"),
    "adam": _single("Adam", "Kingma and Ba 2015"),
    "adamax": _single("Adamax", "Kingma and Ba 2015, section 7.1"),
    "nadam": _single("NAdam", "Dozat 2016"),
    "radam": _single("RAdam", "Liu et al. 2020"),
    "adamw": _single("AdamW", "Loshchilov and Hutter 2019"),
    "adafactor": Method(f"{TORCH}:Adafactor", "gradients", "Shazeer and Stern 2018"),
    "muon": Method(f"{HERE}.muon:Muon", "gradients", "Jordan et al. 2024; Liu et al. 2025"),
    "l-bfgs": Method(
        f"{HERE}.lbfgs:AnyOrderLBFGS", "curvature", "Nocedal 1980; Liu and Nocedal 1989",
        {"line_search_fn": "strong_wolfe"}, trials=True,
    ),
    "newton": _curved("newton:Newton", "hessian", "Levenberg 1944; Marquardt 1963", 4),
    "gauss-newton": _curved("newton:Newton", "gauss-newton", "Marquardt 1963", 4),
    "newton-cg": _curved("hessian_free:HessianFree", "hessian", "Steihaug 1983"),
    "hessian-free": _curved("hessian_free:HessianFree", "gauss-newton", "Martens 2010"),
    "shampoo": Method(f"{KEPT}:Shampoo", "curvature", "Gupta et al. 2018"),
    "soap": Method(f"{KEPT}:SOAP", "curvature", "Vyas et al. 2024"),
}  # fmt: skip


def find(name: str) -> Method:
    """Find an optimizer by name, in any case and with or without hyphens.

    Any class of torch.optim can be named, and any other as `package.module:Class`.

    Raises:
        UsageError: there is none; the nearest is offered.
    """
    if ":" in name:
        return Method(name, "gradients", "")
    by_plain_name = {normalised(key): method for key, method in METHODS.items()}
    if normalised(name) not in by_plain_name:
        raise UsageError(f"There is no optimizer '{name}'.{nearest(name, METHODS)}")
    return by_plain_name[normalised(name)]


def normalised(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def optimizer_class(name: str) -> type[Optimizer]:
    """The class that a name stands for.

    Raises:
        UsageError: there is none, or it cannot be imported.
    """
    return find(name).load()
