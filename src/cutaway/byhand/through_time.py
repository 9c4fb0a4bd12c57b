"""Backpropagation through time: a plain recurrent network and an LSTM, unrolled by hand.

A network that is unrolled is as deep as its sequence is long, with the same weights in each layer:
the gradient goes back one step at a time, and what reaches a weight is a sum over all steps.

    h_t is seen by the loss at t (g_t arrives there) and by step t + 1 (its share is added).

Shapes: x is (steps, batch, n), weights are (out, in) as `nn.Linear` keeps them.

Source: Werbos 1990, 'Backpropagation through time'; Hochreiter and Schmidhuber 1997.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Inputs = Float[Tensor, "steps b n"]
States = Float[Tensor, "steps b width"]


@dataclass(frozen=True)
class Weights:
    """W of the symbol, U of the state, and the bias."""

    W: Float[Tensor, "gates n"]
    U: Float[Tensor, "gates width"]
    b: Float[Tensor, "gates"]


@dataclass(frozen=True)
class Gradients:
    """dJ/dW, dJ/dU and dJ/db, sums over steps and batch; and dJ/dx at every step."""

    W: Float[Tensor, "gates n"]
    U: Float[Tensor, "gates width"]
    b: Float[Tensor, "gates"]
    x: Inputs


def rnn_step(
    x: Float[Tensor, "b n"], h: Float[Tensor, "b width"], own: Weights
) -> Float[Tensor, "b width"]:
    """h_t = tanh(s_t), s_t = W x_t + U h_(t-1) + b."""
    return (x @ own.W.T + h @ own.U.T + own.b).tanh()


def rnn_step_back(
    g: Float[Tensor, "b width"], h: Float[Tensor, "b width"]
) -> Float[Tensor, "b width"]:
    """dJ/ds_t = dJ/dh_t (1 - h_t^2)."""
    return g * (1 - h * h)


def rnn(x: Inputs, own: Weights) -> States:
    """All h_t, from h_0 = 0."""
    h, states = x.new_zeros(x.shape[1], own.U.shape[1]), []
    for x_t in x:
        h = rnn_step(x_t, h, own)
        states.append(h)
    return torch.stack(states)


def rnn_back(g: States, x: Inputs, h: States, own: Weights) -> Gradients:
    """From g_t, the loss's own gradient by each h_t, to the weights and to each x_t:

    dJ/dh_t = g_t + U' dJ/ds_(t+1), so that U' is met once a step, with a slope of tanh each time.
    """
    later, slopes = torch.zeros_like(h[0]), torch.zeros_like(h)
    for t in reversed(range(len(x))):
        slopes[t] = rnn_step_back(g[t] + later, h[t])
        later = slopes[t] @ own.U
    return _summed(slopes, x, h, own)


@dataclass(frozen=True)
class LSTMStep:
    """What a step computes: the gates i, f, o and the new content g, all in one; c and h."""

    gates: Float[Tensor, "b four_widths"]
    c: Float[Tensor, "b width"]
    h: Float[Tensor, "b width"]


def lstm_step(
    x: Float[Tensor, "b n"], h: Float[Tensor, "b width"], c: Float[Tensor, "b width"], own: Weights
) -> LSTMStep:
    """c_t = f c_(t-1) + i g, h_t = o tanh(c_t), with i, f, o = sigmoid and g = tanh of their parts
    of s_t = W x_t + U h_(t-1) + b."""
    s, w = x @ own.W.T + h @ own.U.T + own.b, h.shape[1]
    gates = torch.cat([s[:, : 3 * w].sigmoid(), s[:, 3 * w :].tanh()], 1)
    i, f, o, g = gates.split(w, 1)
    c = f * c + i * g
    return LSTMStep(gates, c, o * c.tanh())


def lstm_step_back(
    dh: Float[Tensor, "b width"],
    dc: Float[Tensor, "b width"],
    step: LSTMStep,
    before: Float[Tensor, "b width"],
) -> tuple[Float[Tensor, "b four_widths"], Float[Tensor, "b width"]]:
    """dJ/ds_t and dJ/dc_(t-1).

    dJ/dc_t gathers what came from c_(t+1) and dJ/dh_t o (1 - tanh^2(c_t)); back along the cell it
    is multiplied by f alone.

    Args:
        dh, dc: dJ/dh_t, and what reaches c_t from the step after.
        before: c_(t-1).
    """
    i, f, o, g = step.gates.split(dh.shape[1], 1)
    tanh = step.c.tanh()
    dc = dc + dh * o * (1 - tanh * tanh)
    to_gates = dc * g * i * (1 - i), dc * before * f * (1 - f), dh * tanh * o * (1 - o)
    return torch.cat([*to_gates, dc * i * (1 - g * g)], 1), dc * f


def lstm(x: Inputs, own: Weights) -> list[LSTMStep]:
    """All steps, from h_0 = c_0 = 0."""
    empty = x.new_zeros(x.shape[1], own.U.shape[1])
    steps: list[LSTMStep] = []
    for x_t in x:
        h, c = (steps[-1].h, steps[-1].c) if steps else (empty, empty)
        steps.append(lstm_step(x_t, h, c, own))
    return steps


def lstm_back(g: States, x: Inputs, steps: list[LSTMStep], own: Weights) -> Gradients:
    """From g_t, the loss's own gradient by each h_t, to the weights and to each x_t.

    Two paths lead back from step t + 1: U' dJ/ds_(t+1) to h_t, and f_(t+1) dJ/dc_(t+1) to c_t.
    """
    h, empty = torch.stack([step.h for step in steps]), torch.zeros_like(steps[0].h)
    slopes, from_h, from_c = [], empty, empty
    for t in reversed(range(len(x))):
        before = steps[t - 1].c if t else empty
        slope, from_c = lstm_step_back(g[t] + from_h, from_c, steps[t], before)
        from_h = slope @ own.U
        slopes.append(slope)
    return _summed(torch.stack(slopes[::-1]), x, h, own)


def _summed(
    slopes: Float[Tensor, "steps b gates"], x: Inputs, h: States, own: Weights
) -> Gradients:
    """dJ/dW = sum over t of dJ/ds_t x_t', dJ/dU that of dJ/ds_t h_(t-1)', dJ/db that of dJ/ds_t."""
    earlier = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
    W, U = (torch.einsum("tbs,tbn->sn", slopes, z) for z in (x, earlier))
    return Gradients(W, U, slopes.sum((0, 1)), slopes @ own.W)
