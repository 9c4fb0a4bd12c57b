"""Chapter 2, gradients: `numerical` (2.1, 2.6), `equations` (2.2, 2.3), `cost` (2.4, 2.5) and
`kinks` (2.7, 2.8)."""
