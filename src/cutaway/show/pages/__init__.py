"""The pages of the report, one a kind of task: which sections its result is told in."""
