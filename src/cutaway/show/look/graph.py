"""The section on a network's graph: modules that open, operations, figures for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cutaway.see.graph import Call, Cost, Graph, Operation, Part, Pass, Shape
from cutaway.show.look.drawing import Box, Drawing, draw
from cutaway.show.words import SPACE, number, plural

MANY = 2000
"""Operations beyond which they are not drawn in one column, but only where modules are opened."""
MOST, FEW = 0.75, 12
"""A module with more than this share of the time is open at first, if it has few parts."""
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Row:
    """A module's own cost, without the modules in it.

    Attributes:
        id: of its box.
        bytes: read and written, both ways.
        share: of the time of both passes.
    """

    id: str
    name: str
    type: str
    parameters: int
    flops: int
    bytes: int
    forward: float
    backward: float
    share: float


@dataclass(frozen=True)
class GraphView:
    """The section as plain data.

    Attributes:
        paragraphs: sentences on the whole.
        modules, back: drawings with boxes that open, of the forward and the backward pass.
        operations, nodes: each pass in one column; None where there are too many.
        rows: by time, the longest first.
    """

    paragraphs: tuple[str, ...]
    modules: Drawing
    back: Drawing | None
    operations: Drawing | None
    nodes: Drawing | None
    rows: tuple[Row, ...]


def view(graph: Graph) -> GraphView:
    """A network's graph as the page shows it."""
    forward = _Painter(graph, graph.forward, "f", graph.calls[0].forward.ms)
    backward = _Painter(graph, graph.backward, "b", graph.calls[0].backward.ms)
    back = bool(graph.backward.operations)
    return GraphView(
        tuple(_paragraphs(graph)),
        forward.inside(0),
        backward.inside(0) if back else None,
        forward.column(),
        backward.column() if back else None,
        tuple(sorted(_rows(graph), key=lambda row: -row.share)),
    )


def _paragraphs(graph: Graph) -> Iterator[str]:
    whole = graph.calls[0]
    sizes = ", ".join(map(_dimensions, whole.inputs))
    yield (
        f"For a batch of {sizes}: {plural(whole.parameters, 'parameter')}, "
        f"{scaled(whole.forward.flops, 'FLOP')} forward ({scaled(whole.forward.flops / 2)} "
        f"multiply-adds) in {_ms(whole.forward)}."
    )
    if graph.note:
        yield graph.note
    else:
        yield (
            f"Back to the parameters: {scaled(whole.backward.flops, 'FLOP')} in "
            f"{_ms(whole.backward)}."
        )
    yield (
        "FLOPs are those of convolutions and matrix products. Times are inside the operations, "
        "measured one by one at rest, without what Python does between them. Bytes count each "
        "tensor that an operation reads or writes once."
    )


def _rows(graph: Graph) -> Iterator[Row]:
    forward, backward = (_own_costs(graph, run) for run in (graph.forward, graph.backward))
    parameters = [call.parameters for call in graph.calls]
    for call in graph.calls[1:]:
        parameters[call.parent or 0] -= call.parameters
    time = graph.calls[0].forward.ms + graph.calls[0].backward.ms
    for i, call in enumerate(graph.calls):
        a, b = forward[i], backward[i]
        if a or b or parameters[i]:
            both = sum(b, sum(a, Cost()))
            yield Row(
                f"graph-f{i}", call.name, call.type, parameters[i], both.flops,
                both.read + both.written, sum(c.ms for c in a), sum(c.ms for c in b),
                both.ms / time if time else 0.0,
            )  # fmt: skip


def _own_costs(graph: Graph, run: Pass) -> list[list[Cost]]:
    costs: list[list[Cost]] = [[] for _ in graph.calls]
    for one in run.operations:
        costs[one.call].append(one.cost)
    return costs


