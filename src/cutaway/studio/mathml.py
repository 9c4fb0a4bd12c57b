"""The equations of operations as MathML: from the texts that `byhand` has of them.

A text such as `z = 1 / (1 + e^-s)` becomes a tree `[tag, child, ...]`, whose leaves are texts: what
MathML has, written as lists. Nothing is computed or reordered; words stay words.
"""

import re
from collections.abc import Iterator
from typing import Any

Tree = list[Any]
"""`[tag, child, ...]`; a child is a tree or, in a leaf, its text."""

FUNCTIONS = frozenset({"log", "sin", "cos", "tanh", "sign", "max", "min", "mean", "softmax"})
"""Words that are written upright, as functions."""
UPRIGHT = [["mi", name] for name in FUNCTIONS]
SIGNS = {"-": "\N{MINUS SIGN}", "...": "\N{HORIZONTAL ELLIPSIS}", "'": "\N{PRIME}"}
TOKEN = re.compile(
    r"dJ/d(?P<of>[A-Za-z](?:_(?:[A-Za-z]\b|\d))?)|(?P<name>[A-Za-z]\w*(?:'s\b)?)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<sign>\.\.\.|\.\.|[-+=<>,;|/^'()\[\]])"
)
CLOSING = {"(": ")", "[": "]"}
COUNTED = ("sum of", "mean of")
"""Words that are divided with what follows them."""
BETWEEN = frozenset({"+", "-", "=", "<", ">", ",", ";", "..", "..."})
"""Signs between which there are products."""


def equations(text: str) -> list[Tree]:
    """Each equation of a text, as a tree.

    Args:
        text: what `byhand.event.Event.equation` gives; equations end at a semicolon, or at a comma
            before the next gradient.
    """
    return [["math", _Reader(part).everything()] for part in parts(text)]


def parts(text: str) -> list[str]:
    """A text divided into its equations."""
    return [part for part in re.split(r";\s+|,\s+(?=-?dJ/d)", text) if part]


