"""Export, quantise, verify and serve trained networks."""
