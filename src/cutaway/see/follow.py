"""Follow receptive fields through PyTorch's operations, by a dispatch mode.

Each operation says which places of its input an output place looks at. Branches and skips meet
where their tensors do. What normalisation averages over an image is not counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil, floor
from typing import Any
from weakref import ref

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from cutaway.see.layers import memory, unpacked

aten = torch.ops.aten
EPSILON = Fraction(1, 10**6)
"""A margin that keeps an end that is not reached out of a span."""


@dataclass(frozen=True)
class Span:
    """The receptive field along one side: place i sees the pixels from `low + jump i` to `high +
    jump i`.

    Where a coarse map was made fine again, neighbours differ in what they see by less than a place
    of the coarse one, and the span holds what either sees.

    Attributes:
        jump: pixels between the fields of neighbours.
    """

    jump: Fraction
    low: Fraction
    high: Fraction

    @property
    def size(self) -> int:
        """Number of pixels, where no border cuts it; of several phases the largest."""
        return floor(self.high) - ceil(self.low) + 1 if self.jump >= 1 else self._widest()

    def _widest(self) -> int:
        """The largest field of all phases, which differ after a transposed convolution."""
        steps = range(self.jump.denominator)
        ends = ((self.low + self.jump * i, self.high + self.jump * i) for i in steps)
        return max(floor(high) - ceil(low) + 1 for low, high in ends)

    def at(self, i: int, side: int) -> tuple[int, int]:
        """The first and the last pixel that place i sees in an image of `side` pixels."""
        first, last = ceil(self.low + self.jump * i), floor(self.high + self.jump * i)
        return max(0, first), min(side - 1, last)


Field = tuple[Span, ...]
"""A span along each side of the image."""


class Follow(TorchDispatchMode):
    """Dispatch mode that records the fields of all tensors which come from an image.

    Attributes:
        fields: by tensor; None where a place sees the whole image, or where an operation mixes
            places in a way that is not followed. Tensors that do not come from the image have none.
    """

    def __init__(self, image: Tensor):
        super().__init__()  # type: ignore[no-untyped-call]
        self.fields = WeakTensorKeyDictionary()
        self._sharing: dict[int, list[ref[Tensor]]] = {}  # by their memory
        self._share(image)
        self.fields[image] = (Span(Fraction(1), Fraction(0), Fraction(0)),) * (image.ndim - 2)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        sources = [x for x in unpacked((args, kwargs or {})) if x in self.fields]
        if sources:
            rule = RULES.get(func.overloadpacket, _elementwise)
            for y in unpacked(output):
                self.fields[y] = rule(self.fields, sources, y, args)
        for y in unpacked(output):
            self._share(y)
            if func._schema.is_mutable and y in self.fields:
                self._spread(y)
        return output

    def _share(self, x: Tensor) -> None:
        self._sharing.setdefault(memory(x), []).append(ref(x))

    def _spread(self, changed: Tensor) -> None:
        """Give a field that was written into a view to all tensors in the same memory."""
        for one in self._sharing[memory(changed)]:
            other = one()
            if other is None or other is changed or memory(other) != memory(changed):
                continue
            met = [x for x in (changed, other) if x in self.fields]
            self.fields[other] = _elementwise(self.fields, met, other, ())


Fields = WeakTensorKeyDictionary
Rule = Callable[[Fields, Sequence[Tensor], Tensor, Sequence[Any]], Field | None]


def _elementwise(
    fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    """Elementwise operations: each place sees what the same places of the sources see together."""
    known = [fields[x] for x in sources]
    if any(field is None for field in known):
        return None
    rank = len(known[0])
    same = all(x.shape[-rank:] == y.shape[-rank:] for x in sources) and y.ndim >= rank + 2
    if not same or any([a.jump for a in f] != [b.jump for b in known[0]] for f in known):
        return None
    return tuple(
        Span(spans[0].jump, min(s.low for s in spans), max(s.high for s in spans))
        for spans in zip(*known, strict=True)
    )


def _not_followed(*_: Any) -> None:
    """Operations that are not followed."""


def _map_spans(
    change: Callable[..., Span], fields: Fields, sources: Sequence[Tensor], *more: Any
) -> Field | None:
    """Map every span of the first source, with arguments of its own side."""
    field = fields[sources[0]]
    if field is None:
        return None
    rank = len(field)
    own = [[one] * rank if not isinstance(one, Sequence) else [*one] * rank for one in more]
    own = [one[-rank:] for one in own]  # a side more than the image's is that of channels
    return tuple(change(span, *numbers) for span, *numbers in zip(field, *own, strict=True))


def _window(span: Span, kernel: int, stride: int, padding: int, dilation: int) -> Span:
    low = span.low - span.jump * padding
    return Span(
        span.jump * stride, low, span.high + span.jump * ((kernel - 1) * dilation - padding)
    )


def _spread(span: Span, kernel: int, stride: int, padding: int, dilation: int) -> Span:
    """Transposed convolution: place i gets a value from each place j with i = j stride - padding +
    k."""
    step = span.jump / stride
    return Span(
        step,
        span.low + step * (padding - (kernel - 1) * dilation),
        span.high + step * padding,
    )


def _convolution(
    fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    _, weight, _, stride, padding, dilation, transposed, *_ = args
    change = _spread if transposed else _window
    return _map_spans(change, fields, sources, list(weight.shape[2:]), stride, padding, dilation)


def _pool(
    dilates: bool, fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    kernel = args[1]
    stride = args[2] if len(args) > 2 and args[2] else kernel
    padding = args[3] if len(args) > 3 else 0
    dilation = args[4] if dilates and len(args) > 4 else 1
    return _map_spans(_window, fields, sources, kernel, stride, padding, dilation)


def _adaptive(
    fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    """Adaptive pooling: equal windows where the sides divide."""
    field = fields[sources[0]]
    if field is None:
        return None
    sides = list(zip(sources[0].shape[-len(field) :], y.shape[-len(field) :], strict=True))
    if any(a % b for a, b in sides) or all(b == 1 for _, b in sides):
        return None
    kernel = [a // b for a, b in sides]
    return _map_spans(_window, fields, sources, kernel, kernel, 0, 1)


def _resized(
    smooth: bool, fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    field = fields[sources[0]]
    if field is None:
        return None
    pairs = zip(sources[0].shape[-len(field) :], y.shape[-len(field) :], strict=True)
    return _map_spans(partial(_scaled, smooth), fields, sources, [Fraction(a, b) for a, b in pairs])


def _scaled(smooth: bool, span: Span, share: Fraction) -> Span:
    """The span after resizing: place i of the new side lies at `share` i of the old one; between
    two where `smooth`."""
    if smooth:
        middle, reach = (share - 1) / 2, 1 - EPSILON
        return Span(
            span.jump * share,
            span.low + span.jump * (middle - reach),
            span.high + span.jump * (middle + reach),
        )
    return Span(span.jump * share, span.low - span.jump * (1 - share), span.high)


def _sliced(
    fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    field, x = fields[sources[0]], sources[0]
    settings = [*args[1:]]
    dim, start, _, step = settings + [0, None, None, 1][len(settings) :]
    side = dim % x.ndim - (x.ndim - len(field or ()))
    if field is None or side < 0:
        return field
    span, first = field[side], min(start or 0, x.shape[dim])
    first += x.shape[dim] if first < 0 else 0
    moved = Span(span.jump * step, span.low + span.jump * first, span.high + span.jump * first)
    return (*field[:side], moved, *field[side + 1 :])


def _padded(
    fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    before = args[1][::2]
    rank = len(fields[sources[0]] or ())
    sides = [*before, *[0] * rank][:rank][::-1]

    def shifted(span: Span, by: int) -> Span:
        return Span(span.jump, span.low - span.jump * by, span.high - span.jump * by)

    return _map_spans(shifted, fields, sources, sides)


def _add_or_drop_side(
    fields: Fields, sources: Sequence[Tensor], y: Tensor, args: Sequence[Any]
) -> Field | None:
    """Add or drop a side of one place (`unsqueeze` and `squeeze`, around 1-D pooling)."""
    field, x = fields[sources[0]], sources[0]
    if field is None or len(args) < 2 or abs(y.ndim - x.ndim) != 1:
        return field
    grows = y.ndim > x.ndim
    at = args[1] % max(x.ndim, y.ndim) - ((y if grows else x).ndim - len(field) - grows)
    if at < 0:
        return field
    one = Span(Fraction(1), Fraction(0), Fraction(0))
    return (*field[:at], one, *field[at:]) if grows else (*field[:at], *field[at + 1 :])


def _rules() -> dict[Any, Rule]:
    """The rules of operations that are not elementwise."""
    rules: dict[Any, Rule] = {aten.convolution: _convolution, aten.slice: _sliced}
    rules |= dict.fromkeys((aten.unsqueeze, aten.squeeze), _add_or_drop_side)
    for n in (2, 3):
        rules[getattr(aten, f"max_pool{n}d_with_indices")] = partial(_pool, True)
        rules[getattr(aten, f"avg_pool{n}d")] = partial(_pool, False)
        rules[getattr(aten, f"_adaptive_avg_pool{n}d")] = _adaptive
        rules[getattr(aten, f"adaptive_max_pool{n}d")] = _adaptive
        rules[getattr(aten, f"upsample_nearest{n}d")] = partial(_resized, False)
        rules[getattr(aten, f"reflection_pad{n}d")] = _padded
        rules[getattr(aten, f"replication_pad{n}d")] = _padded
    rules[aten.upsample_bilinear2d] = partial(_resized, True)
    rules[aten.constant_pad_nd] = _padded
    mixing = (
        aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.flip, aten.roll, aten.transpose, aten.t,
        aten.permute, aten.grid_sampler_2d, aten._softmax, aten.cumsum, aten.sort,
    )  # fmt: skip
    return rules | dict.fromkeys(mixing, _not_followed)


RULES = _rules()
