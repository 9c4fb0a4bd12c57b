"""What Cutaway is compared with: a program a peer, written as the peer's own documentation has it.

Each runs in an environment of its own (`environments/`), as `python -m bench.peers.NAME`:

- `train WORK`: one of `bench.peers.works.WORKS`, the same for all; what `Watch` saw is printed.
- `example`: the peer's own MNIST example with its own settings, and when it reached what.
- `save PATH`, `predict PATH IMAGE`: a small trained network on disk, and its answer to one image;
  `predict PATH FOLDER -o TABLE`, to all images of a folder.

Nothing here imports Cutaway but `bench.peers.cutaway`, and Cutaway imports nothing from here.
"""
