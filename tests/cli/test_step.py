"""`cutaway step`: sessions as somebody would type them, or send them through a pipe."""

import io
import re

import pytest
import torch
from helpers.command import cutaway, process, words
from PIL import Image
from rich.console import Console

from cutaway.byhand import Graph
from cutaway.byhand.operations import ReLU
from cutaway.byhand.step import Stepper
from cutaway.cli.walk import Walk


def session(*arguments: object, commands: str = "", code: int = 0) -> str:
    """What stands on the screen after these commands."""
    done = cutaway("step", *arguments, typed=commands.replace("; ", "\n") + "\n")
    assert done.code == code, done.err
    assert max(map(len, done.out.splitlines()), default=0) <= 80
    return done.out if code == 0 else done.err


def test_through_a_real_pipe():
    done = process("step", "lenet5", typed="n\nc\n")
    assert (done.code, done.err) == (0, "")
    assert "(forward 0/13) n\nforward 1/13  c1.u  Convolution\n" in done.out
    assert "z =    x            2x1x32x32\n" in done.out
    assert "s(i) = sum_x z(i + x) u(x) + u_0" in done.out
    assert "10 of 10 parameters have a gradient" in words(done.out)
    assert "\x1b" not in done.out  # no colours


def test_the_way_up_and_down():
    out = session("lenet5", commands="n; ; b output; c; c; compare; n; q; n")
    assert re.findall(r"^(?:forward|backward) \d+/\d+  \S+", out, re.M) == [
        "forward 1/13  c1.u", "forward 2/13  c1.pool", "forward 12/13  output",
        "backward 2/13  output", "backward 3/13  relu:2",
    ]  # fmt: skip
    assert "dJ/du    to output.weight  10x84  norm" in out
    assert "10,140 operations" in out  # three times 3,380 forward, one gradient each
    errors = re.findall(r"^output\S* .* (\d\.\de-\d+)$", out, re.M)
    assert len(errors) == 3
    assert max(map(float, errors)) < 1e-5
    assert out.endswith(") q\n")


def test_a_session_with_every_command():
    out = session(
        "lenet5",
        commands="help; b c3.u; b output; b; d output; c; list; p c3.u; p c1.u.weight[0,0]; "
        "set c3.u[0,:,1] = 2; set c1.u.bias 0.5; back; setg cross_entropy_loss 3; n; g output; "
        "c; compare; compare all; explode 1e9; nan; back; nan",
    )
    flat = words(out)
    assert "explode [LIMIT]" in out
    assert "Breaks: c3.u, output." in flat
    assert "Breaks: c3.u. (forward 0/13) c forward 4/13 c3.u" in flat
    assert ">  b  c3.u                Convolution   2x16x10x10\n" in out
    assert re.search(r"\nc1.u.weight\[0,0\]  5x5\n  mean .*\n(  (\S+  ){4}\S+\n){5}", out)
    assert "c3.u[0,:,1] is 2 now. (forward" in flat
    assert "Computed again: c1.u, c1.pool, c1.relu and c3.u. (forward" in flat
    assert "dJ/d(cross_entropy_loss) is 3 now." in flat
    assert "dJ/d(output)  2x10\n" in out
    assert "backward 10/13  c3.u" in out
    assert "Below c3.u, which you set, autograd may differ" in flat
    errors = [float(e) for e in re.findall(r" (\d\.\de[-+]\d+)$", out, re.M)]
    assert len(errors) > 20
    assert max(errors) < 1e-4  # autograd knows of all three changes
    assert "No number was above 1e+09 on the way. This is the end." in flat
    assert "The walk is at its end" in flat
    assert "All numbers were finite on the way. This is the end." in flat


def test_changes_reach_what_follows():
    before = session("lenet5", commands="c")
    after = session("lenet5", commands="n; set c1.u 0; c")
    late = session("lenet5", commands="c; set c1.u 0; c")
    J = [re.findall(r"J = ([\d.e+-]+)\.\s", words(text))[-1] for text in (before, after, late)]
    assert J[0] != J[1] == J[2]


def test_where_something_is_not_finite_or_too_large():
    out = words(session("lenet5", commands="set c3.u.weight[0,0,0,0] inf; nan; explode; nan"))
    assert "(forward 0/13) nan forward 4/13 c3.u Convolution" in out
    assert "Not every number is finite here, nor in c3.u.weight." in out
    assert "forward 5/13 c3.pool" in out
    assert "Here a number is above 1,000" in out
    made = words(session("lenet5", commands="b c5; c; set c5 3e38; set f6.weight 1; nan"))
    assert "finite here, though all are that it is made of" in made


def test_both_players_of_a_gan():
    out = session("dcgan", "--player", "generator", commands="n; b generator.tanh; c; c; compare")
    assert "Constant, randn" in out
    assert "backward 11/19  generator.tanh  Tanh" in out
    assert "to generator.output" in out
    other = session("dcgan", commands="c; compare all; g generator.output.weight")
    assert "player discriminator; --player also takes generator" in other
    assert "7 of 7 parameters" in words(other)
    assert "'generator.output.weight' depends on no parameter" in other


