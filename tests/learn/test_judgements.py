"""What people say of images: kept line by line, and counted."""

import json

import numpy as np
import pytest
from helpers.judges import visitor, written

from cutaway.errors import RunError, UsageError
from cutaway.learn.judgements import (
    FILE,
    Answer,
    Judgements,
    Sitting,
    counted,
    judgements_at,
    pooled,
    read,
)
from cutaway.learn.stats import wilson


def test_all_is_read_again(tmp_path):
    one, two = visitor("a" * 32, 15, 20), visitor("b" * 32, 10, 20, feedback=True)
    written(tmp_path, one, two)
    again = read(tmp_path / FILE)
    assert again == {one.session: one, two.session: two}
    assert judgements_at(tmp_path) == judgements_at(tmp_path / FILE) == [one, two]


def test_nothing_is_lost_where_a_writer_was_killed(tmp_path):
    """A torn line had not been acknowledged: it is answered again, on a line of its own."""
    written(tmp_path, visitor("a" * 32, 15, 20))
    file = tmp_path / FILE
    whole = file.read_bytes()
    torn = whole[: -len(whole.splitlines()[-1]) // 2]
    file.write_bytes(torn)
    kept = Judgements(file)
    sitting = kept.find("a" * 32)
    assert sitting is not None
    assert len(sitting.answers) == 25
    kept.answer(sitting, Answer(25, "scrambled", "25", False))
    assert len(read(file)["a" * 32].answers) == 26
    assert file.read_bytes().startswith(torn)  # it is only ever added to


def test_another_servers_sittings_are_found(tmp_path):
    first, second = Judgements(tmp_path / FILE), Judgements(tmp_path / FILE)
    first.begin(Sitting("c" * 32, "mnist", 0, 20, 6))
    assert second.find("c" * 32) == first.find("c" * 32)
    assert second.find("d" * 32) is None


def test_an_ended_sitting_stays_ended(tmp_path):
    kept = Judgements(tmp_path / FILE)
    sitting = Sitting("c" * 32, "mnist", 0, 20, 6)
    kept.begin(sitting)
    kept.end(sitting)
    kept.end(sitting)
    assert read(tmp_path / FILE)["c" * 32].ended
    assert len((tmp_path / FILE).read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "line", ["[]", "7", '{"session": "x"}', '{"session": "a", "begins": {"no": 1}}', "null"]
)
def test_what_is_no_judgement_is_named(tmp_path, line):
    (tmp_path / FILE).write_text(line + "\n")
    with pytest.raises(RunError, match="is no judgement"):
        read(tmp_path / FILE)


def test_a_made_up_kind_is_refused(tmp_path):
    written(tmp_path, visitor("a" * 32, 15, 20))
    row = json.loads((tmp_path / FILE).read_text().splitlines()[-1])
    with open(tmp_path / FILE, "a") as file:
        file.write(json.dumps(row | {"kind": "fake"}) + "\n")
    with pytest.raises(RunError, match="is no judgement"):
        read(tmp_path / FILE)


def test_where_nobody_answered(tmp_path):
    with pytest.raises(UsageError, match="holds no answers of people"):
        judgements_at(tmp_path)
    assert read(tmp_path / FILE) == {}
    assert pooled([]) is None


def test_the_share_of_one():
    one = visitor("a", 15, 20)
    assert (one.right.low, one.right.high) == pytest.approx(wilson(15, 20))
    assert one.seen_through == (6, 6)
    assert len(one.judged) == 20


def test_who_does_not_look_is_not_counted():
    good = visitor("a", 15, 20)
    always_real = visitor("b", 0, 20, constant=True)
    always_drawn = visitor("c", 0, 20, constant=False)
    any_key = visitor("d", 10, 20, seen=3)
    taught = visitor("e", 20, 20, feedback=True)
    assert always_real.right.value == always_drawn.right.value == 0.5  # neither wins anything
    assert counted([good, always_real, always_drawn, any_key, taught]) == [good]
    assert not Sitting("f", "mnist", 0, 20, 6).looked


def test_answers_of_one_visitor_are_alike():
    """Two who differ say little of people; twenty who agree say as much as their answers do."""
    alike = pooled([visitor(str(i), 10 + i % 2, 20) for i in range(20)])
    apart = pooled([visitor("a", 20, 20), visitor("b", 10, 20)])
    one = pooled([visitor("a", 20, 20)])
    assert alike is not None
    assert apart is not None
    assert one is not None
    assert alike.high - alike.low < 0.12
    assert apart.high - apart.low > 0.5
    assert one.low < 0.3  # of a single one nothing follows for others
    assert alike.value == pytest.approx(np.mean([0.5, 0.55]))
