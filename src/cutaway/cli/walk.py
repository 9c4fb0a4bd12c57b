"""The commands of `cutaway step`: those of a debugger, for a network."""

import sys
from cmd import Cmd
from collections.abc import Sequence
from typing import Any

import torch
from rich.console import Console
from rich.text import Text
from torch import Tensor

from cutaway.byhand.event import Event, Stop, at, explode, nan
from cutaway.byhand.step import Stepper
from cutaway.byhand.witness import relative_difference
from cutaway.cli import drawing
from cutaway.cli.places import Part, find, listed, read_change, read_number, read_part, select
from cutaway.errors import CutawayError, UsageError, nearest
from cutaway.show.words import number, plural

HELP = """\
Enter, n or next    the next step             c, r     go on to a break or the end (run)
b NODE, d NODE      break at a node, or not   b        the breaks
nan                 go on to where a number is infinite or NaN
explode [LIMIT]     go on to where a number is above the limit, by default 1,000
back                go to where the backward pass begins
list                the nodes
p NODE, g NODE      a node's value, its gradient
set NODE VALUE      change a value;  setg NODE VALUE  a gradient on its way
compare [all]       the gradients of this step, or all so far, beside autograd's
h, ? or help        this list                 q, quit  the end of the session
A part of a node is written c1.u[0,2] or c1.u[:,0]. After a change the walk is
as if it had been so from the beginning; what was drawn by chance stays."""
MIN_SHARE = 1e-4
"""A gradient is compared as if it were at least this share of the largest: where it is zero, as of
a bias before a batch normalisation, each witness has its own rounding."""
PLAIN = str.maketrans("░▒▓█\N{NO-BREAK SPACE}", ".o0@ ")


WORDS = {
    "next": "n", "step": "n", "s": "n", "r": "c", "run": "c", "continue": "c", "cont": "c",
    "quit": "q", "exit": "q", "h": "help", "l": "list", "ls": "list", "print": "p", "break": "b",
    "delete": "d",
}  # fmt: skip
"""Commands of debuggers and shells, and ours for the same."""


