"""What a recognition answers, and how it may be asked for "none of these"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE_OF_THESE = "none of these"
"""What stands in the place of a label where a clip shows none of them."""


class LabelKind(StrEnum):
    """Where a label comes from: trained on by the bundle, typed by the user, or a negative prompt."""

    BASE = "base"
    NOVEL = "novel"
    NEGATIVE = "negative"


@dataclass(frozen=True)
class Score:
    """One label's probability for a clip.

    Args:
        label: as it was given.
        score: its part of the softmax over all labels, from 0 to 1.
        kind: "base" (the bundle was trained on it), "novel" (it was not), or "negative" (none of these).
        understood: False where the backbone's tokenizer knows none of its words: it takes no part, and its score of 0
            says nothing.

    Example:
        >>> from ga2app.types import Score
        >>> Score("riding a bicycle", 0.81).to_dict()
        {'label': 'riding a bicycle', 'score': 0.81, 'kind': 'novel'}
    """

    label: str
    score: float
    kind: LabelKind = LabelKind.NOVEL
    understood: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the command line and the endpoints answer."""
        told = {"label": self.label, "score": self.score, "kind": self.kind.value}
        return told if self.understood else told | {"understood": False}


@dataclass(frozen=True)
class FrameScore:
    """What one sampled frame alone looks like: its number in the clip and its best label."""

    index: int
    label: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"index": self.index, "label": self.label, "score": self.score}


@dataclass(frozen=True)
class Curve:
    """One label over the sampled frames: its probability in each of them alone."""

    label: str
    probabilities: tuple[float, ...]


class NoneWay(StrEnum):
    """What the negative prompt nearest to a clip does; the others do not count, so that their number does not matter.

    ``compete``: it stands beside the labels and takes its part of the softmax; the clip is none of these when it wins.
    ``threshold``: the softmax is over the labels, and the best one alone is then compared with it.
    """

    COMPETE = "compete"
    THRESHOLD = "threshold"


DEFAULT_THRESHOLDS = {NoneWay.COMPETE: 0.0, NoneWay.THRESHOLD: 0.5}
"""Both say the same: nearer to the clip than every negative prompt."""


@dataclass(frozen=True)
class NoneOfThese:
    """How a clip that shows none of the labels is rejected: by ``negatives``, texts that stand for anything else.

    ``threshold``, between 0 and 1, is what the best label has to reach: its probability where negatives compete, else
    its probability against the nearest negative alone. None takes, for ``threshold``, what a bundle's run chose from
    data, and else the way's own, see ``DEFAULT_THRESHOLDS``. In a request, negatives that are None are
    those of the studio's ``group``, or of all its groups, that are switched on. ``shipped`` are negatives that nobody
    here wrote: those that a backbone does not know are left out without a note.
    """

    negatives: tuple[str, ...] | None = None
    way: NoneWay = NoneWay.COMPETE
    threshold: float | None = None
    shipped: frozenset[str] = frozenset()
    group: str | None = None

    def least_of(self, chosen: float | None) -> float:
        """The threshold that counts: the one asked for, the one ``chosen`` from data, or the way's own."""
        own = DEFAULT_THRESHOLDS[self.way] if chosen is None or self.way is NoneWay.COMPETE else chosen
        return own if self.threshold is None else self.threshold


