"""Pictures drawn from stored numbers: HTML with inline SVG, colored by CSS variables, hence light and dark."""

from ga2app.web.components.charts.bars import Change, change_bars, compare_bars
from ga2app.web.components.charts.lines import Line, line_chart, nice_ticks, smooth, thin
from ga2app.web.components.charts.matrix import Confusion, confused_pairs, confusion_html
from ga2app.web.components.charts.scatter import Dot, scatter_pair

__all__ = [
    "Change",
    "Confusion",
    "Dot",
    "Line",
    "change_bars",
    "compare_bars",
    "confused_pairs",
    "confusion_html",
    "line_chart",
    "nice_ticks",
    "scatter_pair",
    "smooth",
    "thin",
]