class Walk(Cmd):
    """A session: runs commands until its input ends, and answers a wrong one with a sentence."""

    def __init__(self, stepper: Stepper) -> None:
        super().__init__()
        self.stepper, self.graph = stepper, stepper.graph
        self.console = Console(highlight=False, emoji=False, markup=False)
        self.breaks: list[str] = []
        self.flops = {"forward": 0, "backward": 0}
        self.prompt = f"({self.place()}) "

    # The session

    def place(self) -> str:
        """`forward 3/13`."""
        walk = self.stepper
        if walk.passed:
            return f"backward {walk.passed}/{len(walk.down)}"
        return f"forward {walk.position}/{len(walk.up)}"

    def say(self, text: str, bold: str = "") -> None:
        if not self.console.encoding.startswith("utf"):
            text = text.translate(PLAIN)
        self.console.print(Text.assemble((bold, "bold"), text))

    def precmd(self, line: str) -> str:
        """Echo commands that come through a pipe, so that the session reads like a typed one."""
        if line == "EOF" or not sys.stdin.isatty():
            self.say("" if line == "EOF" else line)
        name, blank, rest = line.strip().partition(" ")
        return WORDS.get(name, name) + blank + rest

    def onecmd(self, line: str) -> bool:
        try:
            return bool(super().onecmd(line))
        except CutawayError as error:
            self.say(str(error))
            return False

    def postcmd(self, stop: bool, line: str) -> bool:
        self.prompt = f"({self.place()}) "
        return stop

    def emptyline(self) -> bool:
        return self.onecmd("n")

    def default(self, line: str) -> None:
        names = {name[3:] for name in self.get_names() if name.startswith("do_")} - {"EOF"}
        raise UsageError(f"There is no command '{line}'.{nearest(line.split()[0], names)}")

    def completedefault(self, text: str, *_: Any) -> list[str]:
        return [name for name in self.graph.nodes if name.startswith(text)]

    def do_help(self, arg: str) -> None:
        self.say(HELP)

    def do_q(self, arg: str) -> bool:
        return True

    do_EOF = do_q

    # Going on

    def do_n(self, arg: str) -> None:
        self.show(self.go(lambda event: True))

    def do_c(self, arg: str) -> None:
        self.show(self.go(at(*self.breaks)))

    def do_back(self, arg: str) -> None:
        if self.stepper.position < len(self.stepper.up):
            self.go(lambda event: self.stepper.position == len(self.stepper.up))
        self.stepper.turn()
        self.do_n("")

    def do_nan(self, arg: str) -> None:
        event = self.go(nan)
        self.show(event, "All numbers were finite on the way.")
        if event:
            self.say(f"Not every number is finite here, {self.origin(event)}.")

    def do_explode(self, arg: str) -> None:
        limit = read_number(arg or "1000")
        event = self.go(explode(limit))
        self.show(event, f"No number was above {limit:,g} on the way.")
        if event:
            self.say(f"Here a number is above {limit:,g}.")

    def go(self, stop: Stop) -> Event | None:
        """Walk on, counting the operations; None at the end."""
        if self.stepper.position == len(self.stepper.up) + len(self.stepper.down):
            raise UsageError("The walk is at its end: go `back` for the backward pass again, or q.")
        for event in self.stepper:
            if event.phase == "backward" and self.stepper.passed == 1:
                self.flops["backward"] = 0
            self.flops[event.phase] += event.flops
            if stop(event):
                return event
        return None

    def origin(self, event: Event) -> str:
        """Whether a step received values that are not finite, or made them."""
        inputs = {name: self.graph.values[name] for name in event.node.inputs if name}
        if event.gradient is not None:
            inputs |= {"the gradient that arrives": event.gradient}
        ill = [name for name, x in inputs.items() if not x.isfinite().all()]
        return f"nor in {listed(ill)}" if ill else "though all are that it is made of"

    # Showing

    def show(self, event: Event | None, otherwise: str = "") -> None:
        """Print a step; at the end the result."""
        if event:
            self.say(f"  {drawing.describe(event.node)}", f"{self.place()}  {event.node.name}")
            self.say(drawing.draw_event(event, self.graph.values))
        else:
            self.say(" ".join(filter(None, (otherwise, *self.end()))))

    def end(self) -> list[str]:
        """The sentences at the end of a walk."""
        reached = len(self.graph.gradients.keys() & self.graph.parameters.keys())
        whole = len(self.graph.parameters)
        up, down = self.flops["forward"], self.flops["backward"]
        times = f", {down / up:.1f} times as many" if up else ""
        return [
            f"This is the end.{self.result()}",
            f"{reached} of {plural(whole, 'parameter')} have a gradient.",
            f"{number(up)} operations forward, {number(down)} backward{times}.",
        ]

    def result(self) -> str:
        """J, where it is known."""
        J = self.graph.values.get(self.graph.outputs[0])
        return "" if J is None or J.numel() != 1 else f" J = {J.item():.6g}."

    def do_p(self, arg: str) -> None:
        name, part = self.read(arg)
        if name not in self.graph.values:
            raise UsageError(f"'{name}' has no value yet: go on to it first.")
        self.print(arg, select(name, self.graph.values[name], part))

    def do_g(self, arg: str) -> None:
        name, part = self.read(arg)
        if name not in self.graph.live():
            raise UsageError(f"'{name}' depends on no parameter, so no gradient goes there.")
        self.print(f"dJ/d({arg})", select(name, self.gradient(name), part), magnitudes=True)

    def print(self, title: str, x: Tensor, magnitudes: bool = False) -> None:
        self.say(f"  {drawing.shape(x)}", title)
        self.say(drawing.draw_tensor(x, magnitudes))

    def do_list(self, arg: str) -> None:
        here = self.stepper.event.node.name if self.stepper.event else ""
        rows = [
            (
                ">" if node.name == here else "",
                "b" if node.name in self.breaks else "",
                node.name,
                drawing.describe(node).partition(",")[0],
                drawing.shape(self.graph.values[node.name]) if i < self.stepper.position else "",
            )
            for i, node in enumerate(self.stepper.up)
        ]
        self.say("\n".join(drawing.aligned(rows)))

    def do_compare(self, arg: str) -> None:
        event, known = self.stepper.event, self.stepper.finished()
        if event is None or event.gradient is None or not known:
            raise UsageError("There are no gradients yet: go `back` to where they begin.")
        if arg not in ("", "all"):
            raise UsageError("Write compare, or compare all.")
        step = [event.node.name, *(name for name, _ in event.sent)]
        names = [name for name in known if arg or name in step]
        self.say("\n".join(drawing.aligned(beside_autograd(self.stepper, names))))
        if below := [name for name in self.stepper.changes if self.graph.nodes[name].operation]:
            self.say(
                f"Below {listed(below)}, which you set, autograd may differ: where a gradient is "
                "computed from the value itself, it takes the one from before."
            )

    # Breaking and changing

    def do_b(self, arg: str) -> None:
        if arg:
            computed = [node.name for node in self.stepper.up]
            if arg in self.graph.nodes and arg not in computed:
                raise UsageError(f"'{arg}' is given, not computed: break at a node of `list`.")
            self.breaks += [find(arg, computed)] if arg not in self.breaks else []
        self.say(f"Breaks: {', '.join(self.breaks) or 'none'}.")

    def do_d(self, arg: str) -> None:
        if arg not in self.breaks:
            raise UsageError(f"There is no break at '{arg}': {', '.join(self.breaks) or 'none'}.")
        self.breaks.remove(arg)
        self.do_b("")

    def do_set(self, arg: str) -> None:
        target, value = read_change(arg)
        name, part = self.read(target)
        again = self.stepper.set(name, value, part)
        done = f" Computed again: {listed(again)}." if again else ""
        self.say(f"{target} is {value:g} now.{done}{self.result()}")

    def do_setg(self, arg: str) -> None:
        target, value = read_change(arg)
        name, part = self.read(target)
        self.gradient(name)
        self.stepper.set_gradient(name, value, part)
        self.say(f"dJ/d({target}) is {value:g} now.")

    def gradient(self, name: str) -> Tensor:
        """The gradient of a node; UsageError where none has arrived."""
        if name not in self.graph.gradients:
            raise UsageError(f"No gradient has come to '{name}' yet: go on, or go `back`.")
        return self.graph.gradients[name]

    def read(self, text: str) -> tuple[str, Part]:
        """A node that exists, and a part of it."""
        name, part = read_part(text)
        return find(name, self.graph.nodes), part


def beside_autograd(stepper: Stepper, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows: the norm of gradients by hand and by autograd, and their relative difference."""
    known, other = stepper.finished(), stepper.witness().gradients
    floor = MIN_SHARE * max(map(norm, known.values()))
    rows: list[tuple[str, ...]] = [("gradient of", "by hand", "autograd", "relative error")]
    for name in names:
        a = known[name]
        b = other.get(name, torch.zeros_like(a))
        error = relative_difference(a, b, norm, floor)
        rows.append((name, f"{norm(a):.6g}", f"{norm(b):.6g}", f"{error:.1e}"))
    return rows


def norm(x: Tensor) -> float:
    return x.norm().item()
