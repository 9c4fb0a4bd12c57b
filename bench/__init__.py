"""Measurements. Cutaway comes first: it says how OpenMP waits, which is read when torch loads."""

from importlib.util import find_spec

if find_spec("cutaway"):  # the peers' environments have none
    import cutaway  # noqa: F401
