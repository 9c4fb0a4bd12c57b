"""Measurements. Cutaway comes first: it says how OpenMP waits, which is read when torch loads."""

import cutaway  # noqa: F401
