"""Search: trying many settings of a recipe, to find the best on the validation images."""

from cutaway.learn.search.launch import launch
from cutaway.learn.search.search import Search
from cutaway.learn.search.trial import Trial

__all__ = ["Search", "Trial", "launch"]
