"""Workplaces: where the workers of a job are, on this computer or on the nodes of a cluster."""

from cutaway.workplaces.crew import Crew
from cutaway.workplaces.here import HERE
from cutaway.workplaces.work import Question, Work, Worker, Workplace

__all__ = ["HERE", "Crew", "Question", "Work", "Worker", "Workplace"]
