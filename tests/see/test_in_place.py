"""Networks that work in place are seen as the same networks that do not."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.see.ablation import modified_outputs, set_units
from cutaway.see.agreement import layer_agreement
from cutaway.see.attack import pgd
from cutaway.see.attribution import grad_cam, integrated_gradients, occlusion, saliency
from cutaway.see.features import effective_field, excite, strongest
from cutaway.see.filters import feature_maps
from cutaway.see.gradients import gradient_spectrum
from cutaway.see.maps import embedding
from cutaway.see.probe import answer, answers


class Turned(nn.Module):
    """What it gives back is its convolution's output seen from another side."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, str]:
        return self.conv(x).transpose(2, 3), "turned"


class Residual(nn.Module):
    """A small residual network: every operation that can work in place does, or none does."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.in_place = in_place
        self.stem, self.bn = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.relu, self.drop = nn.ReLU(in_place), nn.Dropout(0.5, in_place)
        self.turned, self.conv = Turned(), nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.mul_(2) if self.in_place else x * 2
        x = self.relu(self.drop(self.bn(self.stem(x))))
        y, _ = self.turned(x)
        y = F.relu_(y) if self.in_place else F.relu(y)
        z = self.conv(y)
        if self.in_place:
            z += x
            z.sub_(0.1).relu_()
        else:
            z = F.relu(z + x - 0.1)
        return self.head(z.mean((2, 3)))


LAYERS = ("stem", "bn", "relu", "turned", "turned.conv", "conv")
X = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(1))
T = torch.arange(5) % 4


def networks() -> tuple[Residual, Residual]:
    return Residual(True).eval(), Residual(False).eval()


def alike(view, tolerance: float = 1e-6) -> None:
    """A view of both networks, and the examples left as they were."""
    x = X.clone()
    one, other = (view(model, x) for model in networks())
    assert torch.equal(x, X)
    assert other.abs().max() > 0
    assert torch.allclose(one, other, atol=tolerance, rtol=1e-5)


OF_LAYERS = {
    "maps": lambda m, x, layer: feature_maps(m, x[0], layer).maps,
    "embedding": lambda m, x, layer: embedding(m, [x], layer),
    "strongest": lambda m, x, layer: strongest(m, [x], layer).values,
    "answers": lambda m, x, layer: answers(m, x, [layer])[layer],
    "grad-cam": lambda m, x, layer: grad_cam(m, x, T, layer),
    "effective field": effective_field,
    "excite": lambda m, x, layer: excite(m, x[:1], layer, 2, steps=4),
}
OF_NETWORKS = {
    "answer": answer,
    "saliency": lambda m, x: saliency(m, x, T),
    "integrated": lambda m, x: integrated_gradients(m, x, T, steps=4),
    "occlusion": lambda m, x: occlusion(m, x, T, 3, 2),
    "pgd": lambda m, x: pgd(m, x, T, 0.1, -9, 9),
    "agreement": lambda m, x: layer_agreement(m, m, x).cka,
    "spectrum": lambda m, x: gradient_spectrum(m, x, T).values,
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_layer_is_seen_as_it_was_before_the_next_changed_it(name, layer):
    alike(lambda model, x: OF_LAYERS[name](model, x, layer))


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_examples_stay_as_they_are(name):
    alike(lambda model, x: OF_NETWORKS[name](model, x))


@pytest.mark.parametrize("layer", ["stem", "bn", "conv"])
def test_a_changed_layer_is_changed_before_the_next_works_in_place(layer):
    def cut(model: nn.Module, x: Tensor) -> Tensor:
        with torch.no_grad(), modified_outputs(model, {layer: set_units([1, 3])}):
            return answer(model, x)

    alike(cut)


def watched(model: Residual):
    """Three steps of learning; what was seen, and the weights afterwards."""
    torch.manual_seed(2)
    optimizer = torch.optim.SGD(model.train().parameters(), 0.1)
    with ca.watch(model, every=1, only=[*LAYERS]) as scope:
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(X.clone()), T).backward()
            optimizer.step()
    return scope.watched, [p.detach() for p in model.parameters()]


def test_watched_learning_sees_the_same():
    (one, _), (other, _) = watched(Residual(True)), watched(Residual(False))
    assert one.layers == other.layers
    for name in ("activations", "gradients", "norms"):
        a, b = getattr(one, name), getattr(other, name)
        assert torch.equal(a.isnan(), b.isnan())
        assert torch.allclose(a.nan_to_num(), b.nan_to_num(), atol=1e-5, rtol=1e-4)
    assert other.figure("spread", "gradients").isfinite().all()


def test_a_layer_that_is_not_called_has_no_answer():
    model = Residual(True)
    model.aside = nn.Conv2d(3, 3, 1)
    with pytest.raises(UsageError, match="'aside' was not called"):
        grad_cam(model, X, T, "aside")
    with pytest.raises(UsageError, match="'aside' was not called"):
        feature_maps(model, X[0], "aside")
