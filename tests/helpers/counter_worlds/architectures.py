"""Counter-worlds of chapter architectures."""

from helpers.counter_worlds import World

WORLDS: dict[str, list[World]] = {}
EXEMPT: dict[str, str] = {}
