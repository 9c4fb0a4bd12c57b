"""Pictures: plots and the run report."""
