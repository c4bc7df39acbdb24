"""The few-shot draw as a preview: the very clips that a run with these shots and this seed is trained on."""

from __future__ import annotations

from collections.abc import Sequence

from ga2app.datasets.train_test import draw_shots
from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipRow
from ga2app.types import Dataset, LabelledClip
from ga2app.web.components.markup import count_of, escape, file_url, notice
from ga2app.web.pages.datasets.media import picture_of

_PICTURED = 240


def drawn_rows(dataset: Dataset, clips: Sequence[ClipRow], shots: int, seed: int) -> list[ClipRow]:
    """The rows of the clips that are drawn. Raises DatasetError where training would refuse the data set."""
    waiting: dict[tuple[str, str], list[ClipRow]] = {}
    for clip in clips:
        waiting.setdefault((clip.path, clip.label), []).append(clip)
    return [_take(waiting, clip) for clip in draw_shots(dataset, shots, seed)]


def _take(waiting: dict[tuple[str, str], list[ClipRow]], clip: LabelledClip) -> ClipRow:
    rows = waiting[clip.path, clip.label]
    return next((row for row in rows if row.subset is clip.subset), rows[0])


def draw_html(studio: Studio, drawn: Sequence[ClipRow], shots: int, seed: int) -> str:
    """The drawn clips by label, with a word where a label has fewer than were asked for."""
    by_label: dict[str, list[ClipRow]] = {}
    for clip in drawn:
        by_label.setdefault(clip.label, []).append(clip)
    few = [f"{label} ({len(clips)})" for label, clips in by_label.items() if len(clips) < shots]
    told = notice("info", f"fewer than {shots} training clips, all of them taken: {', '.join(few)}") if few else ""
    rows, left = [], _PICTURED
    for label, clips in by_label.items():
        pictures = "".join(_picture(studio, clip) for clip in clips[:left])
        left = max(0, left - len(clips))
        rows.append(f"<h4>{escape(label)} <small>{count_of(len(clips), 'clip')}</small></h4><ul>{pictures}</ul>")
    rest = "" if left else f'<p class="legend">Pictures of the first {_PICTURED} are shown.</p>'
    return (
        f'<section class="ds-draw"><p class="legend">{count_of(len(drawn), "clip")} of '
        f"{count_of(len(by_label), 'label')} with seed {seed}.</p>"
        f"{told}{''.join(rows)}{rest}</section>"
    )


def _picture(studio: Studio, clip: ClipRow) -> str:
    picture = picture_of(studio, clip)
    name = escape(clip.path.rsplit("/", 1)[-1])
    inside = f'<img src="{file_url(picture)}" alt="" loading="lazy">' if picture else "<span>…</span>"
    return f'<li title="{name}">{inside}</li>'
