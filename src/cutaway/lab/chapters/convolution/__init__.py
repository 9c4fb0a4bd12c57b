"""Chapter 5, convolution: `equations` (5.1, 5.2), `edges` (5.3, 5.4), `shifts` (5.5, 5.6, 5.8),
`sharing` (5.7, 5.9, 5.10), `sizes` (5.11, 5.13), `features` (5.12, 5.14); in `lessons` stand the
networks and digits that are compared."""
