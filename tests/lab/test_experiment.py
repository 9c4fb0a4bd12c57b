"""A claim: its settings, its rule, its isolation."""

import math

import numpy as np
import pytest
import torch

from cutaway import lab
from cutaway.errors import DataError, UsageError
from cutaway.figures import Axis, Bars, Curves, Part, images, line
from cutaway.lab.evidence import (
    Effect,
    Record,
    Table,
    Verdict,
    difference,
    exact,
    mean,
    part_of,
    ratio,
    share,
    share_of,
)
from cutaway.lab.figures import SHARE, over


def test_a_finding_has_everything(own):
    finding = lab.claim("coins.fair").run(replicates=100)
    assert finding.verdict is Verdict.HOLDS
    assert finding.settings == {"replicates": 100, "bias": 0.5, "seed": 0}
    assert finding.evidence.effects["heads"].n == 100
    assert finding.environment["torch"] == torch.__version__
    assert finding.claim.rule_in_words.startswith("Holds if the interval holds 50 %")
    assert finding.claim.what_is_done == "A coin is thrown."


def test_the_rule_decides_on_what_was_measured(own):
    coin = lab.claim("coins.fair")
    assert coin.run(bias=0.9).verdict is Verdict.FAILS
    assert coin.decide({"heads": Effect("", 50, 45, 55, 9)}) is Verdict.HOLDS
    assert coin.decide({"heads": Effect("", 60, 55, 65, 9)}) is Verdict.FAILS


def test_settings_by_scale_and_changes(own):
    coin = lab.claim("coins.fair")
    assert coin.settle()["replicates"] == 400
    assert coin.settle("evening")["replicates"] == 1000
    assert coin.settle("full")["replicates"] == 4000
    assert coin.settle("full", replicates=5)["replicates"] == 5


def test_a_data_set_that_is_a_setting_is_needed(own, monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))
    shapes = lab.claim("coins.shapes")
    assert shapes.lacks() == ""
    assert shapes.lacks(shapes.settle("evening")) == "needs mnist"
    with pytest.raises(DataError, match="needs mnist"):
        shapes.run("evening")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"replicate": 9}, "no setting 'replicate'. Did you mean 'replicates'?"),
        ({"replicates": 1}, "--replicates must be at least 2"),
        ({"replicates": "many"}, "--replicates takes a whole number, not 'many'"),
        ({"bias": 1.5}, "--bias must be at least 0 and at most 1, not 1.5"),
        ({"bias": "nan"}, "--bias must be"),
    ],
)
def test_settings_that_cannot_be(own, changes, sentence):
    with pytest.raises(UsageError) as error:
        lab.claim("coins.fair").run(**changes)
    assert sentence in str(error.value)


def test_settings_of_every_kind():
    settings = lab.claim("1.3").settings
    assert settings["widths"].read("2,4") == (2, 4)
    assert settings["widths"].read(3) == (3,)
    assert settings["activation"].read("tanh") == "tanh"
    for name, value, said in (
        ("widths", "2,0", "at least 1"),
        ("widths", (), "one value"),
        ("activation", "gelo", "'gelu'"),
    ):
        with pytest.raises(UsageError, match=said):
            settings[name].read(value)


def test_the_random_stream_and_the_threads_stay(own):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    lab.claim("1.3").run(widths=(2,), steps=2, replicates=2)
    with pytest.raises(ZeroDivisionError):
        lab.claim("coins.broken").run()
    assert torch.equal(torch.rand(4), expected)
    assert torch.get_num_threads() == threads


def test_the_seed_decides():
    one, same, other = (lab.claim("1.1").run(replicates=16, seed=s).evidence for s in (1, 1, 2))
    assert one == same
    assert one != other


def test_what_it_needs(own):
    with pytest.raises(DataError, match="needs no_such_package"):
        lab.claim("coins.absent").run()


