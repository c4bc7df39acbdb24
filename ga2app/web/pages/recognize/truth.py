"""How often each speaker agrees with the true labels of the clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ga2app.labels import LabelNames, label_key
from ga2app.types import NONE_OF_THESE, Answer
from ga2app.web.components.markup import escape, notices
from ga2app.web.pages.recognize.asking import Told


@dataclass(frozen=True)
class Ratio:
    """``right`` of ``count`` clips."""

    right: int = 0
    count: int = 0

    @property
    def percent(self) -> float | None:
        return 100 * self.right / self.count if self.count else None


@dataclass(frozen=True)
class Grade:
    """How one speaker did: on all clips that count, on those of base and of novel labels, and of no label at all."""

    everything: Ratio
    base: Ratio
    novel: Ratio
    none: Ratio

    @property
    def harmonic_mean(self) -> float | None:
        """Of base and novel accuracy, percent; None where one of them has no clips."""
        base, novel = self.base.percent, self.novel.percent
        if base is None or novel is None:
            return None
        return 2 * base * novel / (base + novel) if base + novel else 0.0


def grade(told: Told, truth: Mapping[int, str], place: int, trained: Sequence[str]) -> Grade:
    """How the speaker at ``place`` did, with ``trained`` as the base labels.

    A clip counts if it could be read and its true label is among those it could get: the labels, and "none of these"
    where that was asked for.
    """
    base = {label_key(label) for label in trained}
    tally: dict[str, list[bool]] = {"base": [], "novel": [], "none": []}
    for number, label in counted(told, truth).items():
        right = _right(told.clips[number].answers[place], label)
        kind = "none" if label == label_key(NONE_OF_THESE) else "base" if label in base else "novel"
        tally[kind].append(right)
    ratios = {kind: Ratio(sum(hits), len(hits)) for kind, hits in tally.items()}
    hits = [hit for some in tally.values() for hit in some]
    return Grade(Ratio(sum(hits), len(hits)), ratios["base"], ratios["novel"], ratios["none"])


def counted(told: Told, truth: Mapping[int, str]) -> dict[int, str]:
    """The ``label_key`` of the true labels that count, by the clips' numbers."""
    possible = LabelNames([*told.labels, NONE_OF_THESE] if told.asked_for_none else told.labels)
    found = {number: possible.find(label) for number, label in truth.items() if label.strip()}
    return {
        number: label_key(label)
        for number, label in found.items()
        if label is not None and number < len(told.clips) and told.clips[number].answers
    }


def grades_html(told: Told, truth: Mapping[int, str], faults: Sequence[str] = ()) -> str:
    """Accuracies beside plain CLIP, and what counts; empty while no true label is known."""
    given = {number: label for number, label in truth.items() if label.strip()}
    notes = notices("warning", list(faults[:20]), "Not every line could be used:")
    if not given:
        return notes
    used = counted(told, truth)
    if not used:
        return notes + notices(
            "warning",
            ["none of the true labels is among the labels above; a clip counts only if its true label could be chosen"],
        )
    body = "".join(_group(told, truth, trained, places) for trained, places in _divisions(told))
    none = "<th scope='col'>None of these</th>" if told.asked_for_none else ""
    split = "<th scope='col'>Base</th><th scope='col'>Novel</th><th scope='col'>HM</th>" if told.cards else ""
    return notes + (
        '<section class="summary grades"><header><h3>Against the true labels</h3></header><div class="scroll"><table>'
        f"<thead><tr><th scope='col'>Who</th><th scope='col'>Right</th>{split}{none}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>{_what_counts(told, len(given), len(used))}</section>"
    )


def _divisions(told: Told) -> list[tuple[tuple[str, ...], list[int]]]:
    """Base labels with the speakers they divide the clips for: plain CLIP stands beside each."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, card in enumerate(told.cards, start=1):
        groups.setdefault(card.base, []).append(place)
    return [(base, [0, *places]) for base, places in groups.items()] or [((), [0])]


def _group(told: Told, truth: Mapping[int, str], trained: Sequence[str], places: Sequence[int]) -> str:
    rows = []
    for place in places:
        found = grade(told, truth, place, trained)
        cells = [_ratio(found.everything)]
        if told.cards:
            mean = found.harmonic_mean
            cells += [_ratio(found.base), _ratio(found.novel), "–" if mean is None else f"<b>{mean:.1f}</b>"]
        if told.asked_for_none:
            cells.append(_ratio(found.none))
        columns = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(told.speakers.names[place])}</th>{columns}</tr>')
    return "".join(rows)


def _ratio(ratio: Ratio) -> str:
    if ratio.percent is None:
        return "–"
    return f'<b>{ratio.percent:.1f}</b> <span class="share">{ratio.right} of {ratio.count}</span>'


def _what_counts(told: Told, given: int, used: int) -> str:
    """How the figures are to be read."""
    parts = [
        f"{used} of {given} true labels count: those of clips that could be read, among the labels to choose from."
    ]
    if told.cards:
        parts += [
            "Base: clips of labels that the bundle was trained on; novel: all other labels; HM: the harmonic mean.",
            "All labels compete with each other here, so figures are lower than in a run's report, which tests base "
            "and novel labels apart.",
        ]
    if told.asked_for_none:
        parts.append("An action called none of these is wrong; “none of these” may be a true label, too.")
    return f'<p class="legend">{escape(" ".join(parts))}</p>'


def _right(answer: Answer, label: str) -> bool:
    return label_key(answer.said) == label
