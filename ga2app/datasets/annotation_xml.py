"""Annotations over time in XML: ELAN, and CVAT for video and for images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from ga2app.datasets.annotation_records import Reading, Unit, media_path, number
from ga2app.errors import DatasetError, counted, named, shown
from ga2app.untrusted import read_xml, whole_number


def read_xml_annotations(content: bytes) -> Reading | None:
    """What ``content`` says; None where it is of no known form. Raises ValueError for XML that is damaged."""
    found = _Elements()
    read_xml(content, found.start, found.end)
    if found.root == "ANNOTATION_DOCUMENT":
        return found.elan.reading()
    return found.cvat.reading() if found.root == "annotations" else None


class _Elements:
    """Hands each element to the reader of its document."""

    def __init__(self) -> None:
        self.root = ""
        self.elan, self.cvat = _Elan(), _Cvat()

    def start(self, path: tuple[str, ...], attributes: dict[str, str]) -> None:
        self.root = path[0]
        if self.root == "ANNOTATION_DOCUMENT":
            self.elan.start(path[-1], attributes)
        elif self.root == "annotations":
            self.cvat.start(path, attributes)

    def end(self, path: tuple[str, ...], text: str) -> None:
        if self.root == "ANNOTATION_DOCUMENT":
            self.elan.end(path[-1], text)
        elif self.root == "annotations":
            self.cvat.end(path, text)


@dataclass
class _Annotation:
    tier: str
    slots: tuple[str, str]
    parent: str
    text: str = ""


class _Elan:
    """An .eaf: whole milliseconds; the time in the media is that of the document and the media's TIME_ORIGIN."""

    def __init__(self) -> None:
        self.times: dict[str, int | None] = {}
        self.media: list[dict[str, str]] = []
        self.annotations: dict[str, _Annotation] = {}
        self.tier = self.last = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "MEDIA_DESCRIPTOR":
            self.media.append(attributes)
        elif name == "TIME_SLOT":
            self.times[attributes.get("TIME_SLOT_ID", "")] = whole_number(attributes.get("TIME_VALUE", ""))
        elif name == "TIER":
            self.tier = attributes.get("TIER_ID", "")
        elif name in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
            self.last = attributes.get("ANNOTATION_ID", "") or f"#{len(self.annotations)}"
            slots = attributes.get("TIME_SLOT_REF1", ""), attributes.get("TIME_SLOT_REF2", "")
            self.annotations[self.last] = _Annotation(self.tier, slots, attributes.get("ANNOTATION_REF", ""))

    def end(self, name: str, text: str) -> None:
        if name == "ANNOTATION_VALUE" and self.last in self.annotations:
            self.annotations[self.last].text = text.strip()

    def reading(self) -> Reading:
        reading = Reading("ELAN")
        videos = [one for one in self.media if one.get("MIME_TYPE", "").startswith("video")] or self.media
        media: Mapping[str, str] = videos[0] if videos else {}
        path = media_path(media.get("MEDIA_URL", "") or media.get("RELATIVE_MEDIA_URL", ""))
        if len(videos) > 1:
            reading.notes.append(f"it names {counted(len(videos), 'video')}: the first is taken, '{shown(path)}'")
        origin = number(media.get("TIME_ORIGIN", "0")) or 0.0
        repeated = 0
        for one in self.annotations.values():
            repeated += bool(one.parent)
            slots = self._slots(one)
            begin, end = (self.times.get(slot) for slot in slots)
            if begin is None or end is None:
                reading.leave(
                    path, one.text, f"has no time of its own in tier '{shown(one.tier)}' (a slot without TIME_VALUE)"
                )
            else:
                reading.mark(path, (begin + origin) / 1000, (end + origin) / 1000, one.text, tier=one.tier)
        if repeated:
            reading.notes.append(
                f"{counted(repeated, 'annotation')} of dependent tiers: with the times of their parents"
            )
        return reading

    def _slots(self, one: _Annotation) -> tuple[str, str]:
        """The time slots of ``one``, those of its parent for one that refers to it."""
        for _ in range(len(self.annotations)):
            if one.slots != ("", "") or one.parent not in self.annotations:
                break
            one = self.annotations[one.parent]
        return one.slots


@dataclass
class _Task:
    """A task or a job of CVAT, by what its ``meta`` says."""

    facts: dict[str, str] = field(default_factory=dict)

    def whole(self, key: str) -> int | None:
        return whole_number(self.facts.get(key, ""))

    @property
    def path(self) -> str:
        return self.facts.get("source") or self.facts.get("name") or ""

    @property
    def step(self) -> int:
        found = re.fullmatch(r"\s*step\s*=\s*(\d{1,6})\s*", self.facts.get("frame_filter", ""))
        return max(int(found[1]) if found else 1, 1)


_SHAPES = frozenset("box polygon polyline points cuboid ellipse skeleton mask".split())


