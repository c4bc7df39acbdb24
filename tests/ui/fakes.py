"""Small services that know nothing of video but keep every promise of their protocols."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from ga2app.datasets.annotation_clocks import ClipClock, clock_of
from ga2app.datasets.annotation_records import Mark
from ga2app.errors import BundleError, ClipError, DatasetError, LabelError, LanguageModelError
from ga2app.inference.explanations import (
    ClipExplanation,
    FrameShare,
    ModelExplanation,
    Reading,
    Relative,
    Relatives,
    SaliencyMap,
    TokenKind,
    TokenWords,
    Word,
)
from ga2app.inference.live_clip import LiveClip
from ga2app.services.forecast import Basis, Estimate, PastPace, Workload
from ga2app.services.recognizers import OwnRecognizer
from ga2app.stretches import file_of
from ga2app.types import (
    NONE_OF_THESE,
    AnchorClip,
    AnchorKind,
    Answer,
    ClipFacts,
    ClipRating,
    ClipRatings,
    Curve,
    FrameScore,
    LabelKind,
    MadeClip,
    MadeClips,
    NoneOfThese,
    NoneWay,
    Progress,
    ProposalKind,
    Recognition,
    RecognitionRequest,
    RecognizedClip,
    Score,
    Sliding,
    TextProposal,
    TextRating,
    TextRatings,
    TimedLabels,
    Verdict,
)

FRAMES = 8


class FakeRecognizer:
    """Zero-shot CLIP likes the first label best, a bundle likes the label that the file name holds.

    A clip whose name holds "broken" cannot be read; one whose name holds "scene" is none of these, where that was
    asked for, and a threshold of more than 0.5 is above every clip; a bundle whose folder holds "alien" fits no
    backbone; a label "boom" is a bug.
    """

    def __init__(self, base: Sequence[str] = ()) -> None:
        self.base = set(base)
        self.asked: list[tuple[Any, ...]] = []
        self.none_of_these: list[NoneOfThese | None] = []

    def warm(self, backbone: str) -> None:
        self.warmed = backbone

    @cached_property
    def models(self) -> Any:
        """Real ones: what is looked at in the background is looked at."""
        from ga2app.inference import ModelCache

        return ModelCache()

    def live(self, request: RecognitionRequest, before: LiveClip | None = None) -> LiveClip:
        """A camera is followed by the real models: what it shows pretends enough."""
        return OwnRecognizer.live(cast(OwnRecognizer, self), request, before)

    def recognize(self, request: RecognitionRequest) -> Recognition:
        labels, bundles, backbone = list(request.labels), [*(request.bundles or ())], request.backbone or ""
        self.asked.append(
            (tuple(request.files), tuple(labels), backbone, tuple(bundles), request.templates, request.top_k)
        )
        none_of_these = request.none_of_these
        self.none_of_these.append(none_of_these)
        if len(labels) < 2:
            raise LabelError(f"'{labels[0]}' is the only label; add at least one other to compare with")
        if any("alien" in folder for folder in bundles):
            raise BundleError("bundle 'alien' belongs to backbone 'other'; choose that backbone or another bundle")
        if "boom" in labels:
            raise ZeroDivisionError("a bug")
        names = list(dict.fromkeys(labels))
        clips = tuple(self._clip(path, names, bundles, request.top_k, none_of_these) for path in request.files)
        unknown = [label for label in labels if not label.isascii()]
        notes = (f"backbone '{backbone}' does not know: {', '.join(unknown)}",) if unknown else ()
        return Recognition(backbone, clips, notes)

    def over_time(
        self, request: RecognitionRequest, sliding: Sliding, most_frames: int
    ) -> Generator[float, None, TimedLabels]:
        """The first label in the first half of four seconds, the second one in the other."""
        self.asked.append((tuple(request.files), tuple(request.labels), request.backbone, sliding, most_frames))
        if "broken" in request.files[0]:
            raise ClipError(Path(request.files[0]).name, "it has no video", "choose another file")
        yield 0.5
        first, second, *_ = labels = tuple(request.labels)
        rows = np.full((5, len(labels)), 0.05, np.float32)
        rows[:3, 0], rows[3:, 1] = 0.9, 0.8
        found = TimedLabels(request.files[0], request.backbone or "", None, labels, 0.0, 4.0, 2.0, 0.5,
                            np.arange(5) * 0.5, rows)  # fmt: skip
        return found.with_rules(sliding.rules)

    def _clip(
        self, path: str, labels: list[str], bundles: list[str], top_k: int, asked: NoneOfThese | None
    ) -> RecognizedClip:
        name = Path(path).stem
        if "broken" in name:
            return RecognizedClip(path, error=f"clip '{Path(path).name}': it has no video; choose another file")
        seen = next((label for label in labels if label.replace(" ", "-") in name), labels[-1])
        frames = tuple(np.full((48, 64, 3), 30 * i, np.uint8) for i in range(FRAMES))
        answers = [self._answer(name, labels, labels[0], top_k, None, asked)]
        answers += [self._answer(name, labels, seen, top_k, folder, asked) for folder in bundles]
        return RecognizedClip(path, None, tuple(answers), frames)

    def _answer(
        self, name: str, labels: list[str], best: str, top_k: int, bundle: str | None, asked: NoneOfThese | None
    ) -> Answer:
        scores = self._ranked(labels, best, top_k)
        timeline = tuple(FrameScore(4 * i, best if i > 1 else labels[-1], 0.8) for i in range(FRAMES))
        curves = tuple(Curve(score.label, (score.score,) * FRAMES) for score in scores[:3])
        verdict = None
        if asked is not None:
            wins = "scene" in name
            verdict = Verdict(
                asked.way, asked.least_of(None), 0.2 if wins else 0.5, (asked.negatives or ("",))[0], 0.3, wins
            )
            if asked.way is NoneWay.COMPETE:
                scores = (*scores, Score(NONE_OF_THESE, 0.3, LabelKind.NEGATIVE))
        return Answer(scores, bundle, timeline, curves, verdict)

    def _ranked(self, labels: list[str], best: str, top_k: int) -> tuple[Score, ...]:
        order = [best, *(label for label in labels if label != best)]
        shares = [0.5**place for place in range(1, len(order) + 1)]
        kinds = [LabelKind.BASE if label in self.base else LabelKind.NOVEL for label in order]
        ranked = zip(order, shares, kinds, strict=True)
        return tuple(Score(label, share / sum(shares), kind) for label, share, kind in ranked)[:top_k]


def _token(place: int, reading: Reading, *said: tuple[str, float]) -> TokenWords:
    words = tuple(Word(text, True, cosine, 1.0) for text, cosine in said)
    return TokenWords(TokenKind.SOFT, place, 1.0, words, words[0], 0.2, reading)


class FakeExplainer:
    """Finds that the first frame speaks for every label and the others say nothing; a label "boom" is a bug."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.templates: tuple[str, ...] = ()

    def explain(
        self,
        path: str,
        labels: Sequence[str],
        label: str,
        *,
        backbone: str,
        bundle: str | None = None,
        anchors: Sequence[AnchorClip] = (),
        negatives: Sequence[str] = (),
        template: str | Sequence[str] | None = None,
        descriptions: Mapping[str, Sequence[str]] | None = None,
    ) -> ClipExplanation:
        self.asked.append((path, tuple(labels), label, backbone, bundle, tuple(anchors), tuple(negatives)))
        self.templates = tuple(template or ())
        if label == "boom":
            raise ZeroDivisionError("a bug")
        rival = next(other for other in labels if other != label)
        frames = tuple(FrameShare(4 * place, 1.5 if not place else -0.1, 0.0) for place in range(FRAMES))
        cells = np.ones((FRAMES, 2, 2), np.float32)
        near = Relatives(
            tuple(Relative(anchor.caption, 0.2) for anchor in anchors[:3]),
            tuple(Relative(text, 0.1) for text in negatives[:3]),
            0.3,
        )
        model = ModelExplanation(0.6, 2.0, rival, frames, SaliencyMap("occlusion", cells, cells[0]), near)
        pictures = np.full((FRAMES, 32, 32, 3), 120, np.uint8)
        return ClipExplanation(path, backbone, label, "margin", pictures, model, model if bundle else None)

    def read_tokens(self, *, backbone: str, bundle: str) -> Sequence[TokenWords]:
        return (
            _token(1, Reading.WORD, ("ladder", 0.31), ("<b>rope", 0.2)),
            _token(2, Reading.NOISE, ("else", 0.1)),
        )


