"""The studio's training: a real process that is watched, paused, reached into, killed."""

import asyncio
import os
import re
import signal
from base64 import b64decode

import pytest
from helpers.killed_runs import contents
from helpers.studio import Desk, Message, play, run_of

from cutaway.api import fit
from cutaway.learn.interventions import read_interventions
from cutaway.learn.run import Run
from cutaway.learn.snapshots import snapshots

SHORT = {"epochs": "2"}
HOLD = {"kind": "hold", "layer": "hidden.0.U", "unit": 3, "value": 0.0}


def frame_at(step):
    return lambda m: m["kind"] == "frame" and m["step"] >= step


def test_what_comes_out_is_an_ordinary_run():
    async def scene(desk):
        begun = await desk.start(fields=SHORT)
        await desk.say(look={view["name"]: {} for view in begun["views"]})
        await desk.say(do="go")
        ended = await desk.kind("ended")
        run = Run(run_of(ended))
        assert run.finished
        assert (run.path / "report.html").exists()
        assert snapshots(run.path)
        plain = fit("mlp", "digits", epochs=2, out="plain", progress=False)
        assert contents(plain.path) == contents(run.path)
        drawn = {
            k for m in desk.heard if m["kind"] == "frame" for k, f in m["figures"].items() if f
        }
        assert drawn == {view["name"] for view in begun["views"]}

    play(scene)


def test_what_nobody_looks_at_is_not_computed():
    async def scene(desk):
        await desk.start(fields=SHORT)
        await desk.say(look={"curves": {}})
        await desk.say(do="go")
        await desk.kind("ended")
        drawn = {k for m in desk.heard if m["kind"] == "frame" for k in m["figures"]}
        assert drawn == {"curves"}

    play(scene)


def test_it_goes_on_by_steps_by_epochs_and_until_something_is_so():
    async def scene(desk):
        begun = await desk.start(fields={"epochs": "9"})
        await desk.say(do="step")
        assert (await desk.until(frame_at(1)))["step"] == 1
        await desk.say(do="epoch")
        await desk.state("paused")
        each = begun["steps_per_epoch"]
        assert (await desk.until(frame_at(2)))["step"] == each
        await desk.say(do="until", metric="val_accuracy", above=0.5)
        await desk.state("training")
        await desk.state("paused")
        frame = await desk.until(frame_at(each + 1))
        assert frame["step"] % each == 0
        assert frame["metrics"]["val_accuracy"] > 0.5
        await desk.say(do="until", metric="val_beauty", above=0.5)
        assert "no figure 'val_beauty'" in (await desk.kind("said"))["text"]

    play(scene)


def test_steps_follow_each_other_at_the_pace_that_was_asked_for():
    async def scene(desk):
        await desk.start(fields=SHORT)
        await desk.say(look={"curves": {}}, drawn=True)
        await desk.say(pace=0.02)
        assert (await desk.kind("changed"))["pace"] == 0.02
        await desk.say(do="go")
        await desk.until(frame_at(1))
        await desk.say(pace="hasty")
        await desk.kind("said")
        seen = {m["step"] for m in desk.heard if m["kind"] == "frame"}
        assert seen <= {0, 1}, "the second step is due after 50 seconds"
        await desk.say(pace=0)
        assert Run(run_of(await desk.kind("ended"))).finished
        assert max(m["step"] for m in desk.heard if m["kind"] == "frame") > 1

    play(scene)


def test_the_next_frame_waits_until_all_have_drawn_the_last():
    async def scene(desk):
        other = Desk(desk.hub)
        await desk.start(fields=SHORT)
        await desk.kind("frame")
        told: list[Message] = []
        desk.hub._tell = told.append
        last = desk.viewer.sent
        assert last > 0
        await desk.say(drawn=last)
        await other.say(drawn=last - 1)
        assert told == []
        await other.say(drawn=last)
        assert told == [{"drawn": last}]
        desk.viewer.send({"kind": "frame", "step": 3, "figures": {}})  # how far it is, no more
        assert desk.viewer.sent == last

    play(scene)


def test_changes_are_written_down_undone_and_repeated():
    async def scene(desk):
        await desk.start(fields=SHORT)
        await desk.say(do="step")
        await desk.until(frame_at(1))
        await desk.say(change=HOLD)
        changed = await desk.kind("changed")
        assert changed["lasting"]["held"] == [["hidden.0.U", 3, 0.0]]
        assert changed["interventions"][0]["step"] == 1
        assert changed["undo"]
        assert re.match(
            r"Accuracy \S+ % before, \S+ % after", changed["interventions"][0]["effect"]
        )
        await desk.say(change={"kind": "rate", "factor": 0.5})
        await desk.kind("changed")
        await desk.say(undo=True)
        assert (await desk.kind("changed"))["lasting"]["factor"] == 1.0
        await desk.say(change={"kind": "hold", "layer": "hidden.0.U", "unit": 999})
        assert "no 999" in (await desk.kind("said"))["text"]
        await desk.say(do="go")
        run = Run(run_of(await desk.kind("ended")))
        assert len(read_interventions(run.path)) == 3
        report = (run.path / "report.html").read_text()
        assert "Changes by hand" in report
        assert "Taken back: the learning rate became that of the recipe again." in report
        again = fit("mlp", "digits", epochs=2, out="again", progress=False, interventions=run.path)
        assert contents(again.path) == contents(run.path)

    play(scene)


