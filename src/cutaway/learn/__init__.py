"""Training: tasks, players, one loop, recipes, checkpoints, runs."""
