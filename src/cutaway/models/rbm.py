"""A restricted Boltzmann machine: a generative model of two layers, without direction.

It is not in the registry, whose networks learn by a loss: contrastive divergence needs a draw.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

Visible = Float[Tensor, "*b v"]
Hidden = Float[Tensor, "*b h"]


class RBM(nn.Module):
    """P(v) = e^(-F(v)) / Z with F(v) = -b'v - sum over j of log(1 + e^(c_j + W_j v)), the energy
    E(v, h) = -b'v - c'h - h'Wv with h summed over.

    Given one layer, the units of the other are independent, so both are drawn in turn (Gibbs).

    Many machines of one shape are one: W, b and c may have an axis of machines in front (b and c
    then a second one of length 1), and so has what is computed.

    Source: Smolensky 1986; Hinton 2002, 'Training products of experts by minimizing contrastive
    divergence'; the course's text, section 4.5.1, names it as a generative model.

    Args:
        visible, hidden: units of the two layers, each 0 or 1.
    """

    def __init__(self, visible: int, hidden: int):
        super().__init__()
        self.W = nn.Parameter(0.01 * torch.randn(hidden, visible))  # Hinton 2010, section 8
        self.b = nn.Parameter(torch.zeros(visible))
        self.c = nn.Parameter(torch.zeros(hidden))

    def forward(self, v: Visible) -> Float[Tensor, "*b"]:
        """F(v)."""
        return -(v * self.b).sum(-1) - softplus(v @ self.W.mT + self.c).sum(-1)

    def up(self, v: Visible) -> Hidden:
        """P(h_j = 1 | v) = sigmoid(c_j + W_j v)."""
        return (v @ self.W.mT + self.c).sigmoid()

    def down(self, h: Hidden) -> Visible:
        """P(v_i = 1 | h) = sigmoid(b_i + (W'h)_i)."""
        return (h @ self.W + self.b).sigmoid()

    @torch.no_grad()
    def gibbs(self, v: Visible, k: int, draw: torch.Generator) -> Visible:
        """v after k rounds in which h is drawn given v, and v given h."""
        for _ in range(k):
            v = torch.bernoulli(
                self.down(torch.bernoulli(self.up(v), generator=draw)), generator=draw
            )
        return v

    def contrastive(self, v: Visible, k: int, draw: torch.Generator) -> Float[Tensor, "*r"]:
        """What CD-k descends: the mean of F(v) - F(v_k), v_k being drawn from v by k rounds and
        then held. Its gradient is Hinton's of 2002: for W, <h v'>_k - <h v'>_0."""
        return (self(v) - self(self.gibbs(v, k, draw))).mean(-1)

    def log_partition(self) -> Float[Tensor, "*r"]:
        """log Z, exact: the sum over all 2^h states of the hidden layer, for a small one."""
        return self._states()[1].logsumexp(-1)

    def log_likelihood(self, v: Visible) -> Float[Tensor, "*b"]:
        """log P(v) in nats, exact."""
        return -self(v) - self.log_partition()[..., None]

    @torch.no_grad()
    def exact_draw(self, n: int, draw: torch.Generator) -> Float[Tensor, "*r n v"]:
        """n independent draws: h from its own exact distribution, then v given h."""
        h, scores = self._states()
        chosen = torch.multinomial(scores.softmax(-1), n, replacement=True, generator=draw)
        return torch.bernoulli(self.down(h[chosen]), generator=draw)

    def _states(self) -> tuple[Float[Tensor, "states h"], Float[Tensor, "*r states"]]:
        """Every h, and log of the sum over v of e^(-E(v, h))."""
        n = self.c.shape[-1]
        assert n <= 20, "2^h states are too many"
        number = torch.arange(2**n, device=self.c.device)
        h = (number[:, None] >> torch.arange(n, device=self.c.device) & 1).to(self.c.dtype)
        return h, (h * self.c).sum(-1) + softplus(h @ self.W + self.b).sum(-1)