def test_a_kernel_is_shown_as_it_can_be_set():
    async def scene(desk):
        await desk.start(fields=SHORT)
        await desk.say(ask={"kernel": {"layer": "hidden.0.U", "unit": 2}})
        kernel = await desk.kind("kernel")
        values = [0.5] * len(kernel["values"])
        change = {"kind": "weights", "parameter": kernel["parameter"], "index": kernel["index"]}
        await desk.say(change=change | {"values": values})
        await desk.kind("changed")
        await desk.say(ask={"kernel": {"layer": "hidden.0.U", "unit": 2}})
        assert (await desk.kind("kernel"))["values"] == values

    play(scene)


@pytest.mark.parametrize(
    "message",
    [
        {"ask": {}}, {"ask": 3}, {"do": None}, {"do": "until"}, {"change": 3}, {"look": 3},
        {"picture": 3}, {"picture": "!"}, {"picture": "AAAA"}, {"start": 3}, {},
        {"change": {"kind": "weights", "parameter": "x", "index": [], "values": []}},
    ],
)  # fmt: skip
def test_a_page_gone_wrong_ends_no_training(message):
    async def scene(desk):
        await desk.start(fields=SHORT)
        await desk.say(**message)
        await desk.say(do="step")
        assert (await desk.until(frame_at(1)))["step"] == 1

    play(scene)


def test_others_watch_until_they_take_control():
    async def scene(desk):
        other = Desk(desk.hub)
        await desk.start(fields=SHORT)
        await other.say(do="step")
        assert "take control" in (await other.kind("said"))["text"]
        await other.say(own=True)
        assert (await other.until(lambda m: m["kind"] == "state" and m["owner"]))["viewers"] == 2
        await other.say(do="step")
        await other.until(frame_at(1))
        await desk.say(do="step")
        assert "take control" in (await desk.kind("said"))["text"]
        desk.hub.leave(other.viewer)
        assert desk.hub.owner is desk.viewer

    play(scene)


def test_one_who_comes_late_is_told_how_things_stand():
    async def scene(desk):
        await desk.start(fields=SHORT)
        await desk.say(look={"curves": {}, "filters": {}})
        await desk.say(do="step")
        await desk.until(lambda m: m["kind"] == "frame" and "filters" in m["figures"])
        late = Desk(desk.hub)
        assert (await late.kind("begun"))["model"] == "mlp"
        await late.say(look={"filters": {}})
        frame = await late.kind("frame")
        assert set(frame["figures"]) == {"filters"}

    play(scene)


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_bytes():
    async def scene(desk):
        await desk.start(fields=SHORT)
        for step in (1, 2, 3):
            await desk.say(do="step")
            await desk.until(frame_at(step))
        await desk.say(do="stop")
        stopped = await desk.state("stopped")
        assert "Resume" in stopped["text"]
        await desk.say(resume=True)
        run = Run(run_of(await desk.kind("ended")))
        plain = fit("mlp", "digits", epochs=2, out="plain", progress=False)
        assert contents(plain.path) == contents(run.path)

    play(scene)


def test_a_killed_training_says_so_and_can_be_gone_on_with():
    async def scene(desk):
        await desk.start(fields=SHORT)
        os.kill(desk.hub.process.pid, signal.SIGKILL)
        failed = await desk.state("failed")
        assert "ended before its time" in failed["text"]
        await desk.say(resume=True)
        await desk.kind("ended")

    play(scene)


def test_a_training_whose_studio_is_gone_stops_at_a_checkpoint():
    async def scene(desk):
        run = run_of(await desk.start(fields={"epochs": "500"}))
        await desk.say(do="go")
        await desk.until(frame_at(5))
        process = desk.hub.process
        process.stdin.close()  # as the system does with the pipes of a process that was killed
        await asyncio.wait_for(process.wait(), 60)
        assert (run / "checkpoint" / "last.safetensors").exists()
        assert not Run(run).finished

    play(scene)


def test_what_cannot_begin_says_why():
    async def scene(desk):
        await desk.say(start={"model": "vgg16", "data": "digits", "fields": {"image_size": "8"}})
        failed = await desk.state("failed")
        assert "pixels" in failed["text"]
        await desk.start(fields=SHORT)

    play(scene)


def test_a_picture_of_ones_own_is_answered():
    from base64 import b64encode
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (40, 60), "white").save(file, "PNG")

    async def scene(desk):
        await desk.start("lenet5", fields=SHORT)
        await desk.say(picture=b64encode(file.getvalue()).decode())
        begun = await desk.kind("begun")
        answer = next(view for view in begun["views"] if view["name"] == "answer")
        assert answer["options"]["image"]["choices"][0] == [-1, "your own"]
        await desk.say(look={"answer": {"image": -1}})
        frame = await desk.until(lambda m: m["kind"] == "frame" and m["figures"].get("answer"))
        pixels = frame["figures"]["answer"][0]["pictures"][0]
        assert (pixels["height"], pixels["width"], pixels["channels"]) == (32, 32, 1)

    play(scene)


def test_a_rectifier_has_the_units_of_the_layer_before_it():
    async def scene(desk):
        begun = await desk.start("lenet5", fields=SHORT)
        maps = next(view for view in begun["views"] if view["name"] == "maps")
        assert maps["owners"]["c1.u"] == "c1.u"
        assert maps["owners"]["c1.pool"] == "c1.u"
        assert maps["owners"]["c3.relu"] == "c3.u"
        await desk.say(change={"kind": "hold", "layer": maps["owners"]["c1.pool"], "unit": 2})
        await desk.kind("changed")
        await desk.say(look={"maps": {"layer": "c1.pool", "image": 0}})
        frame = await desk.until(lambda m: m["kind"] == "frame" and m["figures"].get("maps"))
        held = frame["figures"]["maps"][0]["pictures"][2]["data"]["base64"]
        assert len(set(b64decode(held))) == 1

    play(scene)
