"""Inside a step: the walk through a network as it stands, and that nothing notices it."""

import struct
from base64 import b64decode

import pytest
import torch
from helpers.browser import CHROMIUM, opened
from helpers.killed_runs import contents
from helpers.studio import play, run_of, studio

import cutaway.byhand  # noqa: F401  # fills the table of operations
from cutaway.api import fit
from cutaway.byhand.operation import OPERATIONS
from cutaway.errors import UsageError
from cutaway.learn.run import Run
from cutaway.studio.inside import Inside, words
from cutaway.studio.mathml import TOKEN, equations, leaves
from cutaway.studio.read_scene import ReadScene
from cutaway.studio.tensors import planes

ROUNDING = 1e-6


def scene_of(model, **options):
    fit(model, "digits", epochs=1, out="run", progress=False, **options)
    run = Run("run")
    return ReadScene(run, run.images())


def numbers_of(tensor):
    count = tensor["planes"] * tensor["rows"] * tensor["columns"]
    return struct.unpack(f"<{count}f", b64decode(tensor["numbers"]))


@pytest.mark.parametrize("model", ["lenet5", "mlp", "vae", "dcgan"])
def test_every_node_of_every_player_is_shown(model):
    scene = scene_of(model)
    before = {name: x.clone() for name, x in scene.model.state_dict().items()}
    for player in Inside(scene).players:
        inside = Inside(scene, player)
        about = inside.about()
        assert about["player"] == player
        assert {node for node, _ in about["events"]} <= set(range(len(about["nodes"])))
        for at in range(len(inside.events)):
            shown(inside, at)
        compared = inside.compared()
        assert compared["count"] == len(inside.graph.gradients)
        assert compared["worst"]["relative"] < ROUNDING
        learned = {name for name in inside.graph.parameters if name in inside.graph.gradients}
        assert {row["name"] for row in compared["parameters"]} == learned
    after = scene.model.state_dict()
    assert all(torch.equal(x, after[name]) for name, x in before.items())


def shown(inside, at):
    """A step's numbers are those of the walk, and what one is made of comes to it."""
    event, told = inside.events[at], inside.event(at, 1)
    assert told["equations"]
    value = event.value
    example = value[1] if inside._rows(event.node.name, value) else value
    assert told["value"]["shape"] == list(value.shape)
    assert told["value"]["norm"] == pytest.approx(value.float().norm().item(), nan_ok=True)
    assert numbers_of(told["value"])[0] == pytest.approx(example.flatten()[0].item())
    assert (told["arrives"] is not None) == (event.phase == "backward")
    assert [one["name"] for one in told["leaves"]] == [name for name, _ in event.sent]
    for one, (_, share) in zip(told["leaves"], event.sent, strict=True):
        assert one["shape"] == list(share.shape)
    place = example.numel() // 2
    made = inside.value(at, 1, place)
    assert made["value"] == pytest.approx(example.flatten()[place].item())
    if made["how"] in ("convolved", "products"):
        assert the_sum(made) == pytest.approx(made["value"], rel=1e-3, abs=1e-5)
    if made["how"] == "normalised":
        hat = (made["number"] - made["mean"]) / made["spread"]
        number = hat * made["scale"] + made["shift"]
        assert number == pytest.approx(made["value"], rel=1e-3, abs=1e-4)
    if made["how"] == "window":
        assert max(number for row in made["window"] for number in row) == made["value"]


def the_sum(made):
    if made["how"] == "products":
        own = sum(one["input"] * one["weight"] for one in made["terms"])
    else:
        own = sum(
            a * b for one in made["channels"]
            for rows in zip(one["patch"], one["kernel"], strict=True)
            for a, b in zip(*rows, strict=True)
        )  # fmt: skip
    return own + made["rest"] + (made["bias"] or 0.0)


def test_a_network_that_learns_without_gradients_says_so():
    fit("perceptron", "and", epochs=1, out="run", progress=False)
    run = Run("run")
    scene = ReadScene(run, run.images())
    with pytest.raises(UsageError, match="does not learn by gradients"):
        Inside(scene)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "dcgan"])
def test_a_training_that_was_looked_into_comes_out_the_same(model):
    async def scene(desk):
        await desk.start(model, fields={"epochs": "1"})
        for step in (1, 2):
            await desk.say(do="step")
            about = await looked_into(desk)
            assert about["step"] == step
            await desk.until(lambda m: "event" in m)
            last = len(about["events"]) - 1
            await desk.say(inside={"show": last, "image": 2})
            assert (await desk.until(lambda m: "event" in m))["event"]["at"] == last
            await desk.say(inside={"compare": True})
            compared = (await desk.until(lambda m: "compared" in m))["compared"]
            assert compared["worst"]["relative"] < ROUNDING
            await desk.say(inside={"show": last + 1})
            assert "none" in (await desk.until(lambda m: "refused" in m))["refused"]
        await desk.say(inside={"open": "nobody"})
        assert "no player" in (await desk.until(lambda m: "refused" in m))["refused"]
        await desk.say(do="go")
        run = Run(run_of(await desk.kind("ended")))
        plain = fit(model, "digits", epochs=1, out="plain", progress=False)
        assert contents(plain.path) == contents(run.path)
        await desk.kind("begun")  # the run is read from here on
        await desk.say(inside={"open": ""})
        await desk.until(lambda m: m["kind"] == "inside" and "about" in m)

    play(scene)


