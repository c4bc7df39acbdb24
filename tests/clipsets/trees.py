"""Lists and trees of clips for tests: where only names matter, a clip is a file of one byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ga2app.datasets import ImportReport, SplitLists, import_split_lists
from ga2app.types import Dataset


def touch(root: Path, *names: str) -> Path:
    """Files of one byte each below ``root``, which is given back."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def write(file: Path, *lines: str) -> Path:
    """A text file of ``lines``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def report_on(root: Path, **lists: Any) -> ImportReport:
    """What importing ``lists`` from ``root`` under the name "set" reports; single files may be given for tuples."""
    for name in ("train", "test", "novel_test", "anchors"):
        if isinstance(lists.get(name), Path):
            lists[name] = (lists[name],)
    return import_split_lists(SplitLists(name="set", root=root, **lists))


def imported(root: Path, **lists: Any) -> Dataset:
    """The data set of ``lists``, which must come in without any trouble."""
    report = report_on(root, **lists)
    assert report.dataset is not None, report.refusal()
    assert not (report.missing or report.repeated)
    return report.dataset


def clips_of(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Label and subset of each clip by its file's name."""
    return {Path(clip.path).name: (clip.label, clip.subset.value) for clip in dataset.clips}