def test_the_seed_decides():
    commands = "p x; n; n; n; n"
    first, again = (session("dcgan", "--seed", 4, commands=commands) for _ in range(2))
    assert first == again
    assert first != session("dcgan", "--seed", 5, commands=commands)


def test_a_picture(tmp_path):
    path = tmp_path / "half.png"
    picture = Image.new("RGB", (60, 40), "white")
    picture.paste("black", (0, 0, 30, 40))
    picture.save(path)
    out = session("lenet5", "--image", path, "--batch", 1, commands="p x")
    assert "x 1x1x32x32, t 1; from half.png" in words(out)
    assert " " * 8 + "█" * 8 + "\n" in out
    assert "mean" in out
    assert "x 2x3x32x32" in session("resnet20", "--image", path)
    assert "from -1 to 1" in session("gan", "--image", path, commands="p x")


ANSWERS = {
    "foo": "There is no command 'foo'.",
    "lits": "Did you mean 'list'?",
    "[": "There is no command '['.",
    "b c3": "There is no node 'c3'. Did you mean c3.u, c3.pool or c3.relu?",
    "p c1.u.weihgt": "Did you mean c1.u.weight",
    "b zzzzzz": "There is no node 'zzzzzz'. `list` shows them.",
    "b c1.u.weight": "'c1.u.weight' is given, not computed",
    "d c1.u": "There is no break at 'c1.u'",
    "p": "Which node?",
    "p f6": "'f6' has no value yet",
    "p c1.u[9]": "no such part",
    "p c1.u[a]": "whole numbers and colons",
    "p c1.u[0": "whole numbers and colons",
    "g c1.u": "No gradient has come to 'c1.u' yet",
    "g x": "'x' depends on no parameter",
    "set c1.u": "Write a node and a number",
    "set c1.u lots": "'lots' is not a number.",
    "set f6 1": "has not reached 'f6' yet",
    "set c1.u[0,0,0,99] 1": "no such part",
    "set t 0.5": "'t' holds whole numbers",
    "set t[0] nan": "'t' holds whole numbers",
    "setg c1.u 1": "No gradient has come to 'c1.u' yet",
    "compare": "There are no gradients yet",
    "explode high": "'high' is not a number.",
}


def test_wrong_commands_are_answered_and_the_session_goes_on():
    out = session("lenet5", commands="; ".join(["n", *ANSWERS, "n"]))
    _, *said, last = out.split("(forward 1/13) ")
    for (command, answer), printed in zip(ANSWERS.items(), said, strict=True):
        assert printed.startswith(f"{command}\n")
        assert answer in words(printed)
    assert "forward 2/13 c1.pool MaxPooling" in words(last)


def test_a_step_that_cannot_be_taken_can_be_mended():
    out = words(session("lenet5", commands="set t 77; c; set t 3; c"))
    assert "The node 'cross_entropy_loss' (CrossEntropy) cannot be computed" in out
    assert "This is the end. J =" in out


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["lenet"], "Did you mean 'lenet5'?"),
        (["dcgan", "--player", "generater"], "Did you mean 'generator'?"),
        (["lenet5", "--image", "nowhere.png"], "nowhere.png"),
        (["lenet5", "--image", __file__], "not a picture"),
        (["signal_net", "--image", __file__], "takes no pictures"),
    ],
)
def test_a_walk_that_cannot_begin(arguments, answer):
    code = 1 if arguments[-1] in ("nowhere.png", __file__) and "lenet5" in arguments else 2
    assert answer in words(session(*arguments, code=code))


def test_an_interruption_ends_it_cleanly(monkeypatch):
    def interrupted(prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert session("lenet5").startswith("lenet5\nJ = cross_entropy_loss")


def test_a_terminal_without_shades():
    graph = Graph()
    x = graph.input("x")
    graph.add("z", ReLU(), x)
    walk = Walk(Stepper(graph, [torch.arange(16.0).view(1, 1, 4, 4)]))
    screen = io.BytesIO()
    walk.console = Console(file=io.TextIOWrapper(screen, "ascii"))
    walk.onecmd("n")
    walk.console.file.flush()
    assert b"    ....  z = max(0, s)\n....oooo  s =    x  1x1x4x4\n" in screen.getvalue()
    assert b"0000@@@@  mean 7.5" in screen.getvalue()


@pytest.mark.parametrize(
    "words", ["n; c; q; n", "next; run; quit; n", "step; r; exit; n", "; cont; q"]
)
def test_commands_by_the_names_of_other_debuggers(words):
    out = session("mlp", commands=words)
    assert "forward 1/" in out
    assert out.count("This is the end.") == 1


def test_help_by_any_name():
    for word in ("help", "h", "?"):
        assert "the next step" in session("mlp", commands=f"{word}; q")
