"""Comparing runs or fleets: which is better, by how much, and how sure that is."""

from cutaway.learn.compare.comparison import Comparison, compare
from cutaway.learn.compare.result import Difference, Standing
from cutaway.learn.compare.sides import Side

__all__ = ["Comparison", "Difference", "Side", "Standing", "compare"]