def test_effects_and_their_intervals():
    assert exact("", 3).exact
    assert exact("", torch.tensor(3.0, requires_grad=True)) == exact("", 3)
    # Student's t with 3 degrees of freedom: 3.182 sqrt(5/3) / 2 = 2.054
    found = mean("", [1, 2, 3, 4], "s")
    assert (found.value, found.low, found.high) == pytest.approx((2.5, 0.446, 4.554), abs=1e-3)
    assert difference("", [1, 2, 3], [2, 3, 4]).low == 1  # pairs
    assert ratio("", [1, 2, 4], [2, 4, 8]).value == pytest.approx(2)
    assert share("", 0, 20).low == 0
    assert share("", 20, 20).high == 100
    assert share_of("", torch.tensor([True, False, True])) == share("", 2, 3)


def test_a_record_becomes_evidence():
    record = Record()
    record.effects(gap=exact("gap", 2), more=exact("more", 3))
    record.effects(last=exact("last", 4))
    record.table("named", [("a", torch.tensor(0.5)), ("b", np.float64(2))], "network | right (%)")
    record.table("by column", [{"x": 1, "|x|": None}, {"x": 2, "|x|": True}])
    record.table("each by itself", zip("ab", [1, 2], strict=True), ("a | b", *["c"]))
    series = line("y", [1, 2], [3, 4])
    record.curves("curves", "x", "y", series, series, y_log=True, levels={0.5: "chance"})
    record.bars("bars", "y", {"one": 1}, Part("p", (1.0,)), log=True, caption="a caption")
    record.images("images", torch.zeros(1, 2, 2), columns=4)
    record.takes("More.")
    found = record.because("""
        It is so,
        and not otherwise.
    """)
    assert list(found.effects) == ["gap", "more", "last"]
    assert found.tables == (
        Table("named", ("network", "right (%)"), (("a", 0.5), ("b", 2.0))),
        Table("by column", ("x", "|x|"), ((1, None), (2, True))),
        Table("each by itself", ("a | b", "c"), (("a", 1), ("b", 2))),
    )
    assert {type(cell) for row in found.tables[0].rows for cell in row} == {str, float}
    assert found.figures == (
        Curves("curves", "x", Axis("y", "log"), (series, series), levels=((0.5, "chance"),)),
        Bars("bars", Axis("y", "log"), ("one",), (Part("p", (1.0,)),), "a caption"),
        images("images", torch.zeros(1, 2, 2), columns=4),
    )
    assert (found.because, found.takes) == ("It is so, and not otherwise.", "More.")


def test_a_paragraph_may_have_a_part_that_is_empty_or_has_lines_of_its_own():
    assert Record().because(f"One. {''}\n  {''}\n").because == "One."
    assert (
        Record()
        .because("""One.
        Two.

        Three.""")
        .because
        == "One. Two. Three."
    )


def test_effects_as_bars():
    drawn = part_of("a", [mean("", [1, 2, 3, 4]), exact("", 3)])
    assert drawn.values == (2.5, 3)
    assert drawn.low == pytest.approx((0.446, 3), abs=1e-3)
    assert drawn.high == pytest.approx((4.554, 3), abs=1e-3)


def test_intervals_end_where_values_do():
    shares = torch.tensor([0.0, 100.0, 100.0, 100.0])
    free, cut = mean("", shares, "%"), mean("", shares, "%", SHARE)
    assert free.high > 100 == cut.high
    assert cut.low == max(free.low, 0)
    drawn = over("a", [1], shares[None], within=SHARE)
    assert (drawn.y[0], drawn.low[0], drawn.high[0]) == (75, cut.low, 100)


def test_means_of_what_differs_by_factors_are_geometric():
    found = over("a", [1], torch.tensor([[1.0, 10.0, 100.0]]), ratios=True)
    assert found.y[0] == pytest.approx(10)
    assert found.low[0] * found.high[0] == pytest.approx(100)
    assert found.low[0] > 0


def test_numbers_that_became_zero_tell_nothing_and_warn_of_nothing():
    """As activations do in fifty layers that shrink them: filterwarnings makes a warning fail."""
    found = ratio("share that arrives", [1.0, 2.0, 3.0], [0.0, 0.0, 1.0])
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, math.inf)
    series = over("spread", range(2), np.array([[1.0, 1.0], [0.0, 1e-30]]), ratios=True)
    assert series.y[0] == 1.0
    assert math.isnan(series.y[1])
    assert math.isnan(difference("gain", [math.inf, 1.0], [math.inf, 2.0]).value)
