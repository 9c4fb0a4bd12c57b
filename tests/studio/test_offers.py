"""What a page may ask to be trained: names that are known, and fields that name no code and no
file."""

import pytest

from cutaway.errors import UsageError
from cutaway.learn.recipe import SETTINGS
from cutaway.studio.offers import LEFT_OUT, checked_start, fields_of, offered
from cutaway.studio.server import PAGE


def asked(**fields):
    return {"model": "lenet5", "data": "digits", "fields": fields}


def test_fields_are_read_as_on_the_command_line():
    found = checked_start(asked(epochs="3", lr="0.01", augment="shift:2", optimizer="sgd"))
    assert found["fields"] == {"epochs": 3, "lr": 0.01, "augment": "shift:2", "optimizer": "sgd"}


@pytest.mark.parametrize(
    "fields",
    [
        {"optimizer": "os:system"},
        {"augment": "os:system"},
        {"augment": "shift:2+os:system"},
        {"init": "os:system"},
        {"pretrained": "/etc/passwd"},
        {"fix": "/etc/passwd"},
        {"data": "/etc"},
        {"replicates": "100000"},
        {"callback": "os:system"},
        {"out": "/tmp/x"},
        {"epochs": "0"},
        {"epochs": "many"},
        {"lr": "-1"},
        {"beauty": "1"},
    ],
)
def test_others_are_refused(fields):
    with pytest.raises(UsageError):
        checked_start(asked(**fields))


@pytest.mark.parametrize(
    "start",
    [
        None, [], {}, {"model": "lenet5"}, {"model": "lenet5", "data": "/etc"},
        {"model": "timm/resnet18", "data": "digits"}, {"model": "../x", "data": "digits"},
        {"model": "lenet5", "data": "https://example.com/x.parquet"},
    ],
)  # fmt: skip
def test_other_names_are_refused(start):
    with pytest.raises(UsageError):
        checked_start(start)


def test_data_that_the_studio_was_started_with_may_be_named():
    start = {"model": "lenet5", "data": "photographs"}
    with pytest.raises(UsageError, match="may not read"):
        checked_start(start)
    assert checked_start(start, ("photographs",))["data"] == "photographs"


def test_what_is_left_out_is_a_field():
    assert set(SETTINGS) >= LEFT_OUT


def test_every_offered_value_is_taken_as_it_stands():
    """A page sends what was changed; what stands in the form has to be readable, too."""
    for card in offered()["systems"]:
        fields = fields_of(card["model"], card["data"])["fields"]
        for field in fields:
            SETTINGS[field["name"]].read(field["value"])


def test_a_pace_is_steps_a_second():
    pair = {"model": "mlp", "data": "digits"}
    assert checked_start(pair)["pace"] == 0
    assert checked_start(pair | {"pace": 10})["pace"] == 10
    for pace in (-1, "fast", True, 1e9):
        with pytest.raises(UsageError, match="steps a second"):
            checked_start(pair | {"pace": pace})


def test_each_card_has_a_picture_of_its_own_that_is_small():
    pictures = [one["picture"] for one in offered()["systems"]]
    assert len(set(pictures)) == len(pictures)
    for one in pictures:
        assert 100 < (PAGE / one.removeprefix("/page/")).stat().st_size < 20_000
