"""What the right side of the screen shows, and how it is drawn again."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ga2app.errors import StudioError
from ga2app.services.studio import Studio
from ga2app.web.components.markup import busy, notice
from ga2app.web.pages.recognize.answer_html import BLOCKS, blocks_html
from ga2app.web.pages.recognize.asking import Request, Told, answers
from ga2app.web.pages.recognize.table import download_html, overview_html
from ga2app.web.pages.recognize.true_label_lines import read_true_labels
from ga2app.web.pages.recognize.truth import grades_html

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong inside the studio; its log says what. Try again, or report it with the log."

_PACE = 10
"""With more clips than these the page is drawn anew for each tenth of them only."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An answer on the page: true labels by clip, what was wrong with them, the page of clips, and reasons by clip.

    ``lines`` are those that true labels were last read from, ``asked`` the labels between which they leave a clip
    undecided. ``kept`` are true labels from before this answer, by the stored copies of the clips.
    """

    told: Told | None = None
    truth: Mapping[int, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    lines: str = ""
    asked: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 0
    reasons: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """The pieces of the right side as HTML: notes and table, CSV and accuracies, and the clips in full.

    ``fault`` is why there is no answer; it stands at the button, too, where the press was.
    """

    overview: str
    grades: str
    clips: str
    shown: Shown
    growing: bool = False
    fault: str = ""

    @property
    def several(self) -> bool:
        """Whether there are several clips, all of them seen, so that true labels are worth asking for."""
        return self.shown.told is not None and len(self.shown.told.clips) > 1 and not self.growing


def draw(shown: Shown, *, above: str = "", growing: bool = False) -> Page:
    """The page for what is shown, with ``above`` before the clips; ``growing`` while more clips are to come."""
    if shown.told is None:
        return Page("", "", above, shown)
    return Page(
        overview=overview_html(shown.told, shown.truth, _open(shown), growing),
        grades=download_html(shown.told, shown.truth) + grades_html(shown.told, shown.truth, shown.faults),
        clips=above + blocks_html(shown.told, shown.page, shown.reasons),
        shown=shown,
        growing=growing,
    )


def answer_pages(studio: Studio, request: Request, before: Shown | None = None) -> Iterator[Page]:
    """What the right side shows: that it is at work, then the growing answer, or what is wrong.

    The clips that were there ``before`` keep their true labels.
    """
    count = len(request.files)
    began = _remembered(before or Shown())
    shown = began
    if count:
        yield draw(shown, above=busy(f"Looking at {count} clips…" if count > 1 else "Looking at the clip…"))
    try:
        for told in answers(studio, request):
            shown = _recalled(began, told)
            done = len(told.clips)
            if done < count and done > BLOCKS and done % max(1, count // _PACE):
                continue
            yield draw(
                shown, above=busy(f"{done} of {count} clips seen…") if done < count else "", growing=done < count
            )
    except StudioError as exc:
        yield _failed(shown, str(exc))
    except Exception:
        log.exception("recognizing failed")
        yield _failed(shown, UNEXPECTED)


def _failed(shown: Shown, text: str) -> Page:
    return replace(draw(shown, above=notice("error", text)), fault=notice("error", text))


def with_true_label(shown: Shown, clip: object, label: object) -> Shown:
    """The same with one true label set, or taken away where ``label`` is empty."""
    if shown.told is None or not isinstance(clip, int) or not 0 <= clip < len(shown.told.clips):
        return shown
    truth = {number: text for number, text in shown.truth.items() if number != clip}
    text = " ".join(str(label).split())
    return replace(shown, truth=truth | ({clip: text} if text else {}))


def with_true_labels(shown: Shown, lines: str) -> Shown:
    """The same with the true labels in ``lines`` of ``file,label`` beside those that are there."""
    if shown.told is None:
        return shown
    found = read_true_labels(lines, shown.told)
    return replace(shown, truth={**shown.truth, **found.labels}, faults=found.faults, lines=lines, asked=found.asked)


def _open(shown: Shown) -> dict[int, tuple[str, ...]]:
    """The clips that still have to be asked about."""
    return {number: labels for number, labels in shown.asked.items() if number not in shown.truth}


def _remembered(shown: Shown) -> Shown:
    """Nothing but the true labels of ``shown``, also of clips that were taken off the list before."""
    kept: dict[str, tuple[str, ...]] = dict(shown.kept)
    if shown.told is not None:
        fresh: dict[str, list[str]] = {}
        for number, path in enumerate(shown.told.paths):
            if path:
                fresh.setdefault(path, []).append(shown.truth.get(number, ""))
        kept |= {path: tuple(labels) for path, labels in fresh.items()}
    return Shown(lines=shown.lines, kept=kept)


def _recalled(began: Shown, told: Told) -> Shown:
    """``told`` with the true labels that were given before: by hand, or in lines that name a clip which is new."""
    found = read_true_labels(began.lines, told)
    truth: dict[int, str] = {}
    times: Counter[str] = Counter()
    for number, path in enumerate(told.paths):
        labels = began.kept.get(path, ())
        if times[path] < len(labels):
            truth[number] = labels[times[path]]
        else:
            truth[number] = found.labels.get(number, "")
        times[path] += 1
    given = {number: label for number, label in truth.items() if label}
    return replace(began, told=told, truth=given, asked=found.asked)