def leaves(tree: Tree) -> Iterator[str]:
    """The texts of a tree, in order."""
    for child in tree[1:]:
        yield from (child,) if isinstance(child, str) else leaves(child)


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str):
        self._tokens = list(TOKEN.finditer(text))
        self._text, self._at = text, 0

    def everything(self) -> Tree:
        return self._row(ends=frozenset())

    def _row(self, ends: frozenset[str]) -> Tree:
        """Products with signs between them, up to one of these ends."""
        found: list[Tree] = []
        while (sign := self._sign()) not in ends and self._now() is not None:
            if sign in BETWEEN:
                found.append(self._operator())
            else:
                found += self._product(ends)
        return _grouped(found)

    def _product(self, ends: frozenset[str]) -> list[Tree]:
        """Factors side by side; a division puts those before it, up to a word, above what follows:
        one factor, or a sum with all that it adds up."""
        words: list[Tree] = []
        found: list[Tree] = []
        while self._now() is not None and self._sign() not in BETWEEN | ends:
            if self._sign() == "/":
                self._at += 1
                below = [self._factor()]
                if below[0][0] == "munder":
                    below += self._product(ends)
                found = [["mfrac", _bare(_grouped(found)), _bare(_grouped(below))]]
                continue
            found.append(self._factor())
            if found[-1][0] == "mtext" and not found[-1][1].strip().startswith(COUNTED):
                words, found = [*words, *found], []
            elif found[-1] in UPRIGHT and self._sign() != "(":
                found.append(["mspace"])
        return [*words, *found]

    def _factor(self) -> Tree:
        """A name, number, function or parenthesis, with its exponent, hat or prime."""
        known = self._atom()
        while self._sign() in ("^", "'"):
            known = self._raised(known)
        return known

    def _raised(self, known: Tree) -> Tree:
        sign = self._take()
        if sign == "'":
            return ["msup", known, ["mo", SIGNS["'"]]]
        if self._gap() or self._now() is None or self._sign() in (",", ")"):
            return ["mover", known, ["mo", "^"]]  # x^ is x with a hat
        if self._sign() == "-":
            return ["msup", known, ["mrow", self._operator(), self._atom()]]
        return ["msup", known, _bare(self._atom())]

    def _atom(self) -> Tree:
        token = self._now()
        assert token is not None
        if token["sign"] in CLOSING:
            return self._enclosed()
        if token["sign"] == "|":
            return self._absolute()
        self._at += 1
        if token["of"]:
            below = ["mrow", ["mi", "\N{PARTIAL DIFFERENTIAL}"], _name(token["of"])]
            return ["mfrac", ["mrow", ["mi", "\N{PARTIAL DIFFERENTIAL}"], ["mi", "J"]], below]
        if token["number"]:
            return ["mn", token["number"]]
        return self._named(token["name"]) if token["name"] else ["mo", token["sign"]]

    def _named(self, name: str) -> Tree:
        if name.startswith("sum_"):
            return ["munder", ["mo", "\N{N-ARY SUMMATION}"], _name(name[4:])]
        if name in ("sum", "S") and not self._follows("of", "its"):
            return ["mo", "\N{N-ARY SUMMATION}"] if name == "sum" else ["mi", name]
        base, _, index = name.partition("_")
        if index == "floor" or (name.endswith("_") and self._sign() == "("):
            below = self._atom()
            inner = _bare(below) if not index else ["mrow", ["mo", "\u230a"], _bare(below),
                                                    ["mo", "\u230b"]]  # fmt: skip
            return ["msub", _name(base), inner]
        return _name(name) if self._is_name(name) else ["mtext", self._words(name)]

    def _is_name(self, name: str) -> bool:
        base = name.partition("_")[0]
        return len(base) == 1 or (name in FUNCTIONS and not self._follows("of"))

    def _words(self, first: str) -> str:
        """A word, and the words that follow it."""
        found = [first]
        while (token := self._now()) is not None and token["name"]:
            article = token["name"] == "a" and self._word_after_next()
            if not article and (self._is_name(token["name"]) or token["name"].startswith("sum_")):
                break
            found.append(token["name"])
            self._at += 1
        return f"\N{NO-BREAK SPACE}{' '.join(found)}\N{NO-BREAK SPACE}"

    def _enclosed(self) -> Tree:
        opened = self._take()
        inner = self._row(frozenset({CLOSING[opened]}))
        closed = self._take()
        return ["mrow", ["mo", opened], inner, ["mo", closed]]

    def _absolute(self) -> Tree:
        self._at += 1
        inner = self._row(frozenset({"|"}))
        self._at += 1
        return ["mrow", ["mo", "|"], inner, ["mo", "|"]]

    def _operator(self) -> Tree:
        sign = self._take()
        return ["mo", SIGNS.get(sign, sign)]

    # What comes next

    def _now(self) -> re.Match[str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _sign(self) -> str | None:
        token = self._now()
        return token["sign"] if token is not None else None

    def _take(self) -> str:
        token = self._now()
        self._at += 1
        return token.group() if token is not None else ""

    def _gap(self) -> bool:
        """Whether there is a space before what comes next."""
        token = self._now()
        return token is not None and self._text[token.start() - 1] == " "

    def _word_after_next(self) -> bool:
        after = self._tokens[self._at + 1 : self._at + 2]
        return bool(after and after[0]["name"] and not self._is_name(after[0]["name"]))

    def _follows(self, *words: str) -> bool:
        token = self._now()
        return token is not None and token["name"] in words


def _name(text: str) -> Tree:
    base, _, index = text.partition("_")
    if not index:
        return ["mi", base]
    return ["msub", ["mi", base], ["mn" if index.isdigit() else "mi", index]]


def _grouped(found: list[Tree]) -> Tree:
    return found[0] if len(found) == 1 else ["mrow", *found]


def _bare(tree: Tree) -> Tree:
    """Without parentheses, which a fraction or an exponent does not need."""
    enclosed = tree[0] == "mrow" and len(tree) == 4 and tree[1] == ["mo", "("]
    return tree[2] if enclosed and tree[3] == ["mo", ")"] else tree
