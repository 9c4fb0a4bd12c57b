"""Threshold units: a truth table, or a classifier's page where the data are no table."""

from cutaway.show.pages import classify, table
from cutaway.show.pages.base import Page, Subject

LINE = (
    "A single threshold unit divides its inputs by one straight line, and can learn only a table "
    "that such a line divides."
)


def page(subject: Subject) -> Page:
    return table.page(subject, LINE) if table.fits(subject) else classify.page(subject)
