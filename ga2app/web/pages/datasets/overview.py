"""The list of data sets, the head of the one that is open, and its labels."""

from __future__ import annotations

from collections.abc import Sequence

from ga2app.store.clip_pages import Copies, LabelRow, SetSummary
from ga2app.types import LabelKind
from ga2app.web.components.list_scripts import HELD_JS, ticks_js
from ga2app.web.components.markup import ago, count_of, empty, escape, listed, notices

LIST_JS = (
    HELD_JS
    + """
element.addEventListener('click', event => {
  const card = event.target.closest('[data-set]');
  if (card) trigger('click', {set: Number(card.dataset.set)});
});
"""
)

LABELS_JS = (
    ticks_js("tbody input")
    + """
element.addEventListener('click', event => {
  const turn = event.target.closest('[data-turn]');
  if (turn) trigger('click', {turn: Number(turn.dataset.turn), kind: turn.dataset.kind});
  const show = event.target.closest('[data-show]');
  if (show) trigger('click', {show: Number(show.dataset.show)});
});
"""
)

_SHOWN = 8


def list_html(sets: Sequence[SetSummary], chosen: int, *, waiting: bool) -> str:
    """Data sets as cards, and the way to a new one. ``waiting``: the demo is still being drawn."""
    cards = [
        f'<button type="button" class="ds-new" data-set="0"{_current(chosen == 0)}><b>+ Import clips</b>'
        "<span>a zip, a folder, or lists</span></button>"
    ]
    cards += [
        f'<button type="button" class="ds-set" data-set="{row.id}"{_current(chosen == row.id)}>'
        f"<b>{escape(row.name)}</b><span>{count_of(row.clips, 'clip')}, "
        f"{row.base} base and {count_of(row.novel, 'novel label')}</span>"
        f'<small title="{escape(row.origin)}">{escape(row.origin)}, {ago(row.created_s)}</small></button>'
        for row in sets
    ]
    if waiting:
        # Last, where the demo will stand: no card moves under the pointer when it comes.
        cards.append(
            '<div class="ds-set waiting"><b>demo</b><span>Drawn actions to try everything on. '
            "They are being drawn and will be here in a moment.</span></div>"
        )
    return f'<nav class="ds-list" aria-label="Data sets">{"".join(cards)}</nav>'


def _current(is_current: bool) -> str:
    return ' aria-current="true"' if is_current else ""


def head_html(row: SetSummary, labels: Sequence[LabelRow], copies: Sequence[Copies]) -> str:
    """Name, counts, and everything that stands in the way of training or measuring."""
    counts = "".join(
        f"<li><b>{count:,}</b> {word}{'' if count == 1 else 's'}</li>"
        for count, word in (
            (row.n_train, "training clip"),
            (row.n_test, "test clip"),
            (row.base, "base label"),
            (row.novel, "novel label"),
        )
    )
    faults, notes = health(row, labels, copies)
    return (
        f'<section class="ds-head"><h2>{escape(row.name)}</h2><p class="legend">{escape(row.origin)}, '
        f'{ago(row.created_s)}</p><ul class="counts">{counts}</ul>'
        f"{notices('warning', faults, 'Before you train:')}{notices('info', notes)}</section>"
    )


def health(row: SetSummary, labels: Sequence[LabelRow], copies: Sequence[Copies]) -> tuple[list[str], list[str]]:
    """What training or a figure would suffer from, and what is merely worth knowing."""
    faults, notes = [], []
    base = [label for label in labels if label.kind is LabelKind.BASE]
    if len(base) < 2:
        have = "none" if not base else "one"
        faults.append(f"training needs at least two base labels, and there is {have}; make labels base, or add clips")
    if bare := [label.name for label in base if not label.n_train]:
        faults.append(f"base labels without a training clip: {listed(bare, _SHOWN)}; split anew, or make them novel")
    if row.clips and not row.n_test:
        faults.append("no clip is for testing, so nothing can be measured; split anew on 'Split'")
    if untested := [label.name for label in labels if label.kind is LabelKind.NOVEL and not label.n_test]:
        faults.append(
            "novel labels without a test clip, so they are not measured: "
            f"{listed(untested, _SHOWN)}; split anew on 'Split'"
        )
    leaks = [copy for copy in copies if len(set(copy.subsets)) > 1]
    if leaks:
        faults.append(
            f"{count_of(len(leaks), 'clip')} with the same content both for training and for testing: a figure "
            f"measured on them means nothing. {_copies_told(leaks)}; delete one of each, or split anew"
        )
    torn = [copy for copy in copies if len(set(copy.label_names)) > 1]
    if torn:
        faults.append(
            f"{count_of(len(torn), 'clip')} with the same content under two labels. {_copies_told(torn)}; "
            "decide which label is right"
        )
    plain = [copy for copy in copies if copy not in leaks and copy not in torn]
    if plain:
        notes.append(f"{count_of(len(plain), 'clip')} more than once under one label. {_copies_told(plain)}")
    if not [label for label in labels if label.kind is LabelKind.NOVEL]:
        notes.append(
            "There are no novel labels. Make some labels novel on 'Labels' to measure whether training makes CLIP "
            "forget what it was not trained on."
        )
    return faults, notes


def labels_html(labels: Sequence[LabelRow]) -> str:
    """Every label with its mark and its counts, to be ticked for an edit."""
    if not labels:
        return empty("No labels yet", "Import clips: each folder of the zip becomes a label.")
    most = max(max(label.clips for label in labels), 1)
    rows = "".join(_label_row(label, most) for label in labels)
    return (
        '<div class="ds-bar"><button type="button" data-tick="all">Tick all</button>'
        '<button type="button" data-tick="none">Untick all</button>'
        '<b data-ticked="# ticked" aria-live="polite"></b></div>'
        '<div class="ds-labels"><table><thead><tr><th><span class="sr">Ticked</span></th><th>Label</th><th>Kind</th>'
        '<th class="number">Train</th><th class="number">Test</th><th class="bar"><span class="sr">Share</span></th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _label_row(label: LabelRow, most: int) -> str:
    name = escape(label.name)
    other = LabelKind.NOVEL if label.kind is LabelKind.BASE else LabelKind.BASE
    return (
        f'<tr><td><input type="checkbox" value="{label.id}" aria-label="Tick {name}"></td>'
        f'<td><button type="button" class="ds-link" data-show="{label.id}" title="Show its clips">{name}</button></td>'
        f'<td><button type="button" class="kind {label.kind.value}" data-turn="{label.id}" data-kind="{other.value}" '
        f'aria-label="{name} is {label.kind.value}: make it {other.value}" title="Make it {other.value}">'
        f"{label.kind.value}</button></td>"
        f'<td class="number">{label.n_train:,}</td><td class="number">{label.n_test:,}</td>'
        f'<td class="bar"><span style="width:{100 * label.clips / most:.0f}%"></span></td></tr>'
    )


def _copies_told(copies: Sequence[Copies]) -> str:
    names = [path.rsplit("/", 1)[-1] for path in copies[0].paths[:2]]
    return f"For example '{names[0]}' and '{names[-1]}'"