@dataclass(frozen=True)
class RecognitionRequest:
    """What is to be recognized, as every door asks it.

    ``labels`` are a list, or a text that ``labels.parse_labels`` reads. ``bundles`` are keys of the library, one or
    several, and folders once the request has been resolved; ``templates`` are sentences round a label for zero-shot
    CLIP, in a list or one a line. Without a ``backbone`` the studio's first one recognizes. ``descriptions`` of labels
    are a mapping, or lines like "label: sentence", beside those of the bundles; None: names alone. ``stretch`` is the
    part of every file that is looked at, "12,15.5" from 12 s to before 15.5 s; empty for all of it.
    """

    files: Sequence[str]
    labels: str | Sequence[str]
    bundles: str | Sequence[str] | None = None
    backbone: str | None = None
    templates: str | Sequence[str] | None = None
    top_k: int = 5
    none_of_these: NoneOfThese | None = None
    descriptions: str | Mapping[str, Sequence[str]] | None = None
    stretch: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a clip shows none of the labels, according to one classifier.

    ``reached`` is what the best label has of what ``NoneOfThese.threshold`` asks for; ``negative`` is the negative
    prompt nearest to the clip, ``against`` its probability, and ``wins`` says whether it is nearer than every label.
    """

    way: NoneWay
    threshold: float
    reached: float
    negative: str
    against: float
    wins: bool

    @property
    def none(self) -> bool:
        return self.reached < self.threshold or (self.way is NoneWay.COMPETE and self.wins)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "none": self.none,
            "reached": self.reached,
            "threshold": self.threshold,
            "negative": self.negative,
            "negative_share": self.against,
        }


@dataclass(frozen=True)
class Answer:
    """What one classifier, zero-shot CLIP or a bundle, predicts for a clip.

    Args:
        scores: the labels, best first; where negative prompts compete, the nearest is among them as "none of these".
        bundle: the bundle's folder; None for zero-shot CLIP.
        timeline: the best label of each of the T sampled frames.
        curves: the probabilities of the best labels in each of the T frames, and of "none of these" where it competes.
        verdict: whether the clip shows none of the labels; None where nobody asked.
        temperature: what the logits were divided by before they became probabilities, which changes no order; 1 for
            zero-shot CLIP, and for bundles that bring none.

    Example:
        >>> from ga2app.types import Answer, Score
        >>> Answer((Score("walking", 0.7), Score("running", 0.3))).said
        'walking'
    """

    scores: tuple[Score, ...]
    bundle: str | None = None
    timeline: tuple[FrameScore, ...] = ()
    curves: tuple[Curve, ...] = ()
    verdict: Verdict | None = None
    temperature: float = 1.0

    @property
    def best(self) -> Score | None:
        """The best of the labels, whatever negatives say."""
        return next((score for score in self.scores if score.kind is not LabelKind.NEGATIVE), None)

    @property
    def none(self) -> bool:
        """Whether the clip is none of these."""
        return self.verdict is not None and self.verdict.none

    @property
    def said(self) -> str:
        """The answer in a word: the best label, or "none of these"."""
        return NONE_OF_THESE if self.none else self.best.label if self.best else ""

    def with_threshold(self, threshold: float) -> Answer:
        """The same answer with another threshold, from 0 to 1, for "none of these"; nothing is computed anew."""
        return self if self.verdict is None else replace(self, verdict=replace(self.verdict, threshold=threshold))


@dataclass(frozen=True)
class RecognizedClip:
    """The answers for one clip.

    Args:
        file: its path, as it was given.
        error: why it could not be read; such a clip has nothing else. None where it was read.
        answers: of zero-shot CLIP and, after it, of each bundle.
        thumbnails: the T sampled frames, each uint8 (H, W, 3), small.
        pictures: in their place the files that they were written to.

    Example:
        >>> from ga2app.types import Answer, RecognizedClip, Score
        >>> clip = RecognizedClip("a.mp4", answers=(Answer((Score("walking", 0.7), Score("running", 0.3))),))
        >>> clip.plain[0].label, clip.bundle
        ('walking', None)
    """

    file: str
    error: str | None = None
    answers: tuple[Answer, ...] = ()
    thumbnails: tuple[NDArray[np.uint8], ...] = ()
    pictures: tuple[str, ...] = ()

    @property
    def plain(self) -> tuple[Score, ...]:
        """The scores of zero-shot CLIP, best first; empty for a clip that could not be read."""
        return self.answers[0].scores if self.answers else ()

    @property
    def bundles(self) -> tuple[Answer, ...]:
        """The bundles' answers."""
        return self.answers[1:]

    @property
    def bundle(self) -> tuple[Score, ...] | None:
        """The first bundle's scores, best first; None without a bundle."""
        return self.bundles[0].scores if self.bundles else None

    @property
    def timeline(self) -> tuple[FrameScore, ...]:
        """The best label of each sampled frame, by the first bundle where there is one."""
        return self.answers[:2][-1].timeline if self.answers else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as command line and endpoint answer; ``none_of_these`` is null unless asked for."""
        plain = self.answers[0].verdict if self.answers else None
        return {
            "file": self.file,
            "error": self.error,
            "plain": [score.to_dict() for score in self.plain],
            "bundle": None if self.bundle is None else [score.to_dict() for score in self.bundle],
            "bundles": [
                {
                    "bundle": answer.bundle,
                    "temperature": answer.temperature,
                    "scores": [score.to_dict() for score in answer.scores],
                    "none_of_these": answer.verdict and answer.verdict.to_dict(),
                }
                for answer in self.bundles
            ],
            "none_of_these": plain and plain.to_dict(),
        }


@dataclass(frozen=True)
class Recognition:
    """What ``Recognizer.recognize`` answers.

    Args:
        backbone: the name of the CLIP that recognized.
        clips: one entry a clip, in the order of the request.
        notes: what weakens the answer, in sentences: words that the backbone does not know, HDR that was converted, …
        descriptions: the sentences by label, or by negative prompt, that were averaged with the name.

    Example:
        >>> from ga2app import Recognizer
        >>> answer = Recognizer("sketch").recognize(["clip.mp4"], ["jumping", "dancing", "skydiving"])
        >>> answer.notes[0][:46]
        "backbone 'sketch' knows no word of 'skydiving'"
    """

    backbone: str
    clips: tuple[RecognizedClip, ...]
    notes: tuple[str, ...] = ()
    descriptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