GO_ON = "go-on"
"""The file beside a clip called "slow" that ends the wait for its picture."""


class FakeInspector:
    """Takes any file with bytes for a clip; a name with "broken" cannot be read, one with "tiny" earns a warning.

    The picture of one with "slow" takes until there is a file ``GO_ON`` beside it.
    """

    def __init__(self) -> None:
        self.opened: list[str] = []

    def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
        self._open(path)
        if picture is not None:
            self.thumbnail(path, picture)
        warnings = ("its picture is tiny: use a larger one",) if "tiny" in Path(path).name else ()
        return ClipFacts(2.0, 16, 64, 48, warnings)

    def inspect_stretches(self, addresses: Sequence[str], pictures: Sequence[Path | None]) -> list[ClipFacts]:
        return [self.inspect(*one) for one in zip(addresses, pictures, strict=True)]

    def inspect_marks(
        self, path: str, marks: Sequence[Mark], picture: Callable[[str], Path | None]
    ) -> tuple[ClipClock, dict[str, ClipFacts | ClipError]]:
        return clock_of(path, marks), {}

    def thumbnail(self, path: str, out: Path, px: int = 160) -> None:
        self._open(path)
        deadline = time.monotonic() + 30
        while "slow" in Path(path).name and not Path(path).with_name(GO_ON).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        out.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (px, px), (40, 90, 160)).save(out)

    def preview(self, path: str, out: Path, px: int = 240) -> None:
        self._open(path)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out)

    def _open(self, path: str) -> None:
        self.opened.append(path)
        path = file_of(path)
        name = Path(path).name
        if not Path(path).is_file():
            raise ClipError(name, "there is no such file", "check the path")
        if "broken" in name or not Path(path).stat().st_size:
            raise ClipError(name, "it has no video", "choose another file")


