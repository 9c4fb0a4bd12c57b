"""The proof: every claim of the course put to the test, one claim a function, one chapter a file.

    from cutaway import lab
    finding = lab.claim("1.3").run(widths=(2, 4, 8), replicates=64)
    finding.verdict, finding.evidence.effects
    lab.add("my.py")                     # claims of one's own
    for finding in lab.prove(["1", "2.4"]): ...

How a claim is written: `cutaway.lab.experiment`. Nothing heavy is imported before it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cutaway.lab.proving import prove as prove
    from cutaway.lab.registry import add as add
    from cutaway.lab.registry import claim as claim
    from cutaway.lab.registry import claims as claims

_HOMES = {"claim": "registry", "claims": "registry", "add": "registry", "prove": "proving"}
__all__ = ["add", "claim", "claims", "prove"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
