"""Annotations over time of Label Studio: its JSON, JSON_MIN and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ga2app.datasets.annotation_records import Reading, Unit, as_dict, as_list, as_text, media_path, number
from ga2app.datasets.clip_names import split_suffix
from ga2app.errors import DatasetError, counted, named, shown


def is_task(task: Any) -> bool:
    """Whether ``task`` is one of Label Studio's, with labels over time where it has one key a tag."""
    found = as_dict(task)
    full = "data" in found and {"annotations", "predictions", "completions"} & found.keys()
    return bool(full) or any(_is_region(one) for value in found.values() for one in as_list(value))


def _is_region(value: Any) -> bool:
    """Whether ``value`` is the value of a region over time; one of text has ``text`` and positions in it."""
    keys = as_dict(value).keys()
    return "timelinelabels" in keys or ({"start", "end", "labels"} <= keys and "text" not in keys)


def label_studio(tasks: list[Any], frame_rate: float | None) -> Reading:
    """Tasks of Label Studio, whole or with one key a tag. Raises DatasetError for timeline labels without a rate.

    Frames of a timeline are those of the editor's own grid, counted from 1, the last one included. The grid's rate
    stands in the labeling configuration (``<Video frameRate>``, else 24) and nowhere in an export.
    """
    reading = Reading("Label Studio")
    told: Counter[str] = Counter()
    for place, task in enumerate(tasks, 1):
        path = _task_path(as_dict(task))
        for result in _results(as_dict(task), told):
            regions = [one for one in result if _is_region(one)]
            told["other"] += len(result) - len(regions)
            frames = [one for one in regions if "timelinelabels" in one]
            ranges = [as_dict(one) for region in frames for one in as_list(region.get("ranges"))]
            if frames and not frame_rate:
                raise DatasetError(_no_rate(place, path, as_dict(as_dict(task).get("data"))))
            from_zero = any(number(one.get("start")) == 0 for one in ranges)
            told["from zero"] += from_zero
            for region in regions:
                _add_region(reading, path, region, frame_rate or 1.0, 0 if from_zero else 1)
    reading.grid_rate = frame_rate if any("timelinelabels" in region for region in _all_regions(tasks)) else None
    reading.notes += [text.format(counted(told[kind], what)) for kind, what, text in _TOLD if told[kind]]
    return reading


_TOLD = (
    ("other", "result", "{} of other kinds than labels over time are not used"),
    ("from zero", "list", "{} of results with a start of 0 counts frames from 0, as machine-learning backends do"),
    ("several", "task", "{} with several annotations: all of them are taken"),
    ("predicted", "task", "{} without annotations: the predictions are taken"),
    ("cancelled", "annotation", "{} that the annotator skipped are not used"),
)


def _no_rate(place: int, path: str, data: Mapping[str, Any]) -> str:
    hints = [f"{key}: {value}" for key, value in data.items() if re.search("fps|rate", key) and number(value)]
    hint = f" (task {place} has the field {named(hints)}, which that may name)" if hints else ""
    return (
        f"timeline labels of Label Studio count frames of the editor's own grid (first in task {place}, "
        f"'{shown(path)}'), and no export tells its rate; give --frame-rate: what <Video frameRate> of the labeling "
        f"configuration says{hint}, 24 where it says nothing, whatever the clip's own rate is"
    )


def _task_path(task: Mapping[str, Any]) -> str:
    """The clip of a task: of the fields of its data the one that looks like a video, else the first text."""
    data = as_dict(task.get("data")) or {key: value for key, value in task.items() if isinstance(value, str)}
    texts = {key: media_path(value) for key, value in data.items() if isinstance(value, str)}
    videos = [text for text in texts.values() if split_suffix(text.rpartition("/")[2])[1]]
    return texts.get("video") or next(iter([*videos, *texts.values()]), "")


def _results(task: Mapping[str, Any], told: Counter[str]) -> Iterator[list[dict[str, Any]]]:
    """The values of the results of each annotation; of the predictions where there is none."""
    if "data" not in task:
        yield [as_dict(one) for value in task.values() for one in as_list(value) if isinstance(one, dict)]
        return
    done = [as_dict(one) for one in as_list(task.get("annotations")) or as_list(task.get("completions"))]
    kept = [one for one in done if one.get("was_cancelled") is not True]
    told["cancelled"] += len(done) - len(kept)
    told["several"] += len(kept) > 1
    if not done and (kept := [as_dict(one) for one in as_list(task.get("predictions"))]):
        told["predicted"] += 1
    for one in kept:
        yield [as_dict(as_dict(result).get("value")) for result in as_list(one.get("result"))]


def _all_regions(tasks: list[Any]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for result in _results(as_dict(task), Counter()):
            yield from result


def _add_region(reading: Reading, path: str, region: Mapping[str, Any], rate: float, first: int) -> None:
    """Add a region of a timeline, whose frames count from ``first``, or of a sound, in seconds."""
    on_grid = "timelinelabels" in region
    labels = [as_text(label) for label in as_list(region["timelinelabels" if on_grid else "labels"])] or [""]
    for one in map(as_dict, as_list(region.get("ranges")) if on_grid else [region]):
        start, end = number(one.get("start")), number(one.get("end"))
        for label in labels:
            if start is None or end is None:
                reading.leave(path, label, f"has no start or no end ({shown(str(dict(one)))})")
            elif on_grid:
                # Counted from 1 with its end included, a frame's end is its number; from 0 the end is not included.
                reading.mark(path, (start - first) / rate, end / rate, label, unit=Unit.GRID)
            else:
                reading.mark(path, start, end, label)
