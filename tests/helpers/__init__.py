"""What tests of several folders share, a module for each kind of thing."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
