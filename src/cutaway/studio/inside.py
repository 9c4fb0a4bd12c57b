"""A step of a network from inside: forward and backward node by node, by `byhand`.

What is walked through is a copy of the network as it stands, on the processor and in float32, with
draws of its own: the training goes on as if nobody had looked. It is there while a page looks.
"""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.byhand.event import Event, largest
from cutaway.byhand.graph import Graph
from cutaway.byhand.step import Stepper
from cutaway.byhand.witness import autograd, relative_difference
from cutaway.data.batch import Batch
from cutaway.errors import CutawayError, UsageError
from cutaway.randomness import derive
from cutaway.show.look.layered import layered
from cutaway.studio.mathml import equations
from cutaway.studio.scene import Scene
from cutaway.studio.sums import made_of
from cutaway.studio.tensors import plain, told
from cutaway.studio.wire import Message, Outbox
from cutaway.systems import system_graph

IMAGES = 4
"""Images in the batch of the step."""
FAINT = 1e-6
"""A gradient is compared as if it were at least this share of the largest: where it is zero, each
way to compute it has its own rounding."""


class Inside:
    """A walk through the loss of one player of a scene's network.

    Args:
        player: by default the first.

    Attributes:
        events: all steps of the walk, in order.

    Raises:
        UsageError: this network has no graph that is differentiated by hand.
    """

    def __init__(self, scene: Scene, player: str = ""):
        task, network = scene.task, copied(scene)
        if not task.has_gradient:
            raise UsageError("This network does not learn by gradients, so none can be followed.")
        self.step, batch = scene.step, _few(scene.batch)
        self.players = [one.name for one in task.players(network)]
        self.player = player or self.players[0]
        self.images = scene.names[: len(batch)]
        self.note = _note(scene, len(batch))
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.default_generator.manual_seed(derive(scene.run.recipe.seed, "inside", self.step))
            try:
                system = system_graph(scene.run.recipe.model, network, task, batch, self.player)
            except CutawayError:
                raise
            except Exception as error:  # PyTorch's export refuses in many ways
                raise UsageError(_first_line(error)) from error
            self.stepper = Stepper(system.graph, system.inputs)
            self.events: tuple[Event, ...] = tuple(self.stepper)
        self.graph, self.inputs = system.graph, system.inputs

    # What pages are told

    def about(self) -> Message:
        """The walk as a whole: its graph, drawn in layers, and its steps."""
        names = self._drawn()
        number = {name: k for k, name in enumerate(names)}
        edges = [
            (number[name], number[node.name]) for node in self.graph.operations
            for name in node.inputs if name in number
        ]  # fmt: skip
        layout = layered(len(names), edges, centred=False)
        J = self.graph.values[self.graph.outputs[0]]
        return {
            "step": self.step, "player": self.player, "players": self.players, "note": self.note,
            "images": self.images, "J": plain(J.item()), "forward": len(self.stepper.up),
            "nodes": [self._node(name) for name in names],
            "places": [[place.row, place.left] for place in layout.places],
            "rows": layout.rows, "columns": layout.columns, "tracks": layout.tracks,
            "straight": layout.straight,
            "lanes": [[lane.source, list(lane.targets), lane.number] for lane in layout.lanes],
            "events": [[number[event.node.name], event.phase] for event in self.events],
            "flops": {
                phase: sum(event.flops for event in self.events if event.phase == phase)
                for phase in ("forward", "backward")
            },
        }  # fmt: skip

    def event(self, at: int, image: int = 0) -> Message:
        """One step of the walk, its pictures those of one image."""
        one = self._event(at)
        node, operation = one.node, one.node.operation
        assert operation is not None
        back = one.phase == "backward"
        takes = list(dict.fromkeys(name for name in node.inputs if name))
        return {
            "at": at, "phase": one.phase, "name": node.name, "title": words(node.title),
            "place": node.place, "equations": equations(one.equation), "flops": one.flops,
            "bytes": one.bytes, "value": self._told(node.name, one.value, image),
            "takes": [
                {"name": name, "kind": self.graph.nodes[name].kind}
                | self._told(name, self.graph.values[name], image) for name in takes
            ],
            "arrives": self._told(node.name, one.gradient, image) if back else None,
            "leaves": [
                {"name": name, "kind": self.graph.nodes[name].kind} | self._told(name, share, image)
                for name, share in one.sent
            ],
        }  # fmt: skip

    def value(self, at: int, image: int, place: int) -> Message:
        """Of what one number of a step's value is made.

        Args:
            place: of the number among those of the image, row by row.
        """
        node = self._event(at).node
        by_image = self._rows(node.name, self.graph.values[node.name])

        def of_image(name: str) -> Tensor:
            value = self.graph.values[name]
            return value[image : image + 1] if by_image and self._rows(name, value) else value

        arguments = [None if name is None else of_image(name) for name in node.inputs]
        batch = [None if name is None else self.graph.values[name] for name in node.inputs]
        made = made_of(node, of_image(node.name), arguments, batch, place)
        return made | {"index": made["index"][by_image:]}

    def compared(self) -> Message:
        """All gradients beside those of PyTorch's autograd, both computed again in float64: in
        float32 rounding alone moves a number across the kink of a ReLU, here or there."""
        graph = self._in_float64()
        known = graph.gradients
        with torch.random.fork_rng(devices=[]):
            other = autograd(graph).gradients
        floor = FAINT * max(map(largest, known.values()), default=0.0)
        rows = [self._row(name, g, other, floor) for name, g in known.items()]
        worst = max(rows, key=lambda row: inf if row["relative"] is None else row["relative"])
        parameters = [row for row in rows if self.graph.nodes[row["name"]].kind == "parameter"]
        return {"count": len(rows), "worst": worst, "parameters": parameters}

    # Parts of these

    def _in_float64(self) -> Graph:
        """The same step in float64, with what was drawn by chance."""
        graph = self.graph.to(torch.float64)
        graph.begin(*self.inputs)
        for node in graph.operations:
            assert node.operation
            if node.operation.differentiable:
                graph.compute(node)
            else:
                drawn = self.graph.values[node.name]
                graph.values[node.name] = drawn.double() if drawn.is_floating_point() else drawn
        graph.backward()
        return graph

    def _event(self, at: int) -> Event:
        if not 0 <= at < len(self.events):
            raise UsageError(f"The walk has steps 0 to {len(self.events) - 1}, and none {at}.")
        return self.events[at]

    def _drawn(self) -> list[str]:
        """Inputs that are used, and what is computed."""
        used = {name for node in self.graph.operations for name in node.inputs}
        return [
            name for name, node in self.graph.nodes.items()
            if node.operation or (node.kind == "input" and name in used)
        ]  # fmt: skip

    def _node(self, name: str) -> Message:
        node, value = self.graph.nodes[name], self.graph.values[name]
        return {"name": name, "title": words(node.title), "shape": list(value.shape)}

    def _rows(self, name: str, x: Tensor) -> bool:
        """Whether a value has a row for each image."""
        given = self.graph.nodes[name].kind in ("parameter", "constant")
        return not given and x.ndim > 0 and len(x) == len(self.images)

    def _told(self, name: str, x: Tensor | None, image: int) -> Message:
        assert x is not None
        by_image = self._rows(name, x)
        return told(x, x[image] if by_image else x) | {"example": by_image}

    def _row(self, name: str, g: Tensor, other: dict[str, Tensor], floor: float) -> dict[str, Any]:
        theirs = other.get(name, torch.zeros_like(g))
        relative = relative_difference(g, theirs, largest, floor)
        return {
            "name": name, "by_hand": plain(g.norm().item()),
            "autograd": plain(theirs.norm().item()),
            "difference": plain(largest(g - theirs)),
            "relative": plain(relative),
        }  # fmt: skip


