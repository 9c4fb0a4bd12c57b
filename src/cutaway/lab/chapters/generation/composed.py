"""Scenes of one to three digits and their captions, such as `a seven left of a two`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PLACES = ("left of", "above")
WORDS = (".", *PLACES, *(f"a {digit}" for digit in DIGITS))
"""What a caption is made of, the article with its noun as one; the full stop is number 0."""
Pair = tuple[int, int]
"""A digit and the one right of it or below it."""


@dataclass(frozen=True)
class Scenes:
    """Scenes, and their captions as words; the full stop, which is 0, fills up the end."""

    x: Float[Tensor, "n 1 side side"]
    words: Int[Tensor, "n t"]

    def __len__(self) -> int:
        return len(self.x)


def longest(most: int) -> int:
    """Words of the longest caption with `most` digits, and its full stop."""
    return 2 * most


def caption(digits: Sequence[int], place: str) -> str:
    """`a seven left of a two`."""
    return f" {place} ".join(f"a {DIGITS[digit]}" for digit in digits)


def as_words(digits: Sequence[int], place: str, length: int) -> list[int]:
    """The caption as words, filled up with full stops."""
    said: list[int] = []
    for digit in digits:
        said += [WORDS.index(place)] if said else []
        said.append(WORDS.index(f"a {DIGITS[digit]}"))
    return said + [0] * (length - len(said))


def as_text(words: Int[Tensor, "t"]) -> str:
    """A caption up to its full stop."""
    ids = words.tolist()
    return " ".join(WORDS[i] for i in ids[: ids.index(0) if 0 in ids else None])


def before(words: Int[Tensor, "*n t"]) -> Float[Tensor, "*n t k"]:
    """What is read before each word: the full stop first, then the words before."""
    read = torch.cat([torch.zeros_like(words[..., :1]), words[..., :-1]], -1)
    return one_hot(read, len(WORDS)).float()


def left_out(classes: int, partners: int, draw: torch.Generator) -> set[Pair]:
    """Pairs in which each digit stands first as often as second: every digit loses as many."""
    order = torch.randperm(classes, generator=draw).tolist()
    return {(order[k], order[(k + j) % classes]) for k in range(classes) for j in range(partners)}


class Composer:
    """Puts images of digits into scenes.

    Args:
        images: of digits, square, 0 (no ink) to 1.
        t: which digits; those of `classes` kinds are used.
        most: digits of a scene at most; its side is that of so many digits in a row.
    """

    def __init__(
        self, images: Float[Tensor, "n s s"], t: Int[Tensor, "n"], classes: int, most: int
    ):
        self.of = [images[t == k] for k in range(classes)]
        self.classes, self.most, self.side = classes, most, images.shape[1]

    def chains(self, count: int, pairs: Collection[Pair]) -> list[tuple[int, ...]]:
        """All rows of so many digits whose neighbours are among `pairs`."""
        rows: list[tuple[int, ...]] = [(k,) for k in range(self.classes)]
        for _ in range(count - 1):
            rows = [(*row, k) for row in rows for k in range(self.classes) if (row[-1], k) in pairs]
        return rows

    def scenes(
        self, n: int, pairs: Collection[Pair], draw: torch.Generator, counts: Sequence[int] = ()
    ) -> Scenes:
        """Scenes of neighbours that are among `pairs`.

        Args:
            counts: how many digits, by turns; 1 to the most by default.
        """

        def below(k: int) -> int:
            return int(torch.randint(k, (), generator=draw))

        counts = counts or range(1, self.most + 1)
        rows = {count: self.chains(count, pairs) for count in counts}
        full = self.side * self.most
        x, captions = torch.zeros(n, 1, full, full), []
        for i in range(n):
            count = counts[i % len(counts)]
            row, where = rows[count][below(len(rows[count]))], PLACES[below(2)]
            free = full - count * self.side
            along = sorted(below(free + 1) for _ in row)
            across = below(full - self.side + 1)
            canvas = x[i, 0] if where == "above" else x[i, 0].T
            for k, digit in enumerate(row):
                own = self.of[digit][below(len(self.of[digit]))]
                down = along[k] + k * self.side
                aside = min(max(across + below(3) - 1, 0), full - self.side)
                place = canvas[down : down + self.side, aside : aside + self.side]
                place.copy_(own if where == "above" else own.T)
            captions.append(as_words(row, where, longest(self.most)))
        return Scenes(x, torch.tensor(captions))
