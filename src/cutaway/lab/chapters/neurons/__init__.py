"""Chapter 1, neurons and gates: `gates` (1.1 to 1.3), `outputs` (1.4, 1.6), `curve` (1.5)."""
