"""Answers from the prompt without torch: a run's network as ONNX, kept in the cache.

Loading torch takes a second, and an answer a thousandth of it. So whoever asks a run a second time
has its network written down for onnxruntime, checked to give the same answers, and from then on
nothing else is loaded: this file imports neither torch nor what needs it.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cutaway.data import cache
from cutaway.data.frame import Frame
from cutaway.data.sample import stamp
from cutaway.errors import CutawayError
from cutaway.learn.answers import Answered, Answering, answer_all
from cutaway.learn.prediction import ClassPrediction, Prediction, ValuePrediction
from cutaway.learn.unlike import Familiar
from cutaway.version import __version__

if TYPE_CHECKING:
    from cutaway.learn.run import Run

FORMAT = 2  # of the cache entry; to be raised whenever the same run would be written otherwise
NETWORK = "network.onnx"
PARTS = ("weights.safetensors", "recipe.toml", "data.json", "tuned.json", "unlike.json")
"""The files of a run that decide its answers."""
KINDS: dict[str, type[ClassPrediction] | type[ValuePrediction]] = {
    "class": ClassPrediction,
    "value": ValuePrediction,
}
"""Predictions that are made of an answer and names alone, by the kind of target."""
TRIED, DIFFERENCE = 8, 1e-5
"""Images of noise on which both have to agree, and how far."""


class QuickNetwork(Answering):
    """A network in the cache that runs on onnxruntime.

    Args:
        note: what `keep` wrote down: the frame of pictures, the kind and the names of answers.
        familiar: tells which pictures are unlike those that the network learned from.
    """

    def __init__(self, file: Path, note: dict[str, Any], familiar: Familiar | None):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # A thread that waits for work by spinning takes a core from the decoders.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        channels, size, fit, levels = note["frame"]
        self.frame = Frame(channels, tuple(size), fit, tuple(levels) if levels else None)
        self._kind, self._names = KINDS[note["kind"]], tuple(note["names"])
        self._familiar, self._decision = familiar, note.get("decision", ())

    def answered(self, images: Any, coverage: float | None = None) -> Iterator[Answered]:
        assert coverage is None, "a run tells sets of classes"
        return answer_all(images, self.frame, self.outputs, self.tell)

    def outputs(self, pixels: np.ndarray) -> Iterator[tuple[np.ndarray, float | None]]:
        """The answer to each picture (n h w c, bytes), and how unlike it is."""
        answers, *features = self._session.run(None, {"pixels": pixels})
        known = self._familiar
        unlike = known.unlikeness(features[0]) if known else repeat(None, len(answers))
        return zip(answers, unlike, strict=True)

    def tell(self, name: str, answer: tuple[np.ndarray, float | None] | None, error: str) -> Any:
        if answer is None:
            return Prediction(name=name, error=error)
        decision = (self._decision,) if self._decision else ()
        told = self._kind.of(name, answer[0], self._names, *decision)
        return told if answer[1] is None else replace(told, unlike=float(answer[1]))


def opened(run: Path, many: bool) -> QuickNetwork | None:
    """The network of a run as the cache has it; None where it does not, or cannot be run.

    Args:
        many: whether many images may follow, which a run of a GPU answers there.
    """
    try:
        entry = cache.found(_key(run))
        if entry is None or not entry[1].get("kind") or (many and entry[1]["device"] != "cpu"):
            return None
        return QuickNetwork(entry[0] / NETWORK, entry[1], Familiar.of(run))
    except Exception:  # no onnxruntime, a damaged file: torch answers
        return None


def keep(run: Answering) -> None:
    """Write a run's network into the cache, if it has answered before; the first time is noted.

    What cannot be written so, or answers otherwise, is noted too, and never tried again; fleets
    answer by torch.
    """
    from cutaway.learn.run import Run

    if not isinstance(run, Run):
        return
    key = _key(run.path)
    asked = cache.root() / "packed" / f"{key}.asked"
    try:
        if not asked.exists():
            asked.parent.mkdir(parents=True, exist_ok=True)
            asked.touch()
        elif cache.found(key) is None:
            cache.entry(key, lambda folder: _write(run, folder), lambda place, note: True)
    except (ImportError, OSError, CutawayError):  # a package or the room for it is lacking
        pass


def _key(run: Path) -> str:
    stamps = [stamp(str(run / name)) for name in PARTS]
    return cache.digest("quick", FORMAT, __version__, stamps)


def _write(run: "Run", folder: Path) -> dict[str, Any]:
    """The note on what was written; without a kind where nothing may be used."""
    from cutaway.learn.recipe import OWN
    from cutaway.ship.formats import onnx_file
    from cutaway.ship.own_size import OwnSize

    target = run.data.target
    if run.recipe.model.startswith(OWN) or not run.task.serves or target.kind not in KINDS:
        return {}
    familiar = Familiar.of(run.path)
    try:
        onnx_file.write(replace(OwnSize.of(run), familiar=familiar), folder / NETWORK)
    except CutawayError:
        return {}
    note = {
        "kind": target.kind, "names": target.names, "frame": run.data.frame,
        "device": run.recipe.device, "decision": run.tuned.get("decision", ()),
    }  # fmt: skip
    return note if _agrees(run, QuickNetwork(folder / NETWORK, note, familiar)) else {}


def _agrees(run: "Run", quick: QuickNetwork) -> bool:
    """Whether both give the same answers to some images, and tell an answer alike."""
    import torch

    from cutaway.ship.serve.engine import TorchEngine

    shape = (TRIED, *run.data.size, run.data.channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    answers, found = zip(*quick.outputs(pixels), strict=True)
    unlike, slow = (
        np.array(each, np.float64)  # None becomes NaN
        for each in (found, [one.unlike for one in run.predict(list(pixels))])
    )
    target = run.data.target
    apart = np.abs(answers - TorchEngine(run).answer(pixels)) / target.scale().numpy()
    told = (run.task.prediction("", torch.from_numpy(one), target) for one in answers)
    return (
        bool(apart.max() <= DIFFERENCE)
        and all(one == quick.tell("", (a, None), "") for one, a in zip(told, answers, strict=True))
        and np.allclose(unlike, slow, 10 * DIFFERENCE, 10 * DIFFERENCE, equal_nan=True)
    )
