"""Products with the Hessian and the Gauss-Newton matrix, and what is solved with them."""

import pytest
import torch
from torch import nn
from torch.autograd.functional import hessian, jacobian
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector as vector

from cutaway.errors import UsageError
from cutaway.learn.optim import Closure, Evaluations
from cutaway.learn.optim.hessian_free import HessianFree, conjugate_gradients
from cutaway.learn.optim.newton import Newton, solve
from cutaway.learn.optim.surface import Surface

G = torch.Generator().manual_seed(0)
X = torch.randn(6, 1, 6, 6, generator=G, dtype=torch.float64)
T = torch.tensor([0, 1, 2, 2, 1, 0])


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(8, 3),
    )  # fmt: skip
    return nn.Sequential(*layers).double()


def surface(model: nn.Module, kind: str) -> Surface:
    parameters = list(model.parameters())
    return Surface(Closure(lambda first: [loss(model(X))], parameters), parameters, kind)


def loss(s: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(s, T, label_smoothing=0.1)


def named(model: nn.Module, w: torch.Tensor) -> dict[str, torch.Tensor]:
    names, shapes = zip(*[(n, p.shape) for n, p in model.named_parameters()], strict=True)
    parts = w.split([shape.numel() for shape in shapes])
    return {n: part.view(shape) for n, part, shape in zip(names, parts, shapes, strict=True)}


def outputs(model: nn.Module, w: torch.Tensor) -> torch.Tensor:
    return functional_call(model, named(model, w), (X,))


@pytest.fixture
def model() -> nn.Module:
    found = network()
    found[1].track_running_stats = False
    found[1].running_mean = found[1].running_var = found[1].num_batches_tracked = None
    return found


def test_the_hessian_is_that_of_autograd(model):
    expected = hessian(lambda w: loss(outputs(model, w)), vector(model.parameters()).detach())
    found = surface(model, "hessian")
    torch.testing.assert_close(found.matrix(), expected)
    v = torch.randn(len(expected), generator=G, dtype=torch.float64)
    torch.testing.assert_close(found.product(v), expected @ v)


def test_the_gauss_newton_matrix_is_j_h_j(model):
    w = vector(model.parameters()).detach()
    j = jacobian(lambda w: outputs(model, w).flatten(), w)
    h = hessian(lambda s: loss(s.view(6, 3)), outputs(model, w).flatten().detach())
    found = surface(model, "gauss-newton")
    torch.testing.assert_close(found.matrix(), j.T @ h @ j)
    v = torch.randn(len(w), generator=G, dtype=torch.float64)
    torch.testing.assert_close(found.product(v), j.T @ h @ j @ v)
    assert torch.linalg.eigvalsh(found.matrix()).min() > -1e-10


def test_value_and_gradient(model):
    found = surface(model, "hessian")
    expected = torch.autograd.grad(loss(model(X)), list(model.parameters()))
    torch.testing.assert_close(found.g, torch.cat([g.flatten() for g in expected]))
    assert found.f == pytest.approx(loss(model(X)).item())


def test_products_are_counted(model):
    found = surface(model, "hessian")
    found.matrix()
    found.product(found.g)
    assert found.closure.evaluations == Evaluations(1, 1, len(found.g) + 1)


def test_a_linear_loss_has_no_curvature():
    w = nn.Parameter(torch.ones(3))
    found = Surface(Closure(lambda first: [w.sum()], [w]), [w], "hessian")
    assert torch.equal(found.matrix(), torch.zeros(3, 3))


def test_gauss_newton_refuses_a_loss_it_does_not_know():
    w = nn.Parameter(torch.ones(3))
    with pytest.raises(UsageError, match="newton-cg or l-bfgs"):
        Surface(Closure(lambda first: [w.exp().sum()], [w]), [w], "gauss-newton")


def test_what_cannot_be_differentiated_twice_is_refused():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x.square()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            raise RuntimeError("derivative for once is not implemented")

    w = nn.Parameter(torch.ones(3))
    with pytest.raises(UsageError, match=r"cannot be differentiated twice .* l-bfgs"):
        Surface(Closure(lambda first: [Once.apply(w).sum()], [w]), [w], "hessian")


def positive(n: int) -> torch.Tensor:
    a = torch.randn(n, n, generator=G, dtype=torch.float64)
    return a @ a.T + torch.eye(n)


def test_conjugate_gradients_solve():
    a = positive(12)
    b, start = torch.randn(2, 12, generator=G, dtype=torch.float64)
    for x in (torch.zeros_like(b), start):
        found = conjugate_gradients(lambda v: a @ v, b, x, 60, tolerance=0)
        torch.testing.assert_close(found, torch.linalg.solve(a, b), rtol=1e-6, atol=1e-8)


def test_conjugate_gradients_in_exact_arithmetic_take_n_products():
    a, calls = torch.diag(torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)), []
    b = torch.ones(3, dtype=torch.float64)

    def product(v):
        calls.append(1)
        return a @ v

    found = conjugate_gradients(product, b, torch.zeros_like(b), 3, tolerance=0)
    torch.testing.assert_close(found, b / a.diagonal())
    assert len(calls) == 3


def test_conjugate_gradients_stop_at_negative_curvature():
    a, b = torch.diag(torch.tensor([1.0, -1.0])), torch.ones(2)
    assert torch.equal(conjugate_gradients(lambda v: a @ v, b, torch.zeros(2), 10), b)


def test_solved_is_the_solution_or_nothing():
    a, g = positive(5), torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(solve(a, 2.0, g), torch.linalg.solve(a + 2 * torch.eye(5), g))
    assert solve(-a, 0.0, g) is None


@pytest.mark.parametrize("curvature", ["hessian", "gauss-newton"])
def test_newton_is_exact_on_a_quadratic_in_one_step(curvature):
    a = torch.linalg.cholesky(positive(8)).T
    w, goal = nn.Parameter(torch.ones(8).double()), torch.arange(8).double()
    asked = Closure(lambda first: [F.mse_loss(a @ w, a @ goal, reduction="sum")], [w])
    Newton([w], damping=0.0, curvature=curvature).step(asked)
    torch.testing.assert_close(w.detach(), goal)
    assert asked.evaluations == Evaluations(values=2, gradients=1, products=8)


@pytest.mark.parametrize("kind", [Newton, HessianFree])
def test_no_step_is_taken_that_raises_the_loss(kind):
    """The only minimum of -|w| inside the tries is where it stands: a loss that jumps."""
    w = nn.Parameter(torch.ones(2))
    count = []

    def shares(first):
        count.append(1)
        yield F.mse_loss(w, torch.zeros(2)) + (0.0 if first else 100.0)

    kind([w]).step(Closure(shares, [w]))
    assert torch.equal(w.detach(), torch.ones(2))
    assert len(count) > 2
