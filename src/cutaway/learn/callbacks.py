"""Callbacks: what is told how trainings, fleets and searches go, and may act on it.

class Log(Callback):
    def on_epoch_end(self, training, row):
        print(training.run.path.name, row["epoch"], row["val_accuracy"])

cutaway.fit("lenet5", "digits", callbacks=[Log()])
"""

import dataclasses
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cutaway.errors import UsageError
from cutaway.learn.history import Row
from cutaway.learn.import_path import import_own

if TYPE_CHECKING:
    from cutaway.learn.evaluation import Evaluation
    from cutaway.learn.fleet.fleet import Fleet
    from cutaway.learn.search.search import Search
    from cutaway.learn.search.trial import Trial
    from cutaway.learn.training import Training


class Callback:
    """Told of what happens; each method may be overridden. An exception ends what is going on.

    In a fleet the members' own events come from each member: from all of a stack in turn, and where
    members train side by side, from copies of the callback in their processes (see `serialize`).
    """

    in_members = True
    """Whether the processes of a fleet that trains side by side make copies."""

    def on_run_begin(self, training: "Training") -> None:
        """A run is about to begin, or to go on."""

    def on_stage_begin(self, training: "Training") -> None:
        """A stage is about to begin or to go on: the network is as its next step finds it."""

    def on_step_begin(self, training: "Training") -> None:
        """A step is about to be taken."""

    def on_step_end(self, training: "Training") -> None:
        """A step has been taken."""

    def on_evaluation_end(self, training: "Training", part: str, evaluation: "Evaluation") -> None:
        """The network has been evaluated on a part: `val` after an epoch, `test` at the end."""

    def on_epoch_end(self, training: "Training", row: Row) -> None:
        """An epoch has been evaluated and written down."""

    def on_checkpoint(self, training: "Training") -> None:
        """A checkpoint is about to be written."""

    def on_run_end(self, training: "Training") -> None:
        """A run has ended, well or not."""

    def on_note(self, text: str) -> None:
        """Something that the user may want to know."""

    def on_fleet_begin(self, fleet: "Fleet", why: str) -> None:
        """A fleet is about to begin or to go on, and why in the way that it does."""

    def on_members_epoch_end(self, fleet: "Fleet", rows: Sequence[Row]) -> None:
        """Members that train as one stack have ended an epoch, with a row of each."""

    def on_member_end(self, fleet: "Fleet", k: int) -> None:
        """Member k (from 0) of a fleet has ended, well."""

    def on_fleet_end(self, fleet: "Fleet") -> None:
        """A fleet has ended, well or not."""

    def on_search_begin(self, search: "Search") -> None:
        """A search is about to begin or to go on."""

    def on_trial_end(self, search: "Search", trial: "Trial") -> None:
        """A trial has ended, was pruned, or failed."""

    def on_search_end(self, search: "Search") -> None:
        """A search has ended, well or not."""


EVENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class Callbacks(Callback):
    """Several callbacks as one, told in their order."""

    def __init__(self, several: Iterable[Callback] = ()):
        self._several = tuple(one for callback in several for one in _each(callback))

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._several)

    def handles(self, event: str) -> bool:
        """Whether one of them does anything at an event."""
        return any(getattr(type(one), event) is not getattr(Callback, event) for one in self)


def _forwarding(event: str) -> Any:
    def tell(self: Callbacks, *about: Any) -> None:
        for one in self:
            try:
                getattr(one, event)(*about)
            except Exception as error:
                error.add_note(f"callback {type(one).__module__}:{type(one).__qualname__}, {event}")
                raise

    return tell


for _event in EVENTS:
    setattr(Callbacks, _event, _forwarding(_event))


def _each(callback: Callback) -> Iterator[Callback]:
    if isinstance(callback, Callbacks):
        yield from callback
    else:
        yield callback


def resolve(callbacks: Iterable[Any]) -> Callbacks:
    """Combine callbacks; those named as `package.module:Class` are made without arguments.

    Raises:
        UsageError: one cannot be imported or made, or is no callback.
    """
    return Callbacks(_make(one) if isinstance(one, str) else _checked(one) for one in callbacks)


def serialize(callbacks: Callbacks) -> str:
    """Write callbacks as JSON, for the processes of members: each by the name of its class, and
    the fields of a dataclass.

    Raises:
        UsageError: one cannot be made so.
    """
    return json.dumps([_serialized(one) for one in callbacks if one.in_members])


def deserialize(text: str) -> Callbacks:
    """Make callbacks from what `serialize` gave. Raises what `resolve` does."""
    return Callbacks(_make(one["class"], one["fields"]) for one in json.loads(text))


def _serialized(callback: Callback) -> dict[str, object]:
    kind = type(callback)
    name, fields = f"{kind.__module__}:{kind.__qualname__}", dict[str, object]()
    if dataclasses.is_dataclass(callback):
        fields = {f.name: getattr(callback, f.name) for f in dataclasses.fields(callback) if f.init}
    try:
        json.dumps(fields)
        known = kind.__module__ != "__main__" and _class(name) is kind
        inspect.signature(kind).bind(**fields)
    except (TypeError, ValueError, UsageError):
        known = False
    if not known:
        raise UsageError(
            f"A fleet whose members train side by side makes its callbacks anew in each process, "
            f"which {kind.__qualname__} cannot be: put its class into a module that can be "
            "imported, with no arguments or as a dataclass of plain values, or give way='in-turn' "
            "(--way in-turn)."
        )
    return {"class": name, "fields": fields}


def _make(name: str, fields: Mapping[str, object] = {}) -> Callback:
    kind = _class(name)
    try:
        return _checked(kind(**fields))
    except TypeError as error:
        raise UsageError(
            f"The callback '{name}' cannot be made without arguments: {error}."
        ) from None


def _class(name: str) -> Any:
    """The class at `package.module:Class`, also of a module in the current folder."""
    if not name.partition(":")[2]:
        raise UsageError(f"A callback is named as package.module:Class, not '{name}'.")
    try:
        return import_own(name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The callback '{name}' cannot be imported: {error}.") from None


def _checked(callback: Any) -> Callback:
    if not isinstance(callback, Callback):
        raise UsageError(
            f"A callback is an object of a subclass of cutaway.Callback, not {callback!r:.60}."
        )
    return callback
