"""Augmentation by the user's own code: transforms of torchvision or albumentations, or a function.

It is called for each image, unless `per_batch` says that it takes a whole batch:

- transforms of albumentations: `f(image=array)`, h w c, uint8, for a dictionary with `image`;
- anything else: `f(image)`, a tensor c h w, uint8, as torchvision's transforms take it;
- `per_batch(f)`: `f(images)`, a tensor n c h w, uint8, on the device that learns.

What comes back has the same shape: uint8, or floats in 0..1. Where each pixel has a class, the mask
(h w, uint8) goes along: `f(image=..., mask=...)` or `f(image, mask)`, for both of them.

Whatever it draws from Python's, NumPy's or PyTorch's own generators is decided by the seed, the
step and the image; the generators are put back afterwards.
"""

import copy
import inspect
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from cutaway.data.augment.draw import Draw
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.randomness import global_streams_kept, reseed_everything

SLACK = 1e-3
"""Distance from 0..1 within which a float is taken for rounding."""
SHORT = 70
"""Letters of a text that a sentence quotes as it is."""


@dataclass(frozen=True)
class PerBatch:
    """A function that augments whole batches; see `per_batch`."""

    function: Callable[..., Any]


def per_batch(function: Callable[..., Any]) -> PerBatch:
    """Mark a function that augments a whole batch at once, for `fit(..., augment=...)`.

        fit(model, data, augment=per_batch(v2.RandomErasing()))

    It takes a tensor of images n c h w, uint8, on the device that learns, and gives one of the same
    shape: uint8, or floats in 0..1. A transform of torchvision draws once for all of them.
    """
    return PerBatch(function)


