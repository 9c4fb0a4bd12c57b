"""An optimizer's state in the form that a checkpoint holds: tensors and numbers.

A checkpoint keeps an optimizer's `state`: fields of each parameter. Some optimizers keep lists
there, or count their steps in `param_groups`; and the evaluations that were made belong to neither.
A tensor's order in memory, which decides the rounding of what is computed from it, is lost in a
file. All of it is put among the fields where a state is given, and taken out where it is put back.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from cutaway.learn.optim.closure import Evaluations

Fields = dict[str, Any]
LENGTH, STRIDES, GROUP, COUNTED = "/length", "/strides", "group/", "evaluations/"


def flatten_state(optimizer: torch.optim.Optimizer, evaluations: Evaluations) -> None:
    """Let `state_dict` hold plain fields only, and the evaluations too, from now on."""

    def flatten(optimizer: torch.optim.Optimizer, whole: dict[str, Any]) -> dict[str, Any]:
        state = {i: dict(_flattened(fields)) for i, fields in whole["state"].items()}
        for group in whole["param_groups"]:
            counted = {GROUP + k: group[k] for k in group if k not in _initial_fields(optimizer)}
            if counted:
                state.setdefault(group["params"][0], {}).update(counted)
        counts = {COUNTED + k: v for k, v in asdict(evaluations).items()}
        state.setdefault(0, {}).update(counts)
        return {**whole, "state": state}

    def unflatten(plain: dict[str, Any]) -> dict[str, Any]:
        groups = [dict(group) for group in plain["param_groups"]]
        for group in groups:
            fields = plain["state"].get(group["params"][0], {})
            group |= {k[len(GROUP) :]: v for k, v in fields.items() if k.startswith(GROUP)}
        for key, value in plain["state"].get(0, {}).items():
            if key.startswith(COUNTED):
                setattr(evaluations, key[len(COUNTED) :], value)
        state = {i: _unflattened(fields) for i, fields in plain["state"].items()}
        return {**plain, "state": {i: f for i, f in state.items() if f}, "param_groups": groups}

    optimizer.register_state_dict_post_hook(flatten)
    # Not a hook for loading, because a class that reads the state itself would see it apart.
    load = optimizer.load_state_dict
    optimizer.load_state_dict = lambda plain: load(unflatten(plain))  # type: ignore[method-assign, assignment]


def _initial_fields(optimizer: torch.optim.Optimizer) -> set[str]:
    """Fields that a group holds from the beginning, and gets again when it is made again."""
    return {"params", *optimizer.defaults}


def _flattened(fields: Fields, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, list):
            yield f"{prefix}{name}{LENGTH}", len(value)
            yield from _flattened({str(i): v for i, v in enumerate(value)}, f"{prefix}{name}/")
            continue
        yield prefix + name, value
        if isinstance(value, Tensor) and not value.is_contiguous():
            yield f"{prefix}{name}{STRIDES}", list(value.stride())


def _unflattened(fields: Fields) -> Fields:
    def value(name: str) -> Any:
        if name + STRIDES in fields:
            plain = fields[name]
            return plain.new_empty_strided(plain.shape, fields[name + STRIDES]).copy_(plain)
        if name in fields:
            return fields[name]
        return [value(f"{name}/{i}") for i in range(fields[name + LENGTH])]

    names = {key.split("/")[0] for key in fields if not key.startswith((GROUP, COUNTED))}
    return {name: value(name) for name in sorted(names)}
