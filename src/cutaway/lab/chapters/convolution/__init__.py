"""Chapter 5, convolution: `equations` (5.1, 5.2, 5.16), `edges` (5.3, 5.4), `shifts` (5.5, 5.6,
5.8), `sharing` (5.7, 5.9, 5.10), `sizes` (5.11, 5.13), `kernels` (5.12), `features` (5.14),
`pooling` (5.15), `directions` (5.17), `pipeline` (5.18); in `lessons` stand the networks and digits
that are compared, in `leaves` pictures that are made by rule."""