class Insides:
    """Answers a page that looks into a step, and keeps the walk while it does."""

    def __init__(self, scene: Scene, outbox: Outbox):
        self.scene, self.outbox = scene, outbox
        self.inside: Inside | None = None

    def close(self) -> None:
        """Forget the walk."""
        self.inside = None

    def take(self, asked: Message) -> None:
        """Do what a page asks for; what cannot be is said in its place."""
        try:
            answers = list(self._answers(asked))
        except CutawayError as error:
            answers = [{"refused": str(error)}]
        for one in answers:
            self.outbox.say({"kind": "inside", **one})

    def _answers(self, asked: Message) -> Iterator[Message]:
        if "open" in asked:
            self.inside = None  # two walks at a time would need twice the memory
            self.inside = Inside(self.scene, str(asked["open"] or ""))
            yield {"about": self.inside.about()}
            yield {"event": self.inside.event(0)}
        elif "close" in asked:
            self.close()
        elif self.inside is None:
            raise UsageError("Nothing is open: look inside the step again.")
        elif "show" in asked:
            yield {"event": self.inside.event(int(asked["show"]), self._image(asked))}
        elif "value" in asked:
            at, place = int(asked["value"]), int(asked["place"])
            yield {"value": {"at": at} | self.inside.value(at, self._image(asked), place)}
        elif "compare" in asked:
            yield {"compared": self.inside.compared()}

    def _image(self, asked: Message) -> int:
        assert self.inside is not None
        return min(max(int(asked.get("image", 0)), 0), len(self.inside.images) - 1)


def copied(scene: Scene) -> nn.Module:
    """The scene's network as it stands, as a copy on the processor.

    Raises:
        UsageError: its weights are divided among processes.
    """
    if scene.runtime.sharded:
        raise UsageError("The weights are divided among processes: no step is walked through.")
    network = deepcopy(scene.model).to("cpu", torch.float32)
    network.zero_grad(set_to_none=True)
    return network if scene.learns else network.train()


def words(title: str) -> str:
    """`MaxPooling` in words; what has capitals inside stays, such as `ReLU`."""
    first, *others = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", title).split()
    return " ".join([first, *(one.lower() if one.istitle() else one for one in others)])


def _few(batch: Batch) -> Batch:
    """The first images, as tensors that belong to nobody else."""
    x, t, index = (one[:IMAGES].detach().cpu().clone() for one in (batch.x, batch.t, batch.index))
    return Batch(x.float() if x.is_floating_point() else x, t, index)


def _note(scene: Scene, count: int) -> str:
    many = f"the first {count} images" if count > 1 else "one example"
    part = "validation" if len(scene.run.split.val) else "training"
    note = f"The weights after step {scene.step:,}, on {many} of the {part} part, as they are."
    if scene.runtime.precision != "float32":
        note += f" Here in float32; the training itself multiplies in {scene.runtime.precision}."
    return note


def _first_line(error: Exception) -> str:
    lines: Sequence[str] = str(error).splitlines()
    return f"This network has no graph by hand: {lines[0] if lines else type(error).__name__}"
