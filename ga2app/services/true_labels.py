"""True labels: read out of lines of ``file,label`` for the clips that they were written for, and what they grade.

A clip is found by the name that it had where it was uploaded from, with as much of its path as both sides give. Where a
line could mean several clips, or lines disagree, nothing is guessed: the page asks which is meant. Clips may also wait
to join a data set: kept from Recognize, and labeled one by one.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ga2app.datasets.clip_files import content_digest
from ga2app.datasets.text_tables import split_cells
from ga2app.errors import DatasetError
from ga2app.errors import counted as number_of
from ga2app.labels import LabelNames, label_key, tidy
from ga2app.paths import Home
from ga2app.services.quotas import check_clips
from ga2app.services.recognition_service import Results
from ga2app.services.uploads import keep_for_good, recognized_folder
from ga2app.store import Store
from ga2app.store.clip_reviews import WaitingClip
from ga2app.store.row_guard import APP, acting_as
from ga2app.stretches import file_of
from ga2app.types import NONE_OF_THESE, harmonic_mean

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

_FILE_HEADS = ("file", "path", "filename", "file_name", "filepath", "video", "name", "clip")
_LABEL_HEADS = ("true_label", "true label", "label", "class", "category", "action")
_NUMBER_SIGN = "#"


@dataclass(frozen=True)
class TrueLabels:
    """True labels by the clips' numbers, what is wrong with the lines, and the clips that have to be asked about.

    ``asked`` holds, by the clip's number, the labels that it may have.
    """

    labels: dict[int, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    asked: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Line:
    number: int
    name: str
    label: str


def read_true_labels(text: str, results: Results) -> TrueLabels:
    """The true labels in ``text``: lines of ``file,label``, or a table with such columns under a header.

    The folder may be left out, and so may the ending; case does not matter. "#2" is the second clip.
    """
    faults: list[str] = []
    labels: dict[int, str] = {}
    asked: dict[int, tuple[str, ...]] = {}
    groups: dict[tuple[int, ...], list[_Line]] = {}
    for line in _lines(text, results, faults):
        found = _meant(line.name, results.names)
        if found:
            groups.setdefault(found, []).append(line)
        else:
            faults.append(f"line {line.number}: no clip '{line.name[:60]}' was recognized")
    for places, lines in sorted(groups.items(), key=lambda entry: len(entry[0])):
        open_places = [place for place in places if place not in labels]
        options = {label_key(line.label): line.label for line in lines}
        if len(options) == 1 and len(lines) >= len(places):
            labels |= dict.fromkeys(open_places, lines[0].label)
        elif open_places:
            asked |= dict.fromkeys(open_places, tuple(options.values()))
            faults.append(_question(results, open_places, lines, list(options.values())))
    return TrueLabels(labels, tuple(faults), {place: some for place, some in asked.items() if place not in labels})


def _question(results: Results, places: Sequence[int], lines: Sequence[_Line], options: Sequence[str]) -> str:
    """Which of several clips, or which of several labels, is meant."""
    where = f"line{'s' if len(lines) > 1 else ''} {', '.join(str(line.number) for line in lines[:5])}"
    clips = ", ".join(f"{_NUMBER_SIGN}{place + 1}" for place in places[:8])
    name = PurePosixPath(_parts(results.names[places[0]])[-1]).name
    given = " or ".join(f"'{label[:60]}'" for label in options[:5])
    how = f"type the label into the table, or write the clip's number: {_NUMBER_SIGN}{places[0] + 1},{options[0]}"
    if len(places) == 1:
        return f"{where}: which label has clip {clips} ('{name}'), {given}? {how}"
    return f"{where}: clips {clips} have the name '{name}'; which of them is {given}? {how}"


def _meant(name: str, names: Sequence[str]) -> tuple[int, ...]:
    """The numbers of the clips that ``name`` can mean; a whole name comes before one without its ending."""
    number = name.removeprefix(_NUMBER_SIGN)
    if name.startswith(_NUMBER_SIGN) and number.isascii() and number.isdigit() and 0 < int(number) <= len(names):
        return (int(number) - 1,)
    wanted, known = _parts(name), [_parts(given) for given in names]
    whole = tuple(place for place, parts in enumerate(known) if _fits(wanted, parts))
    return whole or tuple(
        place for place, parts in enumerate(known) if _fits(wanted, (*parts[:-1], PurePosixPath(parts[-1]).stem))
    )


def _fits(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two paths are the same as far as both go, from their ends."""
    shared = min(len(one), len(other))
    return tuple(one[-shared:]) == tuple(other[-shared:])


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a path of any system, without differences of case and of Unicode's forms; never empty."""
    plain = unicodedata.normalize("NFC", path).casefold().replace("\\", "/")
    return tuple(part for part in plain.split("/") if part not in ("", ".")) or (plain,)


def _lines(text: str, results: Results, faults: list[str]) -> Iterator[_Line]:
    """The lines with a file and a label; others are faults, but for empty ones and rows without a true label."""
    known = LabelNames(results.labels)
    rows = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip(" \t,;")]
    heads = _cells(rows[0][1], faults) if rows else []
    columns = _columns(heads)
    separator = _separator(rows[0][1]) if columns else ""
    for number, line in rows[1:] if columns else rows:
        cells = _cells(line, faults, separator)
        file, label = columns or (0, 1)
        if not cells:
            continue
        if max(file, label) >= len(cells) or not (columns or (cells[file] and cells[label])):
            faults.append(f"line {number}: '{line.strip()[:60]}' is not of the form file,label")
        elif cells[file] and cells[label]:
            # A label that holds a comma needs no quotes where it is the last cell and one of the labels.
            rest = ", ".join(cells[label:])
            yield _Line(number, cells[file], tidy(rest if known.find(rest) else cells[label]))


