"""Words of other libraries lead to ours, on the command line and in Python."""

from dataclasses import fields

import pytest
from helpers.command import cutaway

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.learn.recipe import Recipe
from cutaway.learn.synonyms import ELSEWHERE, NAMES

OURS = {spec.name for spec in fields(Recipe)} | {"out", "trials", "quiet"}
LED = [
    ("learning_rate", "lr"), ("lr_max", "lr"), ("max_epochs", "epochs"), ("n_epoch", "epochs"),
    ("bs", "batch_size"), ("batch", "batch_size"), ("gpu", "device"), ("accelerator", "device"),
    ("devices", "device"), ("wd", "weight_decay"), ("val_split", "val"), ("imgsz", "image_size"),
    ("validation_split", "val"), ("valid_pct", "val"), ("seed_everything", "seed"),
    ("size", "image_size"), ("img_size", "image_size"), ("early_stopping", "patience"),
]  # fmt: skip
SAID = [
    ("resume", "cutaway resume RUN"), ("loss", "The task decides"),
    ("arch", "The model comes first"), ("num_workers", "not needed"), ("cbs", "callbacks="),
    ("metrics", "All metrics"),
    ("backbone", "The model comes first"),
]  # fmt: skip


def test_the_table_leads_to_what_there_is():
    assert set(NAMES) <= OURS
    words = [word for row in (*NAMES.values(), *ELSEWHERE) for word in row.split()]
    assert len(words) == len(set(words))
    assert not set(words) & (OURS - {"model", "data"})


@pytest.mark.parametrize(("word", "name"), LED)
def test_a_known_word_leads_to_ours(word, name, tmp_path):
    with pytest.raises(UsageError, match=f"has no field '{word}'. Did you mean '{name}'"):
        ca.fit("mlp", "digits", out=tmp_path / "run", **{word: 1})
    flags = ["--" + one.replace("_", "-") for one in (word, name)]
    for value in (["1"], []):
        done = cutaway("train", "mlp", "digits", flags[0], *value, folder=tmp_path)
        assert done.code == 2
        assert f"There is no option {flags[0]}. Did you mean '{flags[1]}'?" in done.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("word", "sentence"), SAID)
def test_a_word_for_what_is_done_otherwise_says_how(word, sentence, tmp_path):
    with pytest.raises(UsageError, match=sentence):
        ca.fit("mlp", "digits", out=tmp_path / "run", **{word: "x"})
    flag = "--" + word.replace("_", "-")
    assert sentence in cutaway("train", "mlp", "digits", flag, "x", folder=tmp_path).said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["16-mixed", "bf16", "16", "fp16"])
def test_a_precision_by_another_name(value):
    done = cutaway("train", "mlp", "digits", "--precision", value)
    assert "Did you mean 'bfloat16'?" in done.said


@pytest.mark.parametrize("first", ["digits", "mnist"])
def test_the_model_comes_first(first):
    said = f"The model comes first, then the data: lenet5 {first}, not {first} lenet5."
    assert said in cutaway("train", first, "lenet5").said
    with pytest.raises(UsageError, match="The model comes first"):
        ca.fit(first, "lenet5")
    done = cutaway("train", "--model", "lenet5", "--data", first)
    assert "cutaway train lenet5 mnist" in done.said


def test_a_search_knows_them_too(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'trials'"):
        ca.search("mlp", "digits", n_trials=3, out=tmp_path / "search")


def test_a_flag_without_its_value_says_so():
    assert "--widths needs a value." in cutaway("train", "mlp", "digits", "--widths").said
