"""What is in the chosen data sets: counts, labels by kind, a few clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from ga2app.config import DEMO
from ga2app.services.studio import Studio
from ga2app.store import DatasetRow
from ga2app.types import Dataset, LabelKind, Subset
from ga2app.web.components.markup import chips, escape, file_url, notice

_PICTURED = 8
_PLAYABLE = (".mp4", ".webm", ".m4v", ".mov")


def datasets_html(studio: Studio, names: Sequence[str]) -> str:
    """The card of the one data set that is chosen; of several a line each."""
    rows = {row.name: row for row in studio.store.datasets.list()}
    if not names:
        return notice("info", "Choose one data set or several; the Datasets screen brings in your own clips.")
    if len(names) == 1:
        return _card(studio, rows.get(names[0]), names[0])
    lines = "".join(_line(rows.get(name), name) for name in names)
    return f'<section class="dataset several"><ul class="lines">{lines}</ul></section>'


def _card(studio: Studio, row: DatasetRow | None, name: str) -> str:
    if row is None and name == DEMO:
        text = "The worker is drawing the clips. You may queue a run already: it waits for them."
        return notice("info", text, "Being drawn…")
    if row is None:
        return notice("error", f"There is no data set '{name}'.")
    counts = "".join(
        f"<li><b>{count:,}</b> {escape(word)}</li>"
        for count, word in (
            (row.n_train, "training clips"),
            (row.n_test, "test clips"),
            (row.anchors, "irrelevant clips (anchors)"),
        )
    )
    dataset = studio.store.datasets.get(row.name)
    return (
        f'<section class="dataset"><h2 class="unseen">Data set {escape(row.name)}</h2>'
        f'<ul class="counts">{counts}</ul>{_pictures(dataset)}'
        f"<h3>{len(row.base)} base labels <small>trained on</small></h3>{chips(row.base, LabelKind.BASE)}"
        f"<h3>{len(row.novel)} novel labels <small>never trained on, only tested: they must not get worse</small></h3>"
        f"{chips(row.novel, LabelKind.NOVEL)}</section>"
    )


def _line(row: DatasetRow | None, name: str) -> str:
    if row is None:
        return f"<li><b>{escape(name)}</b> <span>{'being drawn…' if name == DEMO else 'not here any more'}</span></li>"
    what = f"{len(row.base)} base, {len(row.novel)} novel labels · {row.n_train:,} training, {row.n_test:,} test clips"
    return f"<li><b>{escape(name)}</b> <span>{escape(what)}</span></li>"


def _pictures(dataset: Dataset) -> str:
    """One training clip of each of the first base labels, where a browser can show it."""
    first: dict[str, str] = {}
    for clip in dataset.clips:
        if clip.subset is Subset.TRAIN and PurePath(clip.path).suffix.lower() in _PLAYABLE:
            first.setdefault(clip.label, clip.path)
    shown = [(label, first[label]) for label in dataset.base if label in first][:_PICTURED]
    items = "".join(
        f'<li><video src="{file_url(path)}#t=0.5" muted playsinline preload="metadata" title="{escape(label)}">'
        f"</video><span>{escape(label)}</span></li>"
        for label, path in shown
    )
    return f'<ul class="pictures">{items}</ul>' if items else ""
