"""`cutaway check` as a user calls it."""

from helpers.command import cutaway


def test_one_network_layer_by_layer():
    done = cutaway("check", "lenet5")
    assert done.code == 0, done.err
    for word in ("c1.u.weight", "output.bias", "autograd", "differences"):
        assert word in done.out


def test_several_networks_a_line_a_player():
    done = cutaway("check", "gates", "gan", "--differences", "0")
    lines = done.out.splitlines()
    assert done.code == 0
    assert len(lines) == 1 + 3 + 2
    assert lines[-1].split()[:2] == ["gan", "generator"]
    assert lines[-1].split()[-1] == "-"


def test_json():
    (row,) = cutaway("check", "mlp", "--json").json
    assert row["agrees"]
    assert row["by autograd"] < 1e-12
    assert len(row["layers"]) == row["parameters"]


def test_bad_input():
    for words, sentence in (
        ((), "Which network?"),
        (("lenet6",), "Did you mean 'lenet5'?"),
        (("mlp", "--all"), "Either mlp or --all"),
    ):
        done = cutaway("check", *words)
        assert done.code == 2
        assert sentence in done.err
