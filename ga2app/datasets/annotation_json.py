"""Annotations over time in JSON: Label Studio, CVAT's intervals, VIA 3, BORIS, ActivityNet, FiftyOne."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ga2app.datasets.annotation_label_studio import is_task, label_studio
from ga2app.datasets.annotation_records import Reading, Unit, as_dict, as_list, as_text, media_path, number, spread
from ga2app.errors import counted, shown


def read_json_annotations(document: Any, frame_rate: float | None) -> Reading | None:
    """What ``document`` says; None where it is of no known form. Raises DatasetError where a rate is needed."""
    if isinstance(document, list):
        if any("intervals" in as_dict(one) for one in document):
            return _cvat_intervals(document)
        return label_studio(document, frame_rate) if any(map(is_task, document)) else None
    top = as_dict(document)
    if "observations" in top and "behaviors_conf" in top:
        return _boris_project(top)
    if "metadata" in top and "attribute" in top and "file" in top:
        return _via_project(top)
    if isinstance(top.get("database"), dict):
        return _activity_net(top["database"])
    if "intervals" in top:
        return _cvat_intervals([top])
    if isinstance(top.get("labels"), dict) and _is_fifty_one(top):
        return _fifty_one(top)
    return label_studio([top], frame_rate) if is_task(top) else None


def _cvat_intervals(jobs: list[Any]) -> Reading:
    """Intervals of CVAT's API: frames of the task, the end not included, None at the clip's end."""
    reading = Reading("CVAT intervals")
    unnamed = 0
    for job in map(as_dict, jobs):
        names = {
            as_text(as_dict(one).get("id")): as_text(as_dict(one).get("name")) for one in as_list(job.get("labels"))
        }
        data = as_dict(job.get("data")) or job
        found = re.fullmatch(r"\s*step\s*=\s*(\d{1,6})\s*", as_text(data.get("frame_filter")))
        step, first = max(int(found[1]) if found else 1, 1), number(data.get("start_frame")) or 0.0
        path = as_text(job.get("source")) or as_text(job.get("name"))
        for one in map(as_dict, as_list(job.get("intervals"))):
            key = as_text(one.get("label_id"))
            label = as_text(one.get("label")) or names.get(key, key)
            unnamed += not one.get("label") and key not in names
            start, stop = number(one.get("start")), number(one.get("stop"))
            if start is None or (stop is None and one.get("stop") is not None):
                reading.leave(path, label, f"has no start or no stop ({shown(str(one))})")
                continue
            end = None if stop is None else first + stop * step
            reading.mark(path, first + start * step, end, label, unit=Unit.FRAMES)
    if unnamed:
        advice = 'add "labels" with id and name, as /api/labels gives them'
        reading.notes.append(
            f"{counted(unnamed, 'interval')} without a name of its label: its number stands there; {advice}"
        )
    return reading


_CHECKBOX, _OVER_TIME = 2, "FILE1_Z2_XY0"


def via_labels(attributes: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(attribute, label) of what VIA 3 writes as ``values``: the key of an option, several of a checkbox, or a text."""
    for key, value in values.items():
        attribute = as_dict(attributes.get(key))
        if attribute.get("anchor_id", _OVER_TIME) != _OVER_TIME:
            continue
        options = as_dict(attribute.get("options"))
        text = as_text(value)
        keys = text.split(",") if attribute.get("type") == _CHECKBOX else [text]
        free = number(attribute.get("type")) == 1
        for one in keys:
            label = one if free else as_text(options.get(one.strip(), one))
            yield as_text(attribute.get("aname")) or key, label


def add_via(reading: Reading, path: str, times: Any, labels: list[tuple[str, str]]) -> None:
    """Add one entry of VIA 3: two times are a stretch, one a moment, none the whole clip."""
    found = [number(one) for one in as_list(times)]
    for tier, label in labels or [("", "")]:
        if len(found) == 1 and found[0] is not None:
            reading.leave(path, label, f"is a moment at {found[0]:g} s, not a stretch", found[0], found[0])
        elif not isinstance(times, list) or None in found or len(found) > 2:
            reading.leave(path, label, f"has no two times ({shown(str(times))})")
        elif found:
            reading.mark(path, found[0], found[1], label, tier=tier)
        else:
            reading.mark(path, None, None, label, tier=tier)


def _via_project(top: Mapping[str, Any]) -> Reading:
    reading = Reading("VIA 3 project")
    files, views, attributes = (as_dict(top.get(key)) for key in ("file", "view", "attribute"))
    passed = 0
    for entry in as_dict(top.get("metadata")).values():
        one = as_dict(entry)
        values = as_dict(one.get("av"))
        fids = [as_text(fid) for fid in as_list(as_dict(views.get(as_text(one.get("vid")))).get("fid_list"))]
        file = as_dict(files.get(fids[0] if fids else as_text(one.get("vid"))))
        path = media_path(as_text(file.get("fname")) or as_text(file.get("src")))
        labels = list(via_labels(attributes, values))
        if values and not labels:
            passed += 1
        elif not as_list(one.get("xy")) or labels:
            add_via(reading, path, one.get("z"), labels)
    if passed:
        reading.notes.append(f"{counted(passed, 'mark')} of attributes that are not over time: not used")
    return reading


