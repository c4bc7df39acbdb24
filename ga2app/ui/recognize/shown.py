"""What the right side of the screen shows, and how it is drawn again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ga2app.errors import StudioError
from ga2app.ui.markup import busy, notice
from ga2app.ui.recognize.answers import BLOCKS, blocks_html
from ga2app.ui.recognize.asking import Request, Told, answers
from ga2app.ui.recognize.table import download_html, overview_html
from ga2app.ui.recognize.truth import grades_html, read_truth
from ga2app.ui.studio import Studio

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong inside the studio; its log says what. Try again, or report it with the log."

_PACE = 10
"""With more clips than these the page is drawn anew for each tenth of them only."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An answer on the page: true labels by clip, what was wrong with them, the page of clips, and reasons by clip."""

    told: Told | None = None
    truth: Mapping[int, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    page: int = 0
    reasons: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """The pieces of the right side as HTML: notes and table, CSV and accuracies, and the clips in full."""

    overview: str
    grades: str
    clips: str
    shown: Shown

    @property
    def several(self) -> bool:
        """Whether there are several clips, so that true labels are worth asking for."""
        return self.shown.told is not None and len(self.shown.told.clips) > 1


def draw(shown: Shown, *, above: str = "") -> Page:
    """The page for what is shown, with ``above`` before the clips."""
    if shown.told is None:
        return Page("", "", above, shown)
    return Page(
        overview=overview_html(shown.told, shown.truth),
        grades=download_html(shown.told, shown.truth) + grades_html(shown.told, shown.truth, shown.faults),
        clips=above + blocks_html(shown.told, shown.page, shown.reasons),
        shown=shown,
    )


def answer_pages(studio: Studio, request: Request) -> Iterator[Page]:
    """What the right side shows: that it is at work, then the growing answer, or what is wrong."""
    count = len(request.files)
    if count:
        yield draw(Shown(), above=busy(f"Looking at {count} clips…" if count > 1 else "Looking at the clip…"))
    shown = Shown()
    try:
        for told in answers(studio, request):
            shown = Shown(told)
            done = len(told.clips)
            if done < count and done > BLOCKS and done % max(1, count // _PACE):
                continue
            yield draw(shown, above=busy(f"{done} of {count} clips seen…") if done < count else "")
    except StudioError as exc:
        yield draw(shown, above=notice("error", str(exc)))
    except Exception:
        log.exception("recognizing failed")
        yield draw(shown, above=notice("error", UNEXPECTED))


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
    truth, faults = read_truth(lines, shown.told)
    return replace(shown, truth={**shown.truth, **truth}, faults=tuple(faults))
