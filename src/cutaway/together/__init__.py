"""Several processes that learn as one: who they are, what each computes, what all of them know.

Every process runs the same program on the same batches and computes some rows of each. A result is
that of one process: what is drawn for a batch is drawn for all of its rows, and what is taken over
a batch (a mean, a gradient, the statistics of batch normalisation) is taken over all of them.
"""
