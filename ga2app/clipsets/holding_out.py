"""A quarter of each class for testing, where the source does not say which clips are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ga2app.contracts import LabelledClip, Subset

TEST_SHARE = 0.25


def hold_out(rows: Iterable[tuple[str, str, Subset | None]]) -> list[LabelledClip]:
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
