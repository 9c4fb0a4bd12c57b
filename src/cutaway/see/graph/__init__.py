"""A network as a graph: its modules, its operations forward and backward, and what each costs."""

from cutaway.see.graph.levels import IN, Level, Part
from cutaway.see.graph.measure import graph
from cutaway.see.graph.parts import Call, Cost, Graph, Operation, Pass, Shape

__all__ = ["IN", "Call", "Cost", "Graph", "Level", "Operation", "Part", "Pass", "Shape", "graph"]
