"""Counter-worlds of chapter convolution."""

from helpers.counter_worlds import World

WORLDS: dict[str, list[World]] = {}
EXEMPT: dict[str, str] = {}
