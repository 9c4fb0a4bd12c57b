"""Pictures: plots and the run report (`cutaway.show.report.report`)."""
