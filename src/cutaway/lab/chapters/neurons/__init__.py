"""Chapter 1, neurons and gates: `gates` (1.1 to 1.3) and `outputs` (1.4 to 1.6)."""
