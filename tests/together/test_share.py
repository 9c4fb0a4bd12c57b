"""The rows of a batch that a process computes."""

import torch
from hypothesis import given
from hypothesis import strategies as some

from cutaway.together.share import WHOLE, Division, Share, computing, drawn, mine, repeated, rows_in
from cutaway.together.team import Team

TEAMS = some.integers(1, 7)


@given(TEAMS, some.integers(1, 60), some.integers(1, 5))
def test_every_row_is_computed_once(size, count, parts):
    shares = [Share(Team(rank, size), count, parts) for rank in range(size)]
    rows = torch.cat([share.rows for share in shares])
    assert rows.sort().values.tolist() == list(range(count))
    assert abs(sum(share.weight for share in shares) - 1) < 1e-12


@given(TEAMS, some.integers(1, 60), some.integers(1, 5))
def test_parts_are_those_of_one_process_and_as_even_as_can_be(size, count, parts):
    pieces = torch.arange(count).tensor_split(min(parts, count))
    for rank in range(size):
        each = Share(Team(rank, size), count, parts).each()
        assert [one.count for one in each] == [len(piece) for piece in pieces]
        for one in each:
            assert one.counts[rank] == len(one.rows)
            assert max(one.counts) - min(one.counts) <= 1


@given(TEAMS, some.integers(1, 40), some.integers(0, 3))
def test_draws_are_those_of_one_process(size, count, dim):
    shape = [3, 2, 2, 2]

    def draw(rows):
        sizes = [*shape[:dim], rows, *shape[dim + 1 :]]
        return torch.rand(sizes, generator=torch.Generator().manual_seed(1))

    for rank in range(min(size, count)):
        share = Share(Team(rank, size), count)
        with computing(share):
            ours = drawn(len(share.rows), draw, dim)
        assert torch.equal(ours, drawn(count, draw, dim).index_select(dim, share.rows))


def test_what_every_process_has_is_divided():
    with computing(Share(Team(1, 3), 1, same=True)):
        assert mine(torch.arange(7)).tolist() == [1, 4]
    assert mine(torch.arange(3)).tolist() == [0, 1, 2]


def test_a_batch_may_stand_in_a_tensor_several_times():
    share = Share(Team(0, 2), 5)  # rows 0, 2, 4
    assert repeated(share, (6, 7)) == [10, 7]
    assert rows_in(share, 10).tolist() == [0, 2, 4, 5, 7, 9]
    assert repeated(share, (4, 7)) is None
    assert repeated(share, ()) is None


def test_one_process_has_batches_whole():
    assert WHOLE.of(8) is None
    assert Division(Team(1, 2)).of(5) == Share(Team(1, 2), 5)
