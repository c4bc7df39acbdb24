"""What the right side of Recognize holds, and how it changes: answers as they come, true labels, and reasons.

A page that is opened again is a new session to Gradio, whose states begin anew. So each browser tab has a key of its
own, in its session storage (``visit_key.js``), and the server keeps under it what the page held: values and answers,
of which the pictures are files. Only memory: a restart forgets it.
"""

from __future__ import annotations

import re
import secrets
import threading
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ga2app.labels import check_labels
from ga2app.services.explanations import Question, question
from ga2app.services.recognition_service import ZERO_SHOT, Results
from ga2app.services.served_files import PictureFiles
from ga2app.services.studio import Studio
from ga2app.services.true_labels import TrueLabels, read_true_labels
from ga2app.types import RecognitionRequest
from ga2app.untrusted import open_ordinary
from ga2app.web.components.markup import busy
from ga2app.web.events import attempt, fault_html
from ga2app.web.pages.recognize.recognize_view import BLOCKS, blocks_html, grades_html, overview_html, reasons_html

MOST_CSV_BYTES = 4_000_000
MOST_VISITS, MOST_CLIPS = 200, 4000
"""Of so many tabs it is known what they held, and of those used last the answers about so many clips."""
MOST_KEPT_SIGNS = 100_000
"""Labels of a tab that are longer are not kept."""
_OVERLAY_PX = 160
_PACE = 10
"""With more clips than these the page is drawn anew for each tenth of them only."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An answer on the page: true labels by clip, what was wrong with them, the page of clips, and reasons by clip.

    ``lines`` are those that true labels were last read from, ``asked`` the labels between which they leave a clip
    undecided. ``kept`` are true labels from before this answer, by the stored copies of the clips. ``told``: what came
    of keeping the clips for review.
    """

    results: Results | None = None
    truth: Mapping[int, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    lines: str = ""
    asked: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 0
    reasons: Mapping[int, str] = field(default_factory=dict)
    told: str = ""


@dataclass(frozen=True)
class Drawn:
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
        return self.shown.results is not None and len(self.shown.results.clips) > 1 and not self.growing


def draw(shown: Shown, *, above: str = "", growing: bool = False) -> Drawn:
    """The page for what is shown, with ``above`` before the clips; ``growing`` while more clips are to come."""
    if shown.results is None:
        return Drawn("", "", above, shown)
    still_open = {number: labels for number, labels in shown.asked.items() if number not in shown.truth}
    return Drawn(
        overview=str(overview_html(shown.results, shown.truth, still_open, growing)),
        grades=str(grades_html(shown.results, shown.truth, shown.faults)),
        clips=above + shown.told + str(blocks_html(shown.results, shown.page, shown.reasons)),
        shown=shown,
        growing=growing,
    )


def answer_pages(
    studio: Studio, read: Callable[[Any], tuple[RecognitionRequest, Shown]], put: Callable[[Drawn], Any], given: Any
) -> Iterator[Any]:
    """What the right side shows: that it is at work, then the growing answer, or what is wrong.

    ``read`` makes of what the page has ``given`` the request and what was shown before, whose clips keep their true
    labels; ``put`` makes of what is drawn the values of the page.
    """
    request, before = read(given)
    count = len(request.files)
    began = shown = _with_true_labels_alone(before)
    if count:
        yield put(draw(shown, above=busy(f"Looking at {count} clips…" if count > 1 else "Looking at the clip…")))
    try:
        for results in studio.recognition.answers(request, pictures=True):
            shown = _recalled(began, results)
            done = len(results.clips)
            if done < count and done > BLOCKS and done % max(1, count // _PACE):
                continue
            above = busy(f"{done} of {count} clips seen…") if done < count else ""
            yield put(draw(shown, above=above, growing=done < count))
    except Exception as exc:
        fault = fault_html(exc)
        yield put(replace(draw(shown, above=fault), fault=fault))


class Newest:
    """Of the answers that a browser tab has asked for, only the newest is drawn; an older one ends where it is."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, object] = OrderedDict()

    def alone(self, key: str, pages: Iterator[Any]) -> Iterator[Any]:
        """``pages``, until the tab with ``key`` asks again."""
        mine = self._asked[key] = object()
        self._asked.move_to_end(key)
        while len(self._asked) > MOST_VISITS:
            self._asked.popitem(last=False)
        for page in pages:
            if key and self._asked.get(key, mine) is not mine:
                return
            yield page


def with_true_label(shown: Shown, clip: object, label: object) -> Shown:
    """The same with one true label set, or taken away where ``label`` is empty."""
    if shown.results is None or not isinstance(clip, int) or not 0 <= clip < len(shown.results.clips):
        return shown
    truth = {number: text for number, text in shown.truth.items() if number != clip}
    text = " ".join(str(label).split())
    return replace(shown, truth=truth | ({clip: text} if text else {}))


def with_true_labels(shown: Shown, lines: str) -> Shown:
    """The same with the true labels in ``lines`` of ``file,label`` beside those that are there."""
    if shown.results is None:
        return shown
    found = read_true_labels(lines, shown.results)
    return replace(shown, truth={**shown.truth, **found.labels}, faults=found.faults, lines=lines, asked=found.asked)


def read_lines(file: str | None) -> str:
    """The text of an uploaded list, in UTF-8 or, as Excel's "Unicode text", in UTF-16; other bytes do no harm."""
    if not file:
        return ""
    with open_ordinary(file) as stream:
        content = stream.read(MOST_CSV_BYTES)
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig", "replace")


def _with_true_labels_alone(shown: Shown) -> Shown:
    """Nothing but the true labels of ``shown``, also of clips that were taken off the list before."""
    kept: dict[str, tuple[str, ...]] = dict(shown.kept)
    if shown.results is not None:
        fresh: dict[str, list[str]] = {}
        for number, path in enumerate(shown.results.paths):
            if path:
                fresh.setdefault(path, []).append(shown.truth.get(number, ""))
        kept |= {path: tuple(labels) for path, labels in fresh.items()}
    return Shown(lines=shown.lines, kept=kept)


def _recalled(began: Shown, results: Results) -> Shown:
    """``results`` with the true labels that were given before: by hand, or in lines that name a clip which is new."""
    found = read_true_labels(began.lines, results) if began.lines else TrueLabels()
    truth: dict[int, str] = {}
    times: Counter[str] = Counter()
    for number, path in enumerate(results.paths):
        labels = began.kept.get(path, ())
        if times[path] < len(labels):
            truth[number] = labels[times[path]]
        else:
            truth[number] = found.labels.get(number, "")
        times[path] += 1
    given = {number: label for number, label in truth.items() if label}
    return replace(began, results=results, truth=given, asked=found.asked)


def clicked(studio: Studio, shown: Shown, asked: Mapping[str, Any]) -> Iterator[Shown]:
    """What a click on a clip's block does: another page of clips, reasons closed, or reasons asked for."""
    if shown.results is None:
        return
    page, close = asked.get("page"), asked.get("close")
    if isinstance(page, int):
        yield replace(shown, page=max(0, page))
    elif asked.get("keep"):
        yield replace(shown, told=kept_html(studio, shown.results))
    elif isinstance(close, int):
        yield replace(shown, reasons={clip: html for clip, html in shown.reasons.items() if clip != close})
    else:
        wanted = question(shown.results, asked)
        if wanted is not None:
            yield from asking_why(studio, shown, shown.results, wanted)


def kept_html(studio: Studio, results: Results) -> str:
    """The clips kept for review, and the way there; or why they could not be."""
    said = attempt(lambda: studio.waiting.keep(results))
    return said + '<p><a class="small button" href="./review?show=waiting">Review them</a></p>'


def asking_why(studio: Studio, shown: Shown, results: Results, asked: Question) -> Iterator[Shown]:
    """The page with the reasons coming in: first those in the clip, then the words of the bundle's tokens."""
    titles = [ZERO_SHOT, *([results.bundles[asked.place - 1]] if asked.place else [])]
    labels = check_labels(results.labels)[0]
    html = partial(reasons_html, asked, results.backbone, titles=titles, labels=labels)

    def put(text: str) -> Shown:
        return replace(shown, reasons={**shown.reasons, asked.clip: text})

    yield put(html(message=busy("Finding which frames and which parts moved the score…")))
    try:
        found = studio.explanations.explain(results, asked)
        files = results.pictures or PictureFiles(studio)
        name = f"why-{secrets.token_hex(4)}"  # a browser may still have the pictures of an earlier question
        drawn = studio.explanations.overlays(found)
        written = [files.write(f"{name}-{number}", frames, _OVERLAY_PX) for number, frames in enumerate(drawn)]
        overlays = [[files.address(file) for file in several] for several in written]
        yield put(html(found, overlays=overlays, reading=bool(asked.place)))
        if asked.place:
            tokens = studio.explanations.read_tokens(results, asked)
            yield put(html(found, overlays=overlays, tokens=tokens))
    except Exception as exc:
        yield put(html(message=fault_html(exc)))


_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class Left:
    """What the page held: the controls' values by name, and the answer."""

    values: dict[str, Any] = field(default_factory=dict)
    shown: Shown = field(default_factory=Shown)

    @property
    def clips(self) -> int:
        """How many clips were answered for."""
        return len(self.shown.results.clips) if self.shown.results else 0


class Visits:
    """What was left in the browser's tabs that were used last."""

    def __init__(self, most: int = MOST_VISITS, most_clips: int = MOST_CLIPS) -> None:
        self._most, self._most_clips = most, most_clips
        self._left: OrderedDict[str, Left] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: str, **held: Any) -> None:
        """Remember ``values`` of the controls or what is ``shown`` in the tab with ``key``; no labels too long."""
        too_long = len(str(held.get("values", {}).get("labels"))) > MOST_KEPT_SIGNS
        if too_long or not _KEY.fullmatch(key or ""):
            return
        with self._lock:
            self._left[key] = replace(self._left.get(key, Left()), **held)
            self._left.move_to_end(key)
            while len(self._left) > self._most:
                self._left.popitem(last=False)
            clips = 0
            for one in reversed(self._left):
                clips += self._left[one].clips
                if clips > self._most_clips:
                    self._left[one] = replace(self._left[one], shown=Shown())

    def add_clip(self, key: str, added: Callable[[list[str]], list[str] | None], **values: Any) -> int:
        """Leave one clip more in the tab with ``key``: what ``added`` makes of its clips; gives how many there are.

        ``values`` take the place of those of the same name. Raises what ``added`` raises.
        """
        before = self.recall(key)
        files = added([*(before.values.get("files") or ())]) or []
        self.keep(key, values={**before.values, **values, "files": files})
        return len(files)

    def recall(self, key: str) -> Left:
        """What the tab with ``key`` held; nothing for one that is not known."""
        with self._lock:
            return self._left.get(key or "", Left())


VISITS = Visits()
"""What the tabs of this process's pages hold: their keys are random, and nobody else's."""
