"""Algorithm 4-1: minibatch stochastic gradient descent, from the equations alone."""

from collections.abc import Callable, Iterable, Iterator

from torch import Tensor

from cutaway.byhand.graph import Graph


def descend(
    graph: Graph,
    batches: Iterable[tuple[Tensor, ...]],
    rate: float | Callable[[int], float],
) -> Iterator[float]:
    """Learn from batch after batch; yields J of each before its step.

    The text's algorithm 4-1, with its loops over samples and nodes as sums of products: forward
    (lines 8 to 12), gradients (13 to 17), u <- u - rate (1/t) Delta u (18 and 19), where the mean
    over the t samples is in J. The parameters are the module's own, so it learns.

    Args:
        batches: the graph's inputs, as many at a time as the batch has.
        rate: the learning rate rho, or a function of the step.
    """
    rho = rate if callable(rate) else lambda _: rate
    for step, batch in enumerate(batches):
        J = graph.forward(*batch)
        for name, gradient in graph.backward().items():
            graph.given[name].sub_(gradient, alpha=rho(step))
        yield J.item()
