"""Learning curves of any figures: which chart, which axis, inside the frame."""

import pytest

from cutaway.learn.history import selected
from cutaway.learn.recipe import Recipe
from cutaway.show.charts import curves as drawing
from cutaway.show.charts.drawing import Chart
from cutaway.show.curves import curves


def charts(recipe: Recipe | None = None, **figures: tuple[float, ...]) -> tuple[Chart, ...]:
    """The charts of figures by epoch, without the learning rate's."""
    count = len(next(iter(figures.values())))
    rows = [
        {"epoch": i + 1, "lr": 0.1} | {k: v[i] for k, v in figures.items()} for i in range(count)
    ]
    learning = curves(rows, recipe or Recipe())
    assert learning is not None
    drawn = tuple(map(drawing.draw, learning.figures))
    for chart in drawn:
        for line in chart.lines:
            assert all(chart.left <= x <= chart.right for x, _ in line.points)
            assert all(chart.top <= y <= chart.bottom for _, y in line.points)
    return drawn[:-1]


def test_a_distance_that_falls_by_powers_is_drawn_by_ratios() -> None:
    (chart,) = charts(val_fid=(900.0, 90.0, 9.0))
    heights = [y for _, y in chart.lines[0].points]
    assert chart.y_label == "distance (log scale)"
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    assert chart.caption.startswith("Lower is better")


def test_training_and_validation_of_a_measure_share_a_chart() -> None:
    shown = charts(
        train_kl=(1.0, 2.0), train_loss=(9.0, 8.0), val_loss=(8.0, 7.0), val_kl=(1.0, 2.5)
    )
    assert [(c.title, [line.kind for line in c.lines]) for c in shown] == [
        ("Loss", ["train", "val"]),
        ("KL divergence", ["train", "val"]),
    ]


def test_players_share_charts_and_losses_may_be_negative() -> None:
    losses, accuracies, own = charts(
        Recipe(task="adversarial"),
        train_discriminator_accuracy=(0.6, 0.5),
        train_generator_loss=(-0.3, -0.7),
        train_discriminator_loss=(1.3, 1.4),
        train_critic_accuracy=(0.5, 1.0),
    )
    assert losses.keys == (("one", "generator", False), ("two", "discriminator", False))
    assert [(line.kind, line.name) for line in accuracies.lines] == [("one", "critic")]
    assert "2 ln 2" in losses.caption
    assert [level.word.text for level in own.levels] == ["guessing"]
    zero = next(y for y, text in losses.y_ticks if text == "0")
    assert all(y > zero for _, y in losses.lines[0].points)


def test_a_measure_of_ones_own_is_drawn_by_its_name() -> None:
    (chart,) = charts(val_edge_error=(3.0, 3.1))
    assert (chart.title, chart.y_label) == ("Edge error", "edge error")


def test_equal_values_have_an_axis() -> None:
    (chart,) = charts(val_psnr=(20.0, 20.0))
    assert len(chart.y_ticks) > 1


ROWS = [
    dict(epoch=e, lr=0.1, train_loss=a, train_accuracy=0.5, val_loss=b, val_accuracy=c)  # noqa: C408
    for e, a, b, c in ((1, 2.0, 1.0, 0.5), (2, 1.0, 0.4, 0.9), (3, 0.01, 0.7, 0.9))
]


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [({}, 3), ({"patience": 1}, 2), ({"patience": 1, "monitor": "val-accuracy"}, 2)],
)
def test_kept_epoch(changes: dict, epoch: int) -> None:
    recipe = Recipe(**changes)
    assert selected(ROWS, recipe.monitor, recipe.patience)["epoch"] == epoch


def test_curves_stay_inside_their_chart() -> None:
    learning = curves(ROWS, Recipe())
    assert learning is not None
    drawn = tuple(map(drawing.draw, learning.figures))
    assert "log scale" in drawn[0].y_label
    for chart in drawn:
        for line in chart.lines:
            assert all(chart.left <= x <= chart.right for x, _ in line.points)
            assert all(chart.top <= y <= chart.bottom for _, y in line.points)


def test_no_metrics_no_curves() -> None:
    assert curves([], Recipe()) is None


def test_zero_loss_and_zero_accuracy_can_be_drawn() -> None:
    row = {"epoch": 1, "lr": 0.0, "train_loss": 0.0, "train_accuracy": 0.0}
    learning = curves([row], Recipe(val=0.0))
    assert learning is not None
    assert all(drawing.draw(figure).y_ticks for figure in learning.figures)


def stepped(count: int, width: int = 1) -> list[dict]:
    """Steps whose loss falls, in windows of some."""
    return [
        {
            "step": width * (i + 1), "steps": width, "lr": 0.1 / (i + 1),
            "train_loss": 2.0 / (i + 1), "train_loss_min": 1.0 / (i + 1),
            "train_loss_max": 3.0 / (i + 1),
        }
        for i in range(count)
    ]  # fmt: skip


def test_one_epoch_is_a_curve_by_step() -> None:
    row = {"epoch": 1, "step": 400, "lr": 0.0, "train_loss": 0.5, "val_loss": 0.4}
    learning = curves([row], Recipe(), stepped(400))
    assert learning is not None
    loss, rates = learning.figures
    train, val = loss.series
    assert loss.x.label == rates.x.label == "step"
    assert (len(train.x), train.x[0], train.x[-1]) == (40, 10, 400)
    assert train.y[0] == pytest.approx(sum(2.0 / i for i in range(1, 11)) / 10)
    assert (train.low[0], train.high[0]) == (0.1, 3.0)
    assert (val.x, val.y) == ((400,), (0.4,))
    assert "means over 10 steps" in loss.caption
    assert train.labels[0].startswith("training, steps 1 to 10: ")


def test_steps_lie_within_their_epochs_and_stages() -> None:
    rows = [
        {"epoch": e, "step": s, "stage": stage, "lr": 0.1, "train_loss": 1.0, "val_loss": 1.0}
        for e, s, stage in ((1, 10, 1), (2, 20, 1), (3, 5, 2))
    ]
    steps = [{"stage": 1, **one} for one in stepped(20)]
    steps += [{"stage": 2, **one} for one in stepped(5)]
    learning = curves(rows, Recipe(stages=[{"epochs": 2}, {"epochs": 1}]), steps)
    assert learning is not None
    loss = learning.figures[0]
    assert loss.x.label == "epoch"
    assert loss.series[0].x == pytest.approx(
        [*(i / 10 for i in range(1, 21)), 2.2, 2.4, 2.6, 2.8, 3]
    )
    assert loss.series[1].x == (1, 2, 3)
    assert loss.marks == ((2, "stage 2"),)
