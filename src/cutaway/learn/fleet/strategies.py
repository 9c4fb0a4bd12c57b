"""The ways in which a fleet can be trained."""

from collections.abc import Callable

from cutaway.data.imageset import ImageSet
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.batched import batched
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import in_turn
from cutaway.learn.fleet.side_by_side import side_by_side

Way = Callable[[Fleet, ImageSet, Execution], None]
WAYS: dict[str, Way] = {"in-turn": in_turn, "side-by-side": side_by_side, "batched": batched}
