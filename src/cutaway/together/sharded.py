"""A network whose weights lie apart: each process keeps a part of every one and borrows the rest.

PyTorch's `fully_shard` does it, and only this file knows of it. Every module that has parameters of
its own is a unit: it gathers them before it answers or passes gradients back, and lets them go
after. So a task may call the modules of a network in any order and by any method; what it costs is
that no unit is fetched while another computes.

Source: Rajbhandari et al. 2020, 'ZeRO: memory optimizations toward training trillion parameter
models'; Zhao et al. 2023, 'PyTorch FSDP: experiences on scaling fully sharded data parallel'.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

if TYPE_CHECKING:
    from cutaway.together.team import Team


def is_sharded(value: Tensor) -> bool:
    """Whether other processes have parts of it."""
    return hasattr(value, "to_local")


def local(value: Tensor) -> Tensor:
    """The part of a tensor that is here: all of it where it is not sharded."""
    part: Tensor = cast(Any, value).to_local() if is_sharded(value) else value
    return part


def shard(network: nn.Module, team: "Team", device: str) -> None:
    """Put the weights of a network apart, in place, with the values of the first process.

    In the others its parameters may lie on the device `meta`, which has no memory for them.
    Gradients are added up, not averaged, as `Team.add_gradients` does for weights that are whole.
    """
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, share_comm_ctx

    mesh = init_device_mesh(torch.device(device).type, (team.size,))
    values = dict(network.state_dict()) if team.first else {}
    units: list[Any] = []
    for module in reversed(list(network.modules())):  # those inside before those around them
        if any(True for _ in module.parameters(recurse=False)):
            units.append(fully_shard(module, mesh=mesh, reshard_after_forward=True))
            units[-1].set_force_sum_reduction_for_comms(True)
            units[-1].set_gradient_divide_factor(1.0)
    share_comm_ctx(units)  # or each keeps its whole gradients until all have theirs
    if not team.first:
        network.to_empty(device=torch.device(device))
    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    set_model_state_dict(network, values, options=options)
    kept = network.state_dict()
    for name, value in network.named_buffers():
        if name not in kept:  # no checkpoint has it: a table that its constructor made
            dist.broadcast(value, 0)


def whole(tensors: Mapping[str, Tensor], team: "Team") -> dict[str, Tensor]:
    """Tensors without their parts in other processes; in these, none.

    One after the other is put together in all of them, and kept in the first.
    """
    found = {}
    for name, value in tensors.items():
        full = cast(Any, value).full_tensor() if is_sharded(value) else value
        if team.first:
            found[name] = full
    return found


def room(like: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor that lies apart as another does, with no values yet."""
    return torch.empty_like(like, dtype=dtype)


def apart(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, known to every process, put apart as another is."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)


def refusal(network: nn.Module) -> str:
    """Why the weights of a network cannot lie apart; empty where they can."""
    owners: dict[int, str] = {}
    for name, module in network.named_modules():
        for key, p in module.named_parameters(recurse=False):
            path = f"{name}.{key}" if name else key
            if id(p) in owners:
                return f"'{path}' and '{owners[id(p)]}' are one and the same"
            if not p.ndim:
                return f"'{path}' is a single number"
            owners[id(p)] = path
    return ""
