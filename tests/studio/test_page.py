"""The studio in a real browser: somebody opens it, trains, reaches in, travels and replays."""

import os
import signal
from pathlib import Path

import pytest
from helpers.axe import violations
from helpers.browser import CHROMIUM, labelled, opened, press
from helpers.studio import studio

from cutaway.api import fit
from cutaway.learn.interventions import read_interventions
from cutaway.learn.snapshots import Snapshots
from cutaway.studio.recording import write_recording

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer"),
]
LOOKS = [(width, dark) for width in (390, 1280, 1920) for dark in (False, True)]


def status(page):
    return page.run("document.getElementById('status').textContent")


def step_of(page):
    words = status(page).split()
    return int(words[1].replace(",", "")) if words[:1] == ["Step"] else -1


def looked_at(page):
    """In every look nothing sticks out, nothing is hard to use, and no problem was told."""
    for width, dark in LOOKS:
        page.look(width, dark)
        wide = page.run(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, (width, wide)
    assert violations(page) == []
    assert page.problems == []
    page.look(1280, False)


@pytest.fixture
def page(tmp_path):
    with opened(tmp_path) as one:
        one.look(1280, False)
        yield one


def test_from_the_door_to_a_unit_that_is_held(page, tmp_path):
    """The path of somebody who has never trained a network: open, start, pause, hold, undo."""
    with studio("--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("document.querySelectorAll('#choosing li').length > 5")
        looked_at(page)
        page.run(f"{labelled('Start: LeNet-5, small digits')}.click()")
        page.wait("/^Step [1-9]/.test(document.getElementById('status').textContent)", 60)
        page.wait(press("Pause"))
        page.wait("/paused/.test(document.getElementById('status').textContent)")
        looked_at(page)
        before = step_of(page)
        page.wait(press("Step"))
        page.wait(f"/Step {before + 1} /.test(document.getElementById('status').textContent)")
        maps = labelled("Feature maps")
        page.run(f"{maps}.scrollIntoView()")
        page.wait(f"{maps}.querySelectorAll('button.unit').length >= 6")
        page.run(f"{maps}.querySelectorAll('button.unit')[2].click()")
        page.wait(press("Switch off"))
        page.wait("/held at 0/.test(document.body.textContent)")
        run = next((tmp_path / "runs").iterdir())
        assert [str(one.change) for one in read_interventions(run)] == [
            "Unit 2 of c1.u was held at 0."
        ]
        page.wait(press("Undo"))
        page.wait("/Taken back: unit 2 of c1.u learned again/.test(document.body.textContent)")
        page.wait(press("Go"))
        page.wait("/accuracy .* on the test/i.test(document.body.textContent)", 120)
        page.wait("!document.getElementById('travel').hidden", 60)
        looked_at(page)
        page.wait(press("Choose another"))
        page.wait(f"!!{labelled(f'Open {run.name}')}")
        looked_at(page)
        page.run(f"{labelled('Set up: XOR')}.click()")
        page.wait("!document.querySelector('.recipe').hidden")
        looked_at(page)
        page.run(f"{labelled(f'Open {run.name}')}.click()")
        page.wait("!document.getElementById('travel').hidden", 60)
        page.run(f"{maps}.scrollIntoView()")
        page.wait(f"{maps}.querySelectorAll('button.unit').length >= 6")
        page.run(f"{maps}.querySelectorAll('button.unit')[1].click()")
        page.wait(press("Switch off"))
        page.wait("/What if: unit 1 of c1.u was held at 0/.test(document.body.textContent)")
        page.wait("/before, .* after/.test(document.querySelector('.reached').textContent)")
        looked_at(page)
        page.run(f"{maps}.querySelectorAll('button.unit')[1].click()")
        page.wait(press("Bring it back"))
        page.wait("!/What if/.test(document.querySelector('.reached').textContent)")


def test_a_drawing_of_ones_own_is_answered(page, tmp_path):
    with studio("lenet5", "digits", "--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("!!document.querySelector('canvas.pad')", 60)
        page.run("document.querySelector('canvas.pad').scrollIntoView({ block: 'center' })")
        page.run("globalThis.$ = () => document.querySelector('canvas.pad'); true")
        page.draw((0.3, 0.2), (0.6, 0.2), (0.5, 0.5), (0.4, 0.8))
        page.wait(f"/your own/.test({labelled('What it answers')}.textContent)")
        assert page.problems == []


@pytest.mark.parametrize(
    ("size", "said"),
    [(200_000_000, "larger than 20 MB"), (1_000_000, "not a picture that can be read")],
)
def test_what_is_dropped_and_is_no_image_is_told_in_a_sentence(page, tmp_path, size, said):
    with studio("lenet5", "digits", "--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("!!document.querySelector('canvas.pad')", 60)
        page.run(
            "(() => { const held = new DataTransfer(); "
            f"const bytes = new Uint8Array({size}); "
            "held.items.add(new File([bytes], 'one.png', { type: 'image/png' })); "
            "document.querySelector('.drop').dispatchEvent("
            "new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true })); })()"
        )
        page.wait(f"/{said}/.test(document.getElementById('notices').textContent)")
        page.wait(press("Step"))
        page.wait("/^Step 1 /.test(document.getElementById('status').textContent)")
        assert page.problems == []


def test_a_trainer_that_is_killed_is_told_and_gone_on_with(page, tmp_path):
    with studio("lenet5", "digits", "--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("/paused/.test(document.getElementById('status').textContent)", 60)
        trainer = next(
            int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline")
            if b"cutaway.studio.trainer" in path.read_bytes()
            and Path(os.readlink(path.parent / "cwd")) == tmp_path
        )  # fmt: skip
        os.kill(trainer, signal.SIGKILL)
        page.wait("/ended before its time/.test(document.body.textContent)")
        page.wait(press("Go on"))
        page.wait("/accuracy .* on the test/i.test(document.body.textContent)", 120)


def test_a_server_that_is_gone_is_told_and_one_that_comes_back_is_found(page, tmp_path):
    with studio("--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("document.querySelectorAll('#choosing button').length > 5")
    page.wait("/Connection lost/.test(document.body.textContent)")


def test_two_pages_see_the_same_and_one_controls(page, tmp_path):
    (tmp_path / "second").mkdir()
    with (
        studio("mlp", "digits", "--port", "0") as (address, token, _),
        opened(tmp_path / "second") as other,
    ):
        page.open(f"{address}/?token={token}")
        page.wait("/paused/.test(document.getElementById('status').textContent)", 60)
        other.open(f"{address}/?token={token}")
        other.wait("/Someone else controls/.test(document.body.textContent)")
        page.wait(press("Step"))
        for one in (page, other):
            one.wait("/^Step 1 /.test(document.getElementById('status').textContent)")
        other.wait(press("Take control"))
        page.wait("/Someone else controls/.test(document.body.textContent)")
        other.wait(press("Step"))
        page.wait("/^Step 2 /.test(document.getElementById('status').textContent)")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit("lenet5", "digits", epochs=2, out=out, progress=False, callbacks=[Snapshots()])


def test_a_finished_run_is_travelled_through(page, run):
    with studio(str(run.path), "--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("!document.getElementById('travel').hidden", 60)
        line = "document.querySelector('#travel input[type=range]')"
        page.run(f"{line}.value = 0; {line}.dispatchEvent(new Event('input', {{ bubbles: true }}))")
        page.wait("/^Step 0 /.test(document.getElementById('status').textContent)")
        looked_at(page)


def test_a_recording_replays_without_a_server(page, run, tmp_path):
    file = tmp_path / "demo.html"
    write_recording(run.path, file)
    page.open(file.as_uri())
    page.wait("/recording of a training/.test(document.body.textContent)")
    page.wait("document.querySelectorAll('canvas').length > 3")
    line = "document.querySelector('input[type=range]')"
    last = int(page.run(f"{line}.max"))
    page.run(
        f"{line}.value = {last}; {line}.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )
    page.wait(f"/Step {run.metrics[-1]['step']} of/.test(document.body.textContent)")
    looked_at(page)
    asked = [one for one in page.requests if not one.startswith(("file:", "data:", "blob:"))]
    assert asked == []


def test_eight_networks_are_a_fan_and_each_can_be_looked_into(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with studio("--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("document.querySelectorAll('#choosing li').length > 5")
        page.run(f"{labelled('Start: Eight at once')}.click()")
        page.wait("/of 160 epochs/.test(document.getElementById('status').textContent)", 60)
        page.wait("/Mean accuracy/.test(document.getElementById('outcome').textContent)", 120)
        page.wait("document.querySelectorAll('#members option').length === 8", 60)
        page.wait("document.querySelectorAll('#desk canvas').length > 4")
        looked_at(page)
        page.run(
            "(() => { const one = document.querySelector('#members select'); "
            "one.selectedIndex = 5; one.dispatchEvent(new Event('change')); })()"
        )
        page.wait("document.querySelector('#members select').value === '6: seed 5'")
        page.wait(press("Inside a step"))
        page.wait("!!document.querySelector('dialog[open]')")


def test_two_runs_are_travelled_through_in_step(page, run, tmp_path):
    other = fit("lenet5", "digits", epochs=1, lr=0.01, out=tmp_path / "other", progress=False,
                callbacks=[Snapshots()])  # fmt: skip
    with studio(str(run.path), str(other.path), "--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("document.querySelectorAll('.pairs canvas').length > 4", 60)
        looked_at(page)
        page.wait(press("Play"))
        page.wait("/Step 0/.test(document.querySelector('#travel output').textContent)")
        looked_at(page)


def test_the_pad_is_drawn_on_with_the_keyboard(page):
    """Right, down, and the answer is asked for; the space bar pauses nothing meanwhile."""

    def type_key(key, code):
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key=key, code=code)

    with studio("lenet5", "digits", "--port", "0") as (address, token, _):
        page.open(f"{address}/?token={token}")
        page.wait("!!document.querySelector('canvas.pad')", 60)
        page.run("document.querySelector('canvas.pad').focus()")
        type_key(" ", "Space")
        for key in ["ArrowRight"] * 4 + ["ArrowDown"] * 6:
            type_key(key, key)
        type_key(" ", "Space")
        page.wait(f"/your own/.test({labelled('What it answers')}.textContent)")
        assert "paused" in status(page)
        assert violations(page) == []
