"""Settings: text read by type, limits, and the sentences that refuse."""

import pytest

from cutaway.errors import UsageError
from cutaway.settings import Setting


def test_a_setting_of_many_values_is_read_one_by_one():
    sizes = Setting("sizes", int, (8, 16), low=1, high=64, many=True)
    assert sizes.read("4, 32") == sizes.read([4, 32]) == (4, 32)
    with pytest.raises(UsageError, match="--sizes must be at least 1 and at most 64, not 65"):
        sizes.read("4,65")
    with pytest.raises(UsageError, match="--sizes takes a whole number, not 'x'"):
        sizes.read("4,x")
    with pytest.raises(UsageError, match="--sizes takes one value at least"):
        sizes.read(())


def test_a_setting_of_choices_offers_the_nearest():
    shape = Setting("shape", str, "round", choices=("round", "square"))
    assert shape.read("square") == "square"
    with pytest.raises(UsageError, match=r"--shape cannot be 'sqare'\. Did you mean 'square'"):
        shape.read("sqare")


def test_a_choice_by_the_name_that_others_give_it():
    size = Setting("size", str, "small", choices=("small", "large"), synonyms={"large": "big huge"})
    with pytest.raises(UsageError, match=r"--size cannot be 'Big'\. Did you mean 'large'\?"):
        size.read("Big")


def test_a_truth_is_read_from_words():
    once = Setting("run_once", bool, False)
    assert [once.read(value) for value in (True, "no", "True", False)] == [True, False, True, False]
    with pytest.raises(UsageError, match="--run-once takes yes or no, not 'perhaps'"):
        once.read("perhaps")


def test_a_setting_that_is_no_option_is_named_with_its_owner():
    width = Setting("width", float, 0.5, above=0, of="blur")
    assert width.read("2") == 2
    with pytest.raises(UsageError, match="'width' of blur must be above 0, not 0"):
        width.read(0)
