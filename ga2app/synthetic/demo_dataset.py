"""Drawn clips as real H.264 files, and the drawn data sets that are made of them.

A drawn data set is a folder with ``clips.csv`` (path, label, subset, group) beside its clips. It appears whole or
not at all: it is drawn in a temporary folder that is renamed when everything is in it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ga2app.errors import DatasetError
from ga2app.synthetic.actions import ACTIONS, DEMO_BASE, DEMO_NOVEL, HARD_PROMPT_ACTIONS
from ga2app.synthetic.appearance import STYLES
from ga2app.synthetic.figure import Subject
from ga2app.synthetic.reversible_actions import REVERSIBLE
from ga2app.synthetic.scenes import SCENES
from ga2app.synthetic.world import clip_frames
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset
from ga2app.untrusted import csv_text, read_ordinary, row_dicts
from ga2app.video.writer import write_clip

CLIP_PX = 96
CLIP_FRAMES = 12
CLIP_FPS = 8.0
GENERATED_STREAM = 9001
_SUBJECTS = {**ACTIONS, **SCENES, **REVERSIBLE}
"""The order is part of what a seed draws: what comes later stands behind."""


def subject_named(name: str) -> Subject:
    """The action, reversible action or scene with this key or name. Raises DatasetError with some names that exist."""
    key = name.strip().replace(" ", "_")
    found = _SUBJECTS.get(key)
    if found is None:
        known = ", ".join(subject.name for subject in list(ACTIONS.values())[:6])
        raise DatasetError(f"the sketch world has no '{name}'; it knows {len(ACTIONS)} actions, such as {known}")
    return found


def write_drawn_clip(
    path: Path,
    subject: Subject,
    style: str,
    seed: int | tuple[int, ...],
    num_frames: int = CLIP_FRAMES,
    size_px: int = CLIP_PX,
) -> None:
    """Draw one clip and write it as mp4 at ``CLIP_FPS``; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, clip_frames(subject, style, seed, num_frames, size_px), CLIP_FPS)


def generate(
    folder: Path, style: str = "plain", clips_per_class: int = 2, seed: int = 0, names: Sequence[str] = ()
) -> list[tuple[Path, str]]:
    """Draw ``clips_per_class`` clips of each named subject, or of every action: class folders under ``folder``.

    Returns (path, label) of each clip. Raises DatasetError for a style or a name that does not exist.
    """
    if style not in STYLES:
        raise DatasetError(f"style '{style}' does not exist; choose one of {', '.join(STYLES)}")
    if clips_per_class < 1:
        raise DatasetError(f"clips_per_class is {clips_per_class}, but must be at least 1")
    subjects = [subject_named(name) for name in names] or list(ACTIONS.values())
    order = list(_SUBJECTS)
    made = []
    for subject in subjects:
        for index in range(clips_per_class):
            path = folder / subject.key / f"{subject.key}-{index:03d}.mp4"
            write_drawn_clip(path, subject, style, (seed, GENERATED_STREAM, order.index(subject.key), index))
            made.append((path, subject.name))
    return made


MANIFEST = "clips.csv"
COLUMNS = ("path", "label", "subset", "group")
NEGATIVES = ("nothing happening", "something else", "an object", "no person", "an empty place", "the background")
EXAMPLE_PX = 128
EXAMPLE_FRAMES = 16
EXAMPLES: tuple[tuple[str, str], ...] = (
    ("riding_a_bicycle", "plain"),
    ("climbing_a_ladder", "plain"),
    ("flying_a_kite", "plain"),
    ("shooting_a_basketball", "plain"),
    ("playing_the_drums", "plain"),
    ("chopping_wood_with_an_axe", "plain"),
    ("walking_a_dog", "camcorder"),
    ("rowing_a_boat", "camcorder"),
)


@dataclass(frozen=True)
class DrawnSet:
    """What a drawn data set holds. Counts are clips a class; ``stream`` keeps its clips apart from other sets'."""

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    style: str
    stream: int
    base_train: int = 16
    base_test: int = 10
    novel_test: int = 6
    anchors_per_scene: int = 2


DEMO_SET = DrawnSet("demo", DEMO_BASE, DEMO_NOVEL, "camcorder", stream=9101)
HARD_PROMPT_SET = DrawnSet(
    "sketch-hard-prompt", HARD_PROMPT_ACTIONS, (), "film", stream=9201, base_test=6, anchors_per_scene=0
)


