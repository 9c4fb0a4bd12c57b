"""A small language of words in which the end depends on the beginning, and counting its letters."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

CAPITALS, CONSONANTS, VOWELS = "AB", "bdk", "ai"
LETTERS = CAPITALS + CONSONANTS + VOWELS + "."
N = len(LETTERS)
Words = Int[Tensor, "n t"]


def language(n: int, syllables: int, draw: torch.Generator) -> Words:
    """Words such as `Abidaka.A`: a capital, syllables, a point, and the same capital again."""

    def some(letters: str, *shape: int) -> Tensor:
        return LETTERS.index(letters[0]) + torch.randint(len(letters), shape, generator=draw)

    capital = some(CAPITALS, n, 1)
    pairs = torch.stack([some(CONSONANTS, n, syllables), some(VOWELS, n, syllables)], 2)
    point = torch.full((n, 1), LETTERS.index("."))
    return torch.cat([capital, pairs.flatten(1), point, capital], 1)


def spelled(words: Words) -> list[str]:
    return ["".join(LETTERS[i] for i in word) for word in words.tolist()]


def valid(word: str, syllables: int) -> bool:
    """Whether a word is one of the language."""
    inner = word[1:-2]
    pairs = zip(inner[::2], inner[1::2], strict=False)
    return (
        len(word) == 2 * syllables + 3
        and word[0] in CAPITALS
        and word[-2:] == f".{word[0]}"
        and all(c in CONSONANTS and v in VOWELS for c, v in pairs)
    )


def entropy(syllables: int) -> float:
    """Nats of a word: what the best model pays for one, after its capital."""
    choices = len(CONSONANTS) * len(VOWELS)
    return syllables * math.log(choices)


class NGram:
    """P(x | the n - 1 letters before), counted; where few were counted it leans on fewer letters.

    Source: Witten and Bell 1991, interpolated: (c(x) + T P') / (c + T), where a context was met c
    times with T different letters after it, and P' is that of a context one letter shorter.
    """

    def __init__(self, words: Sequence[str], order: int):
        self.order = order
        self.known: dict[str, dict[str, float]] = {}
        self.after: dict[str, Counter[str]] = defaultdict(Counter)
        for word in words:
            for t in range(1, len(word)):
                for k in range(min(order, t + 1)):
                    self.after[word[t - k : t]][word[t]] += 1

    def chances(self, before: str) -> dict[str, float]:
        """P(x) of every letter."""
        before = before[max(0, len(before) - self.order + 1) :]
        if before not in self.known:
            p = dict.fromkeys(LETTERS, 1 / N)
            for k in range(len(before) + 1):
                if met := self.after.get(before[len(before) - k :]):
                    all_ = met.total() + len(met)
                    p = {x: (met[x] + len(met) * p[x]) / all_ for x in LETTERS}
            self.known[before] = p
        return self.known[before]

    def nats(self, words: Sequence[str]) -> float:
        """-log P of a word after its capital, on average."""
        p = [self.chances(w[:t])[w[t]] for w in words for t in range(1, len(w))]
        return -sum(map(math.log, p)) / len(words)

    def generate(self, first: Sequence[str], letters: int, draw: torch.Generator) -> list[str]:
        """Words of so many letters that go on from their capitals."""
        words = list(first)
        for _ in range(letters - 1):
            p = torch.tensor([list(self.chances(word).values()) for word in words])
            drawn = torch.multinomial(p, 1, generator=draw)[:, 0].tolist()
            words = [word + LETTERS[x] for word, x in zip(words, drawn, strict=True)]
        return words
