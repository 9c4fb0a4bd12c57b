"""Draw figures, which are plain data, as SVG and HTML: `drawn` in `figures.html` uses this."""

from cutaway.figures import Bars, Curves, Figure, HeatMap, Images, Intervals, Matrix, Plane
from cutaway.show.charts import bars, curves, gallery, heatmap, intervals, matrix, plane
from cutaway.show.charts.drawing import Drawing


def draw(figure: Figure) -> Drawing:
    """A figure with the positions of all that is drawn, as its template takes it."""
    match figure:
        case Curves():
            return curves.draw(figure)
        case Bars():
            return bars.draw(figure)
        case Intervals():
            return intervals.draw(figure)
        case HeatMap():
            return heatmap.draw(figure)
        case Matrix():
            return matrix.draw(figure)
        case Images():
            return gallery.draw(figure)
        case Plane():
            return plane.draw(figure)
