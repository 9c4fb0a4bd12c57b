"""Cutaway: deep learning with the casing cut away."""

__version__ = "0.1.0"
