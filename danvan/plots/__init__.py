"""Pictures with axes, a room a kind; `from danvan import plots; plots.funnel(...)`.

As in charts, numbers arrive as Vietnamese text and values only give places. Names are set where they are free of each
other; what finds no place is said in a note below, never cut.
"""

from danvan.plots.funnels import Curve, Place, Point, funnel
from danvan.plots.grids import Filled, Tile, heat_map, tile_map
from danvan.plots.intervals import Estimate, Paired, estimates
from danvan.plots.slopegraphs import Slope, slopes
from danvan.plots.years import Moment, Panel, small_multiples

__all__ = [
    "Curve",
    "Estimate",
    "Filled",
    "Moment",
    "Paired",
    "Panel",
    "Place",
    "Point",
    "Slope",
    "Tile",
    "estimates",
    "funnel",
    "heat_map",
    "slopes",
    "small_multiples",
    "tile_map",
]
