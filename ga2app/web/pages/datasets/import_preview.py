"""What an import of annotations over time would bring: bars over a timeline of each video, and what is not taken."""

from __future__ import annotations

from markupsafe import Markup

from ga2app.datasets.annotation_records import Annotations
from ga2app.web.components.markup import count_of, notices, render
from ga2app.web.components.timeline import MOST_BARS, Bar, clock, timeline_html

MOST_VIDEOS, MOST_LEFT_OUT = 12, 200


def preview_html(found: Annotations) -> str:
    """The stretches that would become clips, what is cut and what is left out, and why; the first videos are drawn."""
    bars: dict[str, list[Bar]] = {path: [] for path in found.clips}
    cut = {(one.path, one.start, one.end, one.label): one.why for one in found.cut}
    for one in found.stretches:
        note = cut.get((one.path, one.start, one.end, one.label), "")
        bars[one.path].append(Bar(one.start, one.end, one.label, state="cut" if note else "", note=note))
    for gone in found.left_out:
        if gone.path in bars and gone.start is not None and gone.end is not None:
            bars[gone.path].append(Bar(gone.start, gone.end, gone.label, state="out", note=gone.why))
    shown = sorted(path for path, some in bars.items() if some)
    most = max(MOST_BARS // MOST_VIDEOS, MOST_BARS // max(1, len(shown)))
    drawn = [
        timeline_html(path, bars[path], found.clips[path][1], found.clips[path][0], most_bars=most)
        for path in shown[:MOST_VIDEOS]
    ]
    labels, videos = ({getattr(one, name) for one in found.stretches} for name in ("label", "path"))
    return render(
        "import_preview.html",
        format=found.format,
        taken=count_of(len(found.stretches), "stretch"),
        many=f"{count_of(len(labels), 'label')} in {count_of(len(videos), 'video')}",
        cut=len(found.cut),
        left_out=found.left_out[:MOST_LEFT_OUT],
        count=len(found.left_out),
        notes=Markup(notices("info", list(found.notes))),
        drawn=drawn,
        more=len(shown) - len(drawn),
        clock=clock,
    )