class OwnAugment:
    """Augmentation by an object of the user's own, called as the module says.

    Attributes:
        text: what it is, for a recipe: the name of a function, or what the object says of itself.

    Raises:
        UsageError: it cannot be called, or cannot take batches.
    """

    active = True

    def __init__(self, given: Any):
        self.by_batch = isinstance(given, PerBatch)
        self.function = given.function if isinstance(given, PerBatch) else given
        if not callable(self.function):
            raise UsageError(
                "augment= takes text (crop:4+flip), or a function or transform of your own, not "
                f"{given!r:.60}."
            )
        self.text = f"per_batch({_text(self.function)})" if self.by_batch else _text(self.function)
        self.named = _from(self.function, "albumentations")  # takes its arguments by name
        if self.named and self.by_batch:
            raise UsageError(
                "Transforms of albumentations take an image at a time: give them without per_batch."
            )
        if self.named:  # whose own generators are set for each image; the user's stay as they are
            self.function = copy.deepcopy(self.function)

    def __str__(self) -> str:
        return self.text

    def of_step(
        self,
        images: Float[Tensor, "b c *grid"],
        masks: Shaped[Tensor, "b h w"] | None,
        draw: Draw,
    ) -> tuple[Float[Tensor, "b c *grid"], Shaped[Tensor, "b h w"] | None]:
        """A new variant of each image in 0..1, and of its mask.

        Raises:
            UsageError: the function fails, or gives something else than images as they were.
        """
        pixels = (images * 255).round().to(torch.uint8).contiguous()
        classes = None if masks is None else masks.to(torch.uint8)
        with global_streams_kept(), torch.no_grad():
            if self.by_batch:
                x, t = self._call(pixels, classes, draw.batch)
            else:
                x, t = self._one_by_one(pixels.cpu(), _cpu(classes), draw)
        moved = None if masks is None or t is None else t.to(masks)
        return x.to(images.device), moved

    def check(self, images: ImageSet) -> None:
        """Try it on two images before anything is learned.

        Raises:
            UsageError: it cannot be used so, or draws from a generator that is not seeded.
        """
        masks = None if images.masks is None else images.masks[:2]
        self._check_arguments(images.size, masks)
        x = images.images[:2].movedim(-1, 1).float().div(255)
        draw = Draw(0, 0, torch.arange(len(x)))
        once, again = (self.of_step(x, masks, draw)[0] for _ in range(2))
        if not torch.equal(once, again):
            raise UsageError(
                f"{self._name} gives something else each time, whatever the seed, so that no run "
                "could be repeated or resumed: let it draw from torch, numpy.random or random "
                "themselves, which are seeded for each image, and from no generator of its own."
            )

    def _check_arguments(self, size: Sequence[int], masks: Tensor | None) -> None:
        if self.named and len(size) != 2:
            raise UsageError("Transforms of albumentations are for pictures: leave them out here.")
        if masks is not None and not self.named and not _takes_two(self.function):
            raise UsageError(
                f"{self._name} takes an image alone, and here its mask has to be moved with it: "
                "give a transform of torchvision.transforms.v2 or of albumentations, or a function "
                "of (image, mask) that gives both."
            )

    @property
    def _name(self) -> str:
        return f"The augmentation {self.short}"

    @property
    def short(self) -> str:
        """What it is, in a few words: of a long text how it begins."""
        return self.text if len(self.text) <= SHORT else f"{self.text.partition('(')[0]}(...)"

    def _one_by_one(
        self, pixels: Tensor, masks: Tensor | None, draw: Draw
    ) -> tuple[Tensor, Tensor | None]:
        one = self._call_named if self.named else self._call
        pairs = [
            one(image, None if masks is None else masks[i], seed)
            for i, (image, seed) in enumerate(zip(pixels, draw.images, strict=True))
        ]
        moved = [mask for _, mask in pairs if mask is not None]
        return torch.stack([x for x, _ in pairs]), torch.stack(moved) if moved else None

    def _call(self, image: Tensor, mask: Tensor | None, seed: int) -> tuple[Tensor, Tensor | None]:
        """Call a function of tensors: of one image and its mask, or of a batch of both."""
        given = (image.clone(),) if mask is None else _kinds(image.clone(), mask.clone())
        result = self._answer(seed, image, lambda: self.function(*given))
        if mask is None:
            return self._image(result, image), None
        if not (isinstance(result, tuple | list) and len(result) == 2):
            raise UsageError(
                f"{self._name} was given (image, mask) and gave {_kind(result)}: it must give both."
            )
        return self._image(result[0], image), self._mask(result[1], mask)

    def _call_named(
        self, image: Tensor, mask: Tensor | None, seed: int
    ) -> tuple[Tensor, Tensor | None]:
        """Call transforms of albumentations, which have generators of their own."""
        given = {"image": np.ascontiguousarray(image.movedim(0, -1).numpy())}
        given |= {} if mask is None else {"mask": mask.numpy().copy()}
        if hasattr(self.function, "set_random_state"):  # before 1.4.19 they drew from the global
            self.function.set_random_state(np.random.default_rng(seed), random.Random(seed))
        result = self._answer(seed, image, lambda: self.function(**given))
        array = result["image"]
        if isinstance(array, np.ndarray):
            array = array[..., None] if array.ndim == 2 else array
            array = torch.from_numpy(np.ascontiguousarray(array)).movedim(-1, 0)
        return self._image(array, image), None if mask is None else self._mask(result["mask"], mask)

    def _answer(self, seed: int, image: Tensor, call: Callable[[], Any]) -> Any:
        reseed_everything(seed)
        try:
            return call()
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            raise UsageError(
                f"{self._name} cannot take {_shape(image)}, uint8: {type(error).__name__}: {first}"
            ) from error

    def _image(self, result: Any, before: Tensor) -> Tensor:
        """What came back, as floats in 0..1; refused where it is no image as it was."""
        image = self._tensor(result, "an image", before)
        if image.dtype != torch.uint8 and not image.is_floating_point():
            raise UsageError(
                f"{self._name} gives values of {image.dtype}: give uint8, or floats in 0..1."
            )
        if image.dtype == torch.uint8:
            return image.float().div_(255)
        low, high = (float(end) for end in image.aminmax())
        if not (low >= -SLACK and high <= 1 + SLACK):  # also NaN
            raise UsageError(
                f"{self._name} gives values from {low:.3g} to {high:.3g}: floats are to be in "
                "0..1. Leave normalisation out, which Cutaway does itself, and end with "
                "clamp(0, 1) where values may go beyond."
            )
        return image.float().clamp(0, 1)

    def _mask(self, result: Any, before: Tensor) -> Tensor:
        mask = self._tensor(result, "a mask", before)
        if mask.is_floating_point() or mask.is_complex():
            raise UsageError(f"{self._name} gives a mask of {mask.dtype}: a class is an integer.")
        least, most = mask.min().item(), mask.max().item()
        if least < 0 or most > int(before.max()):
            raise UsageError(
                f"{self._name} gives pixels the class {most if least >= 0 else least}, which none "
                "had before: let it fill masks with 0, and move them by the nearest pixel."
            )
        return mask

    def _tensor(self, result: Any, what: str, before: Tensor) -> Tensor:
        """What came back as a plain tensor of the shape that it had before."""
        if isinstance(result, np.ndarray):
            result = torch.from_numpy(np.ascontiguousarray(result))
        if not isinstance(result, Tensor):
            raise UsageError(
                f"{self._name} gives {_kind(result)} instead of {what}: give a tensor of "
                f"{_shape(before)}."
            )
        if result.shape != before.shape:
            raise UsageError(
                f"{self._name} makes {what} of {_shape(result)} of one of {_shape(before)}: size "
                "and channels must stay, so crop to that size, or pad to it."
            )
        return result.detach().as_subclass(Tensor).to(before.device)


def _text(function: Any) -> str:
    """The name of a function, or what an object says of itself, without places in memory."""
    name = getattr(function, "__qualname__", "")
    text = name.split("<locals>.")[-1] if name else " ".join(repr(function).split())
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _from(function: Any, library: str) -> bool:
    """Whether it is an object of a class of a library, or of one that extends such."""
    homes = (kind.__module__ for kind in type(function).__mro__)
    return any(f"{home}.".startswith(f"{library}.") for home in homes)


def _takes_two(function: Any) -> bool:
    """Whether it takes an image and its mask."""
    if _from(function, "torchvision.transforms.v2"):
        return True
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        inspect.signature(called).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # it has no signature to be asked for
        return True
    return True


def _kinds(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """An image and its mask, by which torchvision tells them apart, where it is in use."""
    kinds = sys.modules.get("torchvision.tv_tensors")
    return (kinds.Image(image), kinds.Mask(mask)) if kinds else (image, mask)


def _cpu(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.cpu()


def _shape(value: Tensor) -> str:
    return " x ".join(map(str, value.shape))


def _kind(value: Any) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__name__}"
