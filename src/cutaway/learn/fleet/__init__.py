"""Fleets: many networks trained as one job, so that a figure has an interval."""

from cutaway.learn.fleet.fleet import Fleet, plan
from cutaway.learn.fleet.launch import check_way, launch

__all__ = ["Fleet", "check_way", "launch", "plan"]
