"""`import cutaway as ca`, as the README shows it."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import Dataset

import cutaway as ca
from cutaway.errors import CutawayError, DataError, RunError, UsageError
from cutaway.planning import planned
from cutaway.recipes import pair


class Digits(Dataset):
    """A data set as people write them: PIL image and a whole number."""

    def __init__(self, count: int = 400):
        self.bunch, self.count = load_digits(), count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i):
        image = Image.fromarray((self.bunch.images[i] * 15.9).astype(np.uint8))
        return image, int(self.bunch.target[i])


class Tiny(nn.Module):
    def __init__(self, classes: int = 10):
        super().__init__()
        self.stack = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, classes)

    def forward(self, x):
        return self.head(self.stack(x))


QUICK = {"epochs": 8, "image_size": 0, "augment": "none", "progress": False}


@pytest.fixture(scope="module")
def own_run(tmp_path_factory):
    torch.manual_seed(0)
    out = tmp_path_factory.mktemp("own") / "run"
    return ca.fit(Tiny(), Digits(), out=out, optimizer="adamw", lr=0.01, **QUICK)


def test_any_module_and_any_dataset(own_run):
    assert own_run.results["accuracy"] > 0.8
    assert (own_run.path / "report.html").exists()
    assert own_run.recipe.model == "own:Tiny"


def test_a_run_of_ones_own_module_opens_again(own_run):
    with pytest.raises(UsageError, match="hand it in again"):
        _ = ca.load(own_run.path).model
    run = ca.load(own_run.path, model=Tiny())
    found = run.evaluate(Digits())
    assert found.accuracy > 0.8
    with pytest.raises(UsageError, match="data of your own"):
        run.evaluate()


def test_predict_takes_files_and_bytes(own_run, tmp_path):
    image, target = Digits()[7]
    image.save(tmp_path / "digit.png")
    from_path, from_bytes = own_run.predict(
        [tmp_path / "digit.png", (tmp_path / "digit.png").read_bytes()]
    )
    assert from_path.top == from_bytes.top
    assert from_path.label == str(target)


def test_named_model_on_arrays(tmp_path):
    bunch = load_digits()
    arrays = (bunch.images[:300] / 16, bunch.target[:300])
    run = ca.fit("mlp", arrays, out=tmp_path / "run", widths="16", **QUICK)
    assert run.recipe.model_options == {"widths": "16"}
    assert run.model(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


def test_pictures_of_ones_own_alone_are_learned_as_a_folder_is() -> None:
    """Chosen by the same rule, whether they are files or in memory."""
    draw = np.random.default_rng(0)
    pictures = [Image.fromarray(draw.integers(0, 256, (150, 160, 3), np.uint8)) for _ in range(9)]
    names = ["a", "b", "c"] * 3
    large = np.stack([np.asarray(one)[:, :150] for one in pictures])
    for data, size in (((pictures, names), 0), ((large, names), 128)):
        plan, images = planned(None, ("", "own:tuple"), data, {}, quality="good", progress=False)
        assert plan.recipe.model == "efficientnet_lite0"
        assert "weights learned from ImageNet" in plan.why
        assert plan.recipe.image_size == size
        assert images.size == (128, 128)
    tiny = large[:, :8, :8].copy()
    plan, _ = planned(None, ("", "own:tuple"), (tiny, names), {}, progress=False)
    assert (plan.recipe.model, "from scratch" in plan.why) == ("resnet20", True)
    plan, _ = planned(None, ("lenet5", "own:tuple"), (tiny, names), {}, progress=False)
    assert (plan.recipe.model, plan.why) == ("lenet5", "")
    with pytest.raises(UsageError, match=r"\(quality=\.\.\.\) chooses a network"):
        planned(None, ("lenet5", "own:tuple"), (tiny, names), {}, quality="good", progress=False)


def test_parts_of_ones_own_are_the_division_and_what_is_noticed_is_said(tmp_path, capsys):
    digits = load_digits()
    x, y = np.uint8(digits.images * 15), digits.target
    parts = tuple((x[at], y[at]) for at in (slice(300), slice(300, 400), slice(400, 450)))
    run = ca.fit("mlp", parts, epochs=1, image_size=0, augment="none", out=tmp_path / "run")
    assert run.split.val.tolist() == list(range(300, 400))
    assert run.split.test.tolist() == list(range(400, 450))
    said = "taken, in their order, as 300 train and 100 val and 50 test images"
    assert [said in one["sentence"] for one in run.notes].count(True) == 1
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_tampered_weights_are_refused(tmp_path):
    arrays = (load_digits().images[:200] / 16, load_digits().target[:200])
    run = ca.fit("mlp", arrays, out=tmp_path / "run", widths="8", **QUICK)
    path = run.path / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)
    with pytest.raises(RunError, match="has been changed since it was written"):
        _ = ca.load(run.path).model


@pytest.mark.parametrize("job", ["fit", "search"])
def test_an_object_as_progress_is_refused(job, tmp_path):
    """It would be told of nothing, and nobody would notice. (Types are checked in tests only.)"""
    text = f"import cutaway as ca; ca.{job}('mlp', 'xor', out='run', progress=ca.Callback())"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "goes into callbacks=[...]" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Unflatten(1, (10, 1))),
            "classifying into 10 classes needs a tensor of shape",
        ),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), "cannot take images of 1 x 8 x 8"),
        (nn.Flatten(), "no trainable parameters"),
    ],
)
def test_models_that_do_not_fit_are_refused_before_anything_is_written(model, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        ca.fit(model, Digits(100), out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_explodes_names_step_and_layer(tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 10))
    changes = QUICK | {"epochs": 50}
    with pytest.raises(CutawayError, match=r"at step \d+ \(epoch \d+\); it arose in .*'[12]"):
        ca.fit(
            model, Digits(200), out=tmp_path / "run", lr=1000, schedule="constant", warmup=0,
            optimizer="sgd", **changes,
        )  # fmt: skip
    assert (tmp_path / "run" / "checkpoint" / "last.safetensors").exists()


def test_one_class_is_refused(tmp_path):
    with pytest.raises(DataError, match="one class only"):
        ca.fit(Tiny(), (np.zeros((20, 8, 8)), np.zeros(20, int)), out=tmp_path / "run", **QUICK)


def test_early_stopping_keeps_the_best_epoch(tmp_path):
    run = ca.fit(
        Tiny(), Digits(200), out=tmp_path / "run", optimizer="adam", lr=0.05, patience=2,
        **QUICK | {"epochs": 60},
    )  # fmt: skip
    rows = run.metrics
    best = min(rows, key=lambda row: row["val_loss"])
    assert len(rows) == best["epoch"] + 2 < 60
    run.given = Tiny()
    images = ca.load(Digits(200))
    feed = run.feed(images, run.split.val)
    task = run.task.with_tuned({"temperature": 1.0})  # as it was when the epoch ended
    found = task.evaluate(run.model, feed, images.target, run.runtime)
    assert found.loss == pytest.approx(best["val_loss"], rel=1e-5)


def test_nothing_global_is_left_behind(tmp_path):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    threads = torch.get_num_threads()
    ca.fit("mlp", Digits(100), out=tmp_path / "run", **QUICK | {"epochs": 1})
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_unknown_fields_offer_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'epochs'"):
        ca.fit("mlp", "digits", out=tmp_path / "run", epcohs=3)


def test_another_optimizer_drops_the_options_of_the_first():
    recipe = pair("mlp", "digits").with_options(optimizer="sgd", lr=0.1)
    assert (recipe.optimizer, recipe.optimizer_options) == ("sgd", {})
    recipe = pair("mlp", "digits").with_options(optimizer="adam", optimizer_options="eps=1e-6")
    assert recipe.optimizer_options == {"eps": 1e-6}
    assert pair("mlp", "digits").with_options(lr=0.1).optimizer_options == {"betas": [0.9, 0.95]}


def test_an_optimizer_class_is_named_in_the_recipe(tmp_path):
    changes = QUICK | {"epochs": 1, "optimizer": torch.optim.Adagrad, "lr": 0.01}
    run = ca.fit("mlp", Digits(100), out=tmp_path / "run", **changes)
    assert run.recipe.optimizer == "torch.optim.adagrad:Adagrad"


def test_a_fleet_on_data_of_ones_own_goes_on_at_the_size_that_it_began_with(tmp_path):
    path, size = tmp_path / "fleet", {"image_size": 12, "replicates": 2, "epochs": 1}
    whole = ca.fit("mlp", Digits(100), out=path, **QUICK | size)
    weights = (path / "members" / "001" / "weights.safetensors").read_bytes()
    for part in ("", "members/001"):
        (path / part / "results.json").unlink()
    ca.resume(path, data=Digits(100), progress=False)
    assert whole.finished
    assert (path / "members" / "001" / "weights.safetensors").read_bytes() == weights


def test_names_are_listed_and_nothing_else_is_there():
    assert set(ca.__all__) == set(dir(ca))
    with pytest.raises(AttributeError, match="no attribute 'fti'"):
        _ = ca.fti


def test_what_few_commands_need_waits_until_it_is_needed():
    code = (
        "import sys, cutaway.api, cutaway.learn.compare\n"
        "heavy = {'scipy', 'sklearn', 'matplotlib', 'pandas', 'pyarrow', 'pooch', 'jinja2',\n"
        "         'torch._dynamo'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
