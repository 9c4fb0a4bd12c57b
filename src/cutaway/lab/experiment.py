"""A claim: what a source says, the experiment that tests it, and the rule that decides.

How to write one, in a chapter or in a file of one's own:

    def widens(gap: Effect) -> Verdict:
        \"\"\"Holds if the whole interval of the gap lies above 1 point, does not hold if it lies
        below 1 point; else undecided.\"\"\"
        if gap.low > 1:
            return Verdict.HOLDS
        return Verdict.FAILS if gap.high < 1 else Verdict.UNDECIDED

    @claim(
        "4.1",
        says="What the source claims, in our own words.",
        source="study notes, activation functions; textbook 4.1",
        rule=widens,
        baseline="What the effect is measured against: a constant answer, chance, a linear model.",
        otherwise="What would change the verdict.",
        evening={"replicates": 64},
        full={"replicates": 640},
        needs=("mnist",),
    )
    def vanishing(depth: Annotated[int, Range(1, 200)] = 20, replicates: Replicates = 8,
                  seed: Seed = 0) -> Evidence:
        \"\"\"What is done, in a sentence or two that the book prints.\"\"\"
        ...
        record = Record()
        record.effects(gap=mean("gap in accuracy", gaps, "points"))
        record.table("Accuracy", rows, "layers | accuracy (%)")
        record.curves("Accuracy", "layers", "accuracy (%)", over("networks", depths, right))
        return record.because(f\"\"\"
            One paragraph, with the figures that were measured.
        \"\"\")

- The rule is written before the result. It is a function of effects alone: its parameters are the
  names in `Record.effects`, its documentation is the rule in words, and it is tested on planted
  effects. The frame applies it: no experiment can choose its verdict.
- The parameters are the settings, their defaults the quick values; `evening` and `full` change some
  of them. Their types are int, float, bool, str, Literal[...] or tuple[int, ...], their ranges
  `Range`. A setting called `data` names a data set, which is then needed.
- A rule that was changed after a result was seen says so in `revised`: when, why, and with which
  unseen seeds it was run.
- The frame seeds PyTorch's own generator; other draws come from `generator(seed, "4.1", ...)`.
- All replicates of a small network are one tensor or one `Stack`; effects over them come from
  `evidence.mean`, `difference`, `ratio` and `share`, what is exact from `exact`.
- `needs` names data sets (left out with the reason where they are not there), or Python packages.
- Nothing but `models`, `byhand`, `data`, `learn`, `see`, and under 60 lines.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, get_args

import torch

from cutaway.data.catalog import SOURCES
from cutaway.errors import DataError
from cutaway.lab.evidence import Effect, Evidence, Verdict
from cutaway.lab.settings import parameters, settle
from cutaway.learn.memory import keeping_freed
from cutaway.learn.runtime import Environment, Runtime, computing, environment
from cutaway.randomness import reseed_global
from cutaway.settings import Setting

Scale = Literal["quick", "evening", "full"]
"""How large an experiment is: embedded and generated data, seconds; real data, three hours on two
cores for all claims; the sizes of the papers, for many machines or a GPU."""
SCALES: tuple[Scale, ...] = get_args(Scale)


@dataclass(frozen=True)
class Claim:
    """A claim with its experiment and its rule.

    Attributes:
        number: chapter and place, `4.2`; a claim of one's own may have any name.
        baseline: what the effect is measured against, and what that alone would reach: a constant
            answer, chance, a linear model. No verdict is shown without it.
        evening, full: settings of those experiments that differ from the quick one's.
        needs: data sets, or Python packages.
        doubt: what is asked of the source, where it seems wrong or half right.
        revised: when and why the rule or the design was changed after a result was seen, and with
            which unseen seeds it was run then; empty where it never was.
        differs: which verdict to believe, and why, where quick and evening differ.
        threads: of PyTorch; 0: as many as it has. One is enough for small tensors, and several
            wait for each other where the machine is busy.
    """

    number: str
    says: str
    source: str
    rule: Callable[..., Verdict]
    otherwise: str
    experiment: Callable[..., Evidence]
    baseline: str = ""
    evening: Mapping[str, Any] = field(default_factory=dict)
    full: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    doubt: str = ""
    revised: str = ""
    differs: str = ""
    threads: int = 1

    @property
    def settings(self) -> dict[str, Setting]:
        """The settings by name, with the quick values as defaults."""
        return parameters(self.experiment)

    def settle(self, scale: Scale = "quick", /, **changes: Any) -> dict[str, Any]:
        """The value of every setting.

        Raises:
            UsageError: an unknown setting, or a value that it cannot have.
        """
        assert scale in SCALES, scale
        larger = {"quick": {}, "evening": self.evening, "full": self.full}[scale]
        return settle(self.number, self.settings, larger, changes)

    def needed(self, settings: Mapping[str, Any] | None = None) -> list[str]:
        """The data sets and packages that it needs.

        Args:
            settings: by default the quick ones.
        """
        data = str((settings or self.settle()).get("data", ""))
        return [*dict.fromkeys([*self.needs, *([data] if data in SOURCES else [])])]

    def lacks(self, settings: Mapping[str, Any] | None = None) -> str:
        """A sentence part on what it needs and is not here; empty where nothing is lacking.

        Args:
            settings: by default the quick ones.
        """
        missing = [name for name in self.needed(settings) if not _here(name)]
        return f"needs {' and '.join(missing)}" if missing else ""

    def run(self, scale: Scale = "quick", /, **changes: Any) -> "Finding":
        """Do the experiment.

        Raises:
            UsageError: an unknown setting, or a value that it cannot have.
            DataError: the data that it needs are not here.
        """
        settings = self.settle(scale, **changes)
        if lacking := self.lacks(settings):
            raise DataError(f"Claim {self.number} {lacking}: name the folder in CUTAWAY_DATA.")
        start = perf_counter()
        with _undisturbed(self.number, settings.get("seed", 0), self.threads):
            evidence, ground = self.experiment(**settings), _environment()
        return Finding(self, settings, evidence, round(perf_counter() - start, 3), ground)

    def decide(self, effects: Mapping[str, Effect]) -> Verdict:
        """The rule's verdict on the effects that it asks for."""
        asked = inspect.signature(self.rule).parameters
        return self.rule(**{name: effects[name] for name in asked})

    @property
    def rule_in_words(self) -> str:
        return " ".join((inspect.getdoc(self.rule) or "").split())

    @property
    def what_is_done(self) -> str:
        return " ".join((inspect.getdoc(self.experiment) or "").split())

    @property
    def file(self) -> Path:
        """The file of its code."""
        return Path(str(sys.modules[self.experiment.__module__].__file__)).resolve()