def build_examples(folder: Path) -> list[tuple[Path, str]]:
    """Eight clips to try recognition on, as (path, label); clips that are there already are kept."""
    made = []
    for index, (key, style) in enumerate(EXAMPLES):
        path = folder / f"{key}.mp4"
        if not path.exists():
            write_drawn_clip(path, ACTIONS[key], style, (9301, index), EXAMPLE_FRAMES, EXAMPLE_PX)
        made.append((path, ACTIONS[key].name))
    return made


def demo_dataset(folder: Path, seed: int = 0) -> Dataset:
    """The demo data set in ``folder``, drawn first if it is not there: 8 base classes, novel ones, anchors."""
    return drawn_dataset(folder, DEMO_SET, seed)


def hard_prompt_dataset(folder: Path, seed: int = 0) -> Dataset:
    """The data set that the embedded hard prompt is trained on: other actions than the demo's, in another style."""
    return drawn_dataset(folder, HARD_PROMPT_SET, seed)


def drawn_dataset(folder: Path, drawn: DrawnSet, seed: int = 0) -> Dataset:
    """The data set ``drawn`` in ``folder``, drawn first if it is not there.

    Raises DatasetError if the folder exists without a readable manifest, or with a clip missing.
    """
    if not folder.exists():
        _draw(folder, drawn, seed)
    return _read(folder, drawn)


def _draw(folder: Path, drawn: DrawnSet, seed: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        rows = [_draw_one(fresh, drawn, seed, *entry) for entry in _entries(drawn)]
        (fresh / MANIFEST).write_bytes(csv_text([COLUMNS, *rows], "\r\n").encode())
        fresh.chmod(0o755)
        _take_place(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _take_place(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` to ``folder``; when somebody else has just drawn the same set, theirs stays."""
    try:
        os.replace(fresh, folder)
    except OSError:
        if not (folder / MANIFEST).exists():
            raise


def _entries(drawn: DrawnSet) -> list[tuple[str, str, str, int]]:
    """(subject key, subset, group, number) of every clip, in manifest order."""
    groups = (
        (drawn.base, "train", "base", drawn.base_train),
        (drawn.base, "test", "base", drawn.base_test),
        (drawn.novel, "test", "novel", drawn.novel_test),
        (tuple(SCENES), "train", "anchor", drawn.anchors_per_scene),
    )
    return [
        (key, subset, group, index) for keys, subset, group, count in groups for key in keys for index in range(count)
    ]


def _draw_one(
    folder: Path, drawn: DrawnSet, seed: int, key: str, subset: str, group: str, index: int
) -> tuple[str, str, str, str]:
    path, subject = f"{group}-{subset}/{key}/{key}-{index:02d}.mp4", _SUBJECTS[key]
    stream = drawn.stream + ("train", "test").index(subset)
    write_drawn_clip(folder / path, subject, drawn.style, (seed, stream, list(_SUBJECTS).index(key), index))
    return path, subject.name, subset, group


def _read(folder: Path, drawn: DrawnSet) -> Dataset:
    try:
        rows = [row for _, row in row_dicts(read_ordinary(folder / MANIFEST).decode().splitlines())]
    except (OSError, ValueError) as exc:
        raise DatasetError(f"{folder} holds no {MANIFEST}; delete the folder, and it is drawn again") from exc
    missing = [row["path"] for row in rows if not (folder / row["path"]).is_file()]
    if missing or not rows:
        lost = f"{len(missing)} of {len(rows)} clips, such as {missing[0]}" if missing else "all clips"
        raise DatasetError(f"{folder} lacks {lost}; delete the folder, and it is drawn again")
    clips = tuple(
        LabelledClip(str(folder / row["path"]), row["label"], Subset(row["subset"]))
        for row in rows
        if row["group"] != "anchor"
    )
    anchors = tuple(
        AnchorClip(str(folder / row["path"]), f"a video of {row['label']}") for row in rows if row["group"] == "anchor"
    )
    base, novel = (tuple(_SUBJECTS[key].name for key in keys) for keys in (drawn.base, drawn.novel))
    return Dataset(drawn.name, base, novel, clips, anchors, NEGATIVES if anchors else ())
