"""Optimizers without the compiler, whose import takes longer than many a network's training."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import Optimizer

METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
MARK = "__dynamo_disable"
"""The attribute with the form of a method that PyTorch's compiler leaves alone."""


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let optimizers be made and used without importing `torch._dynamo`.

    PyTorch wraps these methods so that `torch.compile` leaves them alone, and at the first call of
    each the wrapper imports the compiler, 1.5 to 3 seconds, to learn how that is done. Where
    nothing is compiled the method as it is does the same, so it is put where the wrapper looks. A
    PyTorch that looks elsewhere imports as ever.
    """
    wrapped = [getattr(getattr(Optimizer, name), "__wrapped__", None) for name in METHODS]
    ours = [method for method in wrapped if method and not hasattr(method, MARK)]
    for method in ours:
        setattr(method, MARK, method)
    try:
        yield
    finally:
        for method in ours:
            delattr(method, MARK)


def step_of(optimizer: Optimizer) -> Callable[..., Any]:
    """The optimizer's step; PyTorch's own without the wrappers, which import the compiler too.

    They serve its profiler, optimizers that are differentiated, and hooks: with any on it, the
    step is taken as it is.
    """
    step = inspect.unwrap(type(optimizer).step)
    if not step.__module__.startswith("torch.optim") or optimizer.defaults.get("differentiable"):
        return optimizer.step
    plain = torch.no_grad()(step)
    hooks = (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks)

    def taken(closure: Callable[[], Any]) -> Any:
        return optimizer.step(closure) if any(hooks) else plain(optimizer, closure)

    return taken
