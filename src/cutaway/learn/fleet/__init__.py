"""Fleets: many networks trained as one job, so that a figure has an interval."""

from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.launch import check_way, launch
from cutaway.learn.fleet.plan import plan

__all__ = ["Fleet", "check_way", "launch", "plan"]
