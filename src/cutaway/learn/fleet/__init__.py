"""Fleets: many networks trained as one job, so that a figure has an interval."""

from cutaway.learn.fleet.fleet import Fleet, opened
from cutaway.learn.fleet.launch import launch, relaunch
from cutaway.learn.fleet.plan import plan

__all__ = ["Fleet", "launch", "opened", "plan", "relaunch"]
