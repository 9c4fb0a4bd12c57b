"""Effects that were planted and not measured: a rule is asked what it says of them."""

from cutaway.lab.evidence import Effect, exact


def at(value: float, half: float = 0.0) -> Effect:
    """An effect whose interval is value - half to value + half."""
    return Effect("planted", value, value - half, value + half, 8)


def planted(**values: float | tuple[float, float]) -> dict[str, Effect]:
    """Effects by name, each from the ends of its interval, or from one number at both ends."""
    ends = {name: v if isinstance(v, tuple) else (v, v) for name, v in values.items()}
    return {name: Effect(name, (a + b) / 2, a, b, 8) for name, (a, b) in ends.items()}


def exactly(*values: float) -> list[Effect]:
    """Effects without an interval, one for each value."""
    return [exact("planted", value) for value in values]