@dataclass(frozen=True)
class Finding:
    """The result of a claim's experiment.

    Attributes:
        settings: the value of every setting.
        seconds: the time that it took.
        environment: device, versions of libraries and the like.
    """

    claim: Claim
    settings: dict[str, Any]
    evidence: Evidence
    seconds: float
    environment: Environment

    @property
    def verdict(self) -> Verdict:
        return self.claim.decide(self.evidence.effects)


def claim(
    number: str,
    *,
    says: str,
    source: str,
    rule: Callable[..., Verdict],
    otherwise: str,
    baseline: str = "",
    evening: Mapping[str, Any] | None = None,
    full: Mapping[str, Any] | None = None,
    needs: tuple[str, ...] = (),
    doubt: str = "",
    revised: str = "",
    differs: str = "",
    threads: int = 1,
) -> Callable[[Callable[..., Evidence]], Claim]:
    """Make a claim of an experiment; the fields are those of `Claim`."""

    def enter(experiment: Callable[..., Evidence]) -> Claim:
        return Claim(
            number, says, source, rule, otherwise, experiment, baseline, evening or {}, full or {},
            needs, doubt, revised, differs, threads,
        )  # fmt: skip

    return enter


def _here(name: str) -> bool:
    return SOURCES[name].available if name in SOURCES else find_spec(name) is not None


@contextmanager
def _undisturbed(number: str, seed: int, threads: int) -> Iterator[None]:
    """PyTorch's generators and threads, and the allocator, set, and put back afterwards.

    Without the last, what a step frees is zeroed before the next has it: a fifth to a half more
    time for stacks of small convolutions.
    """
    devices = list(range(torch.cuda.device_count()))
    with (
        computing(threads or torch.get_num_threads()),
        torch.random.fork_rng(devices),
        keeping_freed(),
    ):
        reseed_global(seed, "lab", number)
        yield


def _environment() -> Environment:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return environment(Runtime(device, "float32", "contiguous", False, torch.get_num_threads()))
