"""Chapter 7, representation and generation: `shadows` (7.1), `codes` and `costs` (7.2), `chances`
(7.3, 7.4), `games` (7.5, 7.6), `improved` (7.7), `judging` (7.8), `implicit` (7.9), `solutions`
(7.10), `spaces` (7.11), `marks` (7.12), `labelled` (7.13), `boltzmann` and `mixtures` (7.15),
`sequences` and `words` (7.16), `captions`, `composed` and `side_by_side` (7.17); in `players` stand
the game and its judge, in `waves` a wave and networks through its points."""
