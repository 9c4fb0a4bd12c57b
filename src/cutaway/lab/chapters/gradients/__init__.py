"""Chapter 2, gradients: `numerical` (2.1, 2.6), `equations` (2.2), `graphs` (2.3), `cost` (2.4,
2.5), `kinks` (2.7), `smooth` (2.8), `layouts` (2.9) and `layer` (2.10)."""