class FakeAdvisor:
    """A clip is relevant if a word of a label is in its file's name, and more irrelevant the longer that name is.

    A name with "broken" cannot be read. A text is close to a label by the share of its words that the label has.
    """

    def __init__(self, logged_in: bool = False) -> None:
        self.logged_in = logged_in
        self.asked: list[str] = []

    def irrelevance(
        self, pool: Sequence[AnchorClip], labels: Sequence[str], *, backbone: str, progress: Progress | None = None
    ) -> ClipRatings:
        self.asked.append("irrelevance")
        rated, faults = [], []
        for number, path in enumerate(dict.fromkeys(clip.path for clip in pool), 1):
            if "broken" in Path(path).name:
                faults.append(f"clip '{Path(path).name}': it has no video; choose another file")
            else:
                rated.append(self._rate(path, "", labels))
            if progress:
                progress(number, len(pool))
        if not rated:
            raise DatasetError(f"none of the {len(pool)} clips of the pool can be read")
        return ClipRatings(tuple(rated), tuple(faults))

    def choose(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        progress: Progress | None = None,
    ) -> ClipRatings:
        rated = self.irrelevance(pool, labels, backbone=backbone, progress=progress)
        captions = {clip.path: clip.caption for clip in pool}
        best = sorted(rated.clips, key=lambda one: -one.irrelevance)[:count]
        said = tuple(replace(one, caption=captions[one.path] or "something else") for one in best)
        return replace(rated, clips=said)

    def make(
        self, paths: Sequence[str], folder: Path, kinds: Sequence[AnchorKind], *, progress: Progress | None = None
    ) -> MadeClips:
        made, faults = [], []
        for path in paths:
            if "broken" in Path(path).name:
                faults.append(f"clip '{Path(path).name}': it has no video; choose another file")
                continue
            for kind in kinds:
                out = folder / kind.value / Path(path).name
                out.parent.mkdir(parents=True, exist_ok=True)
                out.write_bytes(Path(path).read_bytes() + kind.value.encode())
                made.append(
                    MadeClip(str(out), f"made: {kind.value}", kind, path, 0.9 if kind is AnchorKind.AWAY else None)
                )
        return MadeClips(tuple(made), tuple(faults))

    def text_similarity(self, texts: Sequence[str], labels: Sequence[str], *, backbone: str) -> TextRatings:
        self.asked.append("text_similarity")
        rated = []
        for text in texts:
            words = set(text.split())
            shares = {label: len(words & set(label.split())) / len(words) for label in labels}
            nearest = max(shares, key=lambda label: shares[label])
            rated.append(TextRating(text, shares[nearest], nearest, shares[nearest] >= 0.5))
        return TextRatings(tuple(rated), 0.5)

    def suggest(
        self,
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        kind: ProposalKind,
        language_model: str | None = None,
    ) -> list[TextProposal]:
        if language_model == "nobody/home":
            raise LanguageModelError("language model 'nobody/home' is not served; choose another")
        source = language_model or "seeds"
        return [TextProposal(f"{kind.value} {n} of {source}", kind, 1.0 - n / 10, labels[0]) for n in range(count)]

    def login(self) -> bool:
        return self.logged_in

    def _rate(self, path: str, caption: str, labels: Sequence[str]) -> ClipRating:
        name = Path(path).stem.replace("-", " ").replace("_", " ")
        near = next((label for label in labels if set(label.split()) & set(name.split())), None)
        return ClipRating(path, caption, 0.1 if near else min(0.5 + len(name) / 100, 0.95), near or labels[0])


class FakeEstimator:
    """A tenth of a second a step and a megabyte a frame; "measuring" while ``ready`` is not set.

    A backbone called "away" is not here.
    """

    def __init__(self, ready: bool = True, free_bytes: int = 8 << 30) -> None:
        self.ready, self.free_bytes = ready, free_bytes
        self.asked: list[Workload] = []

    def estimate(self, work: Workload, past: Sequence[PastPace] = ()) -> Estimate:
        self.asked.append(work)
        if work.backbone == "away":
            return Estimate(Basis.UNKNOWN, note="unknown until 'away' is on this machine")
        if not self.ready:
            return Estimate(Basis.MEASURING)
        return Estimate(
            basis=Basis.RUNS if past else Basis.MEASURED,
            preparing_s=2.0,
            training_s=0.1 * work.steps,
            measuring_s=0.01 * work.measured_clips,
            peak_bytes=(work.batch + work.anchors_a_step) * work.frames << 20,
            free_bytes=self.free_bytes,
            runs=tuple(pace.run_id for pace in past),
        )