async def looked_into(desk):
    """What is told of the step that is open, once the training pauses."""
    while True:
        await desk.say(inside={"open": ""})
        message = await desk.until(lambda m: "about" in m or m["kind"] == "said")
        if "about" in message:
            return message["about"]
        assert "Pause the training" in message["text"]


def test_every_equation_is_read_whole():
    """All names and numbers of an equation stand in its tree, in their order."""
    left_out = {"sum", "dJ", "floor"}
    for kind in set(OPERATIONS.values()):
        text = kind.equations()
        wanted = [
            part for token in TOKEN.finditer(text) if token["name"] or token["number"]
            for part in token.group().replace("_", " ").split() if part not in left_out
        ]  # fmt: skip
        found = [
            part for tree in equations(text) for leaf in leaves(tree)
            for part in leaf.split() if part not in left_out
        ]  # fmt: skip
        derivative = {"\N{PARTIAL DIFFERENTIAL}", "J"}
        given = iter([one for one in found if one not in derivative])
        assert all(part in given for part in wanted if part not in derivative), text


def test_equations_are_trees():
    assert equations("z = 1 / (1 + e^-s)") == [
        ["math", ["mrow", ["mi", "z"], ["mo", "="], ["mfrac", ["mn", "1"], [
            "mrow", ["mn", "1"], ["mo", "+"],
            ["msup", ["mi", "e"], ["mrow", ["mo", "\N{MINUS SIGN}"], ["mi", "s"]]],
        ]]]]
    ]  # fmt: skip
    assert len(equations("dJ/dz = U' g, dJ/dU = g z', dJ/du_0 = g")) == 3
    assert equations("x^")[0][1] == ["mover", ["mi", "x"], ["mo", "^"]]


def test_words_and_planes():
    assert words("MaxPooling") == "Max pooling"
    assert words("LeakyReLU") == "Leaky ReLU"
    assert words("GELU") == "GELU"
    assert planes(torch.zeros(3, 4, 5)).shape == (3, 4, 5)
    assert planes(torch.zeros(())).shape == (1, 1, 1)
    long = planes(torch.arange(100.0))
    assert long.flatten()[:100].tolist() == list(range(100))
    assert long.flatten()[100:].isnan().all()


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer")
def test_a_page_walks_to_the_end_and_compares(tmp_path):
    with (
        studio("lenet5", "digits", "--port", "0") as (address, token, _),
        opened(tmp_path) as page,
    ):
        page.look(1280, dark=False)
        page.open(f"{address}/?token={token}")
        page.wait(f"Boolean({found('Inside a step')}) && !{found('Inside a step')}.disabled", 90)
        page.run(f"{found('Inside a step')}.click()")
        page.wait("Boolean(document.querySelector('.inside-node h3'))", 60)
        assert page.run("document.querySelector('.inside-node math') instanceof MathMLElement")
        page.run(f"{found('To the end of forward')}.click()")
        page.wait("document.querySelector('.inside-where').textContent.startsWith('Forward 13')")
        page.run(f"{found('To the end')}.click()")
        page.wait("document.querySelector('.inside-where').textContent === 'Backward 13 of 13'")
        page.run(f"{found('Compare with autograd')}.click()")
        said = page.wait("document.querySelector('.inside-agrees')?.textContent ?? ''")
        assert "the same, but for rounding" in said
        page.run("document.querySelectorAll('.inside-box')[1].click()")
        page.wait("document.querySelector('.inside-node h3').textContent === 'c1.u'")
        page.run("document.querySelector('.inside-numbers').click()")
        page.wait("document.querySelectorAll('.inside-grid').length === 3")
        for width in (390, 1280):
            page.look(width, dark=True)
            assert page.run("document.documentElement.scrollWidth <= innerWidth")
        page.run(f"{found('Close')}.click()")
        assert page.run("document.querySelector('dialog.inside').open") is False
        assert page.problems == []


def found(text):
    """The button with a text that is on the page, as an expression."""
    named = f"(one) => one.textContent === '{text}'"
    return f"[...document.querySelectorAll('#buttons button, .inside button')].find({named})"
