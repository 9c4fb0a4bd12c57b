"""Jacobians dy/dx of small layers and networks, (numbers of y, numbers of x), computed in three
ways."""

import torch
from torch import Tensor

from cutaway.byhand.graph import Graph
from cutaway.byhand.operation import Operation
from cutaway.errors import UsageError, nearest

LIMIT = 4_000_000
"""Numbers of the largest matrix that is computed: 32 MB in double precision."""


def by_rows(operation: Operation, *x: Tensor | None, wrt: int = 0) -> Tensor:
    """Use the backward equation: row i is its result for g = 1 at number i of y and 0 elsewhere.

    Args:
        wrt: which of the inputs, counted from 0.

    Raises:
        UsageError: no such input of real numbers, or a matrix that is too large.
    """
    copies = [None if v is None else v.clone() for v in x]  # running statistics change in place
    return _rows(operation, operation.forward(*copies), copies, wrt)


def by_columns(operation: Operation, *x: Tensor | None, wrt: int = 0, h: float = 1e-5) -> Tensor:
    """Use central differences: column j is (y(x + h e_j) - y(x - h e_j)) / 2h in float64; the rest
    as in `by_rows`."""
    here = _input(x, wrt).double()

    def y(shifted: Tensor) -> Tensor:
        values = [v.double() if v is not None and v.is_floating_point() else v for v in x]
        copies = [None if v is None else v.clone() for v in values]
        return operation.forward(*copies[:wrt], shifted, *copies[wrt + 1 :]).flatten()

    _check_small(y(here).numel(), here.numel(), str(operation))
    moves = [h * _unit(here, j) for j in range(here.numel())]
    return torch.stack([(y(here + move) - y(here - move)) / (2 * h) for move in moves], 1)


def by_chain(graph: Graph, *inputs: Tensor, wrt: str) -> Tensor:
    """The output's Jacobian by one node: from there up, each node's own times those below it.

    Where paths meet, products are added. Whole matrices are multiplied, where backpropagation sends
    one row down. The graph goes forward first.

    Raises:
        UsageError: no such node, or a matrix that is too large.
    """
    if wrt not in graph.nodes:
        raise UsageError(f"There is no node '{wrt}'.{nearest(wrt, graph.nodes)}")
    y = graph.forward(*inputs)
    x = graph.values[wrt]
    _check_small(x.numel(), x.numel(), wrt)
    jacobians = {wrt: torch.eye(x.numel(), dtype=x.dtype, device=x.device)}
    for node in graph.operations:
        below = [(i, jacobians[name]) for i, name in enumerate(node.inputs) if name in jacobians]
        value = graph.values[node.name]
        if below and node.name != wrt and value.is_floating_point():
            assert node.operation
            _check_small(value.numel(), x.numel(), node.name)
            z = graph.arguments(node)
            parts = [_rows(node.operation, value, z, i) @ known for i, known in below]
            jacobians[node.name] = torch.stack(parts).sum(0)
    return jacobians.get(graph.outputs[0], y.new_zeros(y.numel(), x.numel()))


def _rows(operation: Operation, y: Tensor, x: list[Tensor | None], wrt: int) -> Tensor:
    z = _input(x, wrt)
    _check_small(y.numel(), z.numel(), str(operation))
    rows = y.new_zeros(y.numel(), z.numel())
    for i, row in enumerate(rows):
        share = operation.backward(_unit(y, i), y, *x)[wrt]
        if share is not None:  # else no gradient goes through, and 0 stays
            row.copy_((share() if callable(share) else share).flatten())
    return rows


def _input(x: list[Tensor | None] | tuple[Tensor | None, ...], wrt: int) -> Tensor:
    z = x[wrt] if 0 <= wrt < len(x) else None
    if z is None or not z.is_floating_point():
        raise UsageError(
            f"Input {wrt} is not a tensor of real numbers: choose another of {len(x)}."
        )
    return z


def _check_small(rows: int, columns: int, of: str) -> None:
    if rows * columns > LIMIT:
        raise UsageError(
            f"A Jacobian of {rows:,} x {columns:,} numbers ({of}) is too large to be written down: "
            f"take a smaller layer or fewer samples, for at most {LIMIT:,} numbers."
        )


def _unit(like: Tensor, place: int) -> Tensor:
    """1 at one place of a tensor, counted row by row, 0 elsewhere."""
    one = like.new_zeros(like.numel())
    one[place] = 1
    return one.view(like.shape)
