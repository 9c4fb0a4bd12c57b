"""Numbers and lists as a reader wants them."""

import math
from collections.abc import Sequence

SPACE, MINUS, HYPHEN = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}", "\N{NON-BREAKING HYPHEN}"


def percent(share: float | None, digits: int = 1) -> str:
    """`98.1 %`; only what is exactly 0 or 1 is called 0 % or 100 %, and None is a dash."""
    if share is None:
        return "–"
    least = 10**-digits
    if 0 < share < 1 and not least / 2 <= share * 100 < 100 - least / 2:
        return f"<{least:g}{SPACE}%" if share < 0.5 else f">{100 - least:.{digits}f}{SPACE}%"
    return f"{share * 100:.{digits if 0 < share < 1 else 0}f}{SPACE}%"


def digits_for(count: int) -> int:
    """The decimals of a percentage that `count` images can carry."""
    return 1 if count < 1000 else 2


def number(value: float) -> str:
    """`61,706`, `11.97 million`, `17.18 billion`, `0.0653`."""
    if value >= 1_000_000_000:
        return f"{value / 1e9:.4g}{SPACE}billion"
    if value >= 10_000_000:
        return f"{value / 1e6:.4g}{SPACE}million"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def duration(seconds: float) -> str:
    """`<0.01 s`, `3.8 s`, `1 min 15 s`, `2 h 5 min`, on one line."""
    if seconds < 0.005:
        return f"<0.01{SPACE}s"
    if seconds < 60:
        return f"{seconds:.{1 if seconds >= 1 else 2}f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min{SPACE}{rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h{SPACE}{minutes % 60}{SPACE}min"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """`1 image`, `2,000 images`."""
    return f"{count:,}{SPACE}{noun if count == 1 else nouns or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def capital(text: str) -> str:
    """The first letter large, the others as they are: `PSNR` stays, and so does a symbol, `z`."""
    symbol = len(text.split(" ")[0]) == 1 and not text.startswith("a ")
    return text if symbol else text[:1].upper() + text[1:]


def resampled(groups: int) -> str:
    """What an interval did with related images, to append to it; nothing where there are none."""
    return f", {groups:,} groups of related images resampled whole" if groups else ""


def cell(value: str | float | bool | None) -> str:
    """A table's cell: words as they are, `yes`, `12,345`, `-0.0653`, a dash for nothing."""
    if value is None or isinstance(value, str):
        return value if value is not None else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not math.isfinite(value):
        return "∞" if value > 0 else f"{MINUS}∞" if value < 0 else "not a number"
    if 0 < abs(value) < 1e-3 or abs(value) >= 1e12:
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{digits}e{int(power)}".replace("-", MINUS)
    return f"{MINUS if value < 0 else ''}{number(abs(value))}"