@dataclass(frozen=True)
class _Painter:
    """Draws one pass.

    Attributes:
        letter: begins the ids of its boxes.
        time: milliseconds of the whole pass.
    """

    graph: Graph
    run: Pass
    letter: str
    time: float

    @property
    def _words(self) -> tuple[str, str]:
        return ("in", "out") if self.letter == "f" else ("gradient in", "gradient out")

    def inside(self, at: int) -> Drawing:
        """The modules and operations of a call, between its input and its output."""
        level, call = self.run.levels[at], self.graph.calls[at]
        boxes = [self._part(part, call) for part in level.parts]
        last = len(boxes)
        ends = (call.inputs, call.outputs) if self.letter == "f" else (call.outputs, call.inputs)
        boxes = [
            Box("", "end", self._words[0], shape=self._shape(ends[0])),
            *boxes,
            Box("", "end", self._words[1], shape=self._shape(ends[1])),
        ]
        edges = [(a + 1, b + 1) for a, b in level.edges]
        leaves = any(b == last for _, b in level.edges)
        return draw(boxes if leaves else boxes[:-1], edges)

    def column(self) -> Drawing | None:
        """All operations below each other, with their modules' names."""
        if len(self.run.operations) > MANY:
            return None
        whole = self.graph.calls[0]
        boxes = [
            self._operation(i, f"graph-{self.letter}c{i}", self.graph.calls[one.call].name)
            for i, one in enumerate(self.run.operations)
        ]
        taken = whole.inputs if self.letter == "f" else whole.outputs
        begin = Box("", "end", self._words[0], shape=self._shape(taken))
        edges = [(a + 1, i + 1) for i, one in enumerate(self.run.operations) for a in one.sources]
        return draw([begin, *boxes], edges, centred=False)

    def _part(self, part: Part, within: Call) -> Box:
        if part.call is None:
            assert part.operation is not None
            return self._operation(part.operation, f"graph-{self.letter}o{part.operation}")
        return self._call(part.call, within)

    def _call(self, i: int, within: Call) -> Box:
        call, parts = self.graph.calls[i], self.run.levels[i].parts
        cost = call.forward if self.letter == "f" else call.backward
        share = cost.ms / self.time if self.time else 0.0
        plain = len(parts) == 1 and parts[0].call is None  # one operation: nothing to be opened
        within_name = "" if within.parent is None else within.name
        return Box(
            f"graph-{self.letter}{i}",
            "call",
            _short(call.name, within_name),
            call.type,
            self._shape(call.outputs if self.letter == "f" else call.inputs),
            f"{call.name} {call.type}".lower(),
            share,
            _figures(
                call.name,
                call.inputs,
                call.outputs,
                f"{plural(call.parameters, 'parameter')}\nforward: {_cost(call.forward)}\n"
                f"backward: {_cost(call.backward)}",
            ),
            None if plain else self.inside(i),
            open=share > MOST and len(parts) <= FEW,
        )

    def _operation(self, i: int, id: str, home: str = "") -> Box:
        one = self.run.operations[i]
        call = self.graph.calls[one.call].name
        return Box(
            id,
            "operation",
            one.name,
            home,
            self._shape(one.outputs),
            f"{one.name} {call}".lower(),
            one.cost.ms / self.time if self.time else 0.0,
            _figures(
                f"in {call}{self._forward_name(one)}", one.inputs, one.outputs, _cost(one.cost)
            ),
        )

    def _forward_name(self, one: Operation) -> str:
        if one.forward is None:
            return ""
        return f", of {self.graph.forward.operations[one.forward].name}"

    def _shape(self, shapes: Sequence[Shape]) -> str:
        """The first shape, without the batch where that is its first side."""
        batch = self.graph.calls[0].inputs[0][:1] if self.graph.calls[0].inputs else ()
        held = [s for s in shapes if 0 not in s]
        brief = [s[1:] if len(s) > 1 and s[:1] == batch else s for s in held[:1]]
        more = f" +{len(held) - 1}" if len(held) > 1 else ""
        return "".join(map(_dimensions, brief)) + more


def _short(name: str, within: str) -> str:
    """A name without that of the module it is in."""
    return name.removeprefix(f"{within}.") if within else name


def _figures(name: str, inputs: Sequence[Shape], outputs: Sequence[Shape], more: str) -> str:
    before, after = (", ".join(map(_dimensions, shapes)) or "–" for shapes in (inputs, outputs))
    return f"{name}\n{before} → {after}\n{more}"


def _cost(cost: Cost) -> str:
    return (
        f"{scaled(cost.flops, 'FLOP')}, reads {scaled(cost.read, 'B')}, "
        f"writes {scaled(cost.written, 'B')}, {_ms(cost)}"
    )


def _ms(cost: Cost) -> str:
    return f"{number(cost.ms)}{SPACE}ms"


def _dimensions(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "one number"


def scaled(value: float, unit: str = "") -> str:
    """`8.18 GFLOP`, `602 kB`."""
    for power, prefix in PREFIXES:
        if value >= 0.9995 * power:
            return f"{value / power:.3g}{SPACE}{prefix}{unit}"
    return f"{value:.3g}{SPACE}{unit}".strip()