class _Cvat:
    """CVAT 1.1: frames of the video in decoding order, counted from 0, also with a start frame and a step."""

    def __init__(self) -> None:
        self.tasks: list[_Task] = []
        self.facts = _Task()
        self.project = False
        self.tracks: list[tuple[str, str, list[tuple[int, bool]]]] = []
        self.tags: dict[tuple[str, str], list[int]] = {}
        self.image: tuple[int | None, str] = None, ""
        self.counts = {"images": 0, "faulty": 0}

    def start(self, path: tuple[str, ...], attributes: dict[str, str]) -> None:
        name = path[-1]
        if path[1:2] == ("meta",):
            self.project = self.project or name == "project"
            if name in ("task", "job"):
                self.tasks.append(_Task())
        elif path[1:] == ("track",):
            self.tracks.append((attributes.get("label", ""), attributes.get("task_id", ""), []))
        elif len(path) == 3 and path[1] == "track" and name in _SHAPES:
            frame = whole_number(attributes.get("frame", ""))
            self.counts["faulty"] += frame is None
            if frame is not None:
                self.tracks[-1][2].append((frame, attributes.get("outside") == "1"))
        elif path[1:] == ("image",):
            self.counts["images"] += 1
            self.image = whole_number(attributes.get("id", "")), attributes.get("task_id", "")
        elif path[1:] == ("image", "tag"):
            frame, task = self.image
            self.counts["faulty"] += frame is None
            if frame is not None:
                self.tags.setdefault((attributes.get("label", ""), task), []).append(frame)

    def end(self, path: tuple[str, ...], text: str) -> None:
        if path[1:2] == ("meta",):
            inside = self.tasks[-1] if self.tasks and len(path) > 3 and path[-2] in ("task", "job") else self.facts
            inside.facts.setdefault(path[-1], text.strip())

    def reading(self) -> Reading:
        reading = Reading("CVAT for images 1.1" if self.counts["images"] else "CVAT for video 1.1")
        if self.counts["faulty"]:
            reading.notes.append(f"{counted(self.counts['faulty'], 'shape')} without a whole number as frame: not used")
        places = self._places()
        for label, key, boxes in self.tracks:
            task, before = self._place(places, key, label)
            stop = task.whole("stop_frame")
            for begin, end in _shown_frames(sorted(boxes), None if stop is None else stop + before + 1):
                until = None if end is None else end - before
                reading.mark(task.path, begin - before, until, label, unit=Unit.FRAMES)
        for (label, key), frames in self.tags.items():
            task, before = self._place(places, key, label)
            for begin, end in _joined(sorted(set(frames)), task.step):
                reading.mark(task.path, begin - before, end - before, label, unit=Unit.FRAMES)
        if steps := {task.step for task, _ in places.values()} - {1}:
            reading.notes.append(
                f"the task shows every {max(steps)}th frame, so each end is known to {max(steps)} frames"
            )
        return reading

    def _places(self) -> dict[str, tuple[_Task, int]]:
        """Each task by its id, with the number of frames that a project's export has moved it by."""
        tasks = self.tasks or [self.facts]
        for task in tasks if len(tasks) == 1 else ():
            task.facts = {**self.facts.facts, **task.facts}
        if not self.project:
            return {"": (tasks[0], 0)}
        sizes = [task.whole("size") for task in tasks]
        if None in sizes[:-1]:
            raise DatasetError(
                "the project moves the frames of each task, and one has no <size>; export its tasks one by one"
            )
        moved = accumulate([0, *(size or 0 for size in sizes[:-1])])
        return {task.facts.get("id", ""): (task, before) for task, before in zip(tasks, moved, strict=True)}

    def _place(self, places: Mapping[str, tuple[_Task, int]], key: str, label: str) -> tuple[_Task, int]:
        found = places.get(key) or (next(iter(places.values())) if len(places) == 1 else None)
        if found is None:
            raise DatasetError(
                f"'{shown(label)}' is of task '{shown(key)}', which the project does not list ({named(places)}); "
                "export its tasks one by one"
            )
        return found


def _shown_frames(boxes: list[tuple[int, bool]], stop: int | None) -> list[tuple[int, int | None]]:
    """The stretches of a track: the first frame outside ends one, else the last frame of the task, ``stop`` - 1."""
    found: list[tuple[int, int | None]] = []
    begin: int | None = None
    for frame, outside in boxes:
        if outside and begin is not None:
            found.append((begin, frame))
            begin = None
        elif not outside and begin is None:
            begin = frame
    return [*found, (begin, stop)] if begin is not None else found


def _joined(frames: list[int], step: int) -> list[tuple[int, int]]:
    """Single frames as stretches: neighbors are ``step`` apart."""
    begins = [frames[0], *(after for before, after in pairwise(frames) if after - before > step)]
    ends = [*(before for before, after in pairwise(frames) if after - before > step), frames[-1]]
    return [(begin, end + step) for begin, end in zip(begins, ends, strict=True)]
