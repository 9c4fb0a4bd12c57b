"""Every command, with good and bad input, as a user or a program would call it."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from helpers.command import CUTAWAY, cutaway, process
from PIL import Image

from cutaway import cli
from cutaway.learn.checkpoint import load_checkpoint
from cutaway.learn.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A short run on the digits, made by the real command."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    done = process("train", "--epochs", 6, "--out", path)
    assert done.code == 0, done.err
    assert "test accuracy" in done.out
    assert str(path) in done.out
    assert "epoch 6/6" in done.err
    return path


@pytest.fixture
def picture(tmp_path) -> Path:
    from sklearn.datasets import load_digits

    digit = (load_digits().images[0] * 15.9).astype("uint8")
    path = tmp_path / "zero.png"
    Image.fromarray(digit).resize((64, 64)).save(path)
    return path


def test_a_run_holds_all_that_the_design_names(run):
    names = {p.name for p in run.iterdir()}
    assert names >= {
        "recipe.toml", "environment.json", "split.json", "metrics.jsonl", "weights.safetensors",
        "checkpoint", "report.html", "data.json", "audit.json", "results.json",
    }  # fmt: skip


def test_what_has_ended_says_what_to_do_next(run, tmp_path):
    page = (run / "report.html").read_text()
    said = cutaway("resume", run).out.replace("\n", " ")
    for command in ("predict", "evaluate", "look", "export", "serve"):
        assert f"cutaway {command} {run}" in page
        assert f"Next:   cutaway {command} {run}" in said
    assert "cutaway resume" not in page + said
    fleet = tmp_path / "fleet"
    done = cutaway("train", "mlp", "digits", "--widths", 8, "--epochs", 1, "--replicates", 2,
                   "--out", fleet)  # fmt: skip
    for command in (f"look {fleet}/members/000", f"export {fleet}/members/000"):
        assert f"Next:   cutaway {command}" in done.out
        assert f"cutaway {command}" in (fleet / "report.html").read_text()


def test_evaluate(run):
    before = len((run / "looks.jsonl").read_text().splitlines())
    result = cutaway("evaluate", run, "--json").json
    assert result["accuracy"] == json.loads((run / "results.json").read_text())["accuracy"] > 0.8
    assert len(result["classes"]) == 10
    assert len((run / "looks.jsonl").read_text().splitlines()) == before + 1
    assert "accuracy" in cutaway("evaluate", run, "--on", "val").out
    assert cutaway("evaluate", run, "digits", "--json").json["images"] == 1797


def test_predict(run, picture):
    result = cutaway("predict", run, picture, picture, "--json").json
    assert len(result) == 2
    assert len(result[0]["top"]) == 5
    assert result[0]["top"][0][0] == "0"
    assert sum(p for _, p in result[0]["top"]) <= 1 + 1e-6
    assert "zero.png" in cutaway("predict", run, picture).out.replace("\n", "")


def test_report(run):
    (run / "report.html").unlink()
    assert Path(cutaway("report", run, "--json").json["report"]).exists()


def test_resume_of_a_finished_run_says_so_again(run):
    weights = (run / "weights.safetensors").read_bytes()
    assert cutaway("resume", run, "--json").json["accuracy"] > 0.8
    assert (run / "weights.safetensors").read_bytes() == weights


def test_a_saved_recipe_gives_the_same_run(run, tmp_path):
    again = tmp_path / "again"
    done = cutaway("train", "--recipe", run / "recipe.toml", "--out", again, "--json")
    assert done.code == 0, done.err
    for name in ("metrics.jsonl", "weights.safetensors", "recipe.toml"):
        assert (again / name).read_bytes() == (run / name).read_bytes(), name


def test_options_reach_the_recipe_and_the_model(tmp_path):
    out = tmp_path / "run"
    done = cutaway(
        "train", "mlp", "digits", "--widths", "20-10", "--epochs=1", "--lr", "0.01", "--image-size",
        "8", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    text = (out / "recipe.toml").read_text()
    assert 'widths = "20-10"' in text
    assert "lr = 0.01" in text


def test_models_and_data_list_themselves():
    models = {row["model"]: row for row in cutaway("models", "--json").json}
    assert models["resnet18"]["parameters"] == 11_689_512
    assert {row["data"] for row in cutaway("data", "--json").json} >= {"digits", "mnist", "rocks"}
    assert "lenet5" in cutaway("models").out
    assert "digits" in cutaway("data").out


def test_audit(tmp_path):
    make_folder(tmp_path / "data")
    (tmp_path / "data" / "a" / "broken.png").write_bytes(b"not an image")
    assert "broken.png" in cutaway("audit", tmp_path / "data", "--json").out
    assert "broken.png" in cutaway("audit", tmp_path / "data").out.replace("\n", "")


def make_folder(root: Path, count: int = 12) -> None:
    g = torch.Generator().manual_seed(0)
    for k, name in enumerate("ab"):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = torch.randint(0, 128, (32, 32, 3), generator=g, dtype=torch.uint8)
            pixels[..., k] += 100
            Image.fromarray(pixels.numpy()).save(root / name / f"{i}.png")


def test_a_folder_of_images_is_enough(tmp_path):
    """What was chosen for it is the first that is said, and stays in the run."""
    make_folder(tmp_path / "data")
    out = tmp_path / "run"
    small = ("--epochs", 2, "--image-size", 32, "--time", "1h")
    done = cutaway("train", tmp_path / "data", *small, "--out", out)
    assert done.code == 0, done.err
    first = done.err.splitlines()[0]
    assert first.startswith("Chosen: efficientnet_lite0 with weights learned from ImageNet")
    assert "Training takes about" in first
    assert (out / "report.html").stat().st_size > 10_000
    assert [note["kind"] for note in Run(out).notes].count("plan") == 1
    head, layers = Run(out).recipe.in_stages()
    assert (head.freeze, layers.freeze, layers.epochs) == ("backbone", "", 2)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "lenet6"], 2, "Did you mean 'lenet5'"),
        (["train", "resnet", "digits"], 2, "no model 'resnet'"),
        (["train", "lenet5", "mnits"], 2, "mnist"),
        (["train", "lenet5", "/no/such/folder"], 2, "/no/such/folder"),
        (["train", "no/such/folder"], 2, "There is no folder or file no/such/folder"),
        (["train", "--epoch", "3"], 2, "Did you mean '--epochs'"),
        (["train", "--epochs"], 2, "epochs"),
        (["train", "--epochs", "-3"], 2, "--epochs must be at least 1"),
        (["train", "--augment", "shfit"], 2, "shift"),
        (["train", "--schedule", "cosin"], 2, "Did you mean 'cosine'"),
        (["train", "--device", "cuda:7"], 2, "is not available"),
        (["train", "--device", "tpu"], 2, "--device"),
        (["train", "lenet5", "digits", "--image-size", "12"], 2, "at least 28 x 28"),
        (["train", "lenet5", "digits", "extra"], 2, "Unexpected argument: 'extra'"),
        (["train", "--recipe", "none.toml"], 2, "none.toml"),
        (["train", "lenet5", "digits", "--quality", "good"], 2, "name these and no network"),
        (["train", "--time", "soon"], 2, "--time takes a time such as 90s"),
        (["train", "mlp", "--epochs", "2", "--time", "0.001s"], 2, "more than the 1 s of --time"),
        (["train", "--patience", "2", "--val", "0"], 2, "choosing on the test set is not allowed"),
        (["resume", "nowhere"], 2, "is not a run"),
        (["evaluate", "nowhere"], 2, "is not a run"),
        (["predict", "nowhere", "x.png"], 2, "is not a run"),
        (["report", "nowhere"], 2, "is not a run"),
        (["audit", "nowhere"], 2, "nowhere"),
        (["tarin"], 2, "train"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_bad_input_is_one_sentence(arguments, code, words, tmp_path):
    done = cutaway(*arguments, folder=tmp_path)
    assert done.code == code
    assert words in done.err
    assert not (tmp_path / "runs").exists()


def test_errors_are_json_where_json_was_asked_for():
    assert "lenet5" in json.loads(cutaway("train", "lenet6", "--json").err)["error"]


def test_an_existing_directory_is_never_overwritten(run):
    done = cutaway("train", "--out", run)
    assert done.code == 1
    assert "exists already and is not overwritten" in done.err


def test_an_image_that_is_none(run, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    done = cutaway("predict", run, tmp_path / "text.png")
    assert (done.code, "text.png" in done.err) == (1, True)
    assert cutaway("predict", run, tmp_path / "missing.png").code == 1


def test_ctrl_c_ends_at_a_checkpoint_and_says_how_to_go_on(tmp_path):
    out = tmp_path / "run"
    command = [*CUTAWAY, "train", "mlp", "digits", "--epochs", "3000", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        assert training.stderr is not None
        for line in training.stderr:  # wait until it learns, then ask it to stop
            if line.startswith("epoch"):
                training.send_signal(signal.SIGINT)
                break
        rest = training.stderr.read()
    assert training.returncode == 130
    assert f"cutaway resume {out}" in rest.replace("\n", "")
    assert "Traceback" not in rest
    step = load_checkpoint(out / "checkpoint")[1]["step"]
    assert f"Stopped at step {step} of" in rest
    assert cutaway("evaluate", out).code == 1
    assert "has no weights yet" in cutaway("evaluate", out).err


def test_help_has_an_example_for_every_command():
    for command in cli.app.registered_commands:
        name = command.callback.__name__
        assert "Example: cutaway" in cutaway(name, "--help").out
