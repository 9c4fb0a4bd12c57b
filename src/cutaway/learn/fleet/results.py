"""The files of a fleet as they are read: `fleet.json` and `results.json`."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from cutaway.learn.evaluation import Summary
from cutaway.learn.fleet.ensemble import CurvePoint
from cutaway.learn.stats import t_interval
from cutaway.learn.tasks import metric
from cutaway.settings import Options


class Spread(TypedDict):
    """A measure of several members: its mean, the mean's interval, and each member's value."""

    mean: float
    low: float
    high: float
    values: list[float]


class SettingResults(TypedDict):
    """The results of the members that share a setting."""

    changes: dict[str, object]
    members: list[int]
    measures: dict[str, Spread]


class FleetResults(TypedDict):
    """A fleet's `results.json`; with what its members are as an ensemble, where they are one."""

    members: int
    headline: str
    measures: dict[str, Spread]
    settings: list[SettingResults]
    ensemble: NotRequired[Summary]
    curve: NotRequired[list[CurvePoint]]


class FleetFacts(TypedDict):
    """A fleet's `fleet.json`: what is to be trained, and how."""

    format: int
    recipe: Options
    members: list[dict[str, object]]
    way: str
    at_once: NotRequired[int]
    threads: NotRequired[int]


def spread(name: str, values: Sequence[float], overlap: float = 0.0) -> Spread:
    """Mean, its 95 % interval (Student's t, corrected for shared training images), each value."""
    mean, low, high = t_interval(values, overlap) if len(values) > 1 else (values[0],) * 3
    if metric(name).share:
        low, high = max(0.0, low), min(1.0, high)
    return {"mean": mean, "low": low, "high": high, "values": list(values)}
