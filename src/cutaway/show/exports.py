"""The checks of a run's exports, as a table."""

from collections.abc import Sequence
from typing import Any

from cutaway.files import read_json
from cutaway.learn.run import Run
from cutaway.show import measures
from cutaway.show.words import SPACE


def exports(run: Run) -> list[dict[str, str]]:
    """The exports that were written of a run, as `rows`."""
    path = run.path / "export.json"
    return rows(list(read_json(path).values())) if path.exists() else []


def rows(checks: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """A row a check, as a reader wants it."""
    return [
        {
            "format": one["format"],
            "size": size(one["bytes"]),
            "largest difference": f"{largest_difference(one):.1g}",
            "on the test set (PyTorch)": scores(one["export"], one["pytorch"]),
            "ms at 1": milliseconds(one["latency"], 1),
            "ms at 64": milliseconds(one["latency"], 64),
        }
        for one in checks
    ]


def upright(check: dict[str, Any]) -> dict[str, str]:
    """A check for a narrow terminal: a row a value, PyTorch's beside it; the results first."""
    results = {
        f"test {measures.name(key)}": _beside(
            measures.text(key, value), measures.text(key, check["pytorch"][key])
        )
        for key, value in check["export"].items()
    }
    times = {
        f"a call with {n}": _beside(*(f"{v:.2f} ms" for v in _latency(check["latency"], n)))
        for n in (1, 64)
    }
    difference = f"{largest_difference(check):.1g}"
    about = {"format": check["format"], "size": size(check["bytes"])}
    return {**about, **results, "largest difference": difference, **times}


def _beside(ours: str, theirs: str) -> str:
    return f"{ours} (PyTorch: {theirs})"


def largest_difference(check: dict[str, Any]) -> float:
    """The largest difference, of held-out images or of their files at sizes of their own."""
    return max(check["difference"]["largest"], check.get("files", {}).get("largest", 0.0))


def size(count: int) -> str:
    """`254 kB`, `18.6 MB`."""
    return f"{count / 1e6:.1f}{SPACE}MB" if count >= 1e6 else f"{count / 1e3:.0f}{SPACE}kB"


def scores(export: dict[str, float], pytorch: dict[str, float]) -> str:
    """`accuracy 98.87 % (99.18 %)`, the network's in PyTorch in brackets."""
    return ", ".join(
        f"{measures.name(key)} {measures.text(key, value)} ({measures.text(key, pytorch[key])})"
        for key, value in export.items()
    )


def milliseconds(latency: dict[str, dict[Any, float]], batch: int) -> str:
    """`0.08 (0.96)`, PyTorch's in brackets."""
    ours, theirs = _latency(latency, batch)
    return f"{ours:.2f} ({theirs:.2f})"


def _latency(latency: dict[str, dict[Any, float]], batch: int) -> tuple[float, float]:
    """The export's and PyTorch's; keys from JSON are numbers of examples as text."""
    ours, theirs = ({int(n): v for n, v in latency[k].items()} for k in ("export", "pytorch"))
    return ours[batch], theirs[batch]
