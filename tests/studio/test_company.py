"""Runs that are looked at together: fleets, as they learn and after, and two runs side by side."""

import shutil

import pytest
from helpers.command import cutaway
from helpers.studio import elsewhere, play, run_of

from cutaway.api import fit
from cutaway.learn.fleet import Fleet
from cutaway.learn.snapshots import Snapshots, snapshots
from cutaway.studio.company import Company

FLEET = {"epochs": 3, "replicates": 3, "progress": False}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    return fit("mlp", "digits", out=tmp_path_factory.mktemp("fleets") / "fleet", **FLEET)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        fit("mlp", "digits", epochs=epochs, lr=lr, out=folder / name, progress=False,
            callbacks=[Snapshots()])
        for name, epochs, lr in (("short", 1, 0.1), ("long", 2, 0.01))
    ]  # fmt: skip


def figures(*names):
    return lambda m: m["kind"] == "frame" and set(names) <= {*m["figures"]}


def test_the_fan_has_each_member_and_their_mean(fleet):
    (loss,) = [one for one in Company.of_fleet(fleet).figures() if "loss" in one.title.lower()]
    (mean,) = loss.series
    assert len(mean.replicates) == 3
    rows = [run.metrics for run in fleet.members]
    for k, value in enumerate(mean.y):
        assert value == pytest.approx(sum(one[k]["val_loss"] for one in rows) / 3)


def test_settings_that_vary_have_a_line_each(tmp_path):
    fleet = fit(
        "mlp", "digits", epochs=1, replicates=2, vary={"lr": [0.1, 0.01]}, progress=False,
        out=tmp_path / "fleet",
    )  # fmt: skip
    company = Company.of_fleet(fleet)
    assert [one.name for one in company.figures()[0].series] == ["lr 0.1", "lr 0.01"]
    assert company.names[2] == "3: lr 0.01, seed 0"


def test_a_fleet_shows_all_of_it_and_any_of_its_members(fleet):
    async def scene(desk):
        await desk.hub.open(fleet.path)
        begun = await desk.kind("begun")
        assert begun["members"] == [[0, "1: seed 0"], [1, "2: seed 1"], [2, "3: seed 2"]]
        assert begun["run"] == str(fleet.place(0))
        await desk.say(look={"fan": {}, "filters": {}})
        first = await desk.until(figures("fan", "filters"))
        await desk.say(member=2)
        assert (await desk.kind("begun"))["member"] == 2
        third = await desk.until(figures("filters"))
        assert third["figures"]["filters"] != first["figures"]["filters"]
        await desk.say(member=7)
        await desk.say(member="x")
        await desk.say(change={"kind": "rate", "factor": 2.0})
        assert "learns no more" in (await desk.kind("said"))["text"]

    play(scene)


def test_a_fleet_that_is_begun_on_the_page_is_any_other(fleet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def scene(desk):
        fields = {"epochs": "3", "replicates": "3"}
        await desk.say(start={"model": "mlp", "data": "digits", "fields": fields})
        begun = await desk.kind("begun")
        assert begun["fleet"]
        await desk.say(look={"fan": {}})
        await desk.say(do="pause")
        ended = await desk.kind("ended")
        assert ended["text"].startswith("Mean accuracy")
        assert "Each of the 3 networks: " in ended["text"]
        assert any("it can be stopped" in m.get("text", "") for m in desk.heard)
        assert any("fan" in m["figures"] for m in desk.heard if m["kind"] == "frame")
        assert len((await desk.kind("begun"))["members"]) == 3, "it is read from here on"
        made = Fleet(run_of(ended))
        for ours, theirs in zip(made.members, fleet.members, strict=True):
            weights = [run.path / "weights.safetensors" for run in (ours, theirs)]
            assert weights[0].read_bytes() == weights[1].read_bytes()

    play(scene)


def test_a_fleet_that_is_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def scene(desk):
        fields = {"epochs": "300", "replicates": "2"}
        await desk.say(start={"model": "mlp", "data": "digits", "fields": fields})
        await desk.until(lambda m: m["kind"] == "frame" and m["step"] > 2)
        await desk.say(do="stop")
        stopped = await desk.state("stopped")
        assert "cutaway resume" in stopped["text"]
        await desk.say(resume=True)
        going_on = await desk.until(lambda m: m["kind"] == "frame" and m["step"] > 4)
        assert going_on["epochs"] == 300

    play(scene)


def test_several_networks_do_not_begin_paused():
    async def scene(desk):
        await desk.say(
            start={"model": "mlp", "data": "digits", "fields": {"replicates": "2"}, "paused": True}
        )
        assert "do not begin paused" in (await desk.kind("said"))["text"]

    play(scene)


def test_a_fleet_that_another_process_trains_is_followed(tmp_path):
    out = tmp_path / "elsewhere"
    words = ["mlp", "digits", "--replicates", "4", "--epochs", "500", "--out", str(out)]

    async def scene(desk):
        await desk.hub.open(out)
        assert desk.hub.state["state"] == "reading"
        await desk.say(look={"fan": {}})
        first = (await desk.until(figures("fan")))["figures"]["fan"][0]["series"][0]
        longer = len(first["x"]) + 2

        def grown(m):
            fan = m["figures"].get("fan") if m["kind"] == "frame" else None
            return fan and len(fan[0]["series"][0]["x"]) > longer

        await desk.until(grown)

    with elsewhere(out / "members" / "000" / "metrics.jsonl", *words):
        play(scene)


def test_networks_that_have_no_weights_yet_show_their_curves_alone(fleet, tmp_path):
    begun = tmp_path / "begun"
    shutil.copytree(fleet.path, begun)
    for place in (begun / "members").iterdir():
        for name in ("results.json", "weights.safetensors"):
            (place / name).unlink()
        shutil.rmtree(place / "checkpoint")
    (begun / "results.json").unlink()

    async def scene(desk):
        await desk.hub.read(begun)
        assert [view["name"] for view in (await desk.kind("begun"))["views"]] == ["fan", "curves"]

    play(scene)


def test_two_runs_stand_side_by_side_in_step(runs):
    short, long = runs

    async def scene(desk):
        await desk.hub.open(short.path, long.path)
        begun = await desk.kind("begun")
        assert begun["title"] == "short beside long"
        names = [view["name"] for view in begun["views"]]
        assert names[:3] == ["fan", "curves-a", "curves-b"]
        assert begun["snapshots"] == sorted({*snapshots(short.path), *snapshots(long.path)})
        await desk.say(look={name: {} for name in ("fan", "filters-a", "filters-b")})
        ends = (await desk.until(figures("fan", "filters-a", "filters-b")))["figures"]
        assert ends["filters-a"] != ends["filters-b"]
        assert [one["name"] for one in ends["fan"][0]["series"]] == ["short", "long"]
        await desk.say(show=0)
        start = (await desk.until(figures("filters-a", "filters-b")))["figures"]
        assert start["filters-a"] == start["filters-b"], "the same seed"
        assert start["filters-b"] != ends["filters-b"]

    play(scene)


def test_a_run_beside_what_is_none_is_refused(runs):
    said = cutaway("studio", runs[0].path, "digits")
    assert said.code == 2
    assert "Two runs stand beside each other, and digits is none." in said.said
    said = cutaway("studio", runs[0].path, runs[1].path, "--record", "both.html")
    assert "--record is of a run" in said.said
