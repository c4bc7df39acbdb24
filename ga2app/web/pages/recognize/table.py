"""All clips in a table, on the page and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import quote

from ga2app.types import Answer
from ga2app.web.components.markup import escape, kind_mark, notices, percent
from ga2app.web.pages.recognize.asking import Told

LABEL_LIST = "true-labels"
_NONE = '<span class="kind negative">none of these</span>'


def overview_html(
    told: Told,
    truth: Mapping[int, str] | None = None,
    asked: Mapping[int, Sequence[str]] | None = None,
    growing: bool = False,
) -> str:
    """Notes, and a table where there are several clips, with a box for each clip's true label.

    ``asked`` holds the labels between which a clip is undecided. What is typed while the answer is ``growing`` would be
    lost, so the boxes wait.
    """
    notes = notices("warning", told.recognition.notes, "Before you trust this:")
    table = _table(told, truth or {}, asked or {}, growing) if len(told.clips) > 1 else ""
    return f'<div class="answer">{notes}{table}</div>' if notes or table else ""


def download_html(told: Told, truth: Mapping[int, str]) -> str:
    """The link to the table as CSV; empty for a single clip."""
    if len(told.clips) < 2:
        return ""
    data = quote(answer_csv(told, truth))
    return f'<a class="download" download="recognized.csv" href="data:text/csv;charset=utf-8,{data}">Download CSV</a>'


def answer_csv(told: Told, truth: Mapping[int, str] | None = None) -> str:
    """One row a clip: what plain CLIP and each bundle say, with their shares, or the clip's error."""
    bundles = ["bundle", *(f"bundle_{number}" for number in range(2, len(told.speakers.bundles) + 1))]
    heads = ["file", "backbone", "plain_label", "plain_score", "plain_none_of_these"]
    for name in bundles:
        heads += [f"{name}_label", f"{name}_score", f"{name}_label_kind", f"{name}_none_of_these", f"{name}_name"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*heads, "true_label", "error", "clip"])
    titles = told.speakers.bundles or ("",)
    for number, clip in enumerate(told.clips):
        row = [file_name(clip.file), told.recognition.backbone]
        label, score, _, none = _columns(clip.answers[0] if clip.answers else None)
        row += [label, score, none]
        for place, title in enumerate(titles, start=1):
            answer = clip.answers[place] if place < len(clip.answers) else None
            row += [*_columns(answer), title if answer else ""]
        writer.writerow([*row, (truth or {}).get(number, ""), clip.error or "", f"#{number + 1}"])
    return stream.getvalue()


def file_name(path: str) -> str:
    """A path's last part: nobody needs to see where uploads lie."""
    return PurePath(path).name


def _columns(answer: Answer | None) -> tuple[str, str, str, str]:
    """Best label, its share, its kind, and whether the clip is none of these: empty where that was not asked."""
    best = answer.best if answer else None
    if answer is None or best is None:
        return "", "", "", ""
    none = "" if answer.verdict is None else ("yes" if answer.none else "no")
    return best.label, f"{best.score:.6f}", best.kind.value, none


def _table(told: Told, truth: Mapping[int, str], asked: Mapping[int, Sequence[str]], growing: bool) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in told.speakers.names)
    rows = []
    for number, (clip, title) in enumerate(zip(told.clips, told.titles, strict=True)):
        name = f'<th scope="row">{escape(title)}</th>'
        if clip.error is not None:
            span = len(told.speakers.names) + 1
            rows.append(f'<tr class="faulty">{name}<td colspan="{span}">{escape(clip.error)}</td></tr>')
            continue
        cells = "".join(_cell(answer, marked=place > 0) for place, answer in enumerate(clip.answers))
        question = f' placeholder="{escape(" or ".join(asked[number]))}?"' if asked.get(number) else ""
        box = (
            f'<td><input type="text" data-truth="{number}" list="{LABEL_LIST}" value="{escape(truth.get(number, ""))}" '
            f'aria-label="True label of {escape(title)}" autocomplete="off"{question}{" disabled" * growing}></td>'
        )
        rows.append(f"<tr>{name}{cells}{box}</tr>")
    options = "".join(f'<option value="{escape(label)}"></option>' for label in told.labels)
    return (
        f'<section class="summary"><header><h3>{len(told.clips)} clips</h3>'
        f'<span class="speaker">{escape(told.speakers.backbone)}</span></header>'
        f'<div class="scroll" tabindex="0" aria-label="all clips"><table><thead><tr><th scope="col">Clip</th>{heads}'
        f'<th scope="col">True label</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'<datalist id="{LABEL_LIST}">{options}</datalist></section>'
    )


def _cell(answer: Answer, *, marked: bool) -> str:
    best = answer.best
    if best is None:
        return "<td></td>"
    if answer.none:
        return f'<td>{_NONE} <span class="share">best label: {escape(best.label)} {percent(best.score)}</span></td>'
    mark = kind_mark(best.kind) if marked else ""
    return f'<td>{escape(best.label)} {mark}<span class="share">{percent(best.score)}</span></td>'
