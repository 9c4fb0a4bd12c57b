"""Each kind of figure.

All have `title`; `caption`, what has to be said below; and `summary`, the figure in words, for who
cannot see it, where something better can be said than the title and the axes.
"""

from dataclasses import dataclass
from typing import Any, Literal

from cutaway.figures.axis import Axis, Labelled, Places, as_axis
from cutaway.figures.serialization import Plain, unpack

Style = Literal["line", "dots", "cloud", "columns"]
Role = Literal["", "train", "val", "reference", "best", "quiet"]
Form = Literal["usual", "flat", "square"]


@dataclass(frozen=True)
class Series(Plain):
    """Points (x, y), with intervals where any is by chance.

    Attributes:
        low, high: the ends of each point's interval (95 % where nothing else is said); both empty
            where y is exact.
        style: a line; dots, with whiskers as intervals; a cloud of many dots with its name in the
            middle; or columns that stand on the axis.
        role: what decides its look: measured on training or validation images, what would be
            right, the best of several, what is in the background. Without one each series of a
            figure has a look of its own.
        labels: what each point says of itself, in place of x and y.
        weights: of each dot, 0 to 1: its area grows with it.
        replicates: the values of each replicate, y being their mean; some may end earlier.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    style: Style = "line"
    role: Role = ""
    labels: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    replicates: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Curves(Plain):
    """Series over a common axis.

    Attributes:
        x, y: the axes; a text is taken as a label.
        levels: horizontal lines (y, what it is), such as chance.
        marks: vertical lines (x, what it is).
        form: how tall the drawing is for its width.
    """

    title: str
    x: Labelled
    y: Labelled
    series: tuple[Series, ...]
    levels: Places = ()
    marks: Places = ()
    caption: str = ""
    summary: str = ""
    form: Form = "usual"

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            object.__setattr__(self, name, as_axis(getattr(self, name)))


@dataclass(frozen=True)
class Part(Plain):
    """One colour of bars: a value for each group, with intervals where any is by chance."""

    name: str
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Bars(Plain):
    """Values of a few named things; `parts` stand beside each other in each group."""

    title: str
    axis: Labelled
    groups: tuple[str, ...]
    parts: tuple[Part, ...]
    caption: str = ""
    summary: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", as_axis(self.axis))


@dataclass(frozen=True)
class Interval(Plain):
    """One value with its interval.

    Attributes:
        values: single ones, such as those of the replicates.
        label: all of it in words.
    """

    name: str
    value: float
    low: float
    high: float
    values: tuple[float, ...] = ()
    label: str = ""
    role: Role = ""


@dataclass(frozen=True)
class Intervals(Plain):
    """Intervals one below the other; `reference` is a value with a line, such as no difference."""

    title: str
    axis: Axis
    rows: tuple[Interval, ...]
    reference: float | None = None
    caption: str = ""
    summary: str = ""


@dataclass(frozen=True)
class HeatMap(Plain):
    """A colour for each number of a table; grey where there is none.

    Attributes:
        rows: their names.
        ends: what the first and the last column are.
        colour: how numbers run from the first colour to the last; with `names`, those of the ends.
    """

    title: str
    rows: tuple[str, ...]
    ends: tuple[str, str]
    values: tuple[tuple[float, ...], ...]
    colour: Axis
    caption: str = ""
    summary: str = ""


@dataclass(frozen=True)
class Matrix(Plain):
    """Counts of each row answered as each column, such as a confusion matrix."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    caption: str = ""
    summary: str = ""


@dataclass(frozen=True)
class Pixels(Plain):
    """A picture of height x width x channels bytes, row by row."""

    height: int
    width: int
    channels: int
    data: bytes


@dataclass(frozen=True)
class Images(Plain):
    """Pictures in rows of `columns`, each with its name (or none)."""

    title: str
    pictures: tuple[Pixels, ...]
    names: tuple[str, ...]
    columns: int
    caption: str = ""


@dataclass(frozen=True)
class Plane(Plain):
    """Answers over a plane of two inputs, and examples on it.

    Attributes:
        low, high: the corners, (x, y) each.
        n: places along each side.
        classes: of each place a byte, the number of its class; rows from low y to high y.
        margin: of each place a byte: 0 on the boundary, 255 where the answer is surest.
        points: of each example x, y and its class.
        lines: drawn over it, such as the path of a descent.
    """

    title: str
    x: Axis
    y: Axis
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    classes: bytes
    margin: bytes
    names: tuple[str, ...]
    points: tuple[tuple[float, float, int], ...] = ()
    caption: str = ""
    summary: str = ""
    lines: tuple[Series, ...] = ()


Figure = Curves | Bars | Intervals | HeatMap | Matrix | Images | Plane


def _series(dots: bool = False, **content: Any) -> Series:
    """A series, also as it was written before there were styles."""
    return Series(**{"style": "dots" if dots else "line"} | content)


def _curves(**content: Any) -> Curves:
    """Curves, also as they were written before axes were data."""
    if "x_label" in content:
        for side in ("x", "y"):
            log = content.pop(f"{side}_log")
            content[side] = as_axis(content.pop(f"{side}_label"), log)
    return Curves(**content)


def _bars(**content: Any) -> Bars:
    """Bars, also as they were written before axes were data."""
    if "label" in content:
        content["axis"] = as_axis(content.pop("label"), content.pop("log"))
    return Bars(**content)


KINDS = {
    **{
        kind.__name__: kind
        for kind in (Axis, Part, Interval, Intervals, HeatMap, Matrix, Pixels, Plane)
    },
    "Series": _series,
    "Curves": _curves,
    "Bars": _bars,
    "Images": Images,
}
"""For each kind a function from what `to_dict` gave to the object."""


def from_dict(content: dict[str, Any]) -> Figure:
    """The figure of which `to_dict` gave this.

    Raises:
        KeyError, TypeError: it is no such figure.
    """
    figure: Figure = unpack(content, KINDS)
    return figure
