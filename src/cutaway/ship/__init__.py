"""Leaving: export, quantise, verify, serve."""