def _boris_project(top: Mapping[str, Any]) -> Reading:
    """Events of a BORIS project: start and stop of a state alternate for each subject, behavior and modifier."""
    reading = Reading("BORIS project")
    kinds = {
        as_text(as_dict(one).get("code")): as_text(as_dict(one).get("type")).casefold()
        for one in as_dict(top.get("behaviors_conf")).values()
    }
    for name, observation in as_dict(top.get("observations")).items():
        one = as_dict(observation)
        players = as_dict(one.get("file"))
        lengths = as_dict(as_dict(one.get("media_info")).get("length"))
        first = [as_text(path) for path in as_list(players.get("1"))]
        if len([player for player in players.values() if as_list(player)]) > 1:
            reading.notes.append(f"observation '{shown(name)}' has several players: the clips of the first are taken")
        files = [(path, number(lengths.get(path))) for path in first]
        pairs = Pairs(reading, files, name)
        for event in as_list(one.get("events")):
            cells = [*as_list(event), "", "", "", ""]
            time, subject, code, modifier = number(cells[0]), *map(as_text, cells[1:4])
            if time is None:
                reading.leave(name, code, f"has no time ({shown(str(event))})")
            elif kinds.get(code, "state").startswith("point"):
                pairs.moment(code, time)
            else:
                pairs.turn((subject, code, modifier), code, time)
        pairs.close()
    return reading


class Pairs:
    """Starts and stops of one observation of BORIS, over its ``files``, (path, seconds) one after another."""

    def __init__(self, reading: Reading, files: list[tuple[str, float | None]], observation: str) -> None:
        self._reading, self._files, self._name = reading, files, observation
        self._open: dict[tuple[str, ...], tuple[str, float]] = {}

    def moment(self, label: str, time: float) -> None:
        """A point event, which is no stretch."""
        self._reading.leave(self._path, label, f"is a moment at {time:g} s (a point event), not a stretch", time, time)

    def turn(self, key: tuple[str, ...], label: str, time: float) -> None:
        """The next start or stop of the state ``key``: they alternate."""
        if key in self._open:
            self.stretch(label, self._open.pop(key)[1], time, key[0])
        else:
            self._open[key] = label, time

    def start(self, key: tuple[str, ...], label: str, time: float) -> None:
        """A start that is called so."""
        if key in self._open:
            self._unpaired(*self._open.pop(key), "start", "stop")
        self._open[key] = label, time

    def stop(self, key: tuple[str, ...], label: str, time: float) -> None:
        """A stop that is called so."""
        if key in self._open:
            self.stretch(label, self._open.pop(key)[1], time, key[0])
        else:
            self._unpaired(label, time, "stop", "start")

    def stretch(self, label: str, start: float, end: float, subject: str) -> None:
        """A stretch of the observation, as stretches of its files."""
        parts = spread(self._files, start, end) if self._files else None
        if parts is None:
            why = "the lengths of its files are not known" if self._files else "it has no media file"
            self._reading.leave(
                self._path, label, f"cannot be placed in observation '{shown(self._name)}': {why}", start, end
            )
            return
        for path, begin, until in parts:
            self._reading.mark(path, begin, until, label, tier=subject)

    def close(self) -> None:
        """Name what was not paired."""
        for label, time in self._open.values():
            self._unpaired(label, time, "start", "stop")
        self._open.clear()

    def _unpaired(self, label: str, time: float, kind: str, other: str) -> None:
        self._reading.leave(self._path, label, f"has a {kind} at {time:g} s and no {other}", time, None)

    @property
    def _path(self) -> str:
        return self._files[0][0] if self._files else self._name


def _activity_net(database: Mapping[str, Any]) -> Reading:
    reading = Reading("ActivityNet")
    without = 0
    for name, entry in database.items():
        annotations = as_list(as_dict(entry).get("annotations"))
        without += not annotations
        for one in map(as_dict, annotations):
            segment = [number(time) for time in as_list(one.get("segment"))]
            label = as_text(one.get("label"))
            if len(segment) != 2 or None in segment:
                reading.leave(name, label, f"has no two times ({shown(str(one.get('segment')))})")
            else:
                reading.mark(name, segment[0], segment[1], label)
    if without:
        reading.notes.append(f"{counted(without, 'video')} without labels, as those of the test subset are")
    return reading


def _is_fifty_one(top: Mapping[str, Any]) -> bool:
    entries = [as_dict(one) for listed in top["labels"].values() for one in as_list(listed)]
    return "classes" in top or any({"support", "timestamps"} & one.keys() for one in entries)


def _fifty_one(top: Mapping[str, Any]) -> Reading:
    """Temporal detections: ``support`` is frames from 1, the end included; ``timestamps`` have a scale of their own."""
    reading = Reading("FiftyOne temporal detections")
    classes = as_list(top.get("classes"))
    for name, listed in top["labels"].items():
        for one in map(as_dict, as_list(listed)):
            key = one.get("label")
            known = type(key) is int and 0 <= key < len(classes)
            label = as_text(classes[key]) if known else as_text(key)  # type: ignore[index]
            unit = Unit.FRAMES if "support" in one else Unit.SHARE
            pair = [number(time) for time in as_list(one.get("support" if unit is Unit.FRAMES else "timestamps"))]
            if len(pair) != 2 or pair[0] is None or pair[1] is None:
                reading.leave(name, label, f"has no support of two frames ({shown(str(one))})")
            else:
                reading.mark(name, pair[0] - (unit is Unit.FRAMES), pair[1], label, unit=unit)
    return reading
