"""Backpropagation written out by hand, without autograd.

Notation, after the text: z a layer's output and the next one's input, U or u its weights or kernel
with the bias u_0, s the weighted sum, tau the activation, o the network's output, J what is
minimised. x and y are any operation's input and output, and g = dJ/dy what arrives from above; the
text's delta is -dJ/ds. x' is the transpose of x.
"""

from cutaway.byhand.check import check
from cutaway.byhand.cost import costs, path_by_path, paths
from cutaway.byhand.descent import descend
from cutaway.byhand.graph import Graph
from cutaway.byhand.jacobian import by_chain, by_columns, by_rows
from cutaway.byhand.node import Node
from cutaway.byhand.operation import Operation, spelled
from cutaway.byhand.step import Stepper
from cutaway.byhand.trace import trace

__all__ = [
    "Graph", "Node", "Operation", "Stepper", "by_chain", "by_columns", "by_rows", "check", "costs",
    "descend", "path_by_path", "paths", "spelled", "trace",
]  # fmt: skip
