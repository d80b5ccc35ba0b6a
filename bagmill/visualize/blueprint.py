"""What the viewer shows first: space on the left, cameras and maps on the right, plots and text below."""

from collections.abc import Callable, Sequence

from rerun import blueprint as rrb

from bagmill.visualize.shapes import Shown
from bagmill.visualize.shapes.base import LOG_TIME
from bagmill.visualize.tally import Tally

_IN_SPACE = (Shown.TRANSFORM, Shown.CAMERA, Shown.POINTS, Shown.LINES)
_MOST_PICTURES = 6
_MOST_PLOTS = 24

Part = rrb.Container | rrb.View


def blueprint(tally: Tally) -> rrb.Blueprint:
    """A layout for what there is; it names entities of the recording and holds no data."""
    kinds = tally.kinds()
    upper = [*_space(tally, kinds), *_pictures(kinds)]
    lower = [*_plots(kinds), *_texts(kinds)]
    rows = [part for part in (_side_by_side(upper, [3, 2]), _side_by_side(lower, [3, 1])) if part is not None]
    root = rrb.Vertical(*rows, row_shares=[3, 2][: len(rows)])
    return rrb.Blueprint(
        root, rrb.TimePanel(timeline=LOG_TIME), auto_views=False, auto_layout=False, collapse_panels=False
    )


def _space(tally: Tally, kinds: dict[Shown, list[str]]) -> list[Part]:
    if not any(kind in kinds for kind in _IN_SPACE):
        return []
    frame = tally.root_frame()
    information = None if frame is None else rrb.SpatialInformation(target_frame=frame)
    return [rrb.Spatial3DView(name="Space", origin="/", spatial_information=information)]


def _pictures(kinds: dict[Shown, list[str]]) -> list[Part]:
    pictures = [rrb.Spatial2DView(name=entity, origin=entity) for entity in kinds.get(Shown.IMAGE, ())]
    maps = [rrb.MapView(name="Map", origin="/")] if Shown.MAP in kinds else []
    return _stacked([*pictures[:_MOST_PICTURES], *maps], rrb.Grid)


def _plots(kinds: dict[Shown, list[str]]) -> list[Part]:
    entities = kinds.get(Shown.PLOT, [])
    roots = [entity for entity in entities if not any(entity.startswith(f"{other}/") for other in entities)]
    plots = [rrb.TimeSeriesView(name=entity, origin=entity) for entity in roots[:_MOST_PLOTS]]
    return _stacked(plots, rrb.Tabs)


def _texts(kinds: dict[Shown, list[str]]) -> list[Part]:
    return [rrb.TextLogView(name="Text", origin="/")] if Shown.TEXT in kinds else []


def _stacked(parts: Sequence[Part], container: Callable[..., rrb.Container]) -> list[Part]:
    return [container(*parts)] if len(parts) > 1 else list(parts)


def _side_by_side(parts: Sequence[Part], shares: Sequence[float]) -> Part | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return rrb.Horizontal(*parts, column_shares=list(shares))
