"""A confusion matrix as HTML: a table, or a compact picture of many labels, and what is confused most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ga2app.web.components.markup import escape

MOST_LABELS = 24
"""Larger matrices are drawn without their labels."""
FEW_PAIRS, MANY_PAIRS = 5, 25
_SHADES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Confusion:
    """Labels, and (true label, answer, clips) as places in them, without zeros."""

    labels: Sequence[str]
    cells: Sequence[tuple[int, int, int]]

    def totals(self) -> dict[int, int]:
        """Clips of each true label that has some."""
        totals: dict[int, int] = {}
        for row, _, clips in self.cells:
            totals[row] = totals.get(row, 0) + clips
        return totals


def confused_pairs(confusion: Confusion, limit: int) -> list[tuple[str, str, int, int]]:
    """The most frequent mistakes: true label, answer, how many clips, of how many; at most ``limit``."""
    totals = confusion.totals()
    wrong = sorted((cell for cell in confusion.cells if cell[0] != cell[1]), key=lambda cell: (-cell[2], cell))
    return [(confusion.labels[row], confusion.labels[column], n, totals[row]) for row, column, n in wrong[:limit]]


def confusion_html(confusion: Confusion) -> str:
    """The matrix and its most frequent mistakes."""
    if not confusion.cells:
        return '<p class="legend">No test clips.</p>'
    small = len(confusion.labels) <= MOST_LABELS
    drawn = _table(confusion) if small else _picture(confusion)
    return f'<div class="confusion">{drawn}{_pairs(confusion, FEW_PAIRS if small else MANY_PAIRS)}</div>'


def _table(confusion: Confusion) -> str:
    labels, totals = confusion.labels, confusion.totals()
    counts = {(row, column): clips for row, column, clips in confusion.cells}
    heads = "".join(f'<th scope="col"><span>{escape(label)}</span></th>' for label in labels)
    rows = []
    for row, label in enumerate(labels):
        if row not in totals:
            continue
        cells = "".join(
            _cell(labels, row, column, counts.get((row, column), 0), totals[row]) for column in range(len(labels))
        )
        rows.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    return (
        '<div class="scroll"><table class="matrix"><caption>Rows: what the clip shows. Columns: the answer. '
        f"Numbers: clips.</caption><thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(labels: Sequence[str], row: int, column: int, clips: int, total: int) -> str:
    if not clips:
        return "<td></td>"
    share = round(100 * clips / total)
    right = row == column
    hint = f"{clips} of {total} clips of {labels[row]}: " + ("right" if right else f"taken for {labels[column]}")
    return f'<td class="{"right" if right else "wrong"}" style="--share:{share}%" title="{escape(hint)}">{clips}</td>'


def _picture(confusion: Confusion) -> str:
    """A square a cell, in one path for each shade: thousands of them stay quick."""
    size, totals = len(confusion.labels), confusion.totals()
    paths: dict[tuple[str, int], list[str]] = {}
    for row, column, clips in confusion.cells:
        share = clips / totals[row]
        shade = sum(share > limit for limit in _SHADES)
        paths.setdefault(("right" if row == column else "wrong", shade), []).append(f"M{column} {row}h1v1h-1z")
    drawn = "".join(
        f'<path class="{tone} shade-{shade}" d="{"".join(d)}"/>' for (tone, shade), d in sorted(paths.items())
    )
    right = sum(clips for row, column, clips in confusion.cells if row == column)
    said = f"confusion matrix of {size} labels: {right} of {sum(totals.values())} clips on the diagonal"
    return (
        f'<figure class="dense"><svg viewBox="0 0 {size} {size}" role="img" aria-label="{said}">'
        f'<rect width="{size}" height="{size}"/>{drawn}</svg><figcaption class="legend">{size} labels. '
        "From top to bottom what the clip shows, from left to right the answer; on the diagonal it is right."
        "</figcaption></figure>"
    )


def _pairs(confusion: Confusion, limit: int) -> str:
    pairs = confused_pairs(confusion, limit)
    if not pairs:
        return '<p class="legend">Nothing was confused.</p>'
    items = "".join(
        f"<li><b>{escape(true)}</b> taken for <b>{escape(answer)}</b> <span>{clips} of {total} clips</span></li>"
        for true, answer, clips, total in pairs
    )
    return f'<div class="pairs"><h5>Most often confused</h5><ol>{items}</ol></div>'
