"""Are the clips of a data set there? For data sets whose form says where each clip lies."""

from __future__ import annotations

from dataclasses import replace

from ga2app.datasets.clip_finder import judge
from ga2app.datasets.import_report import ImportReport, Missing, Problem, listed
from ga2app.types import Dataset


def check_clips(dataset: Dataset, source: str, missing: Missing) -> ImportReport:
    """A report on ``dataset``, read from ``source``: with it, with what is left of it, or without it."""
    problems: dict[str, Problem] = {}
    paths = [clip.path for clip in dataset.clips] + [anchor.path for anchor in dataset.anchors]
    for path in dict.fromkeys(paths):
        search = judge(path)
        if search.path is None:
            problems[path] = Problem(source, 0, path, search.reason, search.advice)
    if problems and missing is Missing.FAIL:
        return ImportReport(dataset.name, None, missing=tuple(problems.values()))
    clips = tuple(clip for clip in dataset.clips if clip.path not in problems)
    anchors = tuple(anchor for anchor in dataset.anchors if anchor.path not in problems)
    present = {clip.label for clip in clips}
    bare = [name for name in (*dataset.base, *dataset.novel) if name not in present]
    notes = (f"classes without any clip, left out ({len(bare)}): {listed(bare, 10)}",) if bare else ()
    if not clips:
        fault = Problem(source, 0, "", "names no clip that is there", "check the paths in it")
        return ImportReport(dataset.name, None, faults=(fault,), missing=tuple(problems.values()))
    kept = replace(
        dataset,
        base=tuple(name for name in dataset.base if name in present),
        novel=tuple(name for name in dataset.novel if name in present),
        clips=clips,
        anchors=anchors,
    )
    return ImportReport(dataset.name, kept, missing=tuple(problems.values()), notes=notes)
