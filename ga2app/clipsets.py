"""Data sets as people keep them: folders named after classes, or a CSV file.

CSV: a header line, then one clip a line. Columns ``path`` (relative to the file) and ``label``; optional ``subset``
(train, test) and ``group`` (base, novel, anchor: the label is the anchor's caption; negative: the label is a negative
prompt and there is no path). Folders: ``root/class/clip``, or ``root/train/class/clip`` and ``root/test/class/clip``.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ga2app.contracts import AnchorClip, Dataset, LabelledClip, Subset
from ga2app.errors import DatasetError

VIDEO_SUFFIXES = frozenset(".mp4 .avi .mkv .mov .webm .m4v .wmv .flv .ts .mpg .mpeg .gif .3gp .h264".split())
TEST_SHARE = 0.25
GROUPS = ("base", "novel", "anchor", "negative")


def read_clipset(path: str | Path, *, name: str | None = None, novel: Sequence[str] = ()) -> Dataset:
    """The data set in ``path``, a folder or a CSV file, under ``name`` (the folder's or file's name without it).

    ``novel`` names the classes that are not to be trained on. Where the source does not say which clips are for
    testing, a quarter of each class is, chosen by the clips' names. Raises DatasetError.
    """
    source = Path(path)
    if source.is_dir():
        dataset = _read_folder(source)
    elif source.is_file():
        dataset = _read_csv(source)
    else:
        raise DatasetError(f"there is no folder or CSV file '{source}'; check the path, or name a known data set")
    labels = (*dataset.base, *dataset.novel)
    unknown = [label for label in novel if label not in labels]
    if unknown:
        raise DatasetError(f"no class is called '{unknown[0]}'; the classes of '{source}' are {', '.join(labels)}")
    if novel:
        base = tuple(label for label in labels if label not in novel)
        dataset = replace(dataset, base=base, novel=tuple(novel))
    return replace(dataset, name=name or source.stem)


def _read_folder(root: Path) -> Dataset:
    parts: list[tuple[Subset | None, Path]] = [
        (subset, root / subset.value) for subset in Subset if (root / subset.value).is_dir()
    ]
    rows: list[tuple[str, str, Subset | None]] = []
    for subset, folder in parts or [(None, root)]:
        for class_folder in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
            files = sorted(file for file in class_folder.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
            rows += [(str(file), class_folder.name, subset) for file in files]
    if not rows:
        raise DatasetError(
            f"folder '{root}' holds no clips in class folders; put each class's clips into a folder named after it"
        )
    labels = tuple(dict.fromkeys(label for _, label, _ in rows))
    return Dataset(root.name, labels, (), tuple(_split(rows)))


def _read_csv(file: Path) -> Dataset:
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise DatasetError(f"'{file}' is not a clip list; its first line must name the columns path and label")
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DatasetError(f"'{file}' cannot be read as CSV ({exc}); save it as UTF-8 text") from exc
    faults = [f"line {number}: {fault}" for number, row in enumerate(lines, 2) if (fault := _fault(row))]
    if faults:
        raise DatasetError(f"'{file}' has {len(faults)} faults: {'; '.join(faults[:5])}. Mend these lines")
    groups: dict[str, list[dict[str, str]]] = {group: [] for group in GROUPS}
    for row in lines:
        groups[row.get("group") or "base"].append(row)
    clips = [
        (str(file.parent / row["path"]), row["label"], Subset(row["subset"]) if row.get("subset") else None)
        for row in (*groups["base"], *groups["novel"])
    ]
    base, novel = (tuple(dict.fromkeys(row["label"] for row in groups[group])) for group in ("base", "novel"))
    both = set(base) & set(novel)
    if both or not clips:
        what = f"'{min(both)}' is both base and novel" if both else "there are no clips"
        raise DatasetError(f"'{file}': {what}; give each label one group, and at least one clip")
    return Dataset(
        file.stem,
        base,
        novel,
        tuple(_split(clips)),
        tuple(AnchorClip(str(file.parent / row["path"]), row["label"]) for row in groups["anchor"]),
        tuple(row["label"] for row in groups["negative"]),
    )


def _fault(row: dict[str, str]) -> str | None:
    if not (row["label"] or "").strip():
        return "there is no label"
    group = row.get("group") or "base"
    if group not in GROUPS:
        return f"group '{group}' is not one of {', '.join(GROUPS)}"
    if group != "negative" and not (row["path"] or "").strip():
        return "there is no path"
    if (row.get("subset") or "train") not in [subset.value for subset in Subset]:
        return f"subset '{row['subset']}' is neither train nor test"
    return None


def _split(rows: Iterable[tuple[str, str, Subset | None]]) -> list[LabelledClip]:
    """Clips with a subset each. Which clips of a class are for testing hangs on their names alone."""
    clips: list[LabelledClip] = []
    open_rows: dict[str, list[str]] = {}
    for path, label, subset in rows:
        if subset is None:
            open_rows.setdefault(label, []).append(path)
        else:
            clips.append(LabelledClip(path, label, subset))
    for label, paths in open_rows.items():
        ranked = sorted(paths, key=lambda path: hashlib.sha256(Path(path).name.encode()).hexdigest())
        held_out = round(len(paths) * TEST_SHARE) or int(len(paths) > 1)
        tested = set(ranked[:held_out])
        clips += [LabelledClip(path, label, Subset.TEST if path in tested else Subset.TRAIN) for path in paths]
    return clips