def _cells(line: str, faults: list[str], separator: str = "") -> list[str]:
    """The cells of ``line``, which may have another separator than the header's; none, and a fault, for no CSV."""
    chosen = separator if separator and separator in line else _separator(line)
    try:
        return split_cells(line, chosen)
    except ValueError as exc:
        faults.append(str(exc))
        return []


def _separator(line: str) -> str:
    return "\t" if "\t" in line else ";" if ";" in line and "," not in line else ","


def _columns(cells: Sequence[str]) -> tuple[int, int] | None:
    """The columns of file and true label where ``cells`` are a header; clips' numbers stand for files."""
    heads = [cell.lower() for cell in cells]
    label = next((heads.index(head) for head in _LABEL_HEADS if head in heads), None)
    file = next((heads.index(head) for head in _FILE_HEADS if head in heads), None)
    if label is None or file is None:
        return None
    return (heads.index("clip") if heads[file] != "clip" and "clip" in heads else file), label


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
    """How one classifier did: on all clips that count, on those of base and of novel labels, and of no label at all."""

    everything: Ratio
    base: Ratio
    novel: Ratio
    none: Ratio

    @property
    def harmonic_mean(self) -> float | None:
        """Of base and novel accuracy, percent; None where one of them has no clips."""
        base, novel = self.base.percent, self.novel.percent
        return None if base is None or novel is None else harmonic_mean(base, novel)


def grade(results: Results, ground_truth: Mapping[int, str], place: int, trained: Sequence[str]) -> Grade:
    """How the classifier at ``place`` did, with ``trained`` as the base labels.

    A clip counts if it could be read and its true label is among those it could get: the labels, and "none of these"
    where that was asked for.
    """
    base = {label_key(label) for label in trained}
    tally: dict[str, list[bool]] = {"base": [], "novel": [], "none": []}
    for number, label in counted(results, ground_truth).items():
        right = label_key(results.clips[number].answers[place].said) == label
        kind = "none" if label == label_key(NONE_OF_THESE) else "base" if label in base else "novel"
        tally[kind].append(right)
    ratios = {kind: Ratio(sum(hits), len(hits)) for kind, hits in tally.items()}
    hits = [hit for some in tally.values() for hit in some]
    return Grade(Ratio(sum(hits), len(hits)), ratios["base"], ratios["novel"], ratios["none"])


def counted(results: Results, ground_truth: Mapping[int, str]) -> dict[int, str]:
    """The ``label_key`` of the true labels that count, by the clips' numbers."""
    possible = LabelNames([*results.labels, NONE_OF_THESE] if results.asked_for_none else results.labels)
    found = {number: possible.find(label) for number, label in ground_truth.items() if label.strip()}
    return {
        number: label_key(label)
        for number, label in found.items()
        if label is not None and number < len(results.clips) and results.clips[number].answers
    }


def divisions(results: Results) -> list[tuple[tuple[str, ...], list[int]]]:
    """Base labels with the classifiers that they divide the clips for: zero-shot CLIP stands beside each."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, card in enumerate(results.cards, start=1):
        groups.setdefault(card.base, []).append(place)
    return [(base, [0, *places]) for base, places in groups.items()] or [((), [0])]


_TOP = 5


class WaitingService:
    """Clips between Recognize and a data set, of whoever acts."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def all(self) -> Sequence[WaitingClip]:
        """The least certain first."""
        return self._store.reviews.waiting()

    def keep(self, results: Results) -> str:
        """Let the recognized clips of ``results`` wait, each content once; gives in words how many there are now.

        Raises DatasetError where none of them was kept, LimitError beyond the quota.
        """
        self._studio.may_change()
        found = []
        for path, clip in zip(results.paths, results.clips, strict=True):
            if not path or not clip.answers:
                continue
            best = clip.answers[-1].scores
            ahead = best[0].score - best[1].score if len(best) > 1 else 1.0
            answers = {
                title: [(score.label, score.score) for score in answer.scores[:_TOP]]
                for title, answer in zip(results.classifiers, clip.answers, strict=True)
            }
            found.append((path, content_digest(path), answers, ahead))
        if not found:
            raise DatasetError("none of these clips was kept; recognize them again, then review them")
        check_clips(self._store, [path for path, *_ in found])
        kept = [
            (keep_for_good(self._studio.home, path), digest, answers, ahead) for path, digest, answers, ahead in found
        ]
        fresh = self._store.reviews.wait(kept)
        return f"{number_of(fresh, 'clip')} to review, {len(self.all()):,} in all."

    def join(self, waiting_id: int, dataset_id: int, label: str) -> str:
        """Put a waiting clip into a data set under ``label``, as one to train on."""
        if not label.strip():
            raise DatasetError("no label was chosen; choose one, or type a new one")
        self._studio.may_change()
        clip = next((one for one in self.all() if one.id == waiting_id), None)
        if clip is None:
            raise DatasetError("this clip does not wait any more; reload the page")
        check_clips(self._store, [clip.path])
        return f"Done: {self._store.reviews.join(waiting_id, dataset_id, label, clip.digest)}."

    def dismiss(self, waiting_id: int) -> str:
        """Leave a waiting clip out. It can be undone."""
        return f"Done: {self._store.reviews.dismiss(waiting_id)}."


@acting_as(APP)  # files of others are needed, too
def sweep_recognized(home: Home, store: Store) -> int:
    """Delete files of recognized clips that nothing names any more, nor an undo could bring back; gives how many."""
    folders = [folder for folder in recognized_folder(home).glob("*") if folder.is_dir()]
    needed = {Path(file_of(path)).parent for path in store.reviews.files()} if folders else set()
    gone = [folder for folder in folders if folder not in needed]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)
