"""Matrices of counts: a table of few rows, shades of many."""

from cutaway.figures import Matrix
from cutaway.show.charts.matrix import FEW, draw, shades


def test_shades_cover_every_cell_once() -> None:
    drawn = dict(shades(Matrix("m", ("a", "b"), ("a", "b"), ((9, 1), (0, 4)))))
    assert sum(path.count("M") for path in drawn.values()) == 3
    assert drawn["wrong shade2"] == "M1 0h1v1h-1z"
    assert "M1 1h1v1h-1z" in drawn["right shade5"]


def test_cells_say_their_count_and_share() -> None:
    drawn = draw(Matrix("m", ("a", "b"), ("a", "b"), ((3, 1), (0, 0))))
    assert drawn.cells[0][1].label.replace("\N{NO-BREAK SPACE}", " ") == (
        "a, predicted b: 1 of 4 (25.0 %)"
    )
    assert [cell.right for cell in drawn.cells[1]] == [False, True]
    assert drawn.cells[1][1].tint == 0
    assert drawn.cells[0][0].tint > drawn.cells[0][1].tint > 0
    assert not drawn.shades


def test_many_rows_are_shades() -> None:
    names = tuple(map(str, range(FEW + 1)))
    drawn = draw(Matrix("m", names, names, ((1,) * len(names),) * len(names)))
    assert drawn.shades
    assert not drawn.cells
