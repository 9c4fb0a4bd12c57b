"""Draw a step of a walk through a network for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from inspect import Parameter, signature
from itertools import zip_longest
from textwrap import wrap
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.event import Event
from cutaway.byhand.node import Node
from cutaway.byhand.operations import Constant
from cutaway.show.words import number

WIDTH = 80
SHADES = " ░▒▓█"
ROWS, COLUMNS = 8, 16
"""Largest height and width of a picture in letters; a letter is about twice as high as wide."""
PER_ROW = 8
"""Numbers per line."""


def draw_event(event: Event, values: Mapping[str, Tensor]) -> str:
    """One step: the equation, its inputs and outputs, a picture, and its cost.

    Args:
        values: of all nodes so far.
    """
    g = event.gradient
    lines = [event.equation]
    lines += aligned(inputs(event, values) if g is None else shares(event, g))
    lines += summary(event.value) if g is None else summary(g, "g has ")
    lines.append(f"{number(event.flops)} operations, {format_bytes(event.bytes)} read and written")
    return side_by_side(picture(event.value if g is None else g, g is not None), lines)


def draw_tensor(x: Tensor, magnitudes: bool = False) -> str:
    """The numbers of a value, or a picture of it."""
    return side_by_side(picture(x, magnitudes), summary(x, rows=ROWS))


def side_by_side(left: Sequence[str], lines: Sequence[str]) -> str:
    """Lines to the right of a picture, broken where they are too long."""
    margin = max(map(len, left), default=0) + 2
    right = [part for line in lines for part in wrap(line, WIDTH - margin)]
    rows = zip_longest(left, right, fillvalue="")
    return "\n".join(f"{one:<{margin}}{other}".rstrip() for one, other in rows)


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of words as columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(word.ljust(n) for word, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def inputs(event: Event, values: Mapping[str, Tensor]) -> list[tuple[str, ...]]:
    """The inputs of a value, by the equation's symbols."""
    rows = [(f"{symbol} =", name, shape(values[name])) for symbol, name in symbols(event.node)]
    return [*rows, ("gives", event.node.name, shape(event.value))]


def shares(event: Event, g: Tensor) -> list[tuple[str, ...]]:
    """The gradient that arrives, and the gradients passed on."""
    rows: list[tuple[str, ...]] = [("g", "arrives", shape(g), norm(g))]
    pending = list(event.sent)
    for symbol, name in symbols(event.node):
        if pending and pending[0][0] == name:
            share = pending.pop(0)[1]
            rows.append((f"dJ/d{symbol}", f"to {name}", shape(share), norm(share)))
    return rows


def symbols(node: Node) -> Iterator[tuple[str, str]]:
    """Each input with its symbol in the equation, which is its name in `forward`."""
    forward = signature(node.operation.forward).parameters if node.operation else {}
    parameters = list(forward.values())
    for i, name in enumerate(node.inputs):
        last = min(i, len(parameters) - 1)
        if name is not None:
            parameter = parameters[last]
            many = parameter.kind is Parameter.VAR_POSITIONAL
            yield f"{parameter.name}_{i - last + 1}" if many else parameter.name, name


def describe(node: Node) -> str:
    """The operation, and its settings that are not the default."""
    operation: Any = node.operation
    if isinstance(operation, Constant):
        return f"Constant, {operation.name}"
    settings = [
        (spec.name, setting(getattr(operation, spec.name)), setting(spec.default))
        for spec in fields(operation)
    ]
    return ", ".join([node.title, *(f"{k} {v}" for k, v, usual in settings if v != usual)])


def setting(value: Any) -> str:
    """`2` for (2, 2), `1 x 3` for (1, 3)."""
    if isinstance(value, tuple | list):
        return " x ".join(map(str, value if len(set(value)) > 1 else value[:1]))
    return f"{value:g}" if isinstance(value, float) else str(value)


def shape(x: Tensor) -> str:
    """`2x6x28x28`, or `one number`."""
    return "x".join(map(str, x.shape)) or "one number"


def norm(x: Tensor) -> str:
    return f"norm {x.double().norm().item():.3g}"


def format_bytes(count: int) -> str:
    """`640 bytes`, `18.8 kB`, `2.3 MB`."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:,.1f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB"


def summary(x: Tensor, prefix: str = "", rows: int = 1) -> list[str]:
    """Mean, spread and range of the finite numbers, how many are not, and the first ones.

    Args:
        prefix: words before.
        rows: how many rows of numbers, where a picture does not show them.
    """
    flat = x.double().flatten()
    finite = flat[flat.isfinite()]
    facts = []
    if len(finite) > 1:
        mean, spread = finite.mean().item(), finite.std(correction=0).item()
        low, high = finite.min().item(), finite.max().item()
        facts.append(f"mean {mean:.3g}, spread {spread:.3g}, from {low:.3g} to {high:.3g}")
    if len(finite) < len(flat):
        facts.append(f"{len(flat) - len(finite):,} of {len(flat):,} numbers not finite")
    lines = [prefix + "; ".join(facts)] if facts else []
    return lines if is_picture(x) else [*lines, *numbers(x, rows)]


def numbers(x: Tensor, max_rows: int) -> list[str]:
    """The first numbers of the first rows."""
    while x.ndim > 1 and x.shape[-1] == 1:
        x = x.squeeze(-1)
    rows = x.reshape(-1, x.shape[-1] if x.ndim else 1)[:max_rows, : PER_ROW + 1].tolist()
    return [
        "  ".join(f"{value + 0.0:.3g}" for value in row[:PER_ROW]) + "  ..." * (len(row) > PER_ROW)
        for row in rows
    ]


def is_picture(x: Tensor) -> bool:
    """Whether the last two axes are large enough for a picture."""
    return x.ndim > 2 and min(x.shape[-2:]) > 2


def picture(x: Tensor, magnitudes: bool = False) -> list[str]:
    """The first map of the first example in shades, from its smallest number to its largest; where
    one is infinite or none, a question mark.

    Args:
        magnitudes: show these, from 0, and not the numbers themselves.
    """
    if not is_picture(x):
        return []
    values = x[(0,) * (x.ndim - 2)].float()
    values = values.abs() if magnitudes else values
    h, w = values.shape
    rows = min(h, ROWS, max(1, COLUMNS * h // (2 * w)))
    columns = min(COLUMNS, max(1, 2 * rows * w // h))
    small = torch.nn.functional.adaptive_avg_pool2d(values[None], (rows, columns))[0]
    known = small[small.isfinite()]
    low = known.min().item() if len(known) and not magnitudes else 0.0
    high = known.max().item() if len(known) else 0.0
    levels = (small - low) / ((high - low) or 1.0) * (len(SHADES) - 1)
    levels = levels.round().nan_to_num(-1, -1, -1).long()
    return ["".join((*SHADES, "?")[k] for k in row) for row in levels.tolist()]
