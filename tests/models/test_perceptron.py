import pytest
import torch

from cutaway.errors import UsageError
from cutaway.models import build
from cutaway.models.perceptron import GATES, Lesson, Perceptron, XorGates, gate

X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TABLES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "nor": [1, 0, 0, 0]}
XOR = torch.tensor([0, 1, 1, 0])


def step(lesson: Lesson, rho: float) -> bool:
    """One step of gradient descent on mean((y - t) (w.x + b)), y held fixed; was all right?"""
    unit = lesson.unit
    optimizer = torch.optim.SGD(unit.parameters(), lr=rho)
    potential = unit.potential(lesson.x)
    y = (potential.detach() >= 0).float()
    ((y - lesson.t) * potential).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    return torch.equal(y, lesson.t)


def learn(unit: Perceptron | XorGates, t: torch.Tensor, steps: int = 40) -> torch.Tensor:
    """The answers to the four pairs after so many steps, or fewer where all are right."""
    for lesson in unit.lessons(X, t):
        for _ in range(steps):
            if step(lesson, rho=1.0):
                break
    return unit(X).argmax(1)


@pytest.mark.parametrize("name", TABLES)
def test_given_weights_are_the_gates(name):
    assert gate(name)(X).tolist() == [[1 - y, y] for y in TABLES[name]]
    assert set(GATES) == set(TABLES)


def test_one_step_is_the_learning_rule():
    torch.manual_seed(0)
    unit, x, t = Perceptron(3), torch.rand(1, 3), torch.tensor([0.0])
    unit.load_state_dict({"w": unit.w, "b": torch.ones(1)})  # so that it fires, wrongly
    y = unit.fire(x)
    w, b = unit.w + 0.5 * (t - y) * x[0], unit.b + 0.5 * (t - y)
    step(Lesson("", unit, x, t), rho=0.5)
    torch.testing.assert_close(unit.w, w)
    torch.testing.assert_close(unit.b, b)
    assert y.item() == 1


def test_a_right_answer_moves_nothing():
    unit = gate("and")
    before = unit.w.clone()
    step(*unit.lessons(X, torch.tensor(TABLES["and"])), rho=1.0)
    assert torch.equal(unit.w, before)


@pytest.mark.parametrize("name", TABLES)
def test_the_rule_learns_the_gate_from_any_start(name):
    for seed in range(50):
        torch.manual_seed(seed)
        assert learn(Perceptron(2), torch.tensor(TABLES[name])).tolist() == TABLES[name]


def test_no_single_unit_ever_answers_xor():
    for seed in range(50):
        torch.manual_seed(seed)
        unit = Perceptron(2)
        (lesson,) = unit.lessons(X, XOR)
        assert not any(step(lesson, rho=1.0) for _ in range(12))


def test_three_units_answer_xor_when_each_has_learned_its_own_table():
    for seed in range(10):
        torch.manual_seed(seed)
        net = XorGates()
        assert [lesson.name for lesson in net.lessons(X, XOR)] == ["nand", "or", "and"]
        assert learn(net, XOR).equal(XOR)
        assert net.nand.fire(X).tolist() == TABLES["nand"]
        assert net.or_.fire(X).tolist() == TABLES["or"]


def test_the_and_of_xor_learns_all_pairs_from_a_batch_of_one():
    nand, _, last = XorGates().lessons(X[1:2], XOR[1:2])
    assert nand.t.tolist() == [1]
    assert last.x.tolist() == X.tolist()
    assert last.t.tolist() == TABLES["and"]


@pytest.mark.parametrize("name", ["perceptron", "gates"])
def test_other_than_two_classes_are_refused(name):
    with pytest.raises(UsageError, match="2 classes, not 3"):
        build(name, 1, 3, (2,))


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="examples of 2 numbers"):
        build("gates", 1, 2, (3,))
    with pytest.raises(UsageError, match="Did you mean 'nand'"):
        gate("nandd")
