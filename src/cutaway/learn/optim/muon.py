"""Muon where it can be used, AdamW for the rest, as one optimizer."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.learn.optim.vector import require


class Muon(torch.optim.Optimizer):
    """Momentum with its singular values made equal, for hidden matrices; AdamW for the rest.

    Kernels count as matrices (output maps x everything else). Biases, normalisation and `outer`
    go to AdamW. Muon's updates are scaled to the size of AdamW's, so that one learning rate
    serves both.

    Source: Jordan et al. 2024, 'Muon: an optimizer for hidden layers in neural networks'; Liu et
    al. 2025, arXiv:2502.16982, section 2.2, for the scale. Both steps are PyTorch's.

    Args:
        momentum: of Muon.
        betas: of AdamW.
        outer: matrices that are not hidden: those of the first layer and of the last.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        ns_steps: int = 5,
        outer: Collection[nn.Parameter] = (),
    ):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        everything = [p for group in self.param_groups for p in group["params"]]
        others = {id(p) for p in outer}
        hidden = [p for p in everything if p.ndim > 1 and id(p) not in others]
        require(
            bool(hidden),
            "Muon is for the matrices between the first layer and the last, and this network has "
            "none: take adamw, or a deeper network.",
        )
        # A matrix stands for itself; a kernel by a copy of it, whatever its order in memory.
        self._stand_in = {
            p: p if p.ndim == 2 else nn.Parameter(p.detach().flatten(1).clone()) for p in hidden
        }
        self._muon = torch.optim.Muon(
            self._groups(lambda p: p in self._stand_in), momentum=momentum, ns_steps=ns_steps,
            adjust_lr_fn="match_rms_adamw",
        )  # fmt: skip
        rest = self._groups(lambda p: p not in self._stand_in)
        self._rest = torch.optim.AdamW(rest, betas=betas)

    def _groups(self, belongs: Callable[[nn.Parameter], bool]) -> list[dict[str, object]]:
        chosen = ([p for p in g["params"] if belongs(p)] for g in self.param_groups)
        return [
            {"params": [self._stand_in.get(p, p) for p in c], "of": i, "lr": 0.0}
            for i, c in enumerate(chosen)
            if c
        ]

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        with torch.enable_grad():
            loss = closure()
        kernels = [(p, m) for p, m in self._stand_in.items() if p is not m and p.grad is not None]
        for p, m in kernels:
            m.copy_(p.flatten(1))
            m.grad = p.grad.flatten(1)
        for inner in (self._muon, self._rest):
            for group in inner.param_groups:
                own = self.param_groups[group["of"]]
                group.update(lr=own["lr"], weight_decay=own["weight_decay"])
            inner.step()  # type: ignore[no-untyped-call]
        for p, m in kernels:
            p.copy_(m.view_as(p))
        self._share_state()
        return loss

    def _share_state(self) -> None:
        """The state of the two is this optimizer's own, by parameter."""
        for p in (p for group in self.param_groups for p in group["params"]):
            inner = self._muon if p in self._stand_in else self._rest
            if state := inner.state.get(self._stand_in.get(p, p)):
                self.state[p] = state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for p, fields in self.state.items():
            inner = self._muon if p in self._stand_in else self._rest
            inner.state[self._stand_in.get(p, p)] = fields
