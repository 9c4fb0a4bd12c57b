"""Layered drawings: no two boxes on one place, edges down, lanes free."""

from hypothesis import given
from hypothesis import strategies as st

from cutaway.show.look.layered import Edge, Layered, layered


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    count = draw(st.integers(1, 14))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    return count, draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []


@given(graphs())
def test_boxes_do_not_overlap_and_edges_go_down(drawn):
    count, edges = drawn
    for centred in (True, False):
        check(layered(count, edges, centred), set(edges))


def check(drawing: Layered, edges: set[Edge]) -> None:
    taken = [(p.row, p.left + half) for p in drawing.places for half in (0, 1)]
    assert len(set(taken)) == len(taken)
    assert all(0 <= left < 2 * drawing.columns and row < drawing.rows for row, left in taken)
    rows = [p.row for p in drawing.places]
    assert all(rows[b] == rows[a] + 1 for a, b in drawing.straight)
    long = {(lane.source, b) for lane in drawing.lanes for b in lane.targets}
    assert long | set(drawing.straight) == edges
    assert all(rows[b] > rows[a] + 1 for a, b in long)
    # Where a lane begins or ends there is a turn in the gap beside: the next keeps away from it.
    passed = [(x.number, r) for x in drawing.lanes for r in range(x.first - 1, x.last + 1)]
    assert len(set(passed)) == len(passed)


def test_a_chain_stands_in_one_column():
    drawing = layered(4, [(0, 1), (1, 2), (2, 3)])
    assert [(p.row, p.left) for p in drawing.places] == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert drawing.lanes == ()


def test_a_skip_runs_at_the_side():
    drawing = layered(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert drawing.columns == 1
    (lane,) = drawing.lanes
    assert (lane.source, lane.targets, lane.first, lane.last) == (0, (3,), 1, 2)


def test_branches_stand_side_by_side_below_where_they_begin():
    fork = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 5), (3, 6), (4, 7), (5, 7), (6, 7)]
    drawing = layered(8, fork)
    assert [p.left for p in drawing.places] == [2, 0, 2, 4, 0, 2, 4, 2]


def test_the_longest_way_runs_at_the_left():
    edges = [(0, 1), (0, 2), (2, 3), (3, 4), (1, 4), (4, 6), (5, 6)]
    drawing = layered(7, edges, centred=False)
    assert [p.left for p in drawing.places] == [0, 2, 0, 0, 0, 2, 0]


def test_nested_skips_nest():
    drawing = layered(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5), (1, 4)])
    assert {lane.source: lane.number for lane in drawing.lanes} == {0: 1, 1: 0}


def test_what_takes_nothing_stands_just_above_its_taker():
    drawing = layered(5, [(0, 1), (1, 2), (2, 4), (3, 4)])
    assert drawing.places[3].row == 2
    assert layered(0, []).rows == 0
